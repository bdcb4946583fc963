"""Parquet bodies are counted before they unfold."""

import io
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from podium.runtime.faults import TooLarge
from podium.runtime.protocols.parquet import read_parquet
from podium.runtime.protocols.raw import CELLS

LONG = "x" * 1_000_000


def written(table: Any, **how: Any) -> bytes:
    file = io.BytesIO()
    pq.write_table(table, file, **how)
    return file.getvalue()


def test_a_table_reads_as_pandas_reads_it() -> None:
    frame = pd.DataFrame({"a": [1.5, None], "b": ["x", None], "c": pd.Categorical(["u", "v"]), "d": [[1], []]})
    file = io.BytesIO()
    frame.to_parquet(file)
    pd.testing.assert_frame_equal(read_parquet(file.getvalue()), pd.read_parquet(io.BytesIO(file.getvalue())))


@pytest.mark.parametrize(
    "table",
    [
        lambda: pa.table({"n": pa.array([0] * (CELLS + 1), pa.int8())}),
        lambda: pa.table({"l": pa.array([[0] * (CELLS + 1)], pa.list_(pa.int8()))}),
        lambda: pa.table({"t": pa.DictionaryArray.from_arrays(pa.array([0] * 100_000), [LONG])}),
        lambda: pa.table({"t": pa.array([LONG] * 300)}),
        lambda: pa.table({"t": pa.DictionaryArray.from_arrays(pa.array([0] * 100_000), [LONG.encode()])}),
        lambda: pa.table({"l": pa.ListArray.from_arrays([0, 300], pa.array([LONG] * 300))}),
        lambda: pa.table({"s": pa.StructArray.from_arrays([pa.array([LONG] * 300)], ["t"])}),
        lambda: pa.table({"m": pa.MapArray.from_arrays([0, 300], pa.array(range(300)), pa.array([LONG] * 300))}),
        lambda: pa.table({"f": pa.array([b"y" * 1000] * 300_000, pa.binary(1000))}),
    ],
    ids=[
        "values",
        "values of a list",
        "texts of a dictionary",
        "texts",
        "bytes of a dictionary",
        "texts of a list",
        "texts of a struct",
        "texts of a map",
        "bytes of one size",
    ],
)
def test_a_small_file_that_unfolds_to_much_is_refused(table: Any) -> None:
    body = written(table(), compression="zstd")
    assert len(body) < 2_000_000
    with pytest.raises(TooLarge, match="expected a table of at most"):
        read_parquet(body)


def test_bytes_that_are_no_parquet_raise_what_pyarrow_raises() -> None:
    with pytest.raises((ValueError, OSError)):
        read_parquet(b"PAR1nonsensePAR1")
