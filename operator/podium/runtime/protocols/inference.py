"""The Open Inference Protocol, version 2, over REST: named tensors in, named tensors out.

https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md

A column-based signature is read as one tensor a column, of shape [rows] or [rows, 1], or as one tensor of shape
[rows, columns] for all of them. A signature of one matrix is read from the one tensor, whatever its name. Without a
signature, tensors become arrays of their datatypes. A binary column is base64 text, as in MLflow's JSON; a column of
arrays, objects or maps is JSON text, or a tensor whose rows are the arrays. Data may be bytes behind the JSON (`raw`).
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
import pandas as pd
from mlflow.types import DataType, Schema

from podium.runtime.faults import RequestFault
from podium.runtime.prediction.model import Model, Query, length
from podium.runtime.prediction.outputs import is_missing, plain, text
from podium.runtime.prediction.rows import is_by_output
from podium.runtime.prediction.scoring import Ask, Read, Scorer, Write
from podium.runtime.prediction.signature import kind, named
from podium.runtime.protocols import raw
from podium.runtime.protocols.bodies import JSON, media_type, parse_json
from podium.runtime.protocols.payloads import ask_payload
from podium.runtime.protocols.tensors import DATATYPES, DTYPES, Tensor, read_tensor

BINARY_OUTPUT = "binary_data_output"  # the parameter that wants every output as bytes
_EXACT = 2**53  # up to this, a double holds every whole number
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
        return _asked(parse_json(body), None, {"model_name": model, "model_version": version}, scorer)

    return read


def binary_reader(model: str, version: str) -> Callable[[bytes], Read]:
    """Return how `/infer` is read where its header says how much of the body is JSON, before the tensors' bytes."""

    def of(header_length: bytes) -> Read:
        def read(body: bytes, content_type: str, scorer: Scorer) -> Ask:
            media_type(content_type, (JSON, raw.OCTETS))
            parsed, rest = raw.split(body, header_length)
            return _asked(parsed, raw.Rest(rest), {"model_name": model, "model_version": version}, scorer)

        return read

    return of


def _asked(parsed: Any, rest: raw.Rest | None, envelope: dict[str, Any], scorer: Scorer) -> Ask:
    if not isinstance(parsed, dict):
        raise RequestFault(f"expected a JSON object with inputs, found {kind(parsed)}")
    if isinstance(parsed.get("id"), str):
        envelope["id"] = parsed["id"]
    if not isinstance(parsed.get("inputs"), list) or not parsed["inputs"]:
        raise RequestFault("inputs: expected a list of tensors")
    tensors = _tensors(parsed["inputs"], rest)
    return ask_tensors(
        tensors, _params(parsed, scorer.model), scorer, _writer(envelope, Wishes.of(parsed), scorer.model)
    )


def _tensors(inputs: list[Any], rest: raw.Rest | None) -> list[Tensor]:
    places = [(each, f"inputs[{number}]") for number, each in enumerate(inputs)]
    if rest is None:
        return [read_tensor(each, where) for each, where in places]
    tensors = [read_tensor(each, where, rest.take(each, where)) for each, where in places]
    rest.end()
    return tensors


def ask_tensors(tensors: list[Tensor], params: dict[str, Any], scorer: Scorer, write: Write) -> Ask:
    """Return what tensors ask of the model. Raises RequestFault: they do not fit its signature."""
    _refuse_twins(tensors)
    model = scorer.model
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
    if not isinstance(found, dict) or model.metadata.get_params_schema() is None:
        return {}
    return {name: value for name, value in found.items() if name != BINARY_OUTPUT}


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
        raise RequestFault("inputs: expected the same number of rows in each tensor")
    rows = list(zip(*columns, strict=True))
    return {"columns": [specs[name].name if name in specs else name for name in names], "data": rows}


def _cells(tensor: Tensor, spec: Any) -> list[Any]:
    """Return a column's cells; what is no plain value comes as JSON text, or as a row of the tensor."""
    nested = spec is not None and not isinstance(spec.type, DataType)
    if nested and len(tensor.shape) > 1:
        return tensor.nested()
    if tensor.shape[1:] not in ([], [1]):
        found = tensor.shape
        raise RequestFault(f"inputs {tensor.name[:80]!r}: shape: expected [rows] or [rows, 1], found {found}")
    return [parse_json(cell.encode()) if nested and cell else cell for cell in tensor.data]


@dataclass(frozen=True, slots=True)
class Wishes:
    """Which outputs a request asks for (None: all of them), and which of them as bytes behind the JSON."""

    names: tuple[str, ...] | None
    binary: frozenset[str] = frozenset()
    all_binary: bool = False

    @classmethod
    def of(cls, parsed: dict[str, Any]) -> "Wishes":
        """Read `outputs` and `binary_data_output` of a request. Raises RequestFault."""
        all_binary = _parameter(parsed, BINARY_OUTPUT) is True
        outputs = parsed.get("outputs")
        if outputs is None or outputs == []:
            return cls(None, all_binary=all_binary)
        if not isinstance(outputs, list) or not all(isinstance(each, dict) and "name" in each for each in outputs):
            raise RequestFault("outputs: expected a list of objects with a name")
        said = {str(each["name"]): _parameter(each, "binary_data") for each in outputs}
        binary = {name for name, flag in said.items() if flag is True or (flag is None and all_binary)}
        return cls(tuple(said), frozenset(binary))

    def chosen(self, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return those outputs that are asked for. Raises RequestFault: the model has no such output."""
        if self.names is None:
            return found
        missing = set(self.names) - {output["name"] for output in found}
        if missing:
            raise RequestFault(f"outputs: this model has no {named(missing).replace('column', 'output')}")
        return [output for output in found if output["name"] in self.names]


def _parameter(holder: dict[str, Any], name: str) -> Any:
    parameters = holder.get("parameters")
    return parameters.get(name) if isinstance(parameters, dict) else None


def _writer(envelope: dict[str, Any], wishes: Wishes, model: Model) -> Write:
    def write(answer: Any) -> bytes:
        found = wishes.chosen(outputs_of(answer, model))
        blobs = [_as_bytes(output) for output in found if wishes.all_binary or output["name"] in wishes.binary]
        answered = {**envelope, "outputs": found}
        return raw.body(answered, blobs) if blobs else orjson.dumps(answered)

    return write


def _as_bytes(output: dict[str, Any]) -> bytes:
    """Take the data out of an output, and return them as bytes."""
    blob = raw.packed(output.pop("data"), DTYPES[output["datatype"]])
    output["parameters"] = {"binary_data_size": len(blob)}
    return blob


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
