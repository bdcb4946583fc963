"""The methods of the protocol: each is answered by what answers the same question over HTTP."""

import asyncio
from collections.abc import AsyncIterator, Callable
from http import HTTPStatus
from typing import Any, NoReturn
from urllib.parse import quote

import grpc
import orjson
from google.protobuf.message import DecodeError

from podium.runtime.exchange import Request, Response
from podium.runtime.faults import Overloaded
from podium.runtime.http.app import App
from podium.runtime.identity import Headers
from podium.runtime.protocols.messages import ModelInferRequest, message
from podium.runtime.settings import Settings

_CODES = {
    HTTPStatus.BAD_REQUEST: grpc.StatusCode.INVALID_ARGUMENT,
    HTTPStatus.NOT_FOUND: grpc.StatusCode.NOT_FOUND,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: grpc.StatusCode.RESOURCE_EXHAUSTED,
    HTTPStatus.INTERNAL_SERVER_ERROR: grpc.StatusCode.INTERNAL,
    HTTPStatus.SERVICE_UNAVAILABLE: grpc.StatusCode.UNAVAILABLE,
}
_SERVING, _NOT_SERVING = b"\x08\x01", b"\x08\x02"  # grpc.health.v1.HealthCheckResponse


class Methods:
    """Calls of one server."""

    def __init__(self, app: App, settings: Settings) -> None:
        self._app = app
        self._limit = settings.max_buffered_bytes
        self._buffered = 0  # bytes of the calls that are being answered
        self._number = 0

    async def server_live(self, _: bytes, context: Any) -> bytes:
        """ServerLive: whether the process works."""
        return _serialized("ServerLiveResponse", live=self._get("/v2/health/live", context).status == HTTPStatus.OK)

    async def server_ready(self, _: bytes, context: Any) -> bytes:
        """ServerReady: whether it takes predictions."""
        return _serialized("ServerReadyResponse", ready=self._get("/v2/health/ready", context).status == HTTPStatus.OK)

    async def model_ready(self, body: bytes, context: Any) -> bytes:
        """ModelReady: whether this model takes predictions."""
        asked = await _parsed("ModelReadyRequest", body, context)
        page = self._get(f"{_path(asked.name, asked.version)}/ready", context)
        if page.status == HTTPStatus.NOT_FOUND:
            await _abort(page, context)
        return _serialized("ModelReadyResponse", ready=page.status == HTTPStatus.OK)

    async def server_metadata(self, _: bytes, context: Any) -> bytes:
        """ServerMetadata: name, version and extensions."""
        return _serialized("ServerMetadataResponse", **await self._page("/v2", context))

    async def model_metadata(self, body: bytes, context: Any) -> bytes:
        """ModelMetadata: the model's tensors."""
        asked = await _parsed("ModelMetadataRequest", body, context)
        page = await self._page(_path(asked.name, asked.version), context)
        about = page.pop("podium")
        return _serialized(
            "ModelMetadataResponse", **page, properties={"run_id": about["run_id"], "digest": about["digest"]}
        )

    async def check(self, _: bytes, context: Any) -> bytes:
        """Answer a probe of Kubernetes: the standard health protocol of gRPC."""
        return _SERVING if self._get("/readyz", context).status == HTTPStatus.OK else _NOT_SERVING

    async def model_infer(self, body: bytes, context: Any) -> bytes:
        """ModelInfer: one prediction."""
        answer = await self._predicted(body, context)
        if answer.status != HTTPStatus.OK:
            await _abort(answer, context)
        return _bytes(answer)

    async def model_stream_infer(self, bodies: AsyncIterator[bytes], context: Any) -> AsyncIterator[bytes]:
        """Answer each message of a stream in order; a fault of one is told, and the stream goes on."""
        async for body in bodies:
            answer = await self._predicted(body, context)
            found = message("ModelStreamInferResponse")()
            if answer.status == HTTPStatus.OK:
                found.infer_response.MergeFromString(_bytes(answer))
            else:
                found.error_message = _said(answer)
            yield found.SerializeToString()

    async def _predicted(self, body: bytes, context: Any) -> Response:
        request = self._request("POST", _infer_path(body), body, context)
        if self._buffered + len(body) > self._limit:
            return self._app.refuse(Overloaded("too many large bodies wait already"), request.headers)
        answer: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        self._buffered += len(body)
        try:
            self._app.call(request, _settle(answer))
            return await answer
        except asyncio.CancelledError:
            request.abandoned = True
            raise
        finally:
            self._buffered -= len(body)

    def _get(self, path: str, context: Any) -> Response:
        """Ask for a page, which is answered at once."""
        answers: list[Response] = []
        self._app.handle(self._request("GET", path, b"", context), answers.append)
        return answers[0]

    async def _page(self, path: str, context: Any) -> dict[str, Any]:
        page = self._get(path, context)
        if page.status != HTTPStatus.OK:
            await _abort(page, context)
        parsed: dict[str, Any] = orjson.loads(_bytes(page))
        return parsed

    def _request(self, method: str, path: str, body: bytes, context: Any) -> Request:
        self._number += 1
        headers = _headers(context)
        given = next((value for name, value in headers if name == b"x-request-id"), b"grpc-%x" % self._number)
        identity = [line.split(": ", 1) for line in self._app.identity_block.decode("latin-1").splitlines()]
        context.set_trailing_metadata([*map(tuple, identity), ("x-request-id", given.decode("latin-1"))])
        return Request(method, path, headers, body, given)


def _headers(context: Any) -> Headers:
    headers: Headers = [
        (name.encode(), value if isinstance(value, bytes) else value.encode("latin-1", "replace"))
        for name, value in context.invocation_metadata() or ()
    ]
    left = context.time_remaining()
    if left is not None:
        headers = [header for header in headers if header[0] != b"x-request-timeout"]
        headers.append((b"x-request-timeout", b"%dms" % min(max(0, left * 1000), 10**8)))
    return headers


def _settle(answer: "asyncio.Future[Response]") -> Callable[[Response], None]:
    def settle(response: Response) -> None:
        if not answer.done():  # the caller is gone
            answer.set_result(response)

    return settle


def _infer_path(body: bytes) -> str:
    try:
        request = ModelInferRequest.FromString(body)
    except DecodeError:
        return ""  # whoever reads it says so
    return f"{_path(request.model_name, request.model_version)}/infer"


def _path(name: str, version: str) -> str:
    path = f"/v2/models/{quote(name, safe='')}"
    return f"{path}/versions/{quote(version, safe='')}" if version else path


def _bytes(answer: Response) -> bytes:
    assert isinstance(answer.body, bytes)
    return answer.body


def _said(answer: Response) -> str:
    said = orjson.loads(_bytes(answer))
    return str(said.get("error") or said.get("message"))


async def _abort(answer: Response, context: Any) -> NoReturn:
    code = _CODES.get(HTTPStatus(answer.status), grpc.StatusCode.UNKNOWN)
    await context.abort(code, _said(answer), context.trailing_metadata())
    raise AssertionError


async def _parsed(name: str, body: bytes, context: Any) -> Any:
    try:
        return message(name).FromString(body)
    except DecodeError:
        await context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"this is no {name}")


def _serialized(name: str, /, **fields: Any) -> bytes:
    serialized: bytes = message(name)(**fields).SerializeToString()
    return serialized
