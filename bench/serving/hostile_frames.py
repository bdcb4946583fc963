"""Hostile connections to the gRPC port: floods, halves of sessions, and frames that HTTP/2 does not allow."""

import contextlib
import random
import socket
from collections.abc import Callable
from dataclasses import dataclass

from hpack import Encoder

from bench.serving import hostile_connections
from podium.runtime.http2 import frames
from podium.runtime.http2.frames import Code, Frames, frame

SECONDS = 5.0  # in which a client that breaks the protocol is told so
HELLO = frames.PREFACE + frames.settings({})
HEAD: bytes = Encoder().encode(
    [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/inference.GRPCInferenceService/ModelInfer"),
        ("content-type", "application/grpc"),
    ],
    huffman=False,
)
RESET = bytes((0, 0, 0, Code.CANCEL))


@dataclass(frozen=True)
class Kind:
    """What a client sends, and the code that it is left with; none: it is not told anything."""

    name: str
    sent: Callable[[random.Random], bytes]
    code: Code | None = None
    stays: bool = False


def _opened(number: int) -> bytes:
    return frame(frames.HEADERS, frames.END_HEADERS, number, HEAD)


KINDS = (
    Kind("half a preface", lambda _: frames.PREFACE[:11], stays=True),
    Kind("a preface and nothing", lambda _: frames.PREFACE, stays=True),
    Kind("half a frame", lambda _: HELLO + _opened(1)[:12], stays=True),
    Kind("half a message", lambda _: HELLO + _opened(1) + frame(frames.DATA, 0, 1, b"\0\0\0\0\x09x"), stays=True),
    Kind("random frames", lambda chance: HELLO + b"".join(_random(chance) for _ in range(50))),
    Kind("random bytes", lambda chance: HELLO + b"\xff" + chance.randbytes(500), Code.FRAME_SIZE_ERROR),
    Kind("nonsense headers", lambda _: HELLO + frame(frames.HEADERS, 4, 1, b"\xff" * 50), Code.COMPRESSION_ERROR),
    Kind("DATA first", lambda _: HELLO + frame(frames.DATA, 0, 1, b"x"), Code.PROTOCOL_ERROR),
    Kind("no SETTINGS", lambda _: frames.PREFACE + frame(frames.PING, 0, 0, bytes(8)), Code.PROTOCOL_ERROR),
    Kind(
        "CONTINUATION without end",
        lambda _: HELLO + frame(frames.HEADERS, 0, 1, HEAD) + frame(frames.CONTINUATION, 0, 1) * 5_000,
        Code.ENHANCE_YOUR_CALM,
    ),
    Kind(
        "rapid reset",
        lambda _: HELLO + b"".join(_opened(n) + frame(frames.RST_STREAM, 0, n, RESET) for n in range(1, 5_000, 2)),
        Code.ENHANCE_YOUR_CALM,
    ),
    Kind("many streams", lambda _: HELLO + b"".join(_opened(n) for n in range(1, 1_001, 2)), stays=True),
    Kind("pings that are not read", lambda _: HELLO + frame(frames.PING, 0, 0, bytes(8)) * 50_000, stays=True),
    Kind("settings that are not read", lambda _: HELLO + frames.settings({4: 1}) * 50_000, stays=True),
    Kind("empty DATA", lambda _: HELLO + _opened(1) + frame(frames.DATA, 0, 1) * 50_000, stays=True),
)


def _random(chance: random.Random) -> bytes:
    return frame(
        chance.randrange(12), chance.randrange(256), chance.randrange(9), chance.randbytes(chance.randrange(99))
    )


def visit(address: tuple[str, int], kind: Kind, chance: random.Random) -> tuple[str | None, socket.socket | None]:
    """Open a connection of this kind. Returns what is wrong with its end, and the socket if it stays open."""
    sock = socket.create_connection(address, timeout=SECONDS)
    wrong = None
    try:
        if kind.code is None:
            sock.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                sock.send(kind.sent(chance))
        else:
            sock.sendall(kind.sent(chance))
            found = _code(sock)
            wrong = None if found == kind.code else f"expected {kind.code.name}, found {found}"
    except ConnectionError:
        wrong = "the connection broke before its GOAWAY" if kind.code is not None else None
    except TimeoutError:
        wrong = f"no GOAWAY within {SECONDS:g} s"
    if kind.stays:
        return wrong, sock
    sock.close()
    return wrong, None


def _code(sock: socket.socket) -> int | None:
    """Return the code of the first GOAWAY, or None where the connection ends without one."""
    found = Frames()
    while part := sock.recv(65536):
        found.feed(part)
        while (one := found.cut()) is not None:
            if one[0] == frames.GOAWAY:
                return int.from_bytes(one[3][4:8], "big")
    return None


def open_one(
    http: tuple[str, int], grpc: str, number: int, chance: random.Random
) -> tuple[str, str | None, socket.socket | None]:
    """Open a connection, each third to the gRPC port. Returns its name, and what `visit` does."""
    if number % 3 == 2:
        host, _, port = grpc.rpartition(":")
        kind = KINDS[number // 3 % len(KINDS)]
        return f"gRPC, {kind.name}", *visit((host, int(port)), kind, chance)
    other = hostile_connections.KINDS[(number - number // 3) % len(hostile_connections.KINDS)]
    return other.name, *hostile_connections.visit(http, other, chance)
