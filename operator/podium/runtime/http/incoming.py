"""One request as it comes in: what httptools' parser calls, and how much a client may send.

What a parser does not bound is bounded here: the head, the body, bodies of all clients together, and what the parser
keeps to itself (an unfinished header, the extension of a chunk), which it would collect without end.
"""

import re
from typing import Protocol

import httptools

from podium.runtime.exchange import Request
from podium.runtime.faults import Overloaded, RequestFault, TooLarge
from podium.runtime.http.codings import decoded
from podium.runtime.http.shared import Limits, Shared
from podium.runtime.identity import Headers

_OLD = "1.0"  # the version of HTTP that knows neither chunks nor 100 Continue
HEAD_LIMIT = 64 * 1024  # bytes of request line and headers
HEADER_COST = 32  # bytes that a header counts beside its own, as in HTTP/2 (RFC 9113, 6.5.2): many small ones cost too
READ = 256 * 1024  # bytes that the event loop reads at once, at most
_OF_BODY = frozenset({b"content-length", b"transfer-encoding"})
_REQUEST_ID = re.compile(rb"[\x21-\x7e]{1,128}")


class Receiver(Protocol):
    """Who is told of requests."""

    def begun(self) -> None:
        """The first byte of a request is here."""

    def expected(self) -> None:
        """The client waits for a word before it sends the body."""

    def received(self, request: Request, *, keep_alive: bool) -> None:
        """A request is whole; `keep_alive` says whether the client stays after it."""


