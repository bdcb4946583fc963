"""A client of the other slot's pods: HTTP/1.1 POSTs on connections that are kept, parsed by httptools.

It has what a request in the serving path needs and no more: no redirects, no proxies, no codings, no cookies. What an
answer may take in memory and in time is bounded.
"""

import asyncio
from dataclasses import dataclass
from typing import cast

import httptools

from podium.runtime.identity import Headers

CONNECT_SECONDS = 1.0
CONNECTIONS = 128  # at once; a request beyond them is not sent


class Unanswered(Exception):
    """No whole answer came. The message says why."""


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
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(Unanswered(f"the answer is no HTTP/1.1 ({type(error).__name__})"))
            self.abort()

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name.lower(), value))

    def on_body(self, body: bytes) -> None:
        self._body += body
        if len(self._body) > self._client.body_bytes:
            self._fail(Unanswered(f"the answer is larger than {self._client.body_bytes} bytes"))
            self.abort()

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200:  # noqa: PLR2004  an interim answer (RFC 9110, 15.2)
            self._headers = []
            return
        self.keeps = self._parser.should_keep_alive()
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(Answer(status, self._headers, bytes(self._body)))

    async def ask(self, request: bytes) -> Answer:
        """Send the bytes of a request, and return its answer. Raises Unanswered."""
        if self._transport is None:
            raise _Cut("the connection was lost")
        self._reset()
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        try:
            return await self._answer
        finally:
            self._answer = None

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
    """Asks one host, by at most CONNECTIONS connections. `body_bytes` bounds an answer's body."""

    def __init__(self, host: str, port: int, body_bytes: int) -> None:
        self._host, self._port = host, port
        self.body_bytes = body_bytes
        self._idle: list[_Wire] = []
        self._asking = 0

    async def post(self, path: str, headers: Headers, body: bytes, seconds: float) -> Answer:
        """Return the answer to a POST. `headers` are sent as they are, with host and content-length.

        Raises Unanswered: there is none within this time, or too many requests wait already.
        """
        if self._asking >= CONNECTIONS:
            raise Unanswered(f"{CONNECTIONS} requests wait for it already")
        self._asking += 1
        try:
            async with asyncio.timeout(seconds):
                return await self._asked(self._written(path, headers, body))
        except TimeoutError as error:
            raise Unanswered("no answer in time") from error
        except OSError as error:
            raise Unanswered(f"it cannot be reached ({type(error).__name__})") from error
        finally:
            self._asking -= 1

    async def _asked(self, request: bytes) -> Answer:
        """Ask by a kept connection, and once more by a new one where that had been closed meanwhile."""
        if self._idle:
            try:
                return await self._asked_by(self._idle.pop(), request)
            except _Cut:
                pass
        return await self._asked_by(await self._connected(), request)

    async def _asked_by(self, wire: _Wire, request: bytes) -> Answer:
        whole = False
        try:
            answer = await wire.ask(request)
            whole = True
        finally:
            if whole and wire.keeps:
                self._idle.append(wire)
            else:
                wire.abort()
        return answer

    async def _connected(self) -> _Wire:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(CONNECT_SECONDS):
            _, wire = await loop.create_connection(lambda: _Wire(self), self._host, self._port)
        return wire

    def _written(self, path: str, headers: Headers, body: bytes) -> bytes:
        lines = [b"POST %b HTTP/1.1\r\nhost: %b\r\n" % (path.encode("latin-1"), self._host.encode())]
        lines += [b"%b: %b\r\n" % header for header in headers]
        lines += [b"content-length: %d\r\n\r\n" % len(body), body]
        return b"".join(lines)

    def forget(self, wire: _Wire) -> None:
        """Drop a connection that has ended."""
        if wire in self._idle:
            self._idle.remove(wire)

    def close(self) -> None:
        """End the connections on which nothing is asked."""
        while self._idle:
            self._idle.pop().abort()
