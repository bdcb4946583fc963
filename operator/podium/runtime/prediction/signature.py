"""What a signature asks of the data, said to people: which column, which row, expected and found. Never the data."""

import logging
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.models.utils import _enforce_schema
from mlflow.types import ColSpec, DataType, Schema

log = logging.getLogger(__name__)

NUMBERS = frozenset({DataType.double, DataType.float})
_WHOLE = frozenset({DataType.integer, DataType.long})
_WORDS = {
    DataType.double: "a number (double)",
    DataType.float: "a number (float)",
    DataType.integer: "a whole number (integer)",
    DataType.long: "a whole number (long)",
    DataType.boolean: "true or false (boolean)",
    DataType.string: "a text (string)",
    DataType.binary: "base64 text (binary)",
    DataType.datetime: "a date and time without a zone (datetime)",
}
_ZONED = "a date and time with a zone"
_SHOWN = 5  # names in a message
_COMPARED = 1000  # rows of a column that is compared cell by cell
_LONGEST_TYPE = 200  # characters


def explain(data: Any, schema: Schema | None, error: Exception) -> str:
    """Return why the data does not fit: the first thing that is wrong, in the order in which a person would look."""
    if schema is not None:
        try:
            for problem in problems(_table(data), schema):
                return problem
        except (TypeError, ValueError, KeyError, AttributeError, RecursionError):
            log.info("what is wrong with the request cannot be told", exc_info=True)
    found = type(error).__name__
    return f"the request does not fit the model's signature ({found}); GET /openapi.json shows what it wants"


def _table(data: Any) -> pd.DataFrame:
    """Return rows or columns as a table, with every value as it was sent. Raises ValueError: they are none."""
    if isinstance(data, pd.DataFrame):
        return data
    by_column = isinstance(data, dict)
    if not by_column and not (isinstance(data, list) and data and all(isinstance(row, dict) for row in data)):
        raise ValueError("neither rows nor columns")
    return pd.DataFrame(data, dtype=object)


def problems(frame: pd.DataFrame, schema: Schema) -> Iterator[str]:
    """Yield what is wrong with the frame: missing columns first, then cells by column and row."""
    if schema.is_tensor_spec():
        return
    if twins := set(frame.columns[frame.columns.duplicated()]):
        yield f"given twice: {named(twins)}"
        return
    if schema.has_input_names():
        yield from missing_columns(frame.columns, schema)
    elif len(frame.columns) < len(schema.inputs):
        yield f"expected {len(schema.inputs)} columns, found {len(frame.columns)}"
    names = schema.input_names() if schema.has_input_names() else list(frame.columns)
    found = [
        (name, frame[name], spec) for name, spec in zip(names, schema.inputs, strict=False) if name in frame.columns
    ]
    for name, column, spec in found:
        yield from misfits(name, column, spec.type)
    for name, column, spec in found:  # less certain: MLflow enforces a whole body less strictly than one column of it
        yield from _refused(name, column, spec)


def missing_columns(found: Iterable[Any], schema: Schema) -> Iterator[str]:
    """A message that names the required columns that are not there, if any."""
    here = set(found)
    missing = [name for name in schema.required_input_names() if name not in here]
    if missing:
        extra = [name for name in here if name not in schema.input_names()]
        also = f"; not in the signature: {named(extra)}" if extra else ""
        yield f"missing {named(missing)}{also}"


def words(expected: Any) -> str:
    """Return what a column of this type holds, for people."""
    return _WORDS[expected] if isinstance(expected, DataType) else str(expected)[:_LONGEST_TYPE]


def named(names: Iterable[Any]) -> str:
    """Return `column 'age'`, or `columns 'age', 'sex' and 3 more`."""
    known = list(names)
    return f"column{'s' if len(known) > 1 else ''} {listed(known)}"


def listed(names: Iterable[Any], last: str = "and") -> str:
    """Return `'age'`, or `'age', 'sex' and 3 more`."""
    texts = sorted(repr(str(name)[:80]) for name in names)
    more = f" {last} {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return f"{', '.join(texts[:_SHOWN])}{more}"


def misfits(name: Any, column: pd.Series, expected: Any) -> Iterator[str]:
    """Yield the cells that cannot stand in a column of this type."""
    for row, cell in enumerate(column):
        if isinstance(expected, DataType) and not fits(cell, expected):
            yield f"row {row}, column {str(name)[:80]!r}: expected {_WORDS[expected]}, found {_found(cell, expected)}"


def _found(cell: Any, expected: DataType) -> str:
    zoned = expected is DataType.datetime and isinstance(cell, str) and _is_date(cell, zoned=True)
    return _ZONED if zoned else kind(cell)


def _refused(name: Any, column: pd.Series, spec: Any) -> Iterator[str]:
    """What only MLflow itself can compare.

    Of Array(double) 1 is no element, and 1.0 is; and the columns of a Parquet table have types of their own.
    """
    at = f"column {str(name)[:80]!r}: expected {words(spec.type)}, found"
    if not isinstance(spec.type, DataType):
        for row, cell in enumerate(column[:_COMPARED]):
            if not _enforced(pd.Series([cell]), spec):
                yield f"row {row}, {at} {kind(cell)} of other types"
    elif column.dtype != object and not _enforced(column, spec):
        yield f"{at} {column.dtype}, which MLflow does not convert"


def _enforced(column: pd.Series, spec: Any) -> bool:
    name = "column"
    try:
        _enforce_schema(pd.DataFrame({name: column}), Schema([ColSpec(spec.type, name, spec.required)]))
    except (MlflowException, TypeError, ValueError):
        return False
    return True


def fits(cell: Any, expected: DataType) -> bool:
    """Return whether a JSON value can stand in a column of this type."""
    if cell is None or (isinstance(cell, float) and np.isnan(cell)):
        return expected not in _WHOLE and expected is not DataType.boolean
    if expected in NUMBERS:
        return isinstance(cell, (int, float, np.number)) or is_number(cell)
    if expected in _WHOLE:
        return isinstance(cell, (int, np.integer)) or (isinstance(cell, float) and cell.is_integer())
    if expected is DataType.boolean:
        return isinstance(cell, (bool, np.bool_))
    return _is_date(cell) if expected is DataType.datetime else isinstance(cell, (str, bytes))


def _is_date(cell: Any, *, zoned: bool = False) -> bool:
    try:
        return (pd.Timestamp(cell).tzinfo is not None) is zoned
    except (TypeError, ValueError):
        return False


def is_number(cell: Any) -> bool:
    """Return whether a value is a number, or a text that says one."""
    try:
        float(cell)
    except (TypeError, ValueError):
        return False
    return True


def kind(value: Any) -> str:
    """Return what a JSON value is, without saying the value. NaN is what pandas puts where nothing was sent."""
    if isinstance(value, (float, np.floating)) and np.isnan(value):
        return "null"
    if isinstance(value, date) and value is not pd.NaT:
        return "a date and time" if getattr(value, "tzinfo", None) is None else _ZONED
    names = {bool: "true or false", str: "a text", dict: "an object", list: "a list", type(None): "null"}
    return names.get(type(value), "a number" if isinstance(value, (int, float, np.number)) else type(value).__name__)
