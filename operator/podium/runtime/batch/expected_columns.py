"""What a signature wants of a table's columns: by name, by position, or (without a signature) all as they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from mlflow.types import DataType, Schema
from mlflow.types.schema import Array

from podium.runtime.batch.failures import Unfit
from podium.runtime.prediction.signature import named

ARROW: dict[DataType, pa.DataType] = {
    DataType.double: pa.float64(),
    DataType.float: pa.float32(),
    DataType.long: pa.int64(),
    DataType.integer: pa.int32(),
    DataType.boolean: pa.bool_(),
    DataType.string: pa.string(),
    DataType.binary: pa.binary(),
    DataType.datetime: pa.timestamp("ns"),
}


@dataclass(frozen=True, slots=True)
class Expected:
    """One column of a table, as the model wants it."""

    name: str  # in the table
    label: Any  # in the model's frame: MLflow knows columns that are named by numbers
    type: pa.DataType | None  # None: an object, a map or a tensor's row, which MLflow checks itself


def expected_columns(inputs: Schema | None, names: Sequence[str], path: Path) -> list[Expected] | None:
    """Return what the signature wants of these columns, or None where it wants the whole table as it is.

    Raises Unfit: a required column is missing.
    """
    if inputs is None or not inputs.inputs:
        return None
    if inputs.has_input_names():
        return _by_name(inputs, names, path)
    if inputs.is_tensor_spec():
        only = inputs.inputs[0]
        kind = arrow_type(only.type) if len(names) > 1 else _of_one_tensor(only)
        return [Expected(name, name, kind) for name in names]
    if len(names) < len(inputs.inputs):
        raise Unfit(
            f"{path}: expected {len(inputs.inputs)} columns by position, found {len(names)}; add what is missing"
        )
    return [Expected(name, name, arrow_type(spec.type)) for name, spec in zip(names, inputs.inputs, strict=False)]


def _by_name(inputs: Schema, names: Sequence[str], path: Path) -> list[Expected]:
    here = set(names)
    specs = [(str(label), label, spec) for label, spec in zip(inputs.input_names(), inputs.inputs, strict=True)]
    missing = [name for name, _, spec in specs if name not in here and spec.required]
    if missing:
        extra = here - {name for name, _, _ in specs}
        also = f"; not in the signature: {named(extra)}" if extra else ""
        raise Unfit(f"{path}: missing {named(missing)}{also}; add or rename what is missing")
    tensors = inputs.is_tensor_spec()
    return [
        Expected(name, label, _of_one_tensor(spec) if tensors else arrow_type(spec.type))
        for name, label, spec in specs
        if name in here
    ]


def _of_one_tensor(spec: Any) -> pa.DataType | None:
    """A column holds a number a row, or (of a tensor with more dimensions) a list."""
    return arrow_type(spec.type) if spec.shape in {(-1,), (-1, 1)} else None


def arrow_type(kind: Any) -> pa.DataType | None:
    """Return the Arrow type of a signature's type, or None where it has none."""
    if isinstance(kind, DataType):
        return ARROW.get(kind)
    if isinstance(kind, Array):
        inner = arrow_type(kind.dtype)
        return None if inner is None else pa.list_(inner)
    if isinstance(kind, np.dtype) and kind.kind in "biuf":
        return pa.from_numpy_dtype(kind)
    return None
