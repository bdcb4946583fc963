"""A client of the other slot's pods: HTTP/1.1 POSTs on connections that are kept, parsed by httptools.

It has what a request in the serving path needs and no more: no redirects, no proxies, no codings, no cookies. What all
answers together may take in memory, and each in time, is bounded.
"""

import asyncio
import socket
import time
from collections import deque
from dataclasses import dataclass
from http.client import HTTP_PORT
from typing import cast

import httptools

from podium.runtime.identity import Headers

CONNECT_SECONDS = 1.0
CONNECTS = 2  # tries: a host may have two addresses, and one address may lead to a pod that has just ended
AGAIN_SECONDS = 0.2  # from a connection that could not be made to the next try
CONNECTIONS = 128  # at once; a request beyond them waits for one of them
SILENT_SECONDS = 5.0  # without a byte from the host, which is then taken for one that hangs
AS_LONG_AGAIN = 3.0  # times as long as the last answer took may the next one take, until it begins


class Unanswered(Exception):
    """No whole answer came. The message says why."""


class Unreachable(Unanswered):
    """No connection could be made."""


class Silent(Unanswered):
    """Not a byte came from the host, on any connection, for as long as SILENT_SECONDS."""


class _Cut(Unanswered):
    """The connection ended before the first byte of an answer: a kept one may have been closed meanwhile."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer. The names of its headers are in lower case."""

    status: int
    headers: Headers
    body: bytes


class _Wire(asyncio.Protocol):
    """One connection, on which one request is asked at a time."""

    def __init__(self, client: "Client") -> None:
        self._client = client
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[Answer] | None = None
        self.keeps = True
        self.used = False  # a request has been asked on it before
        self._reset()

    def _reset(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._headers: Headers = []
        self._body = bytearray()
        self._silent = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._client.forget(self)
        kind = _Cut if self._silent else Unanswered
        self._fail(kind(f"the connection was lost ({exc or 'closed'})"))

    def data_received(self, data: bytes) -> None:
        self._silent = False
        self._client.heard = time.monotonic()
        if self._answer is None:  # nothing is asked: what comes is no answer to what will be
            self.abort()
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(Unanswered(f"the answer is no HTTP/1.1 ({type(error).__name__})"))
            self.abort()

    def on_message_begin(self) -> None:
        if self._answer is None or self._answer.done():
            raise ValueError("a second answer")  # the parser tells of it as of any other fault

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name.lower(), value))

    def on_body(self, body: bytes) -> None:
        self._body += body
        self._client.held += len(body)
        if self._client.held > self._client.held_bytes:
            self._fail(Unanswered(f"the answers that arrive are larger than {self._client.held_bytes} bytes"))
            self.abort()

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200:  # noqa: PLR2004  an interim answer (RFC 9110, 15.2)
            self._headers = []
            return
        self.keeps = self._parser.should_keep_alive()
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(Answer(status, self._headers, bytes(self._body)))

    async def ask(self, head: bytes, body: bytes, patience: float) -> Answer:
        """Send a request, and return its answer.

        Raises Unanswered. Raises TimeoutError: none began within `patience`, in seconds.
        """
        if self._transport is None:
            raise _Cut("the connection was lost")
        self._reset()
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(head)
        self._transport.write(body)  # apart from the head: together they were a second copy of it
        answer = self._answer
        try:
            await asyncio.wait((answer,), timeout=patience)
            if self._silent and not answer.done():
                raise TimeoutError
            return await answer
        finally:
            self._answer = None
            self._client.held -= len(self._body)
            self._body = bytearray()

    def _fail(self, error: Unanswered) -> None:
        self.keeps = False
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)

    def abort(self) -> None:
        """End the connection at once."""
        self.keeps = False
        if self._transport is not None:
            self._transport.abort()


