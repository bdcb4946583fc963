"""CSV: the signature's columns in its types, all others as the text they are; without a signature, by a survey."""

import contextlib
import functools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
from mlflow.types import Schema

from podium.runtime.batch.csv_records import RecordReader, Records
from podium.runtime.batch.csv_survey import Survey, without_zones
from podium.runtime.batch.expected_columns import Expected, expected_columns
from podium.runtime.batch.failures import Unfit, Unreadable
from podium.runtime.batch.fitting import Place, converted, fitted, from_text
from podium.runtime.batch.parquet_input import as_it_is
from podium.runtime.batch.table import Chunk

_SURVEY_ROWS = 50_000
_BLOCK = 1024 * 1024  # bytes that one thread converts at once
_TEXT = pa.string()
_SEPARATORS = {
    ";": "semicolons",
    "\t": "tabs",
    "|": "bars",
}  # of spreadsheets where the comma is in numbers, and others


class CsvInput:
    """Read record by record: what is not the model's is never parsed where the output is CSV too."""

    def __init__(self, path: Path, schema: Schema | None, *, typed: bool) -> None:
        self._path, self._typed = path, typed
        self._reader = RecordReader(path)
        self.names = self._reader.names
        self.rows: int | None = None
        self._refuse_other_separators(schema)
        self._wanted = expected_columns(schema, self.names, path)
        self._types = dict.fromkeys(self.names, _TEXT)
        self._slow: set[str] = set()  # columns of numbers in which something else stands for a missing one
        self._naive: set[str] = set()
        self._gaps: set[str] = set()
        self._decide()

    def _refuse_other_separators(self, schema: Schema | None) -> None:
        """Raises Unfit: the header is one cell that holds what other tools put between cells."""
        found = next((name for sign, name in _SEPARATORS.items() if sign in self.names[0]), None)
        if found and len(self.names) == 1 and schema is not None and len(schema.inputs) > 1:
            raise Unfit(
                f"{self._path}: expected {len(schema.inputs)} columns between commas, found one whose name holds "
                f"{found}; save the table with commas between its cells"
            )

    def _decide(self) -> None:
        """Decide the types of the whole file before its first chunk is read."""
        if len(set(self.names)) < len(self.names):
            return  # refused by who opens it
        if self._wanted is None:
            survey = Survey(self.names).add(self._texts(self.names))
            self._types, self._gaps = survey.types(), survey.gaps
            return
        self._types |= {each.name: _read_as(each.type) for each in self._wanted}
        times = [each.name for each in self._wanted if each.type is not None and pa.types.is_timestamp(each.type)]
        if self._typed and times:
            self._naive = without_zones(self._texts(times), times)

    def _texts(self, names: list[str]) -> Iterator[pa.Table]:
        before = 0
        for records in self._reader.chunks(_SURVEY_ROWS):
            yield self._parsed(records, dict.fromkeys(names, _TEXT), before)
            before += len(records)

    def chunks(self, rows: int) -> Iterator[Chunk]:
        """Yield chunks of so many records. Raises Unreadable: a record has more or fewer cells than the header."""
        before = 0
        for records in self._reader.chunks(rows):
            table = self._table(records, before)
            lines = None if self._typed else _lines(records)
            yield Chunk(before, len(records), table, lines, self._reader.line_break)
            before += len(records)

    def frame(self, chunk: Chunk) -> pd.DataFrame:
        """Return what the model is asked. Raises Unfit."""
        if self._wanted is None:
            return as_it_is(chunk.table, self._gaps)
        place = Place(self._path, chunk.before)
        columns = {each.name: self._fitted(chunk.table[each.name], each, place) for each in self._wanted}
        found = pa.table(columns).to_pandas(split_blocks=True)
        found.columns = pd.Index([each.label for each in self._wanted])
        return found

    def _fitted(self, column: pa.ChunkedArray, expected: Expected, place: Place) -> pa.ChunkedArray:
        if column.type != _TEXT or expected.type == _TEXT:
            return fitted(column, expected, place)
        return converted(column, functools.partial(from_text, expected=expected.type), expected, place)

    def _table(self, records: Records, before: int) -> pa.Table:
        """Return the columns that are needed: the model's, and all where the output has types."""
        names = self.names if self._typed or not self._wanted else [each.name for each in self._wanted]
        types = {name: _TEXT if name in self._slow else self._types[name] for name in names}
        try:
            table = self._parsed(records, types, before)
        except pa.ArrowInvalid:  # some text among the numbers: missing, or wrong
            table = self._parsed(records, dict.fromkeys(names, _TEXT), before)
        place = Place(self._path, before)
        for number, name in enumerate(names):
            if table[name].type != self._types[name]:
                table = table.set_column(number, name, self._converted(table[name], name, place))
            elif name in self._naive:
                expected = Expected(name, name, pa.timestamp("ns"))
                table = table.set_column(number, name, fitted(table[name], expected, place))
        return table

    def _converted(self, column: pa.ChunkedArray, name: str, place: Place) -> pa.ChunkedArray:
        kind = self._types[name]
        with contextlib.suppress(pa.ArrowInvalid):
            return column.cast(kind)
        self._slow.add(name)
        return converted(column, functools.partial(from_text, expected=kind), Expected(name, name, kind), place)

    def _parsed(self, records: Records, types: dict[str, pa.DataType], before: int) -> pa.Table:
        """Parse some columns of the records. Raises ArrowInvalid: a cell is not of its column's type."""
        quoted = records.quoted
        misshapen: list[tuple[int | None, int]] = []

        def refuse(row: pyarrow.csv.InvalidRow) -> str:
            misshapen.append((row.number, row.actual_columns))
            return "error"

        # Arrow loses a byte where a quoted CR LF lies on the border of two blocks (apache/arrow#51368): quoted text
        # is one block
        block = len(records.text) + 1 if quoted else _BLOCK
        try:
            table = pyarrow.csv.read_csv(
                pa.BufferReader(records.text),
                pyarrow.csv.ReadOptions(
                    column_names=self.names, block_size=min(block, 2**31 - 1), use_threads=not quoted
                ),
                pyarrow.csv.ParseOptions(newlines_in_values=quoted, invalid_row_handler=refuse),
                pyarrow.csv.ConvertOptions(
                    column_types=types,
                    include_columns=list(types),
                    null_values=[""],
                    strings_can_be_null=True,
                    quoted_strings_can_be_null=False,
                ),
            )
        except pa.ArrowInvalid as error:
            if misshapen:
                raise self._ragged(records, before, misshapen[0][1]) from error
            if "invalid UTF8" in str(error):
                raise Unreadable(f"{self._path}: {error}; save the table as UTF-8") from error
            raise
        if table.num_rows != len(records):
            raise Unreadable(f"{self._path}: rows {before + 1:,} to {before + len(records):,}: quotes are not closed")
        return table

    def _ragged(self, records: Records, before: int, cells: int) -> Unreadable:
        """Say which row has too many or too few cells."""
        rows: list[int] = []

        def note(row: pyarrow.csv.InvalidRow) -> str:
            rows.append(row.number)
            return "skip"

        with contextlib.suppress(pa.ArrowInvalid):
            pyarrow.csv.read_csv(
                pa.BufferReader(records.text),
                pyarrow.csv.ReadOptions(column_names=self.names, use_threads=False, block_size=2**30),
                pyarrow.csv.ParseOptions(newlines_in_values=True, invalid_row_handler=note),
                pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(self.names, pa.binary())),
            )
        row = f"row {before + rows[0]:,}" if rows and rows[0] else "a row"
        return Unreadable(
            f"{self._path}: {row}: expected {len(self.names)} cells as in the header, found {cells}; "
            "put a cell that holds a comma or a line break between quotes"
        )


def _read_as(kind: pa.DataType | None) -> pa.DataType:
    """Return how a column is read for the output: numbers in full width, what has no form of its own as text."""
    if kind is None:
        return _TEXT
    if pa.types.is_floating(kind):
        return pa.float64()
    if pa.types.is_integer(kind):
        return pa.int64()
    return kind if pa.types.is_boolean(kind) else _TEXT


def _lines(records: Records) -> pa.LargeBinaryArray:
    """Return each record's text, with the line break before it: so they lie in the file, and none is copied."""
    offsets = np.concatenate([[0], records.stops]).astype(np.int64)
    return pa.LargeBinaryArray.from_buffers(
        pa.large_binary(), len(records), [None, pa.py_buffer(offsets), pa.py_buffer(records.text)]
    )
