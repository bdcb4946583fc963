"""Tables as streams of Arrow batches: CSV and Parquet, in and out. Never more than a few chunks are in memory."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from mlflow.types import DataType, Schema

ARROW: dict[DataType, pa.DataType] = {
    DataType.double: pa.float64(),
    DataType.float: pa.float32(),
    DataType.long: pa.int64(),
    DataType.integer: pa.int32(),
    DataType.boolean: pa.bool_(),
    DataType.string: pa.string(),
    DataType.datetime: pa.timestamp("ns"),
}


class Unreadable(Exception):
    """A table cannot be read or written; says which and why."""


class Input(Protocol):
    """A table that is read once, from its start."""

    rows: int | None  # where the file says it

    def chunks(self, rows: int) -> Iterator[pa.Table]:
        """Yield the table in chunks of so many rows; the last may be shorter."""


class Output(Protocol):
    """A table that is written once."""

    def write(self, table: pa.Table) -> None: ...

    def close(self) -> None: ...


def open_input(path: Path, schema: Schema | None) -> Input:
    """Open a table by its suffix.

    Raises Unreadable: it is not there, or neither CSV nor Parquet.
    """
    try:
        if path.suffix == ".parquet":
            return ParquetInput(path)
        if path.suffix == ".csv":
            return CsvInput(path, schema)
    except (OSError, pa.ArrowException) as error:
        raise Unreadable(f"{path}: cannot be read: {error}") from error
    raise Unreadable(f"{path}: wanted .csv or .parquet")


def open_output(path: Path, suffix: str, schema: pa.Schema) -> Output:
    if suffix == ".parquet":
        return ParquetOutput(path, schema)
    return pyarrow.csv.CSVWriter(path, schema)  # type: ignore[no-any-return]


class ParquetInput:
    """Read row group by row group."""

    def __init__(self, path: Path) -> None:
        self._file = pyarrow.parquet.ParquetFile(path)
        self.rows: int | None = self._file.metadata.num_rows

    def chunks(self, rows: int) -> Iterator[pa.Table]:
        for batch in self._file.iter_batches(batch_size=rows):
            yield pa.Table.from_batches([batch])


class CsvInput:
    """Columns of the signature are read as its types; all others are carried through as the text they are."""

    def __init__(self, path: Path, schema: Schema | None) -> None:
        with pyarrow.csv.open_csv(path) as reader:
            names = reader.schema.names
        types = {} if schema is None else dict.fromkeys(names, pa.string())
        if schema is not None and schema.has_input_names() and not schema.is_tensor_spec():
            types |= {spec.name: ARROW[spec.type] for spec in schema.inputs if spec.type in ARROW}
        self._path = path
        self._options = pyarrow.csv.ConvertOptions(column_types=types)
        self.rows: int | None = None

    def chunks(self, rows: int) -> Iterator[pa.Table]:
        """Cut the reader's blocks, which are of so many bytes, into chunks of so many rows."""
        waiting: list[pa.Table] = []
        count = 0
        for batch in pyarrow.csv.open_csv(self._path, convert_options=self._options):
            waiting.append(pa.Table.from_batches([batch]))
            count += batch.num_rows
            while count >= rows:
                table = pa.concat_tables(waiting)
                yield table.slice(0, rows)
                waiting, count = [table.slice(rows)], count - rows
        if count:
            yield pa.concat_tables(waiting)


class ParquetOutput:
    """One row group a chunk. Only texts are worth a dictionary: the stamps repeat in every row."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        texts = [field.name for field in schema if pa.types.is_string(field.type) or pa.types.is_timestamp(field.type)]
        self._writer = pyarrow.parquet.ParquetWriter(path, schema, compression="snappy", use_dictionary=texts)

    def write(self, table: pa.Table) -> None:
        self._writer.write_table(table, row_group_size=max(1, table.num_rows))

    def close(self) -> None:
        self._writer.close()