class Client:
    """Asks one host, by at most CONNECTIONS connections."""

    def __init__(self, host: str, port: int, held_bytes: int, silent_seconds: float | None = None) -> None:
        """`held_bytes` bounds the bodies of all answers that arrive at the same time, `silent_seconds` the time until
        an answer begins; None: SILENT_SECONDS.
        """
        self._host, self._port = host, port
        self.held, self.held_bytes = 0, held_bytes
        self.heard = time.monotonic()  # the last byte of any answer
        self._silent_seconds = SILENT_SECONDS if silent_seconds is None else silent_seconds
        self._patience = self._silent_seconds  # with one request, until its answer begins
        self._addresses: list[tuple[str, int]] = []  # of the host, the one to be asked first
        self._no_connect_until = 0.0
        self._alive: set[_Wire] = set()
        self._idle: deque[_Wire] = deque()
        self._released = asyncio.Event()  # a connection rests, or there is one less
        self._free = asyncio.Semaphore(CONNECTIONS)

    async def post(self, path: str, headers: Headers, body: bytes, seconds: float) -> Answer:
        """Return the answer to a POST. `headers` are sent as they are, with host and content-length.

        Raises Unanswered: there is none within this time.
        """
        since = time.monotonic()
        try:
            async with asyncio.timeout(seconds), self._free:
                return await self._asked(self._head(path, headers, body), body)
        except TimeoutError as error:
            raise self._unanswered(since) from error

    def _unanswered(self, since: float) -> Unanswered:
        silent = time.monotonic() - max(since, self.heard) >= SILENT_SECONDS
        return (Silent if silent else Unanswered)("no answer in time")

    async def _asked(self, head: bytes, body: bytes) -> Answer:
        """Ask by a kept connection, and once more by a new one where that had been closed meanwhile."""
        wire = await self._wire()
        try:
            return await self._asked_by(wire, head, body)
        except _Cut:
            if not wire.used:
                raise
        return await self._asked_by(await self._connected(), head, body)

    async def _wire(self) -> _Wire:
        """Return a connection on which nothing is asked: a kept one, or a new one, or the next that rests.

        Raises Unreachable: there is none, and none can be made.
        """
        while not self._idle:
            try:
                return await self._connected()
            except Unreachable:
                if not self._alive:
                    raise
            if not self._idle:
                self._released.clear()
                await self._released.wait()
        wire = self._idle.popleft()  # the one that has rested for longest: so all of the host's pods are asked
        wire.used = True
        return wire

    async def _asked_by(self, wire: _Wire, head: bytes, body: bytes) -> Answer:
        since, patience, whole = time.monotonic(), self._patience, False
        try:
            answer = await wire.ask(head, body, patience)
            whole = True
        except TimeoutError as error:
            if self._patience == patience:  # it may be one that takes longer: the next ones get more time
                self._patience = 2 * patience
            raise self._unanswered(since) from error
        finally:
            if whole and wire.keeps:
                self._idle.append(wire)
            else:
                wire.abort()
            self._released.set()
        self._patience = max(self._silent_seconds, AS_LONG_AGAIN * (time.monotonic() - since))
        return answer

    async def _connected(self) -> _Wire:
        """Return a new connection. Raises Unreachable."""
        if time.monotonic() < self._no_connect_until:
            raise Unreachable("it could not be reached just now")
        why: OSError | None = None
        for _ in range(CONNECTS):
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    return await self._connection()
            except OSError as error:  # TimeoutError is one, too
                self._addresses = self._addresses[1:]
                why = error
        self._no_connect_until = time.monotonic() + AGAIN_SECONDS
        raise Unreachable(f"it cannot be reached ({type(why).__name__})") from why

    async def _connection(self) -> _Wire:
        loop = asyncio.get_running_loop()
        if not self._addresses:
            found = await loop.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
            self._addresses = [(str(address[0]), int(address[1])) for *_, address in found]
        host, port = self._addresses[0]
        _, wire = await loop.create_connection(lambda: _Wire(self), host, port)
        self._alive.add(wire)
        return wire

    def _head(self, path: str, headers: Headers, body: bytes) -> bytes:
        host = self._host if self._port == HTTP_PORT else f"{self._host}:{self._port}"
        lines = [b"POST %b HTTP/1.1\r\nhost: %b\r\n" % (path.encode("latin-1"), host.encode())]
        lines += [b"%b: %b\r\n" % header for header in headers]
        lines.append(b"content-length: %d\r\n\r\n" % len(body))
        return b"".join(lines)

    def forget(self, wire: _Wire) -> None:
        """Drop a connection that has ended."""
        self._alive.discard(wire)
        self._released.set()
        if wire in self._idle:
            self._idle.remove(wire)

    def close(self) -> None:
        """End the connections on which nothing is asked."""
        while self._idle:
            self._idle.pop().abort()