class Incoming:
    """The request that is being received. Its `on_` methods are the parser's."""

    def __init__(self, shared: Shared, receiver: Receiver) -> None:
        self._shared = shared
        self._receiver = receiver
        self._parser = httptools.HttpRequestParser(self)
        self.receiving = False
        self._behind: memoryview | None = None  # what came behind a wish for another protocol
        self._again = False  # the head is parsed once more, without such a wish
        self._body: bytes | bytearray = b""
        self._size = 0  # of the body so far
        self._begin()

    def feed(self, data: bytes | memoryview) -> None:
        """Parse what came.

        Raises Fault: it is more than a client may send. Raises RequestFault: it is no HTTP/1.1.
        """
        self._silent += len(data)
        if self._silent > HEAD_LIMIT + READ:
            raise self._large_head()
        self._parse(data)
        while self._behind:
            behind, self._behind = self._behind, None
            self._parse(behind)

    def _parse(self, data: bytes | memoryview) -> None:
        """Parse, and pass over a wish for another protocol (RFC 9110, 7.8).

        Java's client has it in each request that is not encrypted.
        """
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as asked:
            parser, self._parser = self._parser, httptools.HttpRequestParser(self)
            if self.receiving:
                self._parse_again(parser)
            self._behind = memoryview(data)[asked.args[0] :]
        except httptools.HttpParserCallbackError as error:
            raise error.__context__ or error from None
        except httptools.HttpParserError as error:
            raise RequestFault("this is not an HTTP/1.1 request") from error

    def _parse_again(self, parser: httptools.HttpRequestParser) -> None:
        """Let the new parser read a body that follows: httptools takes it for the other protocol.

        https://github.com/MagicStack/httptools/issues/124
        """
        method, version = parser.get_method(), parser.get_http_version().encode()
        kept = [(name, value) for name, value in self.headers if name in _OF_BODY]
        if any(name == b"connection" and b"close" in value.lower() for name, value in self.headers):
            kept.append((b"connection", b"close"))
        lines = [b"%b / HTTP/%b\r\n" % (method, version), *(b"%b: %b\r\n" % header for header in kept), b"\r\n"]
        self._again = True
        self._parser.feed_data(b"".join(lines))
        self._again = False

    def forget(self) -> None:
        """Drop what came of a request that will not become whole."""
        self._shared.buffered -= self._size
        self._body, self._size = b"", 0

    # The parser's side

    def on_message_begin(self) -> None:
        """A request begins."""
        if self._again:
            return
        self._begin()
        self.receiving = True
        self._receiver.begun()

    def _begin(self) -> None:
        self._url = b""
        self.headers: Headers = []
        self._head_size = 0
        self._silent = 0  # bytes since the parser last had something to say
        self._headed = False
        self._body, self._size = b"", 0

    def on_url(self, url: bytes) -> None:
        """A part of its target."""
        if self._again:
            return
        self._url += url
        self._grow_head(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        if self._again:
            return
        self._grow_head(len(name) + len(value) + HEADER_COST)
        if not self._headed:  # a trailer is no header (RFC 9110, 6.5.1)
            self.headers.append((name.lower(), value))

    def _grow_head(self, size: int) -> None:
        self._head_size += size
        if self._head_size > HEAD_LIMIT:
            raise self._large_head()

    def on_headers_complete(self) -> None:
        """The head is whole."""
        if self._again:
            return
        self._headed = True
        self._coded = False
        for name, value in self.headers:
            if name == b"content-length" and int(value) > self._shared.limits.body_bytes:
                raise too_large(self._shared.limits)
            if name == b"content-encoding":
                self._coded = True
            elif name == b"expect" and value.lower() == b"100-continue" and self._parser.get_http_version() != _OLD:
                self._receiver.expected()

    def on_body(self, body: bytes) -> None:
        """A part of its body."""
        self._silent = 0
        # One piece stays as it is. More are joined at once: a list of small chunks takes 20 times their size.
        if not self._body:
            self._body = body
        else:
            if isinstance(self._body, bytes):
                self._body = bytearray(self._body)
            self._body += body
        self._size += len(body)
        self._shared.buffered += len(body)
        if self._size > self._shared.limits.body_bytes:
            raise too_large(self._shared.limits)
        check_buffered(self._shared)

    def _large_head(self) -> TooLarge:
        return TooLarge(f"expected a request line and headers of at most {HEAD_LIMIT} bytes")

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._silent = 0
        parser = self._parser
        tunnel = parser.get_method() == b"CONNECT"
        if parser.should_upgrade() and not tunnel and any(name in _OF_BODY for name, _ in self.headers):
            return  # its body has not been read
        self.receiving = False
        if tunnel:
            raise RequestFault("no protocol but HTTP/1.1 is spoken here, and no tunnel is made")
        path, method = _path(self._url), parser.get_method().decode("ascii")
        named = request_id(self.headers) or self._shared.next_id()
        body = self._decoded() if self._coded else bytes(self._body)
        request = Request(method, path, self.headers, body, named)
        self._body, self._size = b"", 0  # counted by the request's body from here on
        request.chunks = parser.get_http_version() != _OLD
        self._receiver.received(request, keep_alive=request.chunks and parser.should_keep_alive())

    def _decoded(self) -> bytes:
        body = decoded(bytes(self._body), self.headers, self._shared.limits.body_bytes)
        self._shared.buffered += len(body) - self._size
        self._size = len(body)
        check_buffered(self._shared)
        return body


def request_id(headers: Headers) -> bytes | None:
    """Return the id that the client gave the request, where it is one that can be repeated."""
    for name, value in headers:
        if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
            return value
    return None


def check_buffered(shared: Shared) -> None:
    """Raises Overloaded: the bodies of all clients together are more than the limit."""
    if shared.spare.held:
        shared.spare.give_way()
    if shared.buffered > shared.limits.buffered_bytes:
        raise Overloaded("too many large bodies wait already")


def too_large(limits: Limits) -> TooLarge:
    """The refusal of a body above the limit."""
    return TooLarge(f"expected a body of at most {limits.body_bytes} bytes (PODIUM_MAX_BODY_BYTES)")


def _path(url: bytes) -> str:
    """Return the path of a request's target, which may be a whole URL (RFC 9112, 3.2.2)."""
    if not url.startswith(b"/") and b"://" in url:
        url = b"/" + url.partition(b"://")[2].partition(b"/")[2]
    return url.partition(b"?")[0].decode("latin-1")
