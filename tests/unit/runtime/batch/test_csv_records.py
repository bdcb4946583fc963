"""CSV is cut where its records end, wherever the blocks that are read end."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from podium.runtime.batch import csv_records
from podium.runtime.batch.csv_records import RecordReader

CELLS = st.text(alphabet='ab,"\n\r é', max_size=6)
TABLES = st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=8)


def cut(folder: Path, text: str, rows: int) -> list[list[str]]:
    """Return all records as they are cut, each parsed alone."""
    path = folder / "t.csv"
    path.write_text(text, newline="")
    found = []
    for chunk in RecordReader(path).chunks(rows):
        start = 0
        for stop, end in zip(chunk.stops.tolist(), chunk.ends.tolist(), strict=True):
            record = bytes(chunk.text[start:stop]).decode()
            found += list(csv.reader(io.StringIO(record, newline="")))
            start = end
    return found


# Python's writer leaves a CR or LF unquoted that is no part of its line end: what it then writes is another table
DIALECTS = st.sampled_from(
    [("\n", csv.QUOTE_ALL), ("\r\n", csv.QUOTE_ALL), ("\r", csv.QUOTE_ALL), ("\r\n", csv.QUOTE_MINIMAL)]
)


@given(TABLES, DIALECTS, st.booleans())
@settings(max_examples=300, deadline=None)
def test_every_record_is_found_whatever_is_quoted_in_it(
    tmp_path_factory: pytest.TempPathFactory, table: list[tuple[str, str]], dialect: tuple[str, Any], ended: bool
) -> None:
    line, quoting = dialect
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=line, quoting=quoting).writerows([("x", "y"), *table])
    content = text.getvalue() if ended else text.getvalue().removesuffix(line)
    folder = tmp_path_factory.mktemp("csv")
    for rows in (1, 3, 100):
        assert cut(folder, content, rows) == [list(row) for row in table]


@pytest.mark.parametrize("block", [1, 2, 3, 7, 16])
def test_no_border_of_a_block_falls_into_a_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    monkeypatch.setattr(csv_records, "_FIRST_BLOCK", block)
    text = 'x,y\r\n1,"a\r\n""b"", c"\r\n\r\n2,5" pipe\r\n"3",\r\n4,"é\n"'
    expected = [["1", 'a\r\n"b", c'], ["2", '5" pipe'], ["3", ""], ["4", "é\n"]]
    for rows in (1, 2, 100):
        assert cut(tmp_path, text, rows) == expected
