"""Parquet, row group by row group."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet
from mlflow.types import Schema

from podium.runtime.batch import fitting
from podium.runtime.batch.expected_columns import expected_columns
from podium.runtime.batch.fitting import Place
from podium.runtime.batch.table import Chunk
from podium.runtime.protocols.parquet_footer import chunks, footer_in


class ParquetInput:
    """Columns have the file's types; the model is asked in the signature's."""

    def __init__(self, path: Path, schema: Schema | None) -> None:
        self._path = path
        with pyarrow.parquet.ParquetFile(path) as file:
            self.rows: int | None = file.metadata.num_rows
            self.names: list[str] = file.schema_arrow.names
        self._gaps = _with_gaps(path)
        self._wanted = expected_columns(schema, self.names, path)

    def chunks(self, rows: int) -> Iterator[Chunk]:
        """Join and cut the file's row groups, which may be of any size."""
        before = 0
        with pyarrow.parquet.ParquetFile(self._path) as file:
            for table in cut(file.iter_batches(batch_size=rows), rows):
                yield Chunk(before, table.num_rows, table)
                before += table.num_rows

    def frame(self, chunk: Chunk) -> pd.DataFrame:
        """Return what the model is asked. Raises Unfit."""
        if self._wanted is None:
            return as_it_is(chunk.table, self._gaps)
        return fitting.frame(chunk.table, self._wanted, Place(self._path, chunk.before))


def cut(batches: Iterator[pa.RecordBatch], rows: int) -> Iterator[pa.Table]:
    """Yield tables of so many rows; the last may be shorter."""
    waiting: list[pa.Table] = []
    count = 0
    for batch in batches:
        waiting.append(pa.Table.from_batches([batch]))
        count += batch.num_rows
        while count >= rows:
            table = pa.concat_tables(waiting)
            yield table.slice(0, rows)
            waiting, count = [table.slice(rows)], count - rows
    if count:
        yield pa.concat_tables(waiting)


def as_it_is(table: pa.Table, gaps: set[str]) -> pd.DataFrame:
    """Return the frame that pandas would read of the whole file: whole numbers with gaps anywhere are floats."""
    for place, field in enumerate(table.schema):
        if field.name in gaps and pa.types.is_integer(field.type):
            table = table.set_column(place, field.name, table[field.name].cast(pa.float64(), safe=False))
    return table.to_pandas(split_blocks=True)


def _with_gaps(path: Path) -> set[str]:
    """Return the columns of which some value is missing, or may be. Raises ArrowInvalid: the footer is broken."""
    with path.open("rb") as file:
        try:
            found = chunks(footer_in(file))
        except ValueError as error:
            raise pa.ArrowInvalid(f"the footer is broken: {error}") from error
    return {chunk.path for chunk in found if chunk.nulls is None or chunk.nulls}
