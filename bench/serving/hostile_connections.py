"""Hostile connections: each is opened, says what it says, and is left open, closed, reset or not read."""

import contextlib
import random
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass

POST = b"POST /invocations HTTP/1.1\r\nhost: x\r\n"
CHUNKED = POST + b"transfer-encoding: chunked\r\n\r\n"
SECONDS = 5.0  # in which an answer that is owed must be there


@dataclass(frozen=True)
class Kind:
    """What a client sends, whether it wants the statuses that it is given, and whether it is left open."""

    name: str
    sent: Callable[[random.Random], bytes]
    statuses: tuple[int, ...] = ()  # of the first answer, one of these; none: no answer is owed
    stays: bool = False
    half: bool = False  # closes its half after that
    reset: bool = False


KINDS = (
    Kind("says nothing", lambda _: b"", stays=True),
    Kind("leaves at once", lambda _: b""),
    Kind("resets", lambda _: POST, reset=True),
    Kind("nonsense", lambda chance: b"\x00" + chance.randbytes(500) + b"\r\n\r\n", (400,)),
    Kind("TLS", lambda chance: b"\x16\x03\x01\x02\x00\x01\x00" + chance.randbytes(400), (400,)),
    Kind("HTTP/2", lambda _: b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (400,)),
    Kind("upgrade", lambda _: b"GET /healthz HTTP/1.1\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n", (200,)),
    Kind("WebSocket", lambda _: b"GET / HTTP/1.1\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n", (404,)),
    Kind("tunnel", lambda _: b"CONNECT x:1 HTTP/1.1\r\nhost: x\r\n\r\n", (400,)),
    Kind("half-close", lambda _: b"GET /healthz HTTP/1.1\r\n\r\n", half=True),
    Kind("half a head", lambda _: POST + b"content-le", stays=True),
    Kind("half a body", lambda _: POST + b"content-length: 1000\r\n\r\n{", stays=True),
    Kind(
        "a body never sent", lambda _: POST + b"content-length: 9\r\nexpect: 100-continue\r\n\r\n", (100,), stays=True
    ),
    Kind("absolute form", lambda _: b"GET http://podium/healthz HTTP/1.1\r\nhost: podium\r\n\r\n", (200,)),
    Kind("trailers", lambda _: CHUNKED + b"1\r\n{\r\n0\r\n" + b"x-a: b\r\n" * 100 + b"\r\n", (400,)),
    Kind("trailers without end", lambda _: CHUNKED + b"1\r\n{\r\n0\r\n" + b"x-a: b\r\n" * 20_000, (413,)),
    Kind("chunk extensions", lambda _: CHUNKED + b'1;a="b"\r\n{\r\n0;c\r\n\r\n', (400,)),
    Kind("an extension without end", lambda _: CHUNKED + b"1;" + b"a" * 600_000, (413,)),
    Kind("small chunks", lambda _: CHUNKED + b"1\r\n{\r\n" * 50_000 + b"0\r\n\r\n", (400,)),
    Kind("a header without end", lambda _: POST + b"x: " + b"a" * 600_000, (413,)),
    Kind("many headers", lambda _: POST + b"a:\r\n" * 10_000, (413,)),
    Kind("two lengths", lambda _: POST + b"content-length: 1\r\ncontent-length: 2\r\n\r\n{}", (400,)),
    Kind("length and chunks", lambda _: POST + b"content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n", (400,)),
    Kind("a large length", lambda _: POST + b"content-length: 99999999999\r\n\r\n", (413,)),
    Kind("a wrong length", lambda _: POST + b"content-length: -1\r\n\r\n", (400,)),
    Kind("HTTP/0.9", lambda _: b"GET /\r\n\r\n", (400, 404)),
    Kind("pipelined", lambda _: b"GET /healthz HTTP/1.1\r\n\r\n" * 200, (200,)),
    Kind("pipelined and not read", lambda _: b"GET /openapi.json HTTP/1.1\r\n\r\n" * 5000, stays=True),
)


def visit(address: tuple[str, int], kind: Kind, chance: random.Random) -> tuple[str | None, socket.socket | None]:
    """Open a connection of this kind. Returns what is wrong with its answer, and the socket if it stays open."""
    sock = socket.create_connection(address, timeout=SECONDS)
    wrong = None
    try:
        _say(sock, kind, kind.sent(chance))
        if kind.statuses:
            status = _status(sock)
            wrong = None if status in kind.statuses else f"expected {kind.statuses}, found {status}"
    except ConnectionError:
        wrong = "the connection broke before its answer" if kind.statuses else None
    except TimeoutError:
        wrong = f"no answer within {SECONDS:g} s"
    if kind.stays:
        return wrong, sock
    if kind.reset:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()
    return wrong, None


def _say(sock: socket.socket, kind: Kind, text: bytes) -> None:
    if not kind.statuses:  # a server that does not read may leave this client waiting
        sock.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            sock.send(text)
    else:
        with contextlib.suppress(ConnectionError):  # refused before all of it was said: the answer may be there
            sock.sendall(text)
    if kind.half:
        sock.shutdown(socket.SHUT_WR)


def _status(sock: socket.socket) -> int:
    found = b""
    while b" " not in found or len(found) < 12:
        part = sock.recv(4096)
        if not part:
            break
        found += part
    return int(found.split()[1]) if found.startswith(b"HTTP/1.1 ") else 0
