"""One request and its answer: all that the HTTP layer and the application say to each other."""

import time
from collections.abc import AsyncGenerator, Callable
from contextvars import Context
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Protocol
from urllib.parse import quote, unquote_to_bytes

from podium.runtime.faults import Fault
from podium.runtime.identity import Headers
from podium.runtime.other_slot import Caller
from podium.runtime.turns import Turn

JSON = b"application/json"
TEXT = b"text/plain; charset=utf-8"


class Trace(Protocol):
    """The span of one prediction."""

    context: Context  # in which the model predicts, so that what it calls continues the trace

    def end(self, fault: Fault | None) -> None:
        """The prediction has ended."""


class Sample(Protocol):
    """Keeps what is predicted for one request, so that it can be compared with what another version predicts."""

    def add(self, raw: Any) -> None:
        """Keep this, in the thread that predicted it. Never raises."""

    @property
    def text(self) -> bytes | None:
        """What was kept, as JSON; None where that cannot be said."""


class Request:
    """A whole request: its body is here, or the application would not have been asked."""

    __slots__ = (
        *("abandoned", "body", "caller", "chunks", "first", "headers", "id", "identity_block", "method"),
        *("_after_work", "model_seconds", "on_abandoned", "path", "sample", "started", "trace", "turn", "working"),
    )

    def __init__(self, method: str, path: str, headers: Headers, body: bytes, request_id: bytes) -> None:
        self.method = method
        self.path = path
        self.headers = headers  # names in lower case
        self.body = body
        self.id = request_id
        self.started = time.monotonic()
        self.identity_block: bytes | None = None  # of the version that was asked; None: who answers now
        self.trace: Trace | None = None  # where traces are asked for
        self.chunks = True  # the client can read an answer in chunks, which HTTP/1.0 does not know
        self.caller = Caller.USER
        self.turn: Turn | None = None  # of its connection, where that is known
        self.first = False  # its side of a trial was drawn for it alone
        self.sample: Sample | None = None  # where what is predicted is to be compared
        self.model_seconds: float | None = None  # that its prediction took, where it was predicted alone
        self.abandoned = False  # the client went away: an answer is of no use any more
        self.on_abandoned: Callable[[], object] | None = None
        self.working = False  # it waits for the model, or is predicted
        self._after_work: Callable[[], object] | None = None

    def after_work(self, then: Callable[[], object]) -> None:
        """Call this as soon as no prediction needs the body: an answer, or the client's end, may come before that."""
        if self.working:
            self._after_work = then
        else:
            then()

    def worked(self) -> None:
        """Say that its prediction is over."""
        self.working = False
        then, self._after_work = self._after_work, None
        if then is not None:
            then()

    def abandon(self) -> None:
        """Say that the client went away."""
        self.abandoned = True
        if self.on_abandoned is not None:
            self.on_abandoned()

    def header(self, name: bytes) -> bytes | None:
        """The first header of this name (lower case); None where there is none."""
        for found, value in self.headers:
            if found == name:
                return value
        return None

    @property
    def content_type(self) -> str:
        """The content type as it was sent; empty where there is none."""
        for name, value in self.headers:  # as `header` does, without a call more: each prediction asks this
            if name == b"content-type":
                return value.decode("latin-1")
        return ""


def canonical(path: str) -> str:
    """Return the one spelling of a path whose segments may be percent-encoded in several ways (RFC 3986, 6.2.2)."""
    return "/".join(quote(unquote_to_bytes(segment.encode("latin-1")), safe="") for segment in path.split("/"))


class Body(bytes):
    """A prediction's answer that is not JSON: it says itself what it is."""

    content_type: bytes
    headers: Headers

    @classmethod
    def of(cls, body: bytes, content_type: bytes, *headers: tuple[bytes, bytes]) -> "Body":
        """Return the bytes with the headers that belong to them."""
        made = cls(body)
        made.content_type, made.headers = content_type, list(headers)
        return made


@dataclass(slots=True)  # not frozen, which takes 0.4 µs more for each answer
class Response:
    """What goes back, but for the headers that every answer has. Never changed."""

    status: int = HTTPStatus.OK
    body: bytes | AsyncGenerator[bytes, None] = b""  # a generator is sent in chunks, as fast as the client reads
    content_type: bytes = TEXT
    headers: Headers = field(default_factory=list)
    fault: type[Fault] | None = None  # of which it tells


Reply = Callable[[Response], None]


class Application(Protocol):
    """What a connection needs of whoever answers."""

    @property
    def identity_block(self) -> bytes:
        """The header lines that every answer carries, each with its line end."""

    def handle(self, request: Request, reply: Reply) -> None:
        """Answer the request by calling `reply` once, now or later, on the event loop. Never raises."""

    def refuse(self, error: Exception, headers: Headers, turn: Turn | None) -> Response:
        """Return the answer to a request that never became whole. `headers` are those that came.

        `turn` is its connection's, where that is known.
        """
