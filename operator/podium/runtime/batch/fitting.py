"""A chunk's columns as the model's signature wants them: converted where nothing is lost, refused by row and column.

A column's type is the signature's in every chunk: whether a value is missing in this one decides nothing.
"""

import base64
import binascii
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from podium.runtime.batch.expected_columns import Expected
from podium.runtime.batch.failures import Unfit

Column: TypeAlias = pa.ChunkedArray
Convert = Callable[[Column], Column]

# What pandas reads as missing, but for what is a number: NaN
_ERRORS = ["#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "1.#IND", "1.#QNAN"]
NULL_TEXTS = pa.array(["", "<NA>", "N/A", "NA", "NULL", "None", "n/a", "null", *_ERRORS])
_ZONE = r"(Z|[+-]\d\d(:?\d\d)?)\s*$"
_DATE_ONLY = r"^\s*\d{4}-\d\d-\d\d\s*$"
_NOT = (pa.ArrowException, ValueError, TypeError, OverflowError)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a chunk stands: its file, and the rows before it."""

    path: Path
    before: int


def frame(table: pa.Table, expected: list[Expected], place: Place) -> pd.DataFrame:
    """Return what the model is asked. Raises Unfit: a cell cannot stand in a column of the signature's type."""
    columns = {each.name: fitted(table[each.name], each, place) for each in expected}
    found = pa.table(columns).to_pandas(split_blocks=True)
    found.columns = pd.Index([each.label for each in expected])
    return found


def fitted(column: Column, expected: Expected, place: Place) -> Column:
    """Return one column in the signature's type. Raises Unfit: it cannot be."""
    column = plain(column)
    if expected.type is None or column.type == expected.type:
        return _without_gaps(column, expected, place)
    convert = _conversion(column.type, expected.type)
    if convert is None:
        raise Unfit(
            f"{place.path}: column {expected.name!r}: expected {words(expected.type)}, found {words(column.type)}; "
            "convert the column"
        )
    return _without_gaps(converted(column, convert, expected, place), expected, place)


def converted(column: Column, convert: Convert, expected: Expected, place: Place) -> Column:
    """Return the column converted. Raises Unfit: names the first row that cannot be."""
    try:
        return convert(column)
    except _NOT as error:
        row = place.before + _first_bad(column, convert) + 1
        kind = words(expected.type) if expected.type is not None else "JSON text"
        found = "another text" if pa.types.is_string(column.type) else f"{words(column.type)} that is none"
        raise Unfit(f"{_cell(place, row, expected)}: expected {kind}, found {found}; correct the cell") from error


def plain(column: Column) -> Column:
    """Return a column without what only says how it is stored: dictionaries, views, large offsets, extensions."""
    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        return plain(pa.chunked_array([chunk.storage for chunk in column.chunks], kind.storage_type))
    if pa.types.is_dictionary(kind):
        return plain(column.cast(kind.value_type))
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return column.cast(pa.string())
    if pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind) or pa.types.is_fixed_size_binary(kind):
        return column.cast(pa.binary())
    return column


def words(kind: pa.DataType) -> str:
    """Return what a column of this type holds, for people."""
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return f"a number ({kind})"
    if pa.types.is_integer(kind):
        return f"a whole number ({kind})"
    names = {"string": "a text", "bool": "true or false", "binary": "bytes", "null": "nothing"}
    if pa.types.is_temporal(kind):
        return f"a date or time ({kind})"
    return names.get(str(kind), str(kind))


def _cell(place: Place, row: int, expected: Expected) -> str:
    return f"{place.path}: row {row:,}, column {expected.name!r}"


def _without_gaps(column: Column, expected: Expected, place: Place) -> Column:
    """Refuse missing whole numbers: pandas would make them floats in this chunk and not in another."""
    if column.null_count and pa.types.is_integer(column.type):
        row = place.before + pc.index(pc.is_null(column), True).as_py() + 1
        raise Unfit(
            f"{_cell(place, row, expected)}: expected {words(column.type)}, found nothing; fill it, or log the model "
            "with a double there (MLflow has no missing whole numbers)"
        )
    return column


