"""The methods of the protocol: each is answered by what answers the same question over HTTP."""

from functools import lru_cache
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import orjson
from google.protobuf.message import DecodeError

from podium.runtime.exchange import Response
from podium.runtime.faults import RequestFault
from podium.runtime.grpc.calls import Call, Method, said
from podium.runtime.grpc.status import Code
from podium.runtime.http.app import App
from podium.runtime.protocols.calls import named_by
from podium.runtime.protocols.messages import message

_SERVICE = "/inference.GRPCInferenceService/"
_SERVICES = "", _SERVICE.strip("/")  # whose health can be asked
_SERVING, _NOT_SERVING = b"\x08\x01", b"\x08\x02"  # grpc.health.v1.HealthCheckResponse


class Methods:
    """What answers the calls of one server."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._by_path = {
            f"{_SERVICE}ServerLive": Method(self.server_live),
            f"{_SERVICE}ServerReady": Method(self.server_ready),
            f"{_SERVICE}ModelReady": Method(self.model_ready),
            f"{_SERVICE}ServerMetadata": Method(self.server_metadata),
            f"{_SERVICE}ModelMetadata": Method(self.model_metadata),
            f"{_SERVICE}ModelInfer": Method(self.model_infer),
            f"{_SERVICE}ModelStreamInfer": Method(self.model_stream_infer, many=True),
            "/grpc.health.v1.Health/Check": Method(self.check),
        }

    def find(self, path: bytes) -> Method | None:
        """Return the method at a path, or None."""
        return self._by_path.get(path.decode("latin-1"))

    def server_live(self, call: Call, _: bytes) -> None:
        """ServerLive: whether the process works."""
        live = self._get("/v2/health/live", call).status == HTTPStatus.OK
        call.answer(_serialized("ServerLiveResponse", live=live))

    def server_ready(self, call: Call, _: bytes) -> None:
        """ServerReady: whether it takes predictions."""
        ready = self._get("/v2/health/ready", call).status == HTTPStatus.OK
        call.answer(_serialized("ServerReadyResponse", ready=ready))

    def model_ready(self, call: Call, body: bytes) -> None:
        """ModelReady: whether this model takes predictions."""
        asked = _parsed("ModelReadyRequest", body, call)
        if asked is None:
            return
        page = self._get(f"{_path(asked.name, asked.version)}/ready", call)
        if page.status == HTTPStatus.NOT_FOUND:
            call.fail(page)
        else:
            call.answer(_serialized("ModelReadyResponse", ready=page.status == HTTPStatus.OK))

    def server_metadata(self, call: Call, _: bytes) -> None:
        """ServerMetadata: name, version and extensions."""
        page = self._get("/v2", call)
        if page.status == HTTPStatus.OK:
            call.answer(_serialized("ServerMetadataResponse", **orjson.loads(_bytes(page))))
        else:
            call.fail(page)

    def model_metadata(self, call: Call, body: bytes) -> None:
        """ModelMetadata: the model's tensors."""
        asked = _parsed("ModelMetadataRequest", body, call)
        if asked is None:
            return
        page = self._get(_path(asked.name, asked.version), call)
        if page.status != HTTPStatus.OK:
            call.fail(page)
            return
        found = orjson.loads(_bytes(page))
        about = found.pop("podium")
        properties = {"run_id": about["run_id"], "digest": about["digest"]}
        call.answer(_serialized("ModelMetadataResponse", **found, properties=properties))

    def check(self, call: Call, body: bytes) -> None:
        """Answer a probe of Kubernetes: the standard health protocol of gRPC, for the server and its one service."""
        asked = _parsed("HealthCheckRequest", body, call)
        if asked is None:
            return
        if asked.service not in _SERVICES:
            call.end(Code.NOT_FOUND, f"no such service; expected {_SERVICES[1]} or none")
            return
        ready = self._get("/readyz", call).status == HTTPStatus.OK
        call.answer(_SERVING if ready else _NOT_SERVING)

    def model_infer(self, call: Call, body: bytes) -> None:
        """ModelInfer: one prediction."""

        def reply(answer: Response) -> None:
            if answer.status == HTTPStatus.OK:
                call.answer(_bytes(answer))
            else:
                call.fail(answer)

        self._app.call(call.request_of("POST", _infer_path(body), body), reply)

    def model_stream_infer(self, call: Call, body: bytes) -> None:
        """Answer a message of a stream; its fault is told, and the stream goes on."""

        def reply(answer: Response) -> None:
            found = message("ModelStreamInferResponse")()
            if answer.status == HTTPStatus.OK:
                found.infer_response.MergeFromString(_bytes(answer))
            else:
                found.error_message = said(answer)
            call.answer(found.SerializeToString())

        self._app.call(call.request_of("POST", _infer_path(body), body), reply)

    def _get(self, path: str, call: Call) -> Response:
        """Ask for a page, which is answered at once."""
        answers: list[Response] = []
        self._app.handle(call.request_of("GET", path, b""), answers.append)
        return answers[0]


def _infer_path(body: bytes) -> str:
    try:
        name, version = named_by(body)
    except RequestFault:
        return ""  # whoever reads it says so
    return f"{_path(name, version)}/infer"


@lru_cache(maxsize=64)  # nearly every call names the same
def _path(name: str, version: str) -> str:
    path = f"/v2/models/{quote(name, safe='')}"
    return f"{path}/versions/{quote(version, safe='')}" if version else path


def _bytes(answer: Response) -> bytes:
    assert isinstance(answer.body, bytes)
    return answer.body


def _parsed(name: str, body: bytes, call: Call) -> Any:
    """Return a message, or None where the call has ended because it is none."""
    try:
        return message(name).FromString(body)
    except DecodeError:
        call.end(Code.INVALID_ARGUMENT, f"this is no {name}")
    return None


def _serialized(name: str, /, **fields: Any) -> bytes:
    serialized: bytes = message(name)(**fields).SerializeToString()
    return serialized
