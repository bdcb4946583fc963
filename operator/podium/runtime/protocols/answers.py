"""A model's answer and its signature as the tensors of the Open Inference Protocol."""

from typing import Any

import numpy as np
import pandas as pd
from mlflow.types import DataType, Schema

from podium.runtime.prediction.model import Model, length
from podium.runtime.prediction.outputs import is_missing, plain, text
from podium.runtime.prediction.rows import is_by_output
from podium.runtime.protocols.tensors import DATATYPES

_EXACT = 2**53  # up to this, a double holds every whole number
_OF_NUMPY = {name: datatype for datatype, name in DATATYPES.items()}
_OF_COLUMN = {
    DataType.boolean: "BOOL",
    DataType.integer: "INT32",
    DataType.long: "INT64",
    DataType.float: "FP32",
    DataType.double: "FP64",
}


def outputs_of(answer: Any, model: Model) -> list[dict[str, Any]]:
    """Return a model's answer as the protocol's tensors, each with its data in one flat list."""
    if isinstance(answer, pd.DataFrame):  # of two columns of one name the last, as in MLflow's JSON
        columns = {str(name): answer.iloc[:, place] for place, name in enumerate(answer.columns)}
        return [_output(name, column.to_numpy()) for name, column in columns.items()]
    if isinstance(answer, pd.Series):
        answer = answer.to_numpy()
    if isinstance(answer, dict):
        return [_output(str(name), _array(value)) for name, value in answer.items()]
    if model.by_output and is_by_output(answer):
        return [_output(f"output-{number}", table) for number, table in enumerate(answer)]
    schema = model.outputs
    names = schema.input_names() if schema is not None and schema.has_input_names() else []
    return [_output(str(names[0]) if len(names) == 1 else "output-0", _array(answer))]


def _array(raw: Any) -> np.ndarray[Any, Any]:
    if isinstance(raw, np.ndarray):
        return raw
    cells = raw if length(raw) is not None else [raw]
    try:
        array = np.asarray(cells)
        return (
            array if array.dtype.kind != "S" else np.asarray(cells, dtype=object)
        )  # NumPy's bytes lose zeros at the end
    except ValueError:  # lists of several lengths: one object a row
        array = np.empty(len(cells), dtype=object)
        array[:] = cells
        return array


def _output(name: str, array: np.ndarray[Any, Any]) -> dict[str, Any]:
    array = _numbers(array)
    datatype = _OF_NUMPY.get(array.dtype.name)
    flat = array.ravel()
    if datatype is not None:
        return {"name": name, "datatype": datatype, "shape": list(array.shape), "data": flat.tolist()}
    # texts and objects: the protocol has only BYTES for them
    cells = pd.Series(flat) if array.dtype.kind == "M" else plain(flat)
    data = [None if is_missing(cell) else text(cell) for cell in cells]
    return {"name": name, "datatype": "BYTES", "shape": list(array.shape), "data": data}


def _numbers(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return numbers that are objects in a datatype of the protocol, a missing one as NaN; all else as it is."""
    if array.dtype == np.longdouble:
        return array.astype(np.float64)
    if array.dtype != object:
        return array
    cells = [np.nan if is_missing(cell) else cell for cell in array.ravel()]
    if not all(isinstance(cell, (int, float, np.number)) and not isinstance(cell, bool) for cell in cells):
        return array
    numbers = np.array(cells)
    too_large = numbers.dtype.kind == "f" and any(abs(cell) > _EXACT for cell in cells if isinstance(cell, int))
    return array if too_large or np.isnan(numbers.astype(float)).all() else numbers.reshape(array.shape)


def tensors_of(schema: Schema | None, fallback: str) -> list[dict[str, Any]]:
    """Return a signature as the protocol's tensor metadata."""
    if schema is None:
        return []
    return [
        {
            "name": str(spec.name) if spec.name is not None else f"{fallback}-{number}",  # as answers call them
            "datatype": _datatype(spec),
            "shape": [int(size) for size in spec.shape] if hasattr(spec, "shape") else [-1],
        }
        for number, spec in enumerate(schema.inputs)
    ]


def _datatype(spec: Any) -> str:
    if hasattr(spec, "shape"):
        return _OF_NUMPY.get(np.dtype(spec.type).name, "BYTES")
    return _OF_COLUMN.get(spec.type, "BYTES") if isinstance(spec.type, DataType) else "BYTES"
