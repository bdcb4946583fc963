"""What a ModelInfer of gRPC means: the same tensors as those of `/infer`, in messages instead of JSON."""

from typing import Any

from google.protobuf.message import DecodeError

from podium.runtime.faults import RequestFault
from podium.runtime.prediction.model import Model
from podium.runtime.prediction.plan import Rows
from podium.runtime.prediction.scoring import Ask, Read, Scorer, Write
from podium.runtime.protocols import raw
from podium.runtime.protocols.answers import outputs_of
from podium.runtime.protocols.inference import Wishes, ask_tensors, params_of
from podium.runtime.protocols.layouts import Layouts
from podium.runtime.protocols.messages import ModelInferRequest, ModelInferRequestName, ModelInferResponse
from podium.runtime.protocols.tensors import DTYPES, Tensor, placed, raw_tensor, tensor_of

_CONTENTS = {
    "BOOL": "bool_contents",
    **dict.fromkeys(("INT8", "INT16", "INT32"), "int_contents"),
    "INT64": "int64_contents",
    **dict.fromkeys(("UINT8", "UINT16", "UINT32"), "uint_contents"),
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}  # FP16 has none: its data are raw
_BY_MESSAGE = frozenset(
    {"BOOL", "INT32", "INT64", "UINT32", "UINT64", "FP32", "FP64"}
)  # a message holds nothing else there


def reader(model: str, version: str) -> Read:
    """Return how a ModelInferRequest is read; answers name the model and version."""
    layouts = Layouts()

    def read(body: bytes, content_type: str, scorer: Scorer) -> Ask:  # noqa: ARG001  there is but one
        if (known := layouts.ask(body)) is not None:
            return known
        try:
            request = ModelInferRequest.FromString(body)
        except DecodeError as error:
            raise RequestFault("this is no ModelInferRequest") from error
        if not request.inputs:
            raise RequestFault("inputs: expected tensors, found none")
        names = tuple(each.name for each in request.outputs) if request.outputs else None
        envelope = {"model_name": model, "model_version": version, "id": request.id}
        write = _writer(envelope, Wishes(names), scorer.model, as_raw=bool(request.raw_input_contents))
        if not request.parameters and (rows := _planned(request, scorer.model)) is not None:
            layouts.learn(body, request, scorer.model, write)
            return Ask(rows=rows, write=write)
        return ask_tensors(_tensors(request), _params(request, scorer.model), scorer, write)

    return read


def named_by(body: bytes) -> tuple[str, str]:
    """Return the model and the version that a ModelInferRequest names, and read nothing else of it.

    Raises RequestFault: it is none.
    """
    try:
        request = ModelInferRequestName.FromString(body)
    except DecodeError as error:
        raise RequestFault("this is no ModelInferRequest") from error
    return request.model_name, request.model_version


def _planned(request: Any, model: Model) -> Rows | None:
    """Return the rows of plain columns by type, which nearly all calls send; None where there is more to be said.

    A message holds nothing else than its type says, so that the shape is all there is to check. A name that is there
    twice makes a column too few for the plan.
    """
    plan = model.plan
    if plan is None or plan.names is None or len(request.inputs) != plan.width or request.raw_input_contents:
        return None
    columns = {}
    for tensor in request.inputs:
        datatype = tensor.datatype
        if datatype not in _BY_MESSAGE:
            return None
        data = getattr(tensor.contents, _CONTENTS[datatype])[:]  # a slice takes half the time of a list
        if tensor.shape[:] != [len(data)]:
            return None
        columns[tensor.name] = data
    return plan.rows("inputs", columns)


def _tensors(request: Any) -> list[Tensor]:
    blobs: list[bytes] | None = list(request.raw_input_contents) or None
    if blobs is not None and len(blobs) != len(request.inputs):
        raise RequestFault(
            f"raw_input_contents: expected one for each of {len(request.inputs)} inputs, found {len(blobs)}"
        )
    tensors = []
    for number, each in enumerate(request.inputs):
        try:
            tensors.append(_tensor(each) if blobs is None else _raw_tensor(each, blobs[number]))
        except RequestFault as fault:
            raise placed(fault, number, each.name) from fault
    return tensors


def _tensor(tensor: Any) -> Tensor:
    datatype, shape = tensor.datatype, list(tensor.shape)
    contents = _CONTENTS.get(datatype)
    data = list(getattr(tensor.contents, contents)) if contents is not None else []
    if datatype == "BYTES":
        data = [raw.text_of(each) for each in data]
    return tensor_of(tensor.name, datatype, shape, data)


def _raw_tensor(tensor: Any, blob: bytes) -> Tensor:
    if tensor.HasField("contents"):
        raise RequestFault("expected contents or raw_input_contents, found both")
    return raw_tensor(tensor.name, tensor.datatype, list(tensor.shape), memoryview(blob))


def _params(request: Any, model: Model) -> dict[str, Any]:
    if not request.parameters:
        return {}
    kinds = {name: each.WhichOneof("parameter_choice") for name, each in request.parameters.items()}
    found = {name: getattr(request.parameters[name], kind) for name, kind in kinds.items() if kind is not None}
    return params_of(found, model)


def _writer(envelope: dict[str, str], wishes: Wishes, model: Model, *, as_raw: bool) -> Write:
    """Answer as it was asked: raw, or by type. FP16 is raw in any case, and then so is all of the answer."""

    def write(predicted: Any) -> bytes:
        found = wishes.chosen(outputs_of(predicted, model))
        answer = ModelInferResponse(**envelope)
        all_raw = as_raw or any(output["datatype"] not in _CONTENTS for output in found)
        for output in found:
            tensor = answer.outputs.add(name=output["name"], datatype=output["datatype"], shape=output["shape"])
            if all_raw:
                answer.raw_output_contents.append(raw.packed(output["data"], DTYPES[output["datatype"]]))
                continue
            cells = output["data"]
            if output["datatype"] == "BYTES":
                cells = [raw.encoded(cell) for cell in cells]
            getattr(tensor.contents, _CONTENTS[output["datatype"]]).extend(cells)
        serialized: bytes = answer.SerializeToString()
        return serialized

    return write
