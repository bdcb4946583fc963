"""The messages of the Open Inference Protocol over gRPC, as a table of their fields.

Names, numbers and types are those of `open_inference_grpc.proto` (package `inference`, Apache License 2.0):
https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/open_inference_grpc.proto
The first message is of gRPC's own health protocol (grpc.health.v1), and the last one is Triton's, for the stream that
the protocol itself does not have. ModelInferRequestName is the beginning of a ModelInferRequest, where no more of it is
to be read.

A table and no generated code: protobuf builds the classes at import, in a pool of their own, so that they do not clash
with those of a client in the same process.
"""

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PACKAGE = "inference"
TABLE = """
HealthCheckRequest
  1 string service
ServerLiveRequest
ServerLiveResponse
  1 bool live
ServerReadyRequest
ServerReadyResponse
  1 bool ready
ModelReadyRequest
  1 string name
  2 string version
ModelReadyResponse
  1 bool ready
ServerMetadataRequest
ServerMetadataResponse
  1 string name
  2 string version
  3 repeated string extensions
ModelMetadataRequest
  1 string name
  2 string version
ModelMetadataResponse
  1 string name
  2 repeated string versions
  3 string platform
  4 repeated ModelMetadataResponse.TensorMetadata inputs
  5 repeated ModelMetadataResponse.TensorMetadata outputs
  6 map string properties
ModelMetadataResponse.TensorMetadata
  1 string name
  2 string datatype
  3 repeated int64 shape
ModelInferRequest
  1 string model_name
  2 string model_version
  3 string id
  4 map InferParameter parameters
  5 repeated ModelInferRequest.InferInputTensor inputs
  6 repeated ModelInferRequest.InferRequestedOutputTensor outputs
  7 repeated bytes raw_input_contents
ModelInferRequestName
  1 string model_name
  2 string model_version
ModelInferRequest.InferInputTensor
  1 string name
  2 string datatype
  3 repeated int64 shape
  4 map InferParameter parameters
  5 optional InferTensorContents contents
ModelInferRequest.InferRequestedOutputTensor
  1 string name
  2 map InferParameter parameters
ModelInferResponse
  1 string model_name
  2 string model_version
  3 string id
  4 map InferParameter parameters
  5 repeated ModelInferResponse.InferOutputTensor outputs
  6 repeated bytes raw_output_contents
ModelInferResponse.InferOutputTensor
  1 string name
  2 string datatype
  3 repeated int64 shape
  4 map InferParameter parameters
  5 optional InferTensorContents contents
InferParameter
  1 oneof bool bool_param
  2 oneof int64 int64_param
  3 oneof string string_param
  4 oneof double double_param
  5 oneof uint64 uint64_param
InferTensorContents
  1 repeated bool bool_contents
  2 repeated int32 int_contents
  3 repeated int64 int64_contents
  4 repeated uint32 uint_contents
  5 repeated uint64 uint64_contents
  6 repeated float fp32_contents
  7 repeated double fp64_contents
  8 repeated bytes bytes_contents
ModelStreamInferResponse
  1 string error_message
  2 optional ModelInferResponse infer_response
"""

_Field = descriptor_pb2.FieldDescriptorProto
_SCALARS = ("bool", "int32", "int64", "uint32", "uint64", "float", "double", "string", "bytes")


def _file() -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(name="podium/inference.proto", package=PACKAGE, syntax="proto3")
    messages: dict[str, Any] = {}
    current: Any = None
    for line in TABLE.strip().splitlines():
        if line.startswith(" "):
            _add(current, *line.split())
            continue
        outer, _, inner = line.partition(".")
        current = messages[outer].nested_type.add(name=inner) if inner else file.message_type.add(name=outer)
        messages[line] = current
    return file


def _add(message: Any, number: str, *words: str) -> None:
    *label, kind, name = words
    field = message.field.add(name=name, number=int(number), label=_Field.LABEL_OPTIONAL)
    if label == ["map"]:
        entry = message.nested_type.add(name="".join(part.title() for part in name.split("_")) + "Entry")
        entry.options.map_entry = True
        _add(entry, "1", "string", "key")
        _add(entry, "2", kind, "value")
        kind = f"{message.name}.{entry.name}"
        if message.name in {"InferInputTensor", "InferRequestedOutputTensor"}:
            kind = f"ModelInferRequest.{kind}"
        elif message.name == "InferOutputTensor":
            kind = f"ModelInferResponse.{kind}"
    if label in (["map"], ["repeated"]):
        field.label = _Field.LABEL_REPEATED
    if label == ["oneof"]:
        if not message.oneof_decl:
            message.oneof_decl.add(name="parameter_choice")
        field.oneof_index = 0
    if kind in _SCALARS:
        field.type = getattr(_Field, f"TYPE_{kind.upper()}")
    else:
        field.type, field.type_name = _Field.TYPE_MESSAGE, f".{PACKAGE}.{kind}"


_POOL = descriptor_pool.DescriptorPool()
_POOL.Add(_file())


def message(name: str) -> Any:
    """Return the class of a message."""
    return message_factory.GetMessageClass(_POOL.FindMessageTypeByName(f"{PACKAGE}.{name}"))


ModelInferRequest = message("ModelInferRequest")
ModelInferRequestName = message("ModelInferRequestName")
ModelInferResponse = message("ModelInferResponse")
