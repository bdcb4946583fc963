"""The server's face: routes, identity, deadlines and counts, as a bare ASGI application.

No framework: a prediction passes through here tens of thousands of times a second, and there are few routes.
"""

import asyncio
import itertools
import logging
import os
import re
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from enum import Enum, auto
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import orjson

from podium.runtime import metrics
from podium.runtime.faults import (
    Fault,
    ModelFault,
    NotHere,
    NotReady,
    Outcome,
    RequestFault,
    TooLarge,
    TooSlow,
    WrongMethod,
)
from podium.runtime.identity import Headers, Identity
from podium.runtime.metrics import Metrics
from podium.runtime.queue import PredictionQueue
from podium.runtime.settings import Settings

if TYPE_CHECKING:
    from podium.runtime.scoring import Scorer  # imports MLflow, which takes seconds: see podium.runtime.loading

log = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

JSON = b"application/json"
TEXT = b"text/plain; charset=utf-8"

_REQUEST_ID = re.compile(rb"[\x21-\x7e]{1,128}")
_DEADLINE = re.compile(r"(?P<number>[0-9]{1,9}(\.[0-9]{1,9})?)(?P<unit>ms|s)?")


class Phase(Enum):
    """Where the process is in its life."""

    LOADING = auto()
    READY = auto()
    DRAINING = auto()


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back, but for the headers that every answer has."""

    status: int
    body: bytes
    content_type: bytes = TEXT
    headers: Headers = field(default_factory=list)


class App:
    """The ASGI application. Starts without a model; `serve` gives it one, `drain` takes it out of service."""

    def __init__(self, settings: Settings, identity: Identity) -> None:
        self._settings = settings
        self._identity = identity
        self._phase = Phase.LOADING
        self._scorer: Scorer | None = None
        self._queue: PredictionQueue | None = None
        self._metrics: Metrics | None = None
        self._request_ids = (b"%s-%x" % (os.urandom(6).hex().encode(), n) for n in itertools.count(1))
        self._pages: dict[str, Callable[[], Answer]] = {
            "/healthz": lambda: Answer(HTTPStatus.OK, b"ok\n"),
            "/readyz": self._readyz,
            "/ping": self._ping,
            "/version": self._version,
            "/metrics": self._render_metrics,
        }

    @property
    def headers(self) -> Headers:
        """The headers of every answer, also of those that are given before the application is asked."""
        return self._identity.headers

    def serve(self, identity: Identity, scorer: "Scorer") -> None:
        """Begin to answer predictions. Called on the event loop."""
        self._identity = identity
        self._scorer = scorer
        self._queue = PredictionQueue(self._settings.queue_limit)
        self._metrics = Metrics(identity, self._settings.latency_edges)
        self._phase = Phase.READY

    def drain(self) -> None:
        """Stop being ready; go on answering, and close each connection after its next answer."""
        self._phase = Phase.DRAINING

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request_id = self._request_id(scope["headers"])
        if scope["path"] == "/invocations":
            answer = await self._predict(scope, receive)
        else:
            answer = self._page(scope)
        await self._send(answer, request_id, send)

    def _request_id(self, headers: Headers) -> bytes:
        for name, value in headers:
            if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
                return value
        return next(self._request_ids)

    async def _send(self, answer: Answer, request_id: bytes, send: Send) -> None:
        headers = [
            (b"content-type", answer.content_type),
            (b"content-length", b"%d" % len(answer.body)),
            *self._identity.headers,
            (b"x-request-id", request_id),
            *answer.headers,
        ]
        if self._phase is Phase.DRAINING:
            headers.append((b"connection", b"close"))
        await send({"type": "http.response.start", "status": int(answer.status), "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})

    # Pages: cheap, never counted

    def _page(self, scope: Scope) -> Answer:
        page = self._pages.get(scope["path"])
        if page is None:
            return refusal(NotHere("no such path; see /openapi.json"))
        if scope["method"] not in {"GET", "HEAD"}:
            return refusal(WrongMethod(f"wanted GET, found {scope['method'][:20]}"), (b"allow", b"GET, HEAD"))
        return page()

    def _readyz(self) -> Answer:
        ready = self._phase is Phase.READY
        return Answer(
            HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE, self._phase.name.lower().encode() + b"\n"
        )

    def _ping(self) -> Answer:
        loaded = self._scorer is not None
        return Answer(HTTPStatus.OK if loaded else HTTPStatus.SERVICE_UNAVAILABLE, b"\n", JSON)

    def _version(self) -> Answer:
        if self._scorer is None:
            return refusal(NotReady("the model is not loaded yet"))
        return Answer(HTTPStatus.OK, self._scorer.mlflow_version.encode())

    def _render_metrics(self) -> Answer:
        if self._metrics is None or self._queue is None:
            return Answer(HTTPStatus.OK, b"", metrics.CONTENT_TYPE)
        self._metrics.queue_depth.set(self._queue.depth)
        return Answer(HTTPStatus.OK, self._metrics.render(), metrics.CONTENT_TYPE)

    # Predictions: every one ends in exactly one outcome

    async def _predict(self, scope: Scope, receive: Receive) -> Answer:
        started = time.monotonic()
        outcome: Outcome | None = Outcome.OK
        try:
            answer = Answer(HTTPStatus.OK, await self._predicted(scope, receive, started), JSON)
        except Fault as fault:
            answer, outcome = refusal(fault), fault.outcome
        except Exception:
            log.exception("a fault of the server itself")
            answer, outcome = refusal(ModelFault("internal error")), Outcome.MODEL_ERROR
        if self._metrics is not None and outcome is not None:
            self._metrics.count(outcome, time.monotonic() - started)
        return answer

    async def _predicted(self, scope: Scope, receive: Receive, started: float) -> bytes:
        if self._scorer is None or self._queue is None:
            raise NotReady("the model is not loaded yet; GET /readyz says when it is")
        if scope["method"] != "POST":
            raise WrongMethod(f"wanted POST, found {scope['method'][:20]}")
        headers = dict(scope["headers"])
        deadline = started + self._seconds(headers)
        body = await self._body(headers, receive)
        content_type = headers.get(b"content-type", b"").decode("latin-1")
        scorer = self._scorer
        answer: bytes = await self._queue.run(lambda: scorer.invocations(body, content_type), deadline)
        return answer

    def _seconds(self, headers: dict[bytes, bytes]) -> float:
        """Return how long the client waits: its x-request-timeout (`1.5`, `2s`, `500ms`), or our own limit if less."""
        raw = headers.get(b"x-request-timeout")
        if raw is None:
            return self._settings.request_seconds
        found = _DEADLINE.fullmatch(raw.decode("latin-1"))
        if not found:
            raise RequestFault("x-request-timeout: wanted seconds, as 1.5, 2s or 500ms")
        seconds = float(found["number"]) / (1000 if found["unit"] == "ms" else 1)
        return min(seconds, self._settings.request_seconds)

    async def _body(self, headers: dict[bytes, bytes], receive: Receive) -> bytes:
        limit = self._settings.max_body_bytes
        if int(headers.get(b"content-length", b"0")) > limit:  # the HTTP parser has refused all that is no number
            raise TooLarge(f"wanted a body of at most {limit} bytes (PODIUM_MAX_BODY_BYTES)")
        try:
            async with asyncio.timeout(self._settings.body_seconds):
                return await _received(receive, limit)
        except TimeoutError as error:
            raise TooSlow(f"the body did not arrive within {self._settings.body_seconds:g} s") from error


async def _received(receive: Receive, limit: int) -> bytes:
    parts: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise RequestFault("the client went away before its body was here")
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        more = message.get("more_body", False)
        if size > limit:
            raise TooLarge(f"wanted a body of at most {limit} bytes (PODIUM_MAX_BODY_BYTES)")
    return b"".join(parts) if len(parts) > 1 else parts[0]


def refusal(fault: Fault, *headers: tuple[bytes, bytes]) -> Answer:
    """Turn a Fault into an answer, in the shape of MLflow's errors."""
    code = type(fault).__name__
    extra = list(headers)
    if fault.retry_after is not None:
        extra.append((b"retry-after", b"%d" % fault.retry_after))
    if isinstance(fault, (TooLarge, TooSlow)):
        extra.append((b"connection", b"close"))  # the rest of the body is not wanted
    return Answer(fault.status, orjson.dumps({"error_code": code, "message": fault.message}), JSON, extra)
