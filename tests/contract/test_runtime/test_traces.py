"""Each prediction is a span where OpenTelemetry's variables ask for it, in the trace of the client that sent it."""

import asyncio
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import grpc
import httpx
import mlflow
import pytest
from mlflow.types import ColSpec, DataType, Schema
from opentelemetry import propagate
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from podium.runtime.exchange import JSON, Request, Response
from podium.runtime.grpc.port import Door
from podium.runtime.http.app import App
from podium.runtime.http.shared import Limits, Shared
from podium.runtime.loading.load import load
from podium.runtime.protocols.messages import ModelInferResponse
from podium.runtime.settings import Settings, traces
from tests.contract.test_runtime.conftest import server
from tests.contract.test_runtime.test_doors import saved
from tests.contract.test_runtime.test_grpc import infer

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow and its flavours warn of themselves

X = Schema([ColSpec(DataType.double, "x")])
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = b"00-%b-00f067aa0ba902b7-01" % TRACE.encode()
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


class Calls(mlflow.pyfunc.PythonModel):  # type: ignore[misc]  # MLflow is untyped here
    """Answers what it would send to a service that it calls."""

    def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
        if (model_input["x"] < 0).any():
            raise ValueError("negative")
        sent: dict[str, str] = {}
        propagate.inject(sent)
        return [sent.get("traceparent", "none") for _ in model_input["x"]]


class Collector(BaseHTTPRequestHandler):
    """Takes in what is exported."""

    spans: list[Any]

    def do_POST(self) -> None:
        export = ExportTraceServiceRequest.FromString(self.rfile.read(int(self.headers["content-length"])))
        for resource in export.resource_spans:
            service = {each.key: each.value.string_value for each in resource.resource.attributes}["service.name"]
            self.spans.extend((service, span) for scope in resource.scope_spans for span in scope.spans)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def exported(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    spans: list[Any] = []
    with HTTPServer(("127.0.0.1", 0), type("Told", (Collector,), {"spans": spans})) as collector:
        threading.Thread(target=collector.serve_forever, daemon=True).start()
        monkeypatch.setenv(ENDPOINT, f"http://127.0.0.1:{collector.server_port}")
        yield spans
        collector.shutdown()


async def answers(model: Path, environ: dict[str, str], *bodies: bytes) -> list[tuple[int, Any]]:
    settings = Settings.from_environment({"PODIUM_MODEL_URI": str(model), **environ})
    app = App(settings, settings.references[0].identity)
    app.serve(await asyncio.to_thread(load, settings))
    found = []
    for body in bodies:
        answer: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        headers = [(b"content-type", JSON), (b"traceparent", PARENT)]
        app.handle(Request("POST", "/invocations", headers, body, b"mine"), answer.set_result)
        found.append((int((await answer).status), answer.result().body))
    await asyncio.to_thread(app.close)
    return found


def body(x: float) -> bytes:
    return b'{"dataframe_records": [{"x": %g}]}' % x


async def test_a_prediction_is_a_span_of_its_clients_trace_and_the_model_is_in_it(
    tmp_path: Path, exported: list[Any]
) -> None:
    model = saved(tmp_path / "model", Calls(), X)
    (good, text), (bad, _) = await answers(model, {ENDPOINT: "here"}, body(1), body(-1))
    assert (good, bad) == (200, 500)
    (service, span), (_, failed) = exported
    assert (service, span.name, span.kind) == ("podium", "POST /invocations", span.SPAN_KIND_SERVER)
    assert span.trace_id.hex() == TRACE
    assert span.parent_span_id.hex() == "00f067aa0ba902b7"
    assert text == b'{"predictions":["00-%b-%b-01"]}' % (TRACE.encode(), span.span_id.hex().encode())
    told = {each.key: each.value.string_value or each.value.int_value for each in span.attributes}
    expected = {"podium.model": "model", "podium.version": "local", "podium.outcome": "ok"}
    assert told == {
        **expected,
        "podium.request_id": "mine",
        "http.request.method": "POST",
        "url.path": "/invocations",
        "http.response.status_code": 200,
    }
    assert failed.status.code == failed.status.STATUS_CODE_ERROR
    assert "negative" not in failed.status.message


async def test_a_call_by_grpc_continues_its_clients_trace_too(tmp_path: Path, exported: list[Any]) -> None:
    model = str(saved(tmp_path / "model", Calls(), X))
    settings = Settings.from_environment({"PODIUM_MODEL_URI": model, ENDPOINT: "here"})
    app = App(settings, settings.references[0].identity)
    app.serve(await asyncio.to_thread(load, settings))
    shared = Shared(app, Limits(10_000, 10_000, 30, 30, 75))
    port = await asyncio.get_running_loop().create_server(Door(app, shared).connection, "127.0.0.1", 0)
    async with port, grpc.aio.insecure_channel(f"127.0.0.1:{port.sockets[0].getsockname()[1]}") as channel:
        call = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
        sent = infer("model", ("x", "FP64", [1.0])).SerializeToString()
        answer = ModelInferResponse.FromString(await call(sent, metadata=[("traceparent", PARENT.decode())]))
    await asyncio.to_thread(app.close)
    ((_, span),) = exported
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, "00f067aa0ba902b7")
    found = answer.outputs[0].contents.bytes_contents
    assert list(found) == [b"00-%b-%b-01" % (TRACE.encode(), span.span_id.hex().encode())]


