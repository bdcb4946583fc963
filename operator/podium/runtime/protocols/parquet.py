"""Parquet bodies, bounded before they unfold: a small file may stand for a table that no memory holds.

The footer says how many values there are and what they take decompressed. Texts are counted where a dictionary holds
them once and a million rows name them: without being written out.
"""

from io import BytesIO
from typing import Any

import pandas as pd

from podium.runtime.faults import TooLarge
from podium.runtime.protocols import parquet_footer
from podium.runtime.protocols.payloads import refuse_twins
from podium.runtime.protocols.raw import CELLS

UNFOLDED = 256 * 1024 * 1024  # bytes of a table in memory


def read_parquet(body: bytes) -> pd.DataFrame:
    """Return the table.

    Raises TooLarge. Raises RequestFault: two columns have one name. Raises what pandas and pyarrow raise: it is none,
    or pyarrow is not here.
    """
    import pyarrow.parquet as pq  # noqa: PLC0415  optional, and slow to import

    footer = pq.read_metadata(BytesIO(body))
    chunks = parquet_footer.chunks(parquet_footer.footer_in(BytesIO(body)), parquet_footer.MOST_VALUES)
    _bound("values", max(footer.num_rows * footer.num_columns, sum(chunk.values for chunk in chunks)), CELLS)
    _bound("bytes", sum(chunk.size for chunk in chunks), UNFOLDED)
    _bound("bytes", sum(_fixed_size(chunk, footer.schema) for chunk in chunks), UNFOLDED)
    refuse_twins(footer.schema.to_arrow_schema().names, "the table")
    texts = sorted({chunk.path for chunk in chunks if chunk.kind == parquet_footer.BYTE_ARRAY})
    if texts:
        _bound_texts(pq.ParquetFile(BytesIO(body), read_dictionary=texts))
    return pd.read_parquet(BytesIO(body))


def _bound_texts(file: Any) -> None:
    size = 0
    for batch in file.iter_batches():
        size += sum(map(_unfolded, batch.columns))
        _bound("bytes", size, UNFOLDED)


def _unfolded(column: Any) -> int:
    """Return the bytes of a column in memory, in which a dictionary's texts are as often as rows name them."""
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.compute as pc  # noqa: PLC0415

    kind = column.type
    if pa.types.is_dictionary(kind):
        return int(pc.sum(pc.take(pc.binary_length(column.dictionary), column.indices).cast("int64")).as_py() or 0)
    if pa.types.is_map(kind):
        return _unfolded(column.keys) + _unfolded(column.items)
    if pa.types.is_nested(kind):
        inner = column.flatten()  # a struct's fields, or a list's values
        return sum(map(_unfolded, inner)) if isinstance(inner, list) else _unfolded(inner)
    return int(column.nbytes)


def _fixed_size(chunk: parquet_footer.Chunk, schema: Any) -> int:
    """Return the bytes of values that all have the same size, which a dictionary may hold once."""
    if chunk.kind != parquet_footer.FIXED_LEN_BYTE_ARRAY:
        return 0
    places = [place for place in range(len(schema.names)) if schema.column(place).path == chunk.path]
    return max(int(schema.column(place).length) for place in places) * chunk.values


def _bound(what: str, found: int, most: int) -> None:
    if found > most:
        raise TooLarge(f"expected a table of at most {most} {what} in memory, found {found}")
