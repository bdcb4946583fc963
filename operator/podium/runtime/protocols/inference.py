"""The Open Inference Protocol, version 2, over REST: named tensors in, named tensors out.

https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md

A column-based signature is read as one tensor a column, of shape [rows] or [rows, 1], or as one tensor of shape
[rows, columns] for all of them. A signature of one matrix is read from the one tensor, whatever its name. Without a
signature, tensors become arrays of their datatypes. A binary column is base64 text, as in MLflow's JSON; a column of
arrays, objects or maps is JSON text, or a tensor whose rows are the arrays.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import orjson
import pandas as pd
from mlflow.types import DataType, Schema

from podium.runtime.faults import RequestFault
from podium.runtime.prediction.model import Model, Query, length
from podium.runtime.prediction.outputs import plain, text
from podium.runtime.prediction.rows import is_by_output
from podium.runtime.prediction.scoring import Ask, Read, Scorer, Write
from podium.runtime.prediction.signature import kind, named
from podium.runtime.protocols.bodies import JSON, media_type, parse_json
from podium.runtime.protocols.payloads import ask_payload
from podium.runtime.protocols.tensors import DATATYPES, Tensor, read_tensor

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
        if not isinstance(parsed, dict):
            raise RequestFault(f"wanted a JSON object with inputs, found {kind(parsed)}")
        envelope = {"model_name": model, "model_version": version}
        if isinstance(parsed.get("id"), str):
            envelope["id"] = parsed["id"]
        return _ask(parsed, scorer, _writer(envelope, _wanted(parsed), scorer.model))

    return read


def _ask(parsed: dict[str, Any], scorer: Scorer, write: Write) -> Ask:
    if not isinstance(parsed.get("inputs"), list) or not parsed["inputs"]:
        raise RequestFault("inputs: wanted a list of tensors")
    tensors = [read_tensor(each, f"inputs[{number}]") for number, each in enumerate(parsed["inputs"])]
    _refuse_twins(tensors)
    model = scorer.model
    params = _params(parsed, model)
    if model.inputs is None:  # the datatype is all that is known
        arrays = {tensor.name: tensor.array() for tensor in tensors}
        query = Query(arrays if len(arrays) > 1 else arrays[tensors[0].name], params or None)
        return Ask(work=lambda: scorer.answer_query(query, write), planned=False)
    payload = _payload(tensors, model.inputs)
    return ask_payload({**payload, "params": params} if params else payload, scorer, write)


def _payload(tensors: list[Tensor], schema: Schema) -> dict[str, Any]:
    """Return the tensors as one of MLflow's forms: columns become a table, which means the same by every protocol."""
    if not schema.has_input_names():
        if len(tensors) != 1:
            raise RequestFault(f"inputs: this model takes 1 tensor, found {len(tensors)}")
        return {"inputs": tensors[0].nested()}
    if schema.is_tensor_spec():
        return {"inputs": {tensor.name: tensor.nested() for tensor in tensors}}
    if _is_whole_table(tensors, schema):
        return {"dataframe_split": {"columns": schema.input_names(), "data": tensors[0].nested()}}
    return {"dataframe_split": _table(tensors, schema)}


def _refuse_twins(tensors: list[Tensor]) -> None:
    if len({tensor.name for tensor in tensors}) < len(tensors):
        counts = Counter(tensor.name for tensor in tensors)
        twins = [name for name, count in counts.items() if count > 1]
        raise RequestFault(f"inputs: given twice: {named(twins)}")


def _params(parsed: dict[str, Any], model: Model) -> dict[str, Any]:
    """MLflow's params are the protocol's parameters; without a params schema nothing would read them."""
    found = parsed.get("parameters")
    return found if isinstance(found, dict) and model.metadata.get_params_schema() is not None else {}


def _is_whole_table(tensors: list[Tensor], schema: Schema) -> bool:
    columns = len(schema.inputs)
    return len(tensors) == 1 and columns > 1 and tensors[0].shape[1:] == [columns]


