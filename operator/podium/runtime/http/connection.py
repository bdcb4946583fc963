"""HTTP/1.1 on one connection: bytes to requests, answers to bytes, one at a time and in order.

httptools (the parser of Node.js, strict by default) reads; this package holds what a parser does not know:

- limits: size of head and body (`incoming`), the time in which each must arrive, the time to read an answer
- order: a pipelined request waits until the one before it is answered, and reading pauses meanwhile
- backpressure is one state: while the client does not take its answers, nothing is served, nothing is read, and the
  deadline runs after which the connection is aborted
- ends: `Connection: close` is said before a connection is closed, and what the client still sends after a refusal is
  read and dropped for a moment, because closing on unread bytes would destroy the refusal on its way (RFC 9112, 9.6)

A slow client holds a connection and nothing else: a request is handed on when its body is whole, and its answer is
given to the transport at once. A client that closes its half only is taken for one that went away, as nginx does.
"""

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable
from typing import Final, cast

from podium.runtime.exchange import Request, Response
from podium.runtime.faults import Fault, RequestFault, TooSlow
from podium.runtime.http.codings import encoded
from podium.runtime.http.incoming import Incoming
from podium.runtime.http.shared import Shared
from podium.runtime.turns import Turn

log = logging.getLogger(__name__)

LINGER_SECONDS = 2.0  # in which a refused client may notice
PIPELINED = 256  # requests that wait on one connection; those behind them are not read, and it closes after these

# How a streamed answer is framed: the header line that says so, each part, and the end
_Framing = tuple[bytes, Callable[[bytes], bytes], bytes]
_CHUNKED: Final[_Framing] = (
    b"transfer-encoding: chunked\r\n",
    lambda part: b"%x\r\n%b\r\n" % (len(part), part),
    b"0\r\n\r\n",
)
_CLOSED: Final[_Framing] = b"", lambda part: part, b""


