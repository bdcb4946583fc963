"""The footer of a Parquet file is read without what may end the process."""

import contextlib
import io
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from podium.runtime.batch.failures import ScoreError
from podium.runtime.batch.inputs import open_input
from podium.runtime.protocols.parquet_footer import (
    BYTE_ARRAY,
    FIXED_LEN_BYTE_ARRAY,
    MOST_VALUES,
    chunks,
    footer_in,
)
from tests.unit.runtime.test_parquet import written

TABLES = (
    pa.table({"a": [1.5, None], "b": ["x", None]}),
    pa.table({f"x{number}": np.arange(5.0) for number in range(6)}),
    pa.table({"l": [[1, 2], []], "s": [{"u": 1, "v": "t"}, {"u": 2, "v": None}]}),
    pa.table({"f": pa.array([b"yyyy", b"zzzz"], pa.binary(4))}),
    pa.table({}),
)
HOW: tuple[dict[str, Any], ...] = ({}, {"row_group_size": 1}, {"compression": "none"}, {"write_page_index": True})
KINDS = {"BYTE_ARRAY": BYTE_ARRAY, "FIXED_LEN_BYTE_ARRAY": FIXED_LEN_BYTE_ARRAY}


FILES = [written(table, **how) for table in TABLES for how in HOW]


def changed(seed: int) -> bytes:
    """A file with a byte or a few of its footer changed."""
    drawn = random.Random(seed)
    body = bytearray(drawn.choice(FILES))
    size = int.from_bytes(body[-8:-4], "little")
    for _ in range(drawn.choice([1, 1, 2, 4])):
        place = drawn.randrange(len(body) - 8 - size, len(body) - 8)
        body[place] = drawn.choice([drawn.randrange(256), body[place] ^ (1 << drawn.randrange(8))])
    return bytes(body)


@pytest.mark.parametrize("body", FILES)
def test_it_says_what_pyarrow_says(body: bytes) -> None:
    footer = pq.read_metadata(io.BytesIO(body))
    groups = [footer.row_group(number) for number in range(footer.num_row_groups)]
    for found, known in zip(
        chunks(footer_in(io.BytesIO(body)), MOST_VALUES),
        [group.column(number) for group in groups for number in range(group.num_columns)],
        strict=True,
    ):
        assert (found.path, found.values, found.size) == (
            known.path_in_schema,
            known.num_values,
            known.total_uncompressed_size,
        )
        assert KINDS.get(known.physical_type) == (found.kind if found.kind in KINDS.values() else None)
        counted = known.statistics is not None and known.statistics.has_null_count
        assert found.nulls == (known.statistics.null_count if counted else None)


READS = """
from tests.unit.runtime.test_parquet_footer import changed
from podium.runtime.protocols.parquet import read_parquet
read = 0
for seed in range(3000):
    try:
        read_parquet(changed(seed))
        read += 1
    except Exception:
        pass
print(read)
"""


def test_no_footer_ends_the_process() -> None:
    """One bit of the statistics did: "Definition level histogram size mismatch", and the server was gone."""
    done = subprocess.run([sys.executable, "-c", READS], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert 0 < int(done.stdout) < 3000


def test_a_footer_of_too_many_values_is_refused_before_it_is_read_to_its_end() -> None:
    wide = written(pa.table({f"x{number}": [1.0] for number in range(100)}))
    assert len(chunks(footer_in(io.BytesIO(wide)), MOST_VALUES)) == 100
    with pytest.raises(ValueError, match="too many values"):
        chunks(footer_in(io.BytesIO(wide)), 1000)


@pytest.mark.parametrize("part", range(6))
def test_a_table_to_be_scored_with_a_broken_footer_is_refused_in_words(part: int, tmp_path: Path) -> None:
    path, refused = tmp_path / "in.parquet", 0
    for seed in range(part * 100, part * 100 + 100):
        path.write_bytes(changed(seed))
        with contextlib.suppress(ScoreError):
            open_input(path, None, typed=True)
            refused -= 1
        refused += 1
    assert 0 < refused < 100
