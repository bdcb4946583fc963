"""A signature compiled once, so that a usual request needs no look at it again.

A plan takes parsed JSON apart into rows of plain numbers, texts and booleans in the signature's order, checking the
type of each cell, and builds one array or frame of many requests' rows. It says None to everything that it cannot
express exactly as MLflow would (nulls, texts that look like numbers, optional columns that are absent, dates …):
then MLflow's own code reads the request, slower, and has the last word on what is right and wrong.
"""

import sys
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

import numpy as np
import pandas as pd
from mlflow.types import DataType, Schema

Row = Sequence[Any]
Rows = list[Row]

_FLOATS = frozenset({float, int})
_SEQUENCES = frozenset({list, tuple})
_CELLS: dict[DataType, frozenset[type]] = {
    DataType.double: _FLOATS,
    DataType.float: _FLOATS,
    DataType.long: frozenset({int}),
    DataType.integer: frozenset({int}),
    DataType.boolean: frozenset({bool}),
    DataType.string: frozenset({str}),
}


def interned(name: Any) -> Any:
    """Return the one copy of a column's name, so that to compare it takes no look at its letters."""
    return sys.intern(name) if type(name) is str else name  # names may be numbers


class Plan:
    """How to read rows for one signature. `names` is None where the rows are those of a matrix."""

    def __init__(self, names: tuple[str, ...] | None, width: int, check: Callable[[Rows], bool]) -> None:
        self.names = None if names is None else tuple(map(interned, names))
        self.usual = None if self.names is None else list(self.names)  # as a body names the columns, nearly always
        self.width = width
        self.indexed = True  # whether the model may look at the names of the rows
        self._check = check

    def rows(self, form: str, value: Any) -> Rows | None:
        """Return the rows of a body in one of MLflow's forms, or None where this plan cannot express it."""
        if self.names is None:
            found = value if form in {"instances", "inputs"} and type(value) is list else None
        elif form == "dataframe_split":
            found = self._split(value)
        elif type(value) is list:
            found = self.records(value)
        elif form == "inputs" and type(value) is dict:
            found = self._columns(value)
        else:
            return None
        return found if found and self._fit(found) else None

    def table(self, data: Any) -> Rows | None:
        """Return the rows of a table whose columns are the `usual` ones, or None where this plan cannot express it."""
        return data if type(data) is list and data and self._fit(data) else None

    def checked_records(self, records: list[Any]) -> Rows | None:
        """Return the rows of a list of objects, or of a list of lists where the signature has no names."""
        found = records if self.names is None else self.records(records)
        return found if found and self._fit(found) else None

    def _fit(self, rows: Rows) -> bool:
        width = self.width
        for row in rows:  # most requests have one, for which a loop costs half of what whole-table functions do
            if type(row) not in _SEQUENCES or len(row) != width:
                return False
        return self._check(rows)

    def _split(self, value: Any) -> Rows | None:
        if type(value) is not dict:
            return None
        data, columns = value.get("data"), value.get("columns")
        if type(data) is not list or type(columns) is not list:
            return None
        if len(value) > 2 and not self._is_usual(value, len(data)):  # noqa: PLR2004  there is more
            return None
        return data if columns == self.usual else self._reordered(data, columns)

    def _is_usual(self, value: dict[str, Any], rows: int) -> bool:
        """Return whether what is there beside columns and data is an index that says nothing to the model."""
        if not value.keys() <= {"columns", "data", "index"}:
            return False
        index = value.get("index")
        if index is None:
            return True
        return type(index) is list and len(index) == rows and not (self.indexed and not _counts(index))

    def _reordered(self, data: list[Any], columns: list[Any]) -> Rows | None:
        """Put the cells of each row into the signature's order."""
        assert self.names is not None
        if len(columns) != self.width or not all(type(name) is str for name in columns):
            return None
        places = {name: place for place, name in enumerate(columns)}
        if places.keys() != set(self.names) or any(type(row) is not list or len(row) != self.width for row in data):
            return None
        return self._taken([places[name] for name in self.names], data)

    def records(self, records: list[Any]) -> Rows | None:
        """The rows of a list of records; None where it does not fit the plan."""
        width = self.width
        if not all(type(record) is dict and len(record) == width for record in records):
            return None
        try:
            return self._taken(self.names or (), records)
        except KeyError:
            return None

    def _taken(self, keys: Sequence[Any], records: list[Any]) -> Rows:
        if len(keys) == 1:
            return [(record[keys[0]],) for record in records]
        return list(map(itemgetter(*keys), records))

    def _columns(self, value: dict[str, Any]) -> Rows | None:
        assert self.names is not None
        if value.keys() != set(self.names) or set(map(type, value.values())) != {list}:
            return None
        columns = [value[name] for name in self.names]
        return list(zip(*columns, strict=True)) if len(set(map(len, columns))) == 1 else None

    def build(self, rows: Rows) -> Any:
        """Return what the model is given for these rows."""
        raise NotImplementedError


