"""The Open Inference Protocol, version 2, over REST: named tensors in, named tensors out.

https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md

A column-based signature is read as one tensor a column, of shape [rows] or [rows, 1], or as one tensor of shape
[rows, columns] for all of them. A signature of one matrix is read from the one tensor, whatever its name. Without a
signature, tensors become arrays of their datatypes. A binary column is base64 text, as in MLflow's JSON; a column of
arrays, objects or maps is JSON text, or a tensor whose rows are the arrays. Data may be bytes behind the JSON (`raw`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mlflow.types import DataType, Schema

from podium.runtime.faults import RequestFault
from podium.runtime.prediction.model import Model, Query
from podium.runtime.prediction.outputs import dumps
from podium.runtime.prediction.plan import Rows
from podium.runtime.prediction.scoring import Ask, Read, Scorer, Write
from podium.runtime.prediction.signature import kind, named
from podium.runtime.protocols import raw
from podium.runtime.protocols.answers import outputs_of
from podium.runtime.protocols.bodies import JSON, media_type, parse_json
from podium.runtime.protocols.payloads import ask_payload, refuse_twins, refuse_unknown_params
from podium.runtime.protocols.tensors import DTYPES, Tensor, read_tensor

BINARY_OUTPUT = "binary_data_output"  # the parameter that wants every output as bytes
# What clients of Triton, MLServer and KServe send along, of which nothing here depends
_OF_SERVERS = frozenset(
    {BINARY_OUTPUT, "content_type", "headers", "priority", "timeout"}
    | {f"sequence_{name}" for name in ("id", "start", "end")}
    | {f"triton_{name}" for name in ("enable_empty_final_response", "final_response")}
)


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
    if rest is None:
        return [read_tensor(each, number) for number, each in enumerate(inputs)]
    tensors = [read_tensor(each, number, rest.take(each, f"inputs[{number}]")) for number, each in enumerate(inputs)]
    rest.end()
    return tensors


def ask_tensors(tensors: list[Tensor], params: dict[str, Any], scorer: Scorer, write: Write) -> Ask:
    """Return what tensors ask of the model. Raises RequestFault: they do not fit its signature."""
    refuse_twins([tensor.name for tensor in tensors], "inputs")
    model = scorer.model
    if not params and (rows := _planned(tensors, model)) is not None:
        return Ask(rows=rows, write=write)
    if model.inputs is None:  # the datatype is all that is known
        arrays = {tensor.name: tensor.array() for tensor in tensors}
        query = Query(arrays if len(arrays) > 1 else arrays[tensors[0].name], params or None)
        return Ask(work=lambda: scorer.answer_query(query, write), planned=False)
    payload = _payload(tensors, model.inputs)
    return ask_payload({**payload, "params": params} if params else payload, scorer, write)


def _planned(tensors: list[Tensor], model: Model) -> Rows | None:
    """Return the rows of plain columns, as nearly all are; None where the model's plan cannot express the tensors."""
    plan = model.plan
    if plan is None or plan.names is None:
        return None
    for tensor in tensors:
        if len(tensor.shape) > 1 and tensor.shape[1:] != [1]:
            return None
    return plan.rows("inputs", {tensor.name: tensor.data for tensor in tensors})


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


def _params(parsed: dict[str, Any], model: Model) -> dict[str, Any]:
    found = parsed.get("parameters")
    if found is not None and not isinstance(found, dict):
        raise RequestFault(f"parameters: expected an object, found {kind(found)}")
    return params_of(found or {}, model)


def params_of(parameters: dict[str, Any], model: Model) -> dict[str, Any]:
    """Return the request's parameters that are MLflow's params: all but those that are known from other servers.

    Raises RequestFault: the model has no such param.
    """
    if not parameters:
        return {}
    schema = model.metadata.get_params_schema()
    own = set() if schema is None else {spec.name for spec in schema.params}
    params = {name: value for name, value in parameters.items() if name in own or name not in _OF_SERVERS}
    refuse_unknown_params(params, model, "parameters")
    return {name: value for name, value in params.items() if name in own}


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
        return raw.body(answered, blobs) if blobs else dumps(answered)

    return write


def _as_bytes(output: dict[str, Any]) -> bytes:
    """Take the data out of an output, and return them as bytes."""
    blob = raw.packed(output.pop("data"), DTYPES[output["datatype"]])
    output["parameters"] = {"binary_data_size": len(blob)}
    return blob