def _table(tensors: list[Tensor], schema: Schema) -> dict[str, Any]:
    """Return the columns in the signature's order, and then those that it does not know."""
    specs = {str(spec.name): spec for spec in schema.inputs}  # names may be numbers, which JSON does not have
    sent = {tensor.name: tensor for tensor in tensors}
    names = [*(name for name in specs if name in sent), *(name for name in sent if name not in specs)]
    columns = [_cells(sent[name], specs.get(name)) for name in names]
    if len({len(column) for column in columns}) > 1:
        raise RequestFault("inputs: wanted the same number of rows in each tensor")
    rows = list(zip(*columns, strict=True))
    return {"columns": [specs[name].name if name in specs else name for name in names], "data": rows}


def _cells(tensor: Tensor, spec: Any) -> list[Any]:
    """Return a column's cells; what is no plain value comes as JSON text, or as a row of the tensor."""
    nested = spec is not None and not isinstance(spec.type, DataType)
    if nested and len(tensor.shape) > 1:
        return tensor.nested()
    if tensor.shape[1:] not in ([], [1]):
        found = tensor.shape
        raise RequestFault(f"inputs {tensor.name[:80]!r}: shape: wanted [rows] or [rows, 1], found {found}")
    return [parse_json(cell.encode()) if nested and cell else cell for cell in tensor.data]


def _wanted(parsed: dict[str, Any]) -> list[str] | None:
    """Return the names of the outputs that are asked for, or None for all."""
    outputs = parsed.get("outputs")
    if outputs is None or outputs == []:
        return None
    if not isinstance(outputs, list) or not all(isinstance(each, dict) and "name" in each for each in outputs):
        raise RequestFault("outputs: wanted a list of objects with a name")
    return [str(each["name"]) for each in outputs]


def _writer(envelope: dict[str, Any], wanted: list[str] | None, model: Model) -> Callable[[Any], bytes]:
    def write(raw: Any) -> bytes:
        found = _outputs(raw, model)
        if wanted is not None:
            missing = set(wanted) - {output["name"] for output in found}
            if missing:
                raise RequestFault(f"outputs: this model has no {named(missing).replace('column', 'output')}")
            found = [output for output in found if output["name"] in wanted]
        return orjson.dumps({**envelope, "outputs": found})

    return write


def _outputs(raw: Any, model: Model) -> list[dict[str, Any]]:
    if isinstance(raw, pd.DataFrame):
        return [_output(str(name), raw[name].to_numpy()) for name in raw.columns]
    if isinstance(raw, pd.Series):
        raw = raw.to_numpy()
    if isinstance(raw, dict):
        return [_output(str(name), _array(value)) for name, value in raw.items()]
    if model.by_output and is_by_output(raw):
        return [_output(f"output-{number}", table) for number, table in enumerate(raw)]
    schema = model.outputs
    names = schema.input_names() if schema is not None and schema.has_input_names() else []
    return [_output(str(names[0]) if len(names) == 1 else "output-0", _array(raw))]


def _array(raw: Any) -> np.ndarray[Any, Any]:
    if isinstance(raw, np.ndarray):
        return raw
    cells = raw if length(raw) is not None else [raw]
    try:
        return np.asarray(cells)
    except ValueError:  # lists of several lengths: one object a row
        array = np.empty(len(cells), dtype=object)
        array[:] = cells
        return array


def _output(name: str, array: np.ndarray[Any, Any]) -> dict[str, Any]:
    datatype = _OF_NUMPY.get(array.dtype.name)
    flat = array.ravel()
    if datatype is None:  # texts and objects: the protocol has only BYTES for them
        cells = pd.Series(flat) if array.dtype.kind == "M" else plain(flat)
        return {"name": name, "datatype": "BYTES", "shape": list(array.shape), "data": [text(cell) for cell in cells]}
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
