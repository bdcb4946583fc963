"""Messages with a prefix of five bytes: whether they are compressed, and their length (PROTOCOL-HTTP2.md)."""

import struct

from podium.runtime.faults import RequestFault
from podium.runtime.http.codings import decoded
from podium.runtime.http.incoming import too_large
from podium.runtime.http.shared import Limits

_PREFIX = struct.Struct(">BL")
_CODINGS = frozenset({b"gzip", b"deflate"})  # beside identity
_COMPRESSED = 1


class BadPrefix(RequestFault):
    """A message says that it is compressed where the call says that none is: INTERNAL (gRPC, compression.md)."""


class Prefixed:
    """The bytes of a call that have not been cut into messages."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._data: bytes | bytearray = b""

    def __len__(self) -> int:
        return len(self._data)

    def add(self, data: bytes) -> None:
        """Take in what came. Raises TooLarge: the next message is more than a body may be, though it is not here."""
        if not self._data:
            self._data = data
        else:
            if isinstance(self._data, bytes):
                self._data = bytearray(self._data)
            self._data += data
        self._measure()

    def _measure(self) -> int | None:
        """Return the size of the next message, where its prefix is here."""
        if len(self._data) < _PREFIX.size:
            return None
        size: int = _PREFIX.unpack_from(self._data)[1]
        if size > self._limits.body_bytes:
            raise too_large(self._limits)
        return size

    def cut(self) -> tuple[int, bytes] | None:
        """Return the next message with its flag, or None where it is not whole. Raises TooLarge."""
        size = self._measure()
        if size is None or len(self._data) < _PREFIX.size + size:
            return None
        flag, end = self._data[0], _PREFIX.size + size
        message = bytes(self._data[_PREFIX.size : end])
        if len(self._data) == end:
            self._data = b""
        else:
            self._data = bytearray(self._data) if isinstance(self._data, bytes) else self._data
            del self._data[:end]
        return flag, message

    def forget(self) -> None:
        """Drop what is here."""
        self._data = b""


def prefixed(message: bytes) -> bytes:
    """Return a message with its prefix."""
    return b"%b%b" % (_PREFIX.pack(0, len(message)), message)


def unfolded(flag: int, message: bytes, coding: bytes, limits: Limits) -> bytes:
    """Return a message without the coding that its call names. Raises Fault: it is not what the call says."""
    if flag == 0:
        return message
    if flag != _COMPRESSED or coding == b"identity":
        raise BadPrefix("expected a message that is not compressed, as grpc-encoding says")
    named = coding if coding in _CODINGS else b"unknown"
    return decoded(message, [(b"content-encoding", named)], limits.body_bytes)
