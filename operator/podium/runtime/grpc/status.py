"""How a call ends: gRPC's codes, and the trailers that carry them.

https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
"""

from enum import IntEnum
from functools import lru_cache
from http import HTTPStatus
from urllib.parse import quote

from podium.runtime.exchange import Response
from podium.runtime.faults import DeadlineExceeded, Fault
from podium.runtime.http2.headers import literal


class Code(IntEnum):
    """The codes that this server has a use for (https://grpc.io/docs/guides/status-codes)."""

    OK = 0
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    RESOURCE_EXHAUSTED = 8
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14


# UNAVAILABLE would ask a client to try again, which has no time for it
_OF_FAULT: dict[type[Fault], Code] = {DeadlineExceeded: Code.DEADLINE_EXCEEDED}
_OF_HTTP = {
    HTTPStatus.BAD_REQUEST: Code.INVALID_ARGUMENT,
    HTTPStatus.NOT_FOUND: Code.NOT_FOUND,
    HTTPStatus.REQUEST_TIMEOUT: Code.DEADLINE_EXCEEDED,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: Code.RESOURCE_EXHAUSTED,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: Code.UNIMPLEMENTED,  # a coding of messages
    HTTPStatus.INTERNAL_SERVER_ERROR: Code.INTERNAL,
    HTTPStatus.SERVICE_UNAVAILABLE: Code.UNAVAILABLE,
}
_MESSAGE_LIMIT = 4096  # bytes: clients refuse trailers of more than 8 KiB
_PLAIN = "".join(map(chr, range(0x20, 0x7F))).replace("%", "")
_STATUS_200 = b"\x88"  # of the static table (RFC 7541, A)
HEAD = b"".join(
    (
        _STATUS_200,
        literal(b"content-type", b"application/grpc"),
        literal(b"grpc-accept-encoding", b"identity, deflate, gzip"),
    )
)
_OK = literal(b"grpc-status", b"0")


def code_of(response: Response) -> Code:
    """Return gRPC's code for what HTTP would answer: it has one status for all that had no time."""
    found = None if response.fault is None else _OF_FAULT.get(response.fault)
    return found or _OF_HTTP.get(HTTPStatus(response.status), Code.UNKNOWN)


def trailers(identity: bytes, request_id: bytes, code: Code = Code.OK, message: str = "") -> bytes:
    """Return the header block that ends a call: who answered, and how it went."""
    status = _OK if code is Code.OK else _status(code, message)
    return b"%b%b%b" % (status, _lines(identity), literal(b"x-request-id", request_id))


def _status(code: Code, message: str) -> bytes:
    said = quote(message[:_MESSAGE_LIMIT], safe=_PLAIN).encode()[:_MESSAGE_LIMIT]
    cut = said.rfind(b"%", -2)  # no half of an escape
    return literal(b"grpc-status", b"%d" % code) + literal(b"grpc-message", said[:cut] if cut >= 0 else said)


@lru_cache(maxsize=8)  # the versions that serve
def _lines(block: bytes) -> bytes:
    """Return header lines of HTTP/1.1 as fields of a block."""
    fields = (line.split(b": ", 1) for line in block.split(b"\r\n") if line)
    return b"".join(literal(name, value) for name, value in fields)


def refusal(status: HTTPStatus) -> bytes:
    """Return the header block that ends what is no call of gRPC."""
    return literal(b":status", b"%d" % status)
