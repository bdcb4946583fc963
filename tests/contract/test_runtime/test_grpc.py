"""The gRPC port: the same tensors mean the same as by /infer, faults have their codes, and calls are counted alike."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cloudpickle  # type: ignore[import-untyped]
import grpc
import httpx
import mlflow
import numpy as np
import pytest
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema

from podium.runtime.protocols.messages import ModelInferRequest, ModelInferResponse, message
from tests.contract.test_runtime.conftest import Process, server
from tests.contract.test_runtime.test_doors import Described
from tests.contract.test_runtime.test_serving import requests_by_outcome, rows

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow and its flavours warn of themselves


class Caller:
    """A client of one server, by bytes."""

    def __init__(self, process: Process) -> None:
        port = process.wait_for(r"listening for gRPC on \S+:(\d+)").group(1)
        self.address = f"127.0.0.1:{port}"
        self.process = process
        self.channel = grpc.insecure_channel(self.address)

    def call(self, method: str, body: bytes = b"", **how: Any) -> bytes:
        answer: bytes = self.channel.unary_unary(f"/inference.GRPCInferenceService/{method}")(body, timeout=30, **how)
        return answer

    def infer(self, request: Any, **how: Any) -> Any:
        return ModelInferResponse.FromString(self.call("ModelInfer", request.SerializeToString(), **how))

    def fault(self, request: Any) -> tuple[grpc.StatusCode, str]:
        with pytest.raises(grpc.RpcError) as error:
            self.infer(request)
        return error.value.code(), error.value.details()


@pytest.fixture(scope="module")
def churn_by_grpc(store: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    with server(tmp_path_factory.mktemp("churn"), store, MODEL_URI="models:/churn/1", GRPC_PORT="0") as process:
        yield Caller(process.ready())


def infer(name: str, *tensors: tuple[str, str, list[Any]], raw: bool = False) -> Any:
    contents = {"FP64": "fp64_contents", "BYTES": "bytes_contents", "INT8": "int_contents", "INT64": "int64_contents"}
    request = ModelInferRequest(model_name=name)
    for column, datatype, cells in tensors:
        tensor = request.inputs.add(name=column, datatype=datatype, shape=[len(cells)])
        if raw:
            request.raw_input_contents.append(np.array(cells).tobytes())
        else:
            getattr(tensor.contents, contents[datatype]).extend(cells)
    return request


def churned(count: int = 3, *, raw: bool = False) -> Any:
    split: Any = rows(count)["dataframe_split"]
    columns = zip(split["columns"], zip(*split["data"], strict=True), strict=True)
    return infer("churn", *((name, "FP64", list(cells)) for name, cells in columns), raw=raw)


@pytest.mark.parametrize("raw", [False, True])
def test_a_call_is_answered_as_a_request_is(raw: bool, churn_by_grpc: Caller) -> None:
    answer = churn_by_grpc.infer(churned(raw=raw))
    expected = httpx.post(f"{churn_by_grpc.process.url}/invocations", json=rows(3)).json()["predictions"]
    (output,) = answer.outputs
    if raw:
        assert np.frombuffer(answer.raw_output_contents[0], "<i8").tolist() == expected
    else:
        assert list(output.contents.int64_contents) == expected
    assert (answer.model_name, answer.model_version, list(output.shape)) == ("churn", "1", [3])


def test_calls_are_counted_as_requests_are(churn_by_grpc: Caller) -> None:
    with httpx.Client(base_url=churn_by_grpc.process.url) as client:
        before = requests_by_outcome(client)
        churn_by_grpc.infer(churned())
        assert churn_by_grpc.fault(infer("churn", ("a", "FP64", [1.0])))[0] is grpc.StatusCode.INVALID_ARGUMENT
        after = requests_by_outcome(client)
    assert {name: after[name] - before[name] for name in after if after[name] != before[name]} == {
        "ok": 1,
        "client_error": 1,
    }


@pytest.mark.parametrize(
    ("request_", "code", "says"),
    [
        (infer("other", ("x", "FP64", [1.0])), grpc.StatusCode.NOT_FOUND, "no such"),
        (infer("churn"), grpc.StatusCode.INVALID_ARGUMENT, "inputs: expected tensors"),
        (infer("churn", ("x", "INT8", [300])), grpc.StatusCode.INVALID_ARGUMENT, "expected INT8"),
        (infer("churn", ("x", "BYTES", [b"\xff"])), grpc.StatusCode.INVALID_ARGUMENT, "expected UTF-8"),
        (infer("churn", ("x", "FP64", [1.0]), ("x", "FP64", [1.0])), grpc.StatusCode.INVALID_ARGUMENT, "given twice"),
        (ModelInferRequest(model_name="churn", raw_input_contents=[b""]), grpc.StatusCode.INVALID_ARGUMENT, "inputs"),
    ],
)
def test_a_wrong_call_is_told_what_is_wrong(
    request_: Any, code: grpc.StatusCode, says: str, churn_by_grpc: Caller
) -> None:
    found, said = churn_by_grpc.fault(request_)
    assert (found, says in said) == (code, True), said


def test_bytes_that_are_no_message_are_refused(churn_by_grpc: Caller) -> None:
    with pytest.raises(grpc.RpcError) as error:
        churn_by_grpc.call("ModelMetadata", b"\xff\xff")
    assert error.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_health_and_metadata(churn_by_grpc: Caller) -> None:
    assert message("ServerLiveResponse").FromString(churn_by_grpc.call("ServerLive")).live
    assert message("ServerReadyResponse").FromString(churn_by_grpc.call("ServerReady")).ready
    churn = message("ModelReadyRequest")(name="churn", version="1").SerializeToString()
    assert message("ModelReadyResponse").FromString(churn_by_grpc.call("ModelReady", churn)).ready
    found = message("ModelMetadataResponse").FromString(churn_by_grpc.call("ModelMetadata", churn))
    page = httpx.get(f"{churn_by_grpc.process.url}/v2/models/churn").json()
    assert [each.name for each in found.inputs] == [each["name"] for each in page["inputs"]]
    assert (found.platform, found.properties["digest"]) == (page["platform"], page["podium"]["digest"])
    check = churn_by_grpc.channel.unary_unary("/grpc.health.v1.Health/Check")
    assert check(b"", timeout=30) == b"\x08\x01"


def test_every_answer_says_who_gave_it(churn_by_grpc: Caller) -> None:
    call = churn_by_grpc.channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
    for request in (churned(), infer("churn")):
        try:
            _, given = call.with_call(request.SerializeToString(), metadata=[("x-request-id", "mine")], timeout=30)
        except grpc.RpcError as error:
            given = error
        metadata = dict(given.trailing_metadata())
        assert (metadata["x-podium-model"], metadata["x-podium-version"], metadata["x-request-id"]) == (
            "churn",
            "1",
            "mine",
        )


def test_a_stream_answers_each_message_in_order_and_survives_a_fault(churn_by_grpc: Caller) -> None:
    sent = [churned(1), infer("churn"), churned(3)]
    call = churn_by_grpc.channel.stream_stream("/inference.GRPCInferenceService/ModelStreamInfer")
    answers = call(iter([each.SerializeToString() for each in sent]), timeout=30)
    first, second, third = (message("ModelStreamInferResponse").FromString(each) for each in answers)
    assert [list(each.infer_response.outputs[0].shape) for each in (first, third)] == [[1], [3]]
    assert "inputs: expected tensors" in second.error_message


def test_the_usual_client_is_served(churn_by_grpc: Caller) -> None:
    from tritonclient import grpc as triton  # noqa: PLC0415  heavy

    client = triton.InferenceServerClient(churn_by_grpc.address)
    assert client.is_model_ready("churn")
    assert client.get_server_metadata().extensions == ["binary_tensor_data"]
    split: Any = rows(2)["dataframe_split"]
    inputs = []
    for name, cells in zip(split["columns"], zip(*split["data"], strict=True), strict=True):
        inputs.append(triton.InferInput(name, [2], "FP64"))
        inputs[-1].set_data_from_numpy(np.array(cells))
    expected = httpx.post(f"{churn_by_grpc.process.url}/invocations", json=rows(2)).json()["predictions"]
    assert client.infer("churn", inputs).as_numpy("output-0").tolist() == expected
    client.close()


def test_texts_and_params_mean_the_same(tmp_path: Path) -> None:
    schema = Schema([ColSpec(DataType.string, "s"), ColSpec(DataType.long, "n")])
    params = ParamSchema([ParamSpec("mode", DataType.string, "a"), ParamSpec("factor", DataType.double, 1.0)])
    cloudpickle.register_pickle_by_value(sys.modules[Described.__module__])  # the server does not have the tests
    mlflow.pyfunc.save_model(
        tmp_path / "model",
        python_model=Described(),
        signature=ModelSignature(inputs=schema, params=params),
        pip_requirements=[],
    )
    with server(tmp_path, "", MODEL_URI=str(tmp_path / "model"), GRPC_PORT="0") as process:
        caller = Caller(process.ready())
        request = infer("model", ("s", "BYTES", ["é".encode(), b""]), ("n", "INT64", [1, 2**53 + 1]))
        request.parameters["mode"].string_param = "b"
        request.parameters["factor"].double_param = 2.0
        found = caller.infer(request).outputs[0].contents.bytes_contents
        tensors = [
            {"name": "s", "datatype": "BYTES", "shape": [2], "data": ["é", ""]},
            {"name": "n", "datatype": "INT64", "shape": [2], "data": [1, 2**53 + 1]},
        ]
        request.parameters["mood"].string_param = "b"
        assert caller.fault(request) == (
            grpc.StatusCode.INVALID_ARGUMENT,
            "parameters: expected 'factor', 'mode', found 'mood' (PODIUM_EXTRA_COLUMNS=ignore allows it)",
        )
        body = {"inputs": tensors, "parameters": {"mode": "b", "factor": 2.0}}
        expected = httpx.post(f"{process.url}/v2/models/model/infer", json=body).json()["outputs"][0]["data"]
    assert [each.decode() for each in found] == expected


def test_the_port_answers_before_the_model_is_loaded(store: str, tmp_path: Path) -> None:
    with server(tmp_path, store, MODEL_URI="models:/churn/1", GRPC_PORT="0") as process:
        caller = Caller(process)
        live = message("ServerLiveResponse").FromString(caller.call("ServerLive", wait_for_ready=True))
        assert live.live
        process.ready()
        assert json.loads(httpx.get(f"{process.url}/v2/health/ready").text) == {"ready": True}


def test_a_port_that_is_taken_ends_the_start(churn_by_grpc: Caller, store: str, tmp_path: Path) -> None:
    port = churn_by_grpc.address.rpartition(":")[2]
    with server(tmp_path, store, MODEL_URI="models:/churn/1", GRPC_PORT=port) as process:
        assert process.exit_code() == 8
        assert "gRPC" in process.termination_log.read_text()