class MatrixPlan(Plan):
    """All cells of one type: one array, and one block in the frame."""

    def __init__(self, names: tuple[str, ...] | None, width: int, dtype: np.dtype[Any], cells: frozenset[type]) -> None:
        super().__init__(names, width, _uniform(cells, dtype))
        self._dtype = dtype
        self.framed = names is not None  # False where the model wants no names
        self._index = None if names is None else pd.Index(names)

    def build(self, rows: Rows) -> Any:
        array = np.array(rows, dtype=self._dtype)
        return pd.DataFrame(array, columns=self._index, copy=False) if self.framed else array


class ColumnsPlan(Plan):
    """Columns of several types: one array each."""

    def __init__(self, names: tuple[str, ...], types: list[DataType]) -> None:
        checks = [_uniform(_CELLS[each], each.to_numpy()) for each in types]
        super().__init__(names, len(names), lambda rows: _all_columns(rows, checks))
        self._dtypes = ["str" if each is DataType.string else each.to_numpy() for each in types]
        self._names = names

    def build(self, rows: Rows) -> Any:
        columns = zip(*rows, strict=True)
        return pd.DataFrame(
            {
                name: pd.array(list(column), dtype=dtype) if dtype == "str" else np.array(column, dtype=dtype)
                for name, dtype, column in zip(self._names, self._dtypes, columns, strict=True)
            }
        )


def _counts(index: list[Any]) -> bool:
    """Whether the rows are named as pandas names them by itself."""
    return index == list(range(len(index))) and {int}.issuperset(map(type, index))


def _uniform(cells: frozenset[type], dtype: np.dtype[Any]) -> Callable[[Rows], bool]:
    """Return a check that all cells are of these types, and whole numbers within the bounds of theirs."""
    fit = cells.issuperset
    if dtype.kind != "i":

        def check(rows: Rows) -> bool:
            for row in rows:  # noqa: SIM110  `all` makes a generator, which costs more than the one row
                if not fit(map(type, row)):
                    return False
            return True

        return check
    bounds = np.iinfo(dtype)
    low, high = int(bounds.min), int(bounds.max)
    return lambda rows: all(fit(map(type, row)) and low <= min(row) and max(row) <= high for row in rows)


def _all_columns(rows: Rows, checks: list[Callable[[Rows], bool]]) -> bool:
    return all(check([column]) for check, column in zip(checks, zip(*rows, strict=True), strict=True))


def compile_plan(schema: Schema | None) -> Plan | None:
    """Return the plan for a signature, or None where there is none: MLflow's own code reads every request then."""
    if schema is None or not schema.inputs:
        return None
    if schema.is_tensor_spec():
        return _matrix_of(schema)
    types = schema.input_types()
    if not schema.has_input_names() or not all(isinstance(each, DataType) and each in _CELLS for each in types):
        return None
    names = tuple(schema.input_names())
    if len(set(names)) != len(names):
        return None
    if len(set(types)) == 1 and types[0] not in {DataType.string, DataType.boolean}:
        return MatrixPlan(names, len(names), types[0].to_numpy(), _CELLS[types[0]])
    return ColumnsPlan(names, types)


def _matrix_of(schema: Schema) -> Plan | None:
    """A signature of one unnamed matrix: rows without names."""
    (spec, *more) = schema.inputs
    dtype = np.dtype(spec.type)
    matrix_dimensions = 2
    if more or schema.has_input_names() or len(spec.shape) != matrix_dimensions or spec.shape[0] != -1:
        return None
    if spec.shape[1] < 1 or dtype.kind not in "fi":
        return None
    return MatrixPlan(None, spec.shape[1], dtype, _FLOATS if dtype.kind == "f" else frozenset({int}))
