"""A model's answer and its signature as the tensors of the Open Inference Protocol."""

from typing import Any

import numpy as np
import pandas as pd
from mlflow.types import DataType, Schema

from podium.runtime.prediction.model import Model
from podium.runtime.prediction.outputs import name_text
from podium.runtime.prediction.rows import is_by_output
from podium.runtime.protocols.elements import OF_NUMPY, tensor

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
        columns = {name_text(name): answer.iloc[:, place] for place, name in enumerate(answer.columns)}
        return [tensor(name, column) for name, column in columns.items()]
    if isinstance(answer, dict):
        return [tensor(name_text(name), values) for name, values in answer.items()]
    if model.by_output and is_by_output(answer):
        return [tensor(f"output-{number}", table) for number, table in enumerate(answer)]
    schema = model.outputs
    names = schema.input_names() if schema is not None and schema.has_input_names() else []
    return [tensor(str(names[0]) if len(names) == 1 else "output-0", answer)]


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
        return OF_NUMPY.get(np.dtype(spec.type).name, "BYTES")
    return _OF_COLUMN.get(spec.type, "BYTES") if isinstance(spec.type, DataType) else "BYTES"
