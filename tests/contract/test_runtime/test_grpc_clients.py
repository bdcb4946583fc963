"""What clients of gRPC rely on beside the methods: grpcio itself, over a network, against the server as a process."""

import concurrent.futures
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest

from podium.runtime.protocols.messages import ModelInferRequest, ModelInferResponse
from tests.contract.test_runtime.conftest import server
from tests.contract.test_runtime.test_grpc import Caller, churned, infer

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow and its flavours warn of themselves

INFER = "/inference.GRPCInferenceService/ModelInfer"
LIMIT = 8 * 1024 * 1024


@pytest.fixture(scope="module")
def caller(store: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    settings = {"MODEL_URI": "models:/churn/1", "GRPC_PORT": "0", "HOST": "::", "MAX_BODY_BYTES": str(LIMIT)}
    with server(tmp_path_factory.mktemp("clients"), store, **settings) as process:
        yield Caller(process.ready())


def repeated(rows: int) -> Any:
    request = churned(1, raw=True)
    for tensor in request.inputs:
        tensor.shape[:] = [rows]
    blobs = [blob * rows for blob in request.raw_input_contents]
    del request.raw_input_contents[:]
    request.raw_input_contents.extend(blobs)
    return request


@pytest.mark.parametrize("compression", [grpc.Compression.Gzip, grpc.Compression.Deflate])
def test_a_client_may_compress(compression: grpc.Compression, caller: Caller) -> None:
    plain = caller.infer(repeated(500))
    assert caller.infer(repeated(500), compression=compression) == plain


def test_bodies_and_answers_larger_than_every_window_arrive(caller: Caller) -> None:
    request = repeated(30_000)
    assert LIMIT > request.ByteSize() > 1024 * 1024
    (output,) = caller.infer(request).outputs
    assert list(output.shape) == [30_000]


def test_a_body_above_the_limit_is_resource_exhausted(caller: Caller) -> None:
    request = repeated(1)
    request.raw_input_contents.append(bytes(LIMIT))
    code, said = caller.fault(request)
    assert (code, "PODIUM_MAX_BODY_BYTES" in said) == (grpc.StatusCode.RESOURCE_EXHAUSTED, True)
    assert caller.infer(churned()).model_name == "churn", "the connection goes on"


def test_a_thousand_calls_at_once_on_one_channel_are_all_answered(caller: Caller) -> None:
    call = caller.channel.unary_unary(INFER)
    body = churned().SerializeToString()
    found: list[Any] = []
    for _ in range(4):
        waiting = [call.future(body, timeout=60) for _ in range(250)]
        found += [each.code() for each in waiting]
    assert set(found) == {grpc.StatusCode.OK}


def test_calls_with_metadata_of_their_own_are_answered(caller: Caller) -> None:
    call = caller.channel.unary_unary(INFER)
    for number in range(50):
        metadata = [("x-request-id", f"id-{number}"), ("x-other", "v" * number), ("x-bin", bytes((number,)))]
        _, given = call.with_call(churned().SerializeToString(), metadata=metadata, timeout=30 + number)
        assert dict(given.trailing_metadata())["x-request-id"] == f"id-{number}"


def test_a_method_that_there_is_not_is_unimplemented(caller: Caller) -> None:
    with pytest.raises(grpc.RpcError) as error:
        caller.call("ModelPredict")
    assert error.value.code() is grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize("address", ["127.0.0.1", "[::1]"])
def test_the_port_is_there_for_ipv4_and_ipv6(address: str, caller: Caller) -> None:
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    port = caller.address.rpartition(":")[2]
    with grpc.insecure_channel(f"{address}:{port}") as channel:
        answer = channel.unary_unary(INFER)(churned().SerializeToString(), timeout=30)
    assert ModelInferResponse.FromString(answer).model_name == "churn"


def test_a_drain_loses_no_call(store: str, tmp_path: Path) -> None:
    settings = {"MODEL_URI": "models:/picky/1", "GRPC_PORT": "0", "DRAIN_SECONDS": "1"}
    with server(tmp_path, store, **settings) as process:
        caller = Caller(process.ready())
        body = infer("picky", ("x", "FP64", [3.0])).SerializeToString()
        call = caller.channel.unary_unary(INFER)
        stream = caller.channel.stream_stream("/inference.GRPCInferenceService/ModelStreamInfer")
        never: concurrent.futures.Future[bytes] = concurrent.futures.Future()
        idle = stream(iter(lambda: never.result(timeout=60), None), timeout=60)
        answered = [call(body, timeout=30) for _ in range(5)]
        process.popen.send_signal(signal.SIGTERM)
        process.wait_for("draining for")
        answered += [call(body, timeout=30) for _ in range(50)]
        assert len(set(answered)) == 1
        assert idle.code() is grpc.StatusCode.UNAVAILABLE
        assert process.exit_code() == 0
        never.cancel()


def test_numbers_of_32_bits_mean_what_the_message_says(caller: Caller) -> None:
    request: Any = ModelInferRequest(model_name="churn")
    request.CopyFrom(churned())
    for tensor in request.inputs:
        cells = np.array(tensor.contents.fp64_contents, dtype=np.float32)
        tensor.ClearField("contents")
        tensor.datatype = "FP32"
        tensor.contents.fp32_contents.extend(cells.tolist())
    assert list(caller.infer(request).outputs[0].shape) == [3]


def test_data_by_type_and_as_bytes_at_once_are_refused(caller: Caller) -> None:
    request = churned()
    request.raw_input_contents.extend(churned(raw=True).raw_input_contents)
    code, said = caller.fault(request)
    assert (code, "found both" in said) == (grpc.StatusCode.INVALID_ARGUMENT, True), said
