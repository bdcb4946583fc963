"""What a ModelInfer of gRPC means: the same tensors as those of `/infer`, in messages instead of JSON."""

from typing import Any

from google.protobuf.message import DecodeError

from podium.runtime.faults import RequestFault
from podium.runtime.prediction.model import Model
from podium.runtime.prediction.scoring import Ask, Read, Scorer, Write
from podium.runtime.protocols import raw
from podium.runtime.protocols.answers import outputs_of
from podium.runtime.protocols.inference import Wishes, ask_tensors, params_of
from podium.runtime.protocols.messages import ModelInferRequest, ModelInferResponse
from podium.runtime.protocols.tensors import DTYPES, Tensor, read_tensor

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


def reader(model: str, version: str) -> Read:
    """Return how a ModelInferRequest is read; answers name the model and version."""

    def read(body: bytes, content_type: str, scorer: Scorer) -> Ask:  # noqa: ARG001  there is but one
        try:
            request = ModelInferRequest.FromString(body)
        except DecodeError as error:
            raise RequestFault("this is no ModelInferRequest") from error
        if not request.inputs:
            raise RequestFault("inputs: expected tensors, found none")
        wishes = Wishes(tuple(each.name for each in request.outputs) or None)
        answer = ModelInferResponse(model_name=model, model_version=version, id=request.id)
        write = _writer(answer, wishes, scorer.model, as_raw=bool(request.raw_input_contents))
        return ask_tensors(_tensors(request), _params(request, scorer.model), scorer, write)

    return read


def _tensors(request: Any) -> list[Tensor]:
    blobs: list[bytes] | None = list(request.raw_input_contents) or None
    if blobs is not None and len(blobs) != len(request.inputs):
        raise RequestFault(
            f"raw_input_contents: expected one for each of {len(request.inputs)} inputs, found {len(blobs)}"
        )
    return [
        _tensor(each, f"inputs[{number}]", None if blobs is None else memoryview(blobs[number]))
        for number, each in enumerate(request.inputs)
    ]


def _tensor(tensor: Any, where: str, blob: memoryview | None) -> Tensor:
    described = {"name": tensor.name, "datatype": tensor.datatype, "shape": list(tensor.shape)}
    if blob is not None:
        if tensor.HasField("contents"):
            raise RequestFault(f"{where}: expected contents or raw_input_contents, found both")
        return read_tensor(described, where, blob)
    contents = _CONTENTS.get(tensor.datatype)
    data = list(getattr(tensor.contents, contents)) if contents is not None else []
    if tensor.datatype == "BYTES":
        data = [raw.text_of(each, where) for each in data]
    return read_tensor({**described, "data": data}, where)


def _params(request: Any, model: Model) -> dict[str, Any]:
    kinds = {name: each.WhichOneof("parameter_choice") for name, each in request.parameters.items()}
    found = {name: getattr(request.parameters[name], kind) for name, kind in kinds.items() if kind is not None}
    return params_of(found, model)


def _writer(answer: Any, wishes: Wishes, model: Model, *, as_raw: bool) -> Write:
    """Answer as it was asked: raw, or by type. FP16 is raw in any case, and then so is all of the answer."""

    def write(predicted: Any) -> bytes:
        found = wishes.chosen(outputs_of(predicted, model))
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
