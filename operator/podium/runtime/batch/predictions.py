"""What the model answered, as columns: `prediction`, or `prediction_<name>` where the answer has names.

One schema holds for the whole file. Each chunk's columns are found by name, and a type is wide enough for all chunks.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from mlflow.types import Schema

from podium.runtime.batch.csv_cells import json_texts
from podium.runtime.batch.expected_columns import arrow_type
from podium.runtime.batch.failures import ModelFailed
from podium.runtime.batch.fitting import plain

_ONE = "prediction"


def as_columns(raw: Any, rows: int, place: str) -> pa.Table:
    """Return an answer as columns of so many rows; `place` says of which rows.

    Raises ModelFailed: it has another number of rows, or holds what no column can.
    """
    columns = {name: _column(name, values, place) for name, values in _named(raw, rows, place)}
    for name, column in columns.items():
        if len(column) != rows:
            raise ModelFailed(
                f"{place}: {name}: the model was asked for {rows:,} rows and answered {len(column):,}; "
                "mend its predict: one prediction a row"
            )
    return pa.table(columns)


def _named(raw: Any, rows: int, place: str) -> Iterable[tuple[str, Any]]:
    if isinstance(raw, pd.DataFrame):
        return _of_names([str(name) for name in raw.columns], [raw.iloc[:, n] for n in range(raw.shape[1])], place)
    if isinstance(raw, pd.Series):
        return [(_ONE, raw)]
    if isinstance(raw, dict):
        return _of_names([str(name) for name in raw], list(raw.values()), place)
    if hasattr(raw, "toarray"):  # a sparse matrix
        raw = raw.toarray()
    if isinstance(raw, list):
        return _of_list(raw, rows, place)
    array = np.asarray(raw)
    if not array.ndim:
        found = "nothing" if raw is None else f"one {type(raw).__name__}"
        raise ModelFailed(f"{place}: the model was asked for {rows:,} rows and answered {found}; answer one a row")
    return _of_array(array)


def _of_names(names: Sequence[str], values: Sequence[Any], place: str) -> Iterable[tuple[str, Any]]:
    twice = {name for name in names if names.count(name) > 1} if len(set(names)) < len(names) else set()
    if twice:
        raise ModelFailed(f"{place}: the model answered column {min(twice)!r} more than once; name each column once")
    return [(f"{_ONE}_{name}", each) for name, each in zip(names, values, strict=True)]


def _of_array(array: np.ndarray[Any, Any], name: str = _ONE) -> list[tuple[str, Any]]:
    if array.ndim == 1:
        return [(name, array)]
    flat = array.reshape(len(array), -1) if len(array) else array.reshape(0, int(np.prod(array.shape[1:])))
    return [(f"{name}_{column}", flat[:, column]) for column in range(flat.shape[1])]


def _of_list(raw: list[Any], rows: int, place: str) -> Iterable[tuple[str, Any]]:
    """A list has rows, but for the probabilities of several outputs: one array of all rows for each output."""
    if raw and all(isinstance(each, np.ndarray) and each.ndim > 1 for each in raw):
        return [pair for n, each in enumerate(raw) for pair in _of_array(each, f"{_ONE}_{n}")]
    if len(raw) != rows:
        raise ModelFailed(f"{place}: the model was asked for {rows:,} rows and answered {len(raw):,}; answer one a row")
    if raw and all(isinstance(each, (list, tuple, np.ndarray)) for each in raw):
        try:
            array = np.asarray(raw)
        except ValueError:  # lists of different lengths
            return [(_ONE, raw)]
        return _of_array(array) if array.dtype.kind in "biuf" else [(_ONE, raw)]
    return [(_ONE, raw)]


def _column(name: str, values: Any, place: str) -> pa.ChunkedArray:
    try:
        if isinstance(values, (pd.Series, pd.Index, pd.Categorical)):
            array = pa.Array.from_pandas(values)
        elif isinstance(values, np.ndarray) and values.ndim > 1:
            array = pa.array(list(values))
        else:
            array = pa.array(np.ascontiguousarray(values) if isinstance(values, np.ndarray) else values)
    except (pa.ArrowException, OverflowError, ValueError, TypeError) as error:
        raise ModelFailed(f"{place}: the model's {name} is no column: {_why(error)}; answer one type") from error
    column = plain(array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array]))
    return column.cast(pa.float32()) if pa.types.is_float16(column.type) else column


def _why(error: Exception) -> str:
    if isinstance(error, OverflowError):
        return "it holds whole numbers of more than 64 bits"
    return str(error).partition("\n")[0][:200]


class Schemas:
    """What all chunks together answer."""

    def __init__(self, outputs: Schema | None) -> None:
        self._declared = _declared(outputs)
        self._fields: dict[str, pa.DataType] = {}

    def add(self, found: pa.Schema, place: str) -> None:
        """Widen by a chunk's columns. Raises ModelFailed: no type holds this chunk's and the others'."""
        for field in found:
            known = self._fields.get(field.name, pa.null())
            self._fields[field.name] = _wider(field.name, known, field.type, place)

    def schema(self) -> pa.Schema:
        """The schema of the output's columns."""
        return pa.schema([(name, self._known(name, kind)) for name, kind in self._fields.items()])

    def _known(self, name: str, kind: pa.DataType) -> pa.DataType:
        """A column in which all is missing has the type that the signature says."""
        return self._declared.get(name, pa.string()) if pa.types.is_null(kind) else kind


def _declared(outputs: Schema | None) -> dict[str, pa.DataType]:
    if outputs is None:
        return {}
    specs = outputs.inputs
    names = [f"{_ONE}_{spec.name}" if spec.name is not None else _ONE for spec in specs]
    found = {name: arrow_type(spec.type) for name, spec in zip(names, specs, strict=True)}
    return {name: kind for name, kind in found.items() if kind is not None}


def _wider(name: str, one: pa.DataType, other: pa.DataType, place: str) -> pa.DataType:
    both_text = pa.types.is_binary(one) == pa.types.is_binary(other) or pa.types.is_null(one) or pa.types.is_null(other)
    try:
        if both_text:
            schemas = [pa.schema([(name, each)]) for each in (one, other)]
            return pa.unify_schemas(schemas, promote_options="permissive").field(0).type
    except pa.ArrowException:
        pass
    if all(pa.types.is_nested(each) or pa.types.is_string(each) for each in (one, other)):
        return pa.string()  # objects of all kinds: as JSON
    raise ModelFailed(f"{place}: the model answers {name} as {other}, and as {one} in the rows before; answer one type")


def in_schema(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return a chunk's predictions by name, in the types of the whole file; what it lacks is missing.

    Raises ModelFailed: a value does not survive the wider type.
    """
    columns = []
    for field in schema:
        if field.name not in table.column_names:
            columns.append(pa.chunked_array([pa.nulls(table.num_rows, field.type)]))
            continue
        column = table[field.name]
        if pa.types.is_string(field.type) and pa.types.is_nested(column.type):
            column = json_texts(column)
        try:
            columns.append(column.cast(field.type))
        except pa.ArrowInvalid as error:
            raise ModelFailed(f"{field.name}: {_why(error)}; answer one type in all rows") from error
    return pa.table(columns, schema=schema)
