"""The Open Inference Protocol, version 2, over REST: named tensors in, named tensors out.

https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md

A column-based signature is read as one tensor a column, of shape [rows] or [rows, 1], or as one tensor of shape
[rows, columns] for all of them. A signature of one matrix is read from the one tensor, whatever its name.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import orjson
import pandas as pd
from mlflow.types import DataType, Schema

from podium.runtime.faults import RequestFault
from podium.runtime.prediction.model import Model, length
from podium.runtime.prediction.outputs import plain
from podium.runtime.prediction.scoring import Ask, Read, Scorer
from podium.runtime.prediction.signature import kind, named
from podium.runtime.protocols.bodies import JSON, media_type, parse_json
from podium.runtime.protocols.payloads import ask_payload

DATATYPES = {
    "BOOL": "bool",
    **{f"{prefix}INT{bits}": f"{prefix.lower()}int{bits}" for prefix in ("", "U") for bits in (8, 16, 32, 64)},
    **{f"FP{bits}": f"float{bits}" for bits in (16, 32, 64)},
    "BYTES": "str",
}
_OF_NUMPY = {name: datatype for datatype, name in DATATYPES.items()}
_OF_COLUMN = {
    DataType.boolean: "BOOL",
    DataType.integer: "INT32",
    DataType.long: "INT64",
    DataType.float: "FP32",
    DataType.double: "FP64",
}


def reader(model: str, version: str) -> Read:
    """Return how `/infer` is read; answers name the model and version."""

    def read(body: bytes, content_type: str, scorer: Scorer) -> Ask:
        media_type(content_type, (JSON,))
        parsed = parse_json(body)
        payload = _payload(parsed, scorer.model)
        envelope = {"model_name": model, "model_version": version}
        if isinstance(parsed.get("id"), str):
            envelope["id"] = parsed["id"]
        return ask_payload(payload, scorer, _writer(envelope, _wanted(parsed), scorer.model.outputs))

    return read


def _payload(parsed: Any, model: Model) -> dict[str, Any]:
    if not isinstance(parsed, dict) or not isinstance(parsed.get("inputs"), list) or not parsed["inputs"]:
        raise RequestFault("inputs: wanted a list of tensors")
    tensors = [_tensor(each, f"inputs[{number}]") for number, each in enumerate(parsed["inputs"])]
    schema = model.inputs
    payload: dict[str, Any]
    if schema is None or not schema.has_input_names():
        if len(tensors) != 1:
            raise RequestFault(f"inputs: this model takes 1 tensor, found {len(tensors)}")
        payload = {"inputs": _nested(*tensors[0][1:])}
    elif _is_whole_table(tensors, schema):
        _, rows, shape = tensors[0]
        payload = {"dataframe_split": {"columns": schema.input_names(), "data": _nested(rows, shape)}}
    else:
        payload = {"inputs": _columns(tensors, schema)}
    if params := _params(parsed, model):
        payload["params"] = params
    return payload


def _params(parsed: dict[str, Any], model: Model) -> dict[str, Any]:
    """MLflow's params are the protocol's parameters; without a params schema nobody would read them."""
    found = parsed.get("parameters")
    return found if isinstance(found, dict) and model.metadata.get_params_schema() is not None else {}


def _tensor(tensor: Any, where: str) -> tuple[str, list[Any], list[int]]:
    """Return a tensor's name, its data in one flat list, and its shape."""
    if not isinstance(tensor, dict) or not isinstance(tensor.get("name"), str):
        raise RequestFault(f"{where}: wanted an object with name, shape, datatype and data")
    name, shape, data = tensor["name"], tensor.get("shape"), tensor.get("data")
    at = f"{where} {name[:80]!r}"
    if tensor.get("datatype") not in list(DATATYPES):  # a list, because what is found may be unhashable
        raise RequestFault(f"{at}: datatype: wanted one of {', '.join(DATATYPES)}")
    if not isinstance(shape, list) or not shape or not all(type(each) is int and each >= 0 for each in shape):
        raise RequestFault(f"{at}: shape: wanted a list of whole numbers")
    if not isinstance(data, list):
        raise RequestFault(f"{at}: data: wanted a list, found {kind(data)}")
    while data and isinstance(data[0], list):  # nested data is allowed, and says the same
        if not all(isinstance(part, list) for part in data):
            raise RequestFault(f"{at}: data: nested to different depths")
        data = [cell for part in data for cell in part]
    if math.prod(shape) != len(data):
        raise RequestFault(f"{at}: the shape {shape} wants {math.prod(shape)} values, found {len(data)}")
    return name, data, shape