def _first_bad(column: Column, convert: Convert) -> int:
    low, high = 0, len(column)
    while high - low > 1:
        middle = (low + high) // 2
        try:
            convert(column.slice(low, middle - low))
            low = middle
        except _NOT:
            high = middle
    return low


def _conversion(found: pa.DataType, expected: pa.DataType) -> Convert | None:
    """Return how a stored column becomes another that means the same, or None where it does not."""
    numbers = pa.types.is_floating(found) or pa.types.is_integer(found) or pa.types.is_decimal(found)
    if pa.types.is_null(found) or (numbers and (pa.types.is_floating(expected) or pa.types.is_integer(expected))):
        return lambda column: _gaps_for_nan(column, expected).cast(expected)
    if pa.types.is_list(expected) and (pa.types.is_list(found) or pa.types.is_large_list(found)):
        return lambda column: column.cast(expected)
    if pa.types.is_timestamp(expected):
        if pa.types.is_timestamp(found) or pa.types.is_date(found):
            return lambda column: column.cast(expected)  # of a zone: the instant in UTC, as MLflow has no zones
        return instants if pa.types.is_string(found) else None
    if pa.types.is_binary(expected) and pa.types.is_string(found):
        return lambda column: column  # MLflow hands on both
    return None


def _gaps_for_nan(column: Column, expected: pa.DataType) -> Column:
    """Take NaN for a missing whole number: pandas writes it so."""
    if pa.types.is_integer(expected) and pa.types.is_floating(column.type):
        return pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
    return column


def from_text(column: Column, expected: pa.DataType | None) -> Column:
    """Return cells of CSV in a type, as pandas would read them."""
    if expected is None or pa.types.is_list(expected):
        return _parsed_json(column, expected)
    if pa.types.is_string(expected):
        return column
    trimmed = pc.utf8_trim_whitespace(column)
    known = pc.if_else(pc.is_in(trimmed, NULL_TEXTS), pa.scalar(None, pa.string()), trimmed)
    if pa.types.is_binary(expected):
        return _decoded(known)
    if pa.types.is_timestamp(expected):
        return instants(known)
    if pa.types.is_integer(expected):
        return _whole_numbers(known, expected)
    return known.cast(expected)


def _whole_numbers(texts: Column, expected: pa.DataType) -> Column:
    try:
        return texts.cast(expected)
    except pa.ArrowInvalid:  # 1.0: pandas writes a column of whole numbers so where one is missing
        return texts.cast(pa.float64()).cast(expected)


def instants(texts: Column) -> Column:
    """Return ISO 8601 texts as times in UTC; a text without a zone is taken as it stands."""
    trimmed = pc.utf8_trim_whitespace(texts)
    zoned = _has_zone(trimmed)
    nothing = pa.scalar(None, pa.string())
    with_zone = pc.if_else(zoned, trimmed, nothing).cast(pa.timestamp("ns", tz="UTC")).cast(pa.timestamp("ns"))
    without = pc.if_else(zoned, nothing, trimmed).cast(pa.timestamp("ns"))
    return pc.coalesce(with_zone, without)


def is_zoned(texts: Column) -> bool:
    """Return whether some of the texts have a zone."""
    return bool(pc.any(_has_zone(texts)).as_py())


def _has_zone(texts: Column) -> Column:
    date_only = pc.match_substring_regex(texts, _DATE_ONLY)  # the -01 of 2026-01-01 is none
    return pc.and_(pc.match_substring_regex(texts, _ZONE), pc.invert(date_only))


def _decoded(texts: Column) -> Column:
    """Base64, as MLflow reads and writes binary columns in JSON."""
    try:
        cells = [None if cell is None else base64.b64decode(cell, validate=True) for cell in texts.to_pylist()]
    except binascii.Error as error:
        raise ValueError("no base64") from error
    return pa.chunked_array([pa.array(cells, pa.binary())])


def _parsed_json(texts: Column, expected: pa.DataType | None) -> Column:
    cells: list[Any] = [None if cell in {None, ""} else json.loads(cell) for cell in texts.to_pylist()]
    return pa.chunked_array([pa.array(cells, expected)])
