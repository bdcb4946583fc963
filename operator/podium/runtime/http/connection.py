"""HTTP/1.1 on one connection: bytes to requests, answers to bytes, one at a time and in order.

httptools (the parser of Node.js, strict by default) reads; this module holds what a parser does not know:

- limits: size of head and body, the time in which each must arrive, the time in which an answer must be read
- order: a pipelined request waits until the one before it is answered, and reading pauses meanwhile
- backpressure: while the client does not take what waits for it, nothing is answered, nothing is read, and it has so
  many seconds; no other deadline counts
- ends: `Connection: close` is said before a connection is closed, and what the client still sends after a refusal is
  read and dropped for a moment, because closing on unread bytes would destroy the refusal on its way (RFC 9112, 9.6)

A slow client holds a connection and nothing else: a request is handed on when its body is whole, and its answer is
given to the transport at once.
"""

import asyncio
import contextlib
import itertools
import logging
import os
import re
import time
from collections import deque
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import cast

import httptools

from podium.runtime.exchange import Application, Request, Response
from podium.runtime.faults import Overloaded, RequestFault, TooLarge, TooSlow
from podium.runtime.identity import Headers

log = logging.getLogger(__name__)

HEAD_LIMIT = 64 * 1024  # bytes of request line and headers
LINGER_SECONDS = 2.0  # in which a refused client may notice
_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}
_REQUEST_ID = re.compile(rb"[\x21-\x7e]{1,128}")


@dataclass(slots=True)
class Limits:
    """What one client may take. Sizes in bytes, times in seconds."""

    body_bytes: int
    buffered_bytes: int  # bodies of all clients together, until they are answered
    arrive_seconds: float  # for a whole request, from its first byte
    send_seconds: float  # for a client to take what waits for it
    idle_seconds: float  # between requests


@dataclass
class Shared:
    """What all connections of a server have in common."""

    app: Application
    limits: Limits
    connections: "set[Connection]" = field(default_factory=set)
    buffered: int = 0
    draining: bool = False  # every answer says `Connection: close`
    closing: bool = False  # and no connection waits for another request
    date: bytes = b""
    _ids: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    _process: str = field(default_factory=lambda: os.urandom(6).hex())

    def next_id(self) -> bytes:
        """A request id that no other request of this process has."""
        return b"%s-%x" % (self._process.encode(), next(self._ids))


