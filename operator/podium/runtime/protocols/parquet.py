"""Parquet bodies, bounded before they unfold: a small file may stand for a table that no memory holds.

The footer says how many values there are and what they take decompressed. Texts are counted where a dictionary holds
them once and a million rows name them: without being written out.
"""

from io import BytesIO
from typing import Any

import pandas as pd

from podium.runtime.faults import TooLarge
from podium.runtime.protocols.raw import CELLS

UNFOLDED = 256 * 1024 * 1024  # bytes of a table in memory


def read_parquet(body: bytes) -> pd.DataFrame:
    """Return the table. Raises TooLarge. Raises what pandas and pyarrow raise: it is none, or pyarrow is not here."""
    import pyarrow.parquet as pq  # noqa: PLC0415  optional, and slow to import

    footer = pq.read_metadata(BytesIO(body))
    chunks = [
        footer.row_group(group).column(column)
        for group in range(footer.num_row_groups)
        for column in range(footer.num_columns)
    ]
    _bound("values", max(footer.num_rows * footer.num_columns, sum(chunk.num_values for chunk in chunks)), CELLS)
    _bound("bytes", sum(chunk.total_uncompressed_size for chunk in chunks), UNFOLDED)
    texts = sorted({chunk.path_in_schema for chunk in chunks if chunk.physical_type == "BYTE_ARRAY"})
    if texts:
        _bound_texts(pq.ParquetFile(BytesIO(body), read_dictionary=texts))
    return pd.read_parquet(BytesIO(body))


def _bound_texts(file: Any) -> None:
    import pyarrow as pa  # noqa: PLC0415

    size = 0
    for batch in file.iter_batches():
        for column in batch.columns:
            size += _unfolded(column) if pa.types.is_dictionary(column.type) else column.nbytes
        _bound("bytes", size, UNFOLDED)


def _unfolded(column: Any) -> int:
    """Return the bytes of a dictionary's texts, each as often as rows name it."""
    import pyarrow.compute as pc  # noqa: PLC0415

    return int(pc.sum(pc.take(pc.binary_length(column.dictionary), column.indices).cast("int64")).as_py() or 0)


def _bound(what: str, found: int, most: int) -> None:
    if found > most:
        raise TooLarge(f"expected a table of at most {most} {what} in memory, found {found}")
