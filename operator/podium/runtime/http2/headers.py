"""Header blocks (RFC 7541): read by `hpack`, checked (RFC 9113, 8.2 and 8.3), and written without any table.

A client writes nearly the same block for each request. One that leaves the table as it was is remembered with what it
meant, until some other block changes the table.
"""

import re
from dataclasses import dataclass

from hpack import Decoder, HPACKError, InvalidTableIndexError, OversizedHeaderListError
from hpack.table import HeaderTable

from podium.runtime.http2.frames import Code, ConnectionFault, StreamFault
from podium.runtime.identity import Headers

HEAD_LIMIT = 16 * 1024  # bytes of the list that a block means: what gRPC's own libraries allow
BLOCK_LIMIT = (
    64 * 1024
)  # bytes of a block, and of its list, that are read for the table's sake: one call fails, no other
REMEMBERED = 32  # blocks of one connection
_SHORT = 512  # bytes of a block that is worth it
_PSEUDO = frozenset({b":method", b":scheme", b":path", b":authority"})
_OF_A_CONNECTION = frozenset({b"connection", b"proxy-connection", b"keep-alive", b"transfer-encoding", b"upgrade"})
_NAME, _VALUE = re.compile(rb"[!#$%&'*+\-.^_`|~0-9a-z]+"), re.compile(rb"[^\x00\r\n]*")
_RESIZED = re.compile(rb"[\x20-\x3f]")
_RESIZED_OFTEN = re.compile(rb"(?:[\x20-\x3e]|\x3f[\x80-\xff]{0,4}[\x00-\x7f]){3}")  # two are allowed (RFC 7541, 4.2)
_SEVEN_BITS = 127


@dataclass(frozen=True, slots=True)
class Head:
    """What a request begins with."""

    method: bytes
    path: bytes
    fields: Headers
    named: dict[bytes, bytes]  # the first of each name
    size: int  # as SETTINGS_MAX_HEADER_LIST_SIZE counts


class _Table(HeaderTable):
    """Knows how often it was changed by an entry."""

    def __init__(self) -> None:
        super().__init__()
        self.additions = 0

    def add(self, name: bytes, value: bytes) -> None:
        self.additions += 1
        super().add(name, value)


class HeaderBlocks:
    """Reads the blocks of one connection, each of which must be read, and in their order."""

    def __init__(self) -> None:
        self._decoder = Decoder(max_header_list_size=BLOCK_LIMIT)
        self._decoder.header_table = self._table = _Table()
        self._remembered: dict[bytes, Head] = {}

    def head(self, block: bytes) -> Head:
        """Read what begins a request. Raises StreamFault: it is malformed. Raises ConnectionFault: as `fields` does."""
        known = self._remembered.get(block)
        if known is not None:
            return known
        before = self._table.additions
        head = _head(self.fields(block))
        pure = self._table.additions == before and not _RESIZED.match(block)
        if pure and len(block) <= _SHORT and head.size <= HEAD_LIMIT and len(self._remembered) < REMEMBERED:
            self._remembered[block] = head
        return head

    def fields(self, block: bytes) -> Headers:
        """Read any block. Raises ConnectionFault: it is too much, or no block."""
        if _RESIZED_OFTEN.match(block):
            raise ConnectionFault(Code.COMPRESSION_ERROR, "expected at most two changes of the table's size")
        before = self._table.additions
        try:
            found = [(name, value) for name, value in self._decoder.decode(block, raw=True)]
        except HPACKError as error:
            raise _unread(error) from error
        if self._table.additions != before or _RESIZED.match(block):
            self._remembered.clear()
        return found


def _unread(error: HPACKError) -> ConnectionFault:
    if isinstance(error, OversizedHeaderListError):
        return ConnectionFault(Code.ENHANCE_YOUR_CALM, f"headers: expected at most {BLOCK_LIMIT} bytes, found more")
    indexed = isinstance(error, InvalidTableIndexError)
    found = "an index that its table does not have" if indexed else "a malformed one"
    return ConnectionFault(Code.COMPRESSION_ERROR, f"headers: expected a block as RFC 7541 has it, found {found}")


def _head(fields: Headers) -> Head:
    pseudo: dict[bytes, bytes] = {}
    rest: Headers = []
    for name, value in fields:
        if name[:1] != b":":
            rest.append((name, value))
        elif rest or name in pseudo or name not in _PSEUDO:
            raise StreamFault(Code.PROTOCOL_ERROR, "expected each of HTTP/2's own fields once, before all others")
        else:
            pseudo[name] = value
    check_fields(rest)
    method, path, scheme = (pseudo.get(name, b"") for name in (b":method", b":path", b":scheme"))
    if not (method and path and scheme):
        raise StreamFault(Code.PROTOCOL_ERROR, "expected :method, :scheme and :path")
    size = sum(len(name) + len(value) + 32 for name, value in fields)
    return Head(method, path, rest, dict(reversed(rest)), size)


def check_fields(fields: Headers) -> None:
    """Raise StreamFault where one of them may not be in a request, or not in HTTP/2."""
    for name, value in fields:
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value) or name in _OF_A_CONNECTION:
            raise StreamFault(Code.PROTOCOL_ERROR, "a header field has a name or a value that HTTP/2 does not allow")
        if name == b"te" and value != b"trailers":
            raise StreamFault(Code.PROTOCOL_ERROR, "te: expected trailers")


def literal(name: bytes, value: bytes) -> bytes:
    """Return a field as it stands in a block, without any table (RFC 7541, 6.2.2)."""
    return b"\x00%b%b" % (_string(name), _string(value))


def _string(text: bytes) -> bytes:
    size = len(text)
    if size < _SEVEN_BITS:
        return b"%c%b" % (size, text)
    size, number = size - _SEVEN_BITS, bytearray((_SEVEN_BITS,))
    while size >> 7:  # RFC 7541, 5.1
        number.append(size & 0x7F | 0x80)
        size >>= 7
    return b"%b%c%b" % (bytes(number), size, text)