class Connection(asyncio.Protocol):
    """The server's end of one connection."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._waiting: deque[tuple[Request, bool]] = deque()  # whole requests, and whether the client stays after them
        self._current: Request | None = None
        self._keep_alive = True
        self._refused = False
        self._ending = False
        self._stream: asyncio.Task[None] | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._until: float | None = time.monotonic() + shared.limits.arrive_seconds
        self._receiving = False
        self._begin()

    # The transport's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's has its methods, and another base
        self._shared.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  asyncio's signature
        self._shared.connections.discard(self)
        self._forget()
        if self._current is not None:
            self._current.abandoned = True
            self._shared.buffered -= len(self._current.body)
            self._current = None
        if self._stream is not None:
            self._stream.cancel()
        self._transport = None

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return  # lingering: what still comes is dropped
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._refuse(RequestFault("no protocol but HTTP/1.1 is spoken here"))
        except httptools.HttpParserCallbackError:
            if not self._refused:
                log.exception("a fault of the server itself")
                self._refuse(RequestFault("this request cannot be read"))
        except httptools.HttpParserError:
            self._refuse(RequestFault("this is not an HTTP/1.1 request"))

    def pause_writing(self) -> None:
        self._writable.clear()
        if self._transport is not None and not self._ending:
            self._until = time.monotonic() + self._shared.limits.send_seconds
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        self._writable.set()
        if self._ending or self._transport is None:
            return
        if self._current is not None:
            self._until = None
            if not self._waiting:
                self._transport.resume_reading()  # so that a client that leaves is noticed
        elif self._waiting:
            self._serve_next()
        else:
            self._await_next()

    # The parser's side

    def on_message_begin(self) -> None:
        self._begin()
        self._receiving = True
        if self._current is None and self._writable.is_set():
            self._until = time.monotonic() + self._shared.limits.arrive_seconds

    def _begin(self) -> None:
        self._url = b""
        self._headers: Headers = []
        self._head_size = 0
        self._parts: list[bytes] = []
        self._size = 0  # of the body so far

    def on_url(self, url: bytes) -> None:
        self._url += url
        self._grow_head(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name.lower(), value))
        self._grow_head(len(name) + len(value))

    def _grow_head(self, size: int) -> None:
        self._head_size += size
        if self._head_size > HEAD_LIMIT:
            self._refuse(TooLarge(f"wanted a request line and headers of at most {HEAD_LIMIT} bytes"))
            raise _Refused

    def on_headers_complete(self) -> None:
        for name, value in self._headers:
            if name == b"content-length" and int(value) > self._shared.limits.body_bytes:
                self._refuse_large()
            if name == b"expect" and value.lower() == b"100-continue" and self._transport and not self._current:
                self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        self._parts.append(body)
        self._size += len(body)
        self._shared.buffered += len(body)
        if self._size > self._shared.limits.body_bytes:
            self._refuse_large()
        if self._shared.buffered > self._shared.limits.buffered_bytes:
            self._refuse(Overloaded("too many large bodies wait already"))
            raise _Refused

    def _refuse_large(self) -> None:
        limit = self._shared.limits.body_bytes
        self._refuse(TooLarge(f"wanted a body of at most {limit} bytes (PODIUM_MAX_BODY_BYTES)"))
        raise _Refused

    def on_message_complete(self) -> None:
        self._receiving = False
        body = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        path = self._url.partition(b"?")[0].decode("latin-1")
        request = Request(self._parser.get_method().decode("ascii"), path, self._headers, body, self._request_id())
        self._parts, self._size = [], 0  # counted by the request's body from here on
        keep_alive = self._parser.should_keep_alive() and self._parser.get_http_version() != "1.0"
        if self._current is None and not self._waiting and self._writable.is_set():
            self._serve(request, keep_alive)
        else:
            self._waiting.append((request, keep_alive))
            if self._transport is not None:
                self._transport.pause_reading()

    def _request_id(self) -> bytes:
        for name, value in self._headers:
            if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
                return value
        return self._shared.next_id()

    # Requests and answers

    def _serve(self, request: Request, keep_alive: bool) -> None:
        self._current = request
        self._keep_alive = keep_alive
        self._until = None  # the application has deadlines of its own
        self._shared.app.handle(request, lambda answer: self._reply(request, answer))

    def _reply(self, request: Request, answer: Response) -> None:
        if request is not self._current or self._transport is None:
            return  # the client is gone, or another answer was given first
        if isinstance(answer.body, bytes):
            self._write(answer, request)
            self._done(request)
        else:
            self._stream = asyncio.get_running_loop().create_task(self._send_stream(answer, request))

    def _write(self, answer: Response, request: Request | None) -> None:
        assert self._transport is not None
        assert isinstance(answer.body, bytes)
        head = self._head(answer, request, b"content-length: %d\r\n" % len(answer.body))
        self._transport.write(head if request is not None and request.method == "HEAD" else head + answer.body)

    def _head(self, answer: Response, request: Request | None, length: bytes) -> bytes:
        shared = self._shared
        if shared.draining:
            self._keep_alive = False
        return b"".join(
            (
                _STATUS_LINES[answer.status],
                b"date: %b\r\ncontent-type: %b\r\n" % (shared.date, answer.content_type),
                length,
                shared.app.identity_block,
                b"x-request-id: %b\r\n" % (request.id if request is not None else shared.next_id()),
                *(b"%b: %b\r\n" % header for header in answer.headers),
                b"\r\n" if self._keep_alive else b"connection: close\r\n\r\n",
            )
        )

    async def _send_stream(self, answer: Response, request: Request) -> None:
        """Send the parts as they come, in chunks, waiting for a slow reader between them."""
        assert not isinstance(answer.body, bytes)
        assert self._transport is not None
        self._transport.write(self._head(answer, request, b"transfer-encoding: chunked\r\n"))
        try:
            async with contextlib.aclosing(answer.body) as parts:  # also when the client goes away: it is counted there
                async for part in parts:
                    await self._writable.wait()
                    if self._transport is None:
                        return
                    self._transport.write(b"%x\r\n%b\r\n" % (len(part), part))
        except Exception:
            log.exception("a streamed answer broke off")
            if self._transport is not None:
                self._transport.abort()  # the only way to say in HTTP/1.1 that a chunked answer is not whole
            return
        self._transport.write(b"0\r\n\r\n")
        self._done(request)

    def _done(self, request: Request) -> None:
        self._current = None
        self._stream = None
        self._shared.buffered -= len(request.body)
        if self._waiting and self._keep_alive:
            asyncio.get_running_loop().call_soon(self._serve_next)  # not at once: many waiting ones would recurse
        elif self._keep_alive and not self._shared.closing:
            self._await_next()
        else:
            self._end()

    def _serve_next(self) -> None:
        if self._waiting and self._current is None and self._writable.is_set():
            self._serve(*self._waiting.popleft())

    def _await_next(self) -> None:
        if self._transport is None or not self._writable.is_set():
            return
        limits = self._shared.limits
        self._transport.resume_reading()
        self._until = time.monotonic() + (limits.arrive_seconds if self._receiving else limits.idle_seconds)

    # Ends

    def _refuse(self, fault: Exception) -> None:
        """Answer a request that will not become whole, and end the connection after a moment."""
        if self._refused or self._transport is None:
            return
        self._refused = True
        self._keep_alive = False
        self._forget()
        if self._current is None:
            self._write(self._shared.app.refuse(fault, self._headers), None)
            self._transport.write_eof()
            self._ending = True
            self._until = time.monotonic() + LINGER_SECONDS

    def _forget(self) -> None:
        """Drop what was received and will not be answered."""
        self._shared.buffered -= self._size + sum(len(request.body) for request, _ in self._waiting)
        self._parts, self._size = [], 0
        self._waiting.clear()

    def _end(self) -> None:
        """Close once the client has taken what waits for it."""
        if self._transport is not None and not self._ending:
            self._ending = True
            self._until = time.monotonic() + self._shared.limits.send_seconds
            self._transport.close()

    def close_if_idle(self) -> None:
        """Close a connection on which nothing is asked; the others close after their answer."""
        if self._current is None and not self._waiting and not self._receiving:
            self._end()

    def close_if_overdue(self, now: float) -> None:
        """End what takes too long: a request that does not arrive, an answer that is not read, a silence."""
        if self._until is None or now < self._until or self._transport is None:
            return
        if self._ending or not self._writable.is_set():
            self._transport.abort()
        elif self._receiving:
            self._refuse(TooSlow(f"the request did not arrive within {self._shared.limits.arrive_seconds:g} s"))
        else:
            self._end()


class _Refused(Exception):
    """Stops the parser; the refusal is on its way already."""
