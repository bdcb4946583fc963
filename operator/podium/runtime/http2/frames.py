"""Frames as bytes (RFC 9113, 4 and 6), and the two ways in which a client may break the protocol."""

import struct
from enum import IntEnum

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM = ACK = 0x1
END_HEADERS, PADDED, PRIORITIZED = 0x4, 0x8, 0x20
ENABLE_PUSH, MAX_STREAMS, INITIAL_WINDOW, MAX_FRAME, MAX_HEAD = 2, 3, 4, 5, 6
FRAME_LIMIT = 16384  # bytes of a payload, in both directions: the least that each side has to allow
LARGEST = 2**31 - 1  # a window, and a stream's number
_HEAD = struct.Struct(">HBBBL")
_SETTING = struct.Struct(">HL")

Frame = tuple[int, int, int, bytes]  # kind, flags, stream, payload


class Code(IntEnum):
    """Why a stream or a connection ends (RFC 9113, 7)."""

    NO_ERROR = 0
    PROTOCOL_ERROR = 1
    INTERNAL_ERROR = 2
    FLOW_CONTROL_ERROR = 3
    STREAM_CLOSED = 5
    FRAME_SIZE_ERROR = 6
    REFUSED_STREAM = 7
    CANCEL = 8
    COMPRESSION_ERROR = 9
    ENHANCE_YOUR_CALM = 11


class ConnectionFault(Exception):
    """The client broke the protocol in a way that ends its connection."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class StreamFault(Exception):
    """The client broke the protocol in a way that ends one stream."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code


class Frames:
    """Cuts what comes into frames. It holds what was fed, and no more."""

    def __init__(self) -> None:
        self._data = b""
        self._at = 0

    def feed(self, data: bytes) -> None:
        """Take in what came."""
        self._data = self._data[self._at :] + data if self._at < len(self._data) else data
        self._at = 0

    @property
    def partial(self) -> bool:
        """Whether something is here that has not been cut."""
        return self._at < len(self._data)

    def preface(self) -> bool | None:
        """Return whether the client begins as one of HTTP/2 does, and cut that; None: that cannot be said yet."""
        begun = self._data[: len(PREFACE)]
        if begun == PREFACE:
            self._at = len(PREFACE)
            return True
        return None if PREFACE.startswith(begun) else False

    def cut(self) -> Frame | None:
        """Return the next frame, or None where it is not whole. Raises ConnectionFault: it is too large."""
        data, begin = self._data, self._at + _HEAD.size
        if len(data) < begin:
            return None
        high, low, kind, flags, stream = _HEAD.unpack_from(data, self._at)
        size = high << 8 | low
        if size > FRAME_LIMIT:
            raise ConnectionFault(
                Code.FRAME_SIZE_ERROR, f"expected a frame of at most {FRAME_LIMIT} bytes, found {size}"
            )
        if len(data) < begin + size:
            return None
        self._at = begin + size
        return kind, flags, stream & LARGEST, data[begin : begin + size]


def frame(kind: int, flags: int, stream: int, payload: bytes | memoryview = b"") -> bytes:
    """Return a frame's bytes."""
    size = len(payload)
    return b"".join((_HEAD.pack(size >> 8, size & 0xFF, kind, flags, stream), payload))


def settings(values: dict[int, int]) -> bytes:
    """Return the frame that tells the client these settings."""
    return frame(SETTINGS, 0, 0, b"".join(_SETTING.pack(*each) for each in values.items()))


def read_settings(payload: bytes) -> dict[int, int]:
    """Return a client's settings, the last value of each. Raises ConnectionFault: one may not have its value."""
    if len(payload) % _SETTING.size:
        raise ConnectionFault(Code.FRAME_SIZE_ERROR, "SETTINGS: expected whole settings")
    found: dict[int, int] = {}
    for name, value in _SETTING.iter_unpack(payload):
        if name == ENABLE_PUSH and value > 1:
            raise ConnectionFault(Code.PROTOCOL_ERROR, f"SETTINGS_ENABLE_PUSH: expected 0 or 1, found {value}")
        if name == INITIAL_WINDOW and value > LARGEST:
            raise ConnectionFault(Code.FLOW_CONTROL_ERROR, f"SETTINGS_INITIAL_WINDOW_SIZE: found {value}")
        if name == MAX_FRAME and not FRAME_LIMIT <= value < 2**24:
            raise ConnectionFault(Code.PROTOCOL_ERROR, f"SETTINGS_MAX_FRAME_SIZE: found {value}")
        found[name] = value
    return found


def window_update(stream: int, increment: int) -> bytes:
    """Return the frame that lets the client send so many bytes more."""
    return frame(WINDOW_UPDATE, 0, stream, increment.to_bytes(4, "big"))


def goaway(last: int, code: Code, message: str = "") -> bytes:
    """Return the frame that ends a connection once the streams up to `last` have ended."""
    return frame(GOAWAY, 0, 0, struct.pack(">LL", last, code) + message.encode())


def unpadded(flags: int, payload: bytes) -> bytes:
    """Return a payload without its padding. Raises ConnectionFault: the padding is longer than the frame."""
    if not flags & PADDED:
        return payload
    if not payload or payload[0] >= len(payload):
        raise ConnectionFault(Code.PROTOCOL_ERROR, "expected padding shorter than its frame")
    return payload[1 : len(payload) - payload[0]]


def expect_size(payload: bytes, size: int, name: str) -> None:
    """Raise ConnectionFault unless a payload has its size."""
    if len(payload) != size:
        raise ConnectionFault(Code.FRAME_SIZE_ERROR, f"{name}: expected {size} bytes, found {len(payload)}")
