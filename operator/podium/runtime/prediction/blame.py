"""Whose fault a failed prediction is: asked only once a model has raised, or answered what its signature forbids.

A request is at fault that has no rows, holds a value that cannot stand in its column, leaves null where the signature
requires a value, or holds a number that is infinite or beyond single precision: few models compute with these, and
MLflow's server answers all of them with 400.
Where the signature is silent on null, the fault is doubtful: it is counted and compared with the champion's, and never
ends a trial by itself.
"""

from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow.types import Schema

from podium.runtime.faults import Fault, ModelFault, RequestFault
from podium.runtime.prediction.signature import NUMBERS, is_number, misfits, named

_LARGEST = float(np.finfo(np.float32).max)
_MLFLOW = mlflow.__path__[0]
_READS_THE_INPUT = frozenset({"_validate_model_input", "_convert_input"})  # functions of MLflow


def refused_by_mlflow(traceback: TracebackType | None) -> bool:
    """Return whether an exception comes from MLflow's reading of the input by type hints, and not from the model."""
    while traceback is not None:
        code = traceback.tb_frame.f_code
        traceback = traceback.tb_next
        if code.co_filename == __file__ or code.co_name == "guarded":
            continue
        if not code.co_filename.startswith(_MLFLOW):
            return False
        if code.co_name in _READS_THE_INPUT:
            return True
    return False


def blamed(fault: ModelFault, data: Any, schema: Schema | None) -> Fault:
    """Return the fault as the request's where the data explains it, and otherwise as the model's."""
    columns = [(name, _in_numbers(name, values, schema)) for name, values in _columns(data, schema)]
    required = set(schema.required_input_names()) if schema is not None and schema.has_input_names() else set()
    if not columns or not any(len(values) for _, values in columns):
        return RequestFault(f"the request has no rows, and the model cannot answer none ({fault.message})")
    if misfit := next(_misfits(columns, schema), None):
        return RequestFault(f"{misfit} ({fault.message})")
    if extreme := [name for name, values in columns if _has_extremes(values)]:
        reason = f"infinite or beyond {_LARGEST:.2g} in {named(extreme)}"
        return RequestFault(f"the model cannot compute with a number that is {reason} ({fault.message})")
    empty = [name for name, values in columns if values.isna().any()]
    if missing := [name for name in empty if name in required]:
        return RequestFault(f"null in {named(missing)}, where the signature requires a value ({fault.message})")
    fault.doubtful = bool(empty) and not required
    return fault


def _kinds(schema: Schema | None) -> dict[Any, Any]:
    if schema is None or schema.is_tensor_spec() or not schema.has_input_names():
        return {}
    return {spec.name: spec.type for spec in schema.inputs}


def _misfits(columns: list[tuple[Any, pd.Series]], schema: Schema | None) -> Iterator[str]:
    """Yield what MLflow passed on to the model although it cannot stand in its column: a list among numbers, say."""
    kinds = _kinds(schema)
    for name, values in columns:
        yield from misfits(name, values, kinds.get(name))


def _in_numbers(name: Any, values: pd.Series, schema: Schema | None) -> pd.Series:
    """Return a column with the numbers that its texts say: "NaN" is null, and "1e39" a number."""
    if values.dtype != object or _kinds(schema).get(name) not in NUMBERS:
        return values
    return values.map(lambda cell: float(cell) if isinstance(cell, str) and is_number(cell) else cell)


def _columns(data: Any, schema: Schema | None) -> Iterator[tuple[Any, pd.Series]]:
    """Yield names and values of what was sent, whatever its form; nested values and texts as they are."""
    if isinstance(data, pd.DataFrame):
        yield from data.items()
    elif isinstance(data, list) and data and all(isinstance(row, dict) for row in data):
        yield from pd.DataFrame(data, dtype=object).items()
    elif isinstance(data, dict):
        for name, values in data.items():
            yield name, _series(values)
    elif isinstance(data, list) and data and isinstance(data[0], (list, tuple)):
        names = schema.input_names() if schema is not None and schema.has_input_names() else range(len(data[0]))
        for name, cells in zip(names, zip(*data, strict=False), strict=False):
            yield name, _series(cells)
    else:
        yield "input", _series(data)


def _series(values: Any) -> pd.Series:
    if isinstance(values, np.ndarray):
        return pd.Series(values.ravel())
    cells = list(values) if isinstance(values, Iterable) and not isinstance(values, (str, bytes, dict)) else [values]
    return pd.Series(cells, dtype=object)


def _has_extremes(values: pd.Series) -> bool:
    numbers = values if values.dtype.kind in "iuf" else [cell for cell in values if type(cell) in {int, float}]
    return any(abs(number) > _LARGEST for number in numbers)
