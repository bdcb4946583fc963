"""Columns as cells of CSV: texts quoted where they need it, missing values as nothing, lists and objects as JSON."""

import base64
import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from podium.runtime.batch.fitting import plain

CELLS = pa.large_binary()
_NEEDS_QUOTES = r'^$|[",\r\n]|^\s|\s$'


def quoted(text: str) -> bytes:
    """Return one text as a cell."""
    needed = text == "" or text.strip() != text or any(sign in text for sign in ',"\r\n')
    return ('"' + text.replace('"', '""') + '"' if needed else text).encode()


def joined(columns: Sequence[Any]) -> pa.LargeBinaryArray:
    """Return the cells of each row with commas between them; a missing value is an empty cell."""
    comma = pa.scalar(b",", CELLS)
    whole = [_whole(column) for column in columns]
    return pc.binary_join_element_wise(*whole, comma, null_handling="replace", null_replacement="")


def _whole(column: Any) -> Any:
    return pa.concat_arrays(column.chunks) if isinstance(column, pa.ChunkedArray) else column


def parts(table: pa.Table) -> Iterator[Any]:
    """Yield cells column by column, but numbers that stand side by side together."""
    numbers: list[np.ndarray[Any, Any]] = []
    for column in table.columns:
        if _all_finite(column):
            numbers.append(column.to_numpy())
            continue
        if numbers:
            yield _number_lines(numbers)
            numbers = []
        yield cells(column)
    if numbers:
        yield _number_lines(numbers)


def _all_finite(column: pa.ChunkedArray) -> bool:
    return (
        pa.types.is_float64(column.type)
        and not column.null_count
        and len(column) > 0
        and bool(np.isfinite(column.to_numpy()).all())
    )


def _number_lines(columns: list[np.ndarray[Any, Any]]) -> pa.LargeBinaryArray:
    """Return rows of numbers as text by way of JSON, which orjson writes five times as fast as Arrow casts numbers.

    `[[1.0,2.0],[3.0,4.0]]` becomes `1.0,2.0,3.0,4.0`, of which row k begins after the comma behind row k - 1.
    """
    text = orjson.dumps(np.ascontiguousarray(np.column_stack(columns)), option=orjson.OPT_SERIALIZE_NUMPY)
    closed = np.flatnonzero(np.frombuffer(text, np.uint8) == b"]"[0])[:-1]
    bare = text[2:-2].replace(b"],[", b"")
    stops = closed - 2 - 3 * np.arange(len(closed))
    offsets = np.concatenate([[0], stops]).astype(np.int64)
    return pa.LargeBinaryArray.from_buffers(CELLS, len(stops), [None, pa.py_buffer(offsets), pa.py_buffer(bare)])


def cells(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return one column's cells. A missing value stays null."""
    column = plain(column)
    kind = column.type
    if pa.types.is_string(kind):
        return _quoted(column).cast(CELLS)
    if pa.types.is_binary(kind):
        return _by_value(column, lambda value: base64.b64encode(value).decode())
    if pa.types.is_nested(kind):
        return _quoted(json_texts(column)).cast(CELLS)
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        column = column.cast(pa.timestamp(kind.unit, "UTC"))
    if pa.types.is_null(kind) or pa.types.is_primitive(kind) or pa.types.is_decimal(kind):
        return column.cast(pa.large_string()).cast(CELLS)
    return _quoted(_by_value(column, str).cast(pa.string())).cast(CELLS)


def _quoted(column: pa.ChunkedArray) -> pa.ChunkedArray:
    needed = pc.match_substring_regex(column, _NEEDS_QUOTES)
    if not pc.any(needed).as_py():
        return column
    doubled = pc.replace_substring(column, '"', '""')
    return pc.if_else(needed, pc.binary_join_element_wise('"', doubled, '"', ""), column)


def json_texts(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return lists and objects as JSON text."""
    return _by_value(column, lambda value: json.dumps(value, default=_plain_value, ensure_ascii=False), pa.string())


def _by_value(column: pa.ChunkedArray, text: Any, kind: pa.DataType = CELLS) -> pa.ChunkedArray:
    values = column.to_pylist(maps_as_pydicts="lossy")
    texts = [None if value is None else text(value) for value in values]
    return pa.chunked_array([pa.array(texts, pa.string())]).cast(kind)


def _plain_value(value: Any) -> Any:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)
