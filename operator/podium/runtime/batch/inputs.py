"""A table as a stream of chunks, whatever file it is in. Never more than a few chunks are in memory."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pandas as pd
import pyarrow as pa
from mlflow.types import Schema

from podium.runtime.batch.csv_input import CsvInput
from podium.runtime.batch.failures import Unreadable
from podium.runtime.batch.parquet_input import ParquetInput
from podium.runtime.batch.table import Chunk


class Input(Protocol):
    """A table that can be gone through more than once."""

    names: list[str]
    rows: int | None  # where the file says it

    def chunks(self, rows: int) -> Iterator[Chunk]:
        """Yield the table in chunks of so many rows; the last may be shorter. Raises Unreadable, Unfit."""

    def frame(self, chunk: Chunk) -> pd.DataFrame:
        """Return what the model is asked of a chunk. Raises Unfit: it is not what the signature says."""


def open_input(path: Path, schema: Schema | None, *, typed: bool) -> Input:
    """Open a table by its suffix; `typed` says that the output needs its columns' types, not only their text.

    Raises Unreadable: it is not there, or neither CSV nor Parquet. Raises Unfit: a column is missing.
    """
    try:
        if path.suffix == ".parquet":
            found: Input = ParquetInput(path, schema)
        elif path.suffix == ".csv":
            found = CsvInput(path, schema, typed=typed)
        else:
            raise Unreadable(f"{path}: expected a name that ends in .csv or .parquet; convert the table")
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:  # the last: names that are no UTF-8
        raise Unreadable(f"{path}: cannot be read ({error}); write the file again") from error
    _require_single(found.names, path)
    return found


def _require_single(names: list[str], path: Path) -> None:
    twice = {
        name: places for name in names if len(places := [n for n, each in enumerate(names, 1) if each == name]) > 1
    }
    for name, places in twice.items():
        found = " and ".join(map(str, places[:5]))
        raise Unreadable(f"{path}: column {name!r} is there {len(places)} times (columns {found}); rename one")