async def test_a_streamed_answer_is_one_span_and_each_part_is_in_it(tmp_path: Path, exported: list[Any]) -> None:
    settings = Settings.from_environment(
        {"PODIUM_MODEL_URI": str(saved(tmp_path / "model", Calls(), X)), ENDPOINT: "x"}
    )
    app = App(settings, settings.references[0].identity)
    app.serve(await asyncio.to_thread(load, settings))
    headers = [(b"accept", b"application/x-ndjson"), (b"traceparent", PARENT)]
    answer: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
    app.handle(Request("POST", "/api/v1/batch", headers, b'{"items": [{"x": 1}, {"x": 2}]}', b"1"), answer.set_result)
    parts = (await answer).body
    assert not isinstance(parts, bytes)
    text = b"".join([part async for part in parts])
    await asyncio.to_thread(app.close)
    ((_, span),) = exported
    assert text.count(b"00-%b-%b-01" % (TRACE.encode(), span.span_id.hex().encode())) == 2


def test_a_pod_that_ends_sends_the_spans_that_wait(store: str, tmp_path: Path, exported: list[Any]) -> None:
    with server(tmp_path, store, MODEL_URI="models:/picky/1") as process:
        process.ready()
        httpx.post(f"{process.url}/invocations", json={"dataframe_records": [{"x": 3.0}]}).raise_for_status()
        process.popen.terminate()
        assert process.exit_code(30) == 0
    assert [(service, span.name) for service, span in exported] == [("podium", "POST /invocations")]


async def test_without_the_variables_there_is_no_trace(tmp_path: Path, exported: list[Any]) -> None:
    ((status, text),) = await answers(saved(tmp_path / "model", Calls(), X), {}, body(1))
    assert (status, text, exported) == (200, b'{"predictions":["none"]}', [])


@pytest.mark.parametrize(
    ("environ", "on"),
    [
        ({}, False),
        ({ENDPOINT: "http://otel:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://otel:4318/v1/traces"}, True),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
        ({ENDPOINT: "http://otel:4318", "OTEL_TRACES_EXPORTER": "none"}, False),
        ({ENDPOINT: "http://otel:4318", "OTEL_SDK_DISABLED": "True"}, False),
    ],
)
def test_the_standard_variables_turn_them_on_and_off(environ: dict[str, str], on: bool) -> None:
    assert traces(environ) is on