def _nested(data: list[Any], shape: list[int]) -> list[Any]:
    """Fold flat data into its shape."""
    for size in reversed(shape[1:]):
        data = [data[start : start + size] for start in range(0, len(data), size)] if size else []
    return data


def _is_whole_table(tensors: list[tuple[str, list[Any], list[int]]], schema: Schema) -> bool:
    (_, _, shape), *more = tensors
    table_dimensions = 2
    columns = len(schema.inputs)
    return (
        not more
        and columns > 1
        and not schema.is_tensor_spec()
        and shape[1:] == [columns]
        and len(shape) == (table_dimensions)
    )


def _columns(tensors: list[tuple[str, list[Any], list[int]]], schema: Schema) -> dict[str, Any]:
    names = [name for name, _, _ in tensors]
    if len(set(names)) != len(names):
        raise RequestFault(f"inputs: given twice: {named({name for name in names if names.count(name) > 1})}")
    if schema.is_tensor_spec():
        return {name: _nested(data, shape) for name, data, shape in tensors}
    for name, _, shape in tensors:
        if shape[1:] not in ([], [1]):
            raise RequestFault(f"inputs {name[:80]!r}: shape: wanted [rows] or [rows, 1], found {shape}")
    return {name: data for name, data, _ in tensors}


def _wanted(parsed: dict[str, Any]) -> list[str] | None:
    """Return the names of the outputs that are asked for, or None for all."""
    outputs = parsed.get("outputs")
    if outputs is None:
        return None
    if not isinstance(outputs, list) or not all(isinstance(each, dict) and "name" in each for each in outputs):
        raise RequestFault("outputs: wanted a list of objects with a name")
    return [str(each["name"]) for each in outputs]


def _writer(envelope: dict[str, Any], wanted: list[str] | None, schema: Schema | None) -> Callable[[Any], bytes]:
    def write(raw: Any) -> bytes:
        found = list(_outputs(raw, schema))
        if wanted is not None:
            missing = set(wanted) - {output["name"] for output in found}
            if missing:
                raise RequestFault(f"outputs: this model has no {named(missing).replace('column', 'output')}")
            found = [output for output in found if output["name"] in wanted]
        return orjson.dumps({**envelope, "outputs": found})

    return write


def _outputs(raw: Any, schema: Schema | None) -> list[dict[str, Any]]:
    if isinstance(raw, pd.DataFrame):
        return [_output(str(name), raw[name].to_numpy()) for name in raw.columns]
    if isinstance(raw, pd.Series):
        raw = raw.to_numpy()
    names = schema.input_names() if schema is not None and schema.has_input_names() else []
    if isinstance(raw, dict):
        return [_output(str(name), np.asarray(value)) for name, value in raw.items()]
    array = raw if isinstance(raw, np.ndarray) else np.asarray(raw if length(raw) is not None else [raw])
    return [_output(names[0] if len(names) == 1 else "output-0", array)]


def _output(name: str, array: np.ndarray[Any, Any]) -> dict[str, Any]:
    datatype = _OF_NUMPY.get(array.dtype.name)
    flat = array.ravel()
    if datatype is None:  # texts and objects: the protocol has only BYTES for them
        cells = [cell if isinstance(cell, str) else orjson.dumps(cell).decode() for cell in plain(flat)]
        return {"name": name, "datatype": "BYTES", "shape": list(array.shape), "data": cells}
    return {"name": name, "datatype": datatype, "shape": list(array.shape), "data": flat.tolist()}


def tensors_of(schema: Schema | None, fallback: str) -> list[dict[str, Any]]:
    """Return a signature as the protocol's tensor metadata."""
    if schema is None:
        return []
    return [
        {
            "name": str(spec.name) if spec.name is not None else fallback if number == 0 else f"{fallback}-{number}",
            "datatype": _datatype(spec),
            "shape": [int(size) for size in spec.shape] if hasattr(spec, "shape") else [-1],
        }
        for number, spec in enumerate(schema.inputs)
    ]


def _datatype(spec: Any) -> str:
    if hasattr(spec, "shape"):
        return _OF_NUMPY.get(np.dtype(spec.type).name, "BYTES")
    return _OF_COLUMN.get(spec.type, "BYTES") if isinstance(spec.type, DataType) else "BYTES"