class Connection(asyncio.Protocol):
    """The server's end of one connection."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._incoming = Incoming(shared, self)
        self._transport: asyncio.Transport | None = None
        self._waiting: deque[tuple[Request, bool]] = deque()  # whole requests, and whether the client stays after them
        self._current: Request | None = None
        self._fresh = True  # no request of the bytes that are being read has been served
        self._keep_alive = True
        self._turn = Turn(shared.turns)
        self._deaf = False  # what still comes is dropped
        self._ending = False
        self._stream: asyncio.Task[None] | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self.since = time.monotonic()
        self._until: float | None = self.since + shared.limits.arrive_seconds

    # The transport's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's has its methods, and another base
        self._shared.enter(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  asyncio's signature
        self._shared.connections.discard(self)
        self._forget()
        if self._current is not None:
            self._current.abandon()
            self._shared.release(self._current, len(self._current.body))
            self._current = None
        if self._stream is not None:
            self._stream.cancel()
        self._transport = None

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        self._fresh = True
        try:
            self._incoming.feed(data)
        except Fault as fault:
            self._refuse(fault)
        except Exception:
            log.exception("a fault of the server itself")
            self._refuse(RequestFault("this request cannot be read"))
        if self._waiting and self._current is None:
            asyncio.get_running_loop().call_soon(self._proceed)

    def pause_writing(self) -> None:
        self._writable.clear()
        if self._transport is not None and not self._ending:
            self._transport.pause_reading()
            self._until = time.monotonic() + self._shared.limits.send_seconds

    def resume_writing(self) -> None:
        self._writable.set()
        if self._current is None or self._transport is None:
            self._proceed()
            return
        self._until = None
        if not self._waiting:
            self._transport.resume_reading()  # so that a client that leaves is noticed

    # The side of what comes in

    def begun(self) -> None:
        if self._current is None and self._writable.is_set():
            self.since = time.monotonic()
            self._until = self.since + self._shared.limits.arrive_seconds

    def expected(self) -> None:
        if self._transport is not None and self._current is None:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def received(self, request: Request, *, keep_alive: bool) -> None:
        if self._fresh and self._current is None and self._writable.is_set() and not self._waiting:
            self._fresh = False  # one for each reading: a thousand at once would keep all others waiting
            self._serve(request, keep_alive)
        elif self._deaf:
            self._shared.buffered -= len(request.body)
        else:
            self._queue(request, keep_alive)

    def _queue(self, request: Request, keep_alive: bool) -> None:
        if self._transport is not None:
            self._transport.pause_reading()
        self._deaf = len(self._waiting) + 1 == PIPELINED
        self._waiting.append((request, keep_alive and not self._deaf))

    # Requests and answers

    @property
    def busy(self) -> bool:
        """Whether a request is being answered, or waits for that."""
        return self._current is not None or bool(self._waiting)

    def _proceed(self) -> None:
        """Do what is next, unless a request is being answered, or the client does not take its answers."""
        if self._transport is None or self._ending or self._current is not None or not self._writable.is_set():
            return
        if self._waiting and self._keep_alive:
            self._serve(*self._waiting.popleft())
        elif self._keep_alive and not self._shared.closing:
            self._await_next()
        else:
            self._end()

    def _serve(self, request: Request, keep_alive: bool) -> None:
        self._current = request
        self._keep_alive = keep_alive
        request.turn = self._turn
        self._until = None  # the application has deadlines of its own
        self._shared.app.handle(request, lambda answer: self._reply(request, answer))

    def _reply(self, request: Request, answer: Response) -> None:
        if request is not self._current or self._transport is None:
            return  # the client is gone, or another answer was given first
        if isinstance(answer.body, bytes):
            self._write(encoded(answer, request), request)
            self._done(request)
        else:
            self._stream = asyncio.get_running_loop().create_task(self._send_stream(answer, request))

    def _write(self, answer: Response, request: Request | None) -> None:
        assert self._transport is not None
        assert isinstance(answer.body, bytes)
        head = self._head(answer, request, b"content-length: %d\r\n" % len(answer.body))
        self._transport.write(head if request is not None and request.method == "HEAD" else head + answer.body)

    def _head(self, answer: Response, request: Request | None, length: bytes) -> bytes:
        if self._shared.draining or (self._turn.over and not self._waiting):
            self._keep_alive = False
        return self._shared.head(answer, request, length, keep_alive=self._keep_alive)

    async def _send_stream(self, answer: Response, request: Request) -> None:
        """Send the parts as they come, waiting for a slow reader between them.

        In chunks, unless the client speaks HTTP/1.0: the connection's end is then that of the body (RFC 9112, 6.1).
        """
        assert not isinstance(answer.body, bytes)
        assert self._transport is not None
        framing, chunk, end = _CHUNKED if request.chunks else _CLOSED
        self._transport.write(self._head(answer, request, framing))
        try:
            async with contextlib.aclosing(answer.body) as parts:  # also when the client goes away: it is counted there
                async for part in parts:
                    await self._writable.wait()
                    if self._transport is None:
                        return
                    self._transport.write(chunk(part))
        except Exception:
            log.exception("a streamed answer broke off")
            if self._transport is not None:
                self._transport.abort()  # the only way to say that such an answer is not whole
            return
        self._transport.write(end)
        self._done(request)

    def _done(self, request: Request) -> None:
        self._current = None
        self._stream = None
        self._shared.release(request, len(request.body))
        if self._waiting and self._keep_alive:
            asyncio.get_running_loop().call_soon(self._proceed)  # not at once: many waiting ones would recurse
        else:
            self._proceed()

    def _await_next(self) -> None:
        assert self._transport is not None
        limits = self._shared.limits
        self._transport.resume_reading()
        self.since = time.monotonic()
        self._until = self.since + (limits.arrive_seconds if self._incoming.receiving else limits.idle_seconds)

    # Ends

    def _refuse(self, fault: Fault) -> None:
        """Answer a request that will not become whole, and end the connection after a moment.

        Requests before it are answered first, and it is not: where the connection closes says so.
        """
        if self._deaf or self._transport is None:
            return
        self._deaf = True
        self._incoming.forget()
        if self._waiting:
            self._waiting[-1] = (self._waiting[-1][0], False)
        elif self._current is not None:
            self._keep_alive = False
        else:
            self._keep_alive = False
            self._write(self._shared.app.refuse(fault, self._incoming.headers, self._turn), None)
            self._linger(LINGER_SECONDS)

    def _linger(self, seconds: float) -> None:
        """Say that nothing more comes, and drop what the client still sends."""
        assert self._transport is not None
        self._deaf = self._ending = True
        self._until = time.monotonic() + seconds
        self._transport.resume_reading()
        self._transport.write_eof()

    def _forget(self) -> None:
        """Drop what was received and will not be answered."""
        self._incoming.forget()
        self._shared.buffered -= sum(len(request.body) for request, _ in self._waiting)
        self._waiting.clear()

    def _end(self) -> None:
        """Close once the client has taken what waits for it."""
        if self._transport is None or self._ending:
            return
        if self._deaf or self._waiting or self._turn.over:  # what a client has sent behind would destroy its answer
            self._linger(self._shared.limits.send_seconds)
            return
        self._ending = True
        self._until = time.monotonic() + self._shared.limits.send_seconds
        self._transport.close()

    def drop(self) -> None:
        """Close at once, whatever waits."""
        if self._transport is not None:
            self._transport.abort()

    def close_if_idle(self) -> None:
        """Close a connection on which nothing is asked; the others close after their answer."""
        if not self.busy and not self._incoming.receiving:
            self._end()

    def close_if_overdue(self, now: float) -> None:
        """End what takes too long: a request that does not arrive, an answer that is not read, a silence."""
        if self._until is None or now < self._until or self._transport is None:
            return
        if self._ending or not self._writable.is_set():
            self._transport.abort()
        elif self._incoming.receiving:
            self._refuse(TooSlow(f"the request did not arrive within {self._shared.limits.arrive_seconds:g} s"))
        else:
            self._end()
