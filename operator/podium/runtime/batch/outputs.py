"""The output while it is being written, beside its place: whoever reads there sees the old table or the new one."""

import errno
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from podium.runtime.batch import csv_cells
from podium.runtime.batch.failures import Unwritable
from podium.runtime.batch.table import Chunk

Stamps = Mapping[str, str | datetime]


class Output(Protocol):
    """A table that is written once."""

    def write(self, chunk: Chunk, predictions: pa.Table) -> None:
        """Write some rows: the input's columns, the predictions and the stamps, side by side."""

    def close(self) -> None:
        """Write what is held back, and close the file."""


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Say what is the matter with a file that cannot be written. Raises Unwritable."""
    try:
        yield
    except OSError as error:
        full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        what = "free some space" if full else "choose another --output, or mend the folder"
        why = error.strerror or str(error).partition("\n")[0]
        raise Unwritable(f"{path}: cannot be written ({why}); {what}, and run the same command again") from error


class CsvOutput:
    """Rows of a CSV input are carried through as the text they are; all others are written cell by cell."""

    def __init__(self, path: Path, names: Sequence[str], schema: pa.Schema, stamps: Stamps) -> None:
        self._file = path.open("wb")
        self._stamps = b",".join(map(_stamp_cell, stamps.values()))
        self._head: bytes | None = b",".join(map(csv_cells.quoted, [*names, *schema.names, *stamps]))

    def write(self, chunk: Chunk, predictions: pa.Table) -> None:
        """Append the rows of one chunk, as the input wrote them, with their predictions."""
        if self._head is not None:
            self._file.write(self._head + chunk.line_break)
            self._head = None
        predicted = csv_cells.parts(predictions)
        if chunk.lines is None:
            last = pa.scalar(self._stamps + chunk.line_break, csv_cells.CELLS)
            self._file.write(_text(csv_cells.joined([*csv_cells.parts(chunk.table), *predicted, last])))
        else:  # each line but the first begins with the break of the line before it
            last = pa.scalar(self._stamps, csv_cells.CELLS)
            self._file.write(_text(csv_cells.joined([chunk.lines, *predicted, last])))
            self._file.write(chunk.line_break)

    def close(self) -> None:
        """Write what is held back, and close the file."""
        self._file.close()


class ParquetOutput:
    """One row group a chunk. Only texts are worth a dictionary: the stamps repeat in every row."""

    def __init__(self, path: Path, columns: pa.Schema, stamps: Stamps) -> None:
        self._schema = columns
        for name, value in stamps.items():
            self._schema = self._schema.append(pa.field(name, _stamp_type(value)))
        self._stamps = [pa.scalar(value, _stamp_type(value)) for value in stamps.values()]
        texts = [each.name for each in columns if pa.types.is_string(each.type) or pa.types.is_timestamp(each.type)]
        self._writer = pyarrow.parquet.ParquetWriter(
            path, self._schema, compression="snappy", use_dictionary=[*texts, *stamps]
        )

    def write(self, chunk: Chunk, predictions: pa.Table) -> None:
        """Append the rows of one chunk with their predictions, as one row group."""
        stamps = [pa.repeat(value, chunk.rows) for value in self._stamps]
        columns = [*chunk.table.columns, *predictions.columns, *stamps]
        self._writer.write_table(pa.table(columns, schema=self._schema), row_group_size=max(1, chunk.rows))

    def close(self) -> None:
        """Write the footer, and close the file."""
        self._writer.close()


def _stamp_type(value: str | datetime) -> pa.DataType:
    return pa.string() if isinstance(value, str) else pa.timestamp("us", tz="UTC")


def _text(rows: pa.LargeBinaryArray) -> memoryview:
    """Return the text of all rows, one after another, as it lies in memory."""
    _, offsets, data = rows.buffers()
    ends = np.frombuffer(offsets, np.int64)
    return memoryview(data)[ends[rows.offset] : ends[rows.offset + len(rows)]]


def _stamp_cell(value: str | datetime) -> bytes:
    return csv_cells.quoted(value) if isinstance(value, str) else f"{value:%Y-%m-%d %H:%M:%S.%f}Z".encode()
