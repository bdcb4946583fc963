"""Content codings: compressed bodies in, bounded before they unfold, and compressed answers out.

RFC 9110, 8.4. gzip and deflate are Python's own, zstd (RFC 8878) is there where `zstandard` is installed.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from podium.runtime.exchange import Request, Response
from podium.runtime.faults import RequestFault, TooLarge, WrongMediaType
from podium.runtime.identity import Headers

try:
    import zstandard
except ModuleNotFoundError:
    zstandard = None  # type: ignore[assignment]

LEAST, MOST = 16 * 1024, 1024 * 1024  # bytes of an answer: less is not worth it, more would keep others waiting
PART = 64 * 1024  # bytes at once
STEP = 256  # bytes of zstd at once: each may unfold to 40,000 times its size before it can be counted
MEMBERS = 1000  # of gzip (RFC 1952, 2.2) or zstd (RFC 8878, 3), one behind another: an empty one has 20 bytes
WINDOW = 8 * 1024 * 1024  # bytes that every reader of zstd should give (RFC 8878, 3.1.1.1.2)
FAST = 1  # the level of both
GZIP, DEFLATE = 31, 15  # zlib's names for its formats

Decode = Callable[[bytes, int], bytes]  # a body and the bytes that it may have
Encode = Callable[[bytes], bytes]


def decoded(body: bytes, headers: Headers, limit: int) -> bytes:
    """Return a body without the coding that its headers name.

    Raises WrongMediaType: it is unknown here. Raises TooLarge: the body unfolds to more than `limit` bytes. Raises
    RequestFault: it is not what the coding says.
    """
    named = [value for name, value in headers if name == b"content-encoding"]
    coding = b",".join(named).strip().lower()
    coding = b"gzip" if coding == b"x-gzip" else coding  # RFC 9110, 8.4.1.3
    if not body or coding in {b"", b"identity"}:
        return body
    decode = _DECODERS.get(coding)
    if decode is None:
        known = ", ".join(name.decode() for name in _DECODERS)
        raise WrongMediaType(f"content-encoding: expected one of {known}, found another")
    return decode(body, limit)


def encoded(answer: Response, request: Request | None) -> Response:
    """Return the answer in a coding that the client accepts, where it is large enough and not too large."""
    body = answer.body
    if request is None or not isinstance(body, bytes) or not LEAST <= len(body) <= MOST:
        return answer
    accepted = _accepted(request.header(b"accept-encoding") or b"")
    for coding, encode in _ENCODERS.items():
        if coding in accepted:
            told = [*answer.headers, (b"content-encoding", coding), (b"vary", b"accept-encoding")]
            return replace(answer, body=encode(body), headers=told)
    return answer


def _accepted(header: bytes) -> set[bytes]:
    """Return the codings of a header but those that it refuses (`gzip;q=0`)."""
    found = set()
    for part in header.lower().split(b","):
        coding, _, quality = part.partition(b";")
        if quality.replace(b" ", b"") not in {b"q=0", b"q=0.0", b"q=0.00", b"q=0.000"}:
            found.add(coding.strip())
    return found


@dataclass(frozen=True)
class _Format:
    """How a body of a coding is unfolded."""

    coding: str
    begin: Callable[[], Any]  # zlib's or zstandard's object for a member, stream or frame
    step: int  # bytes at once: what is behind the end of a member is copied
    members: int  # that a body may have, one behind another
    stops: bool = True  # its object unfolds to a given length and no further

    def decode(self, body: bytes, limit: int) -> bytes:
        found, member, left = bytearray(), None, self.members
        for start in range(0, len(body), self.step):
            rest = body[start : start + self.step]
            while rest:
                if member is None:
                    member, left = self._next(left), left - 1
                found += self._part(member, rest, limit + 1 - len(found))
                if len(found) > limit:
                    raise _too_large(limit)
                rest, member = (member.unused_data, None) if member.eof else (b"", member)
        if member is not None:
            raise _broken(self.coding)
        return bytes(found)

    def _next(self, left: int) -> Any:
        if not left:
            raise _broken(self.coding)
        return self.begin()

    def _part(self, member: Any, part: bytes, most: int) -> bytes:
        try:
            found: bytes = member.decompress(part, most) if self.stops else member.decompress(part)
        except _ERRORS as error:
            raise _broken(self.coding) from error
        return found


def _broken(coding: str) -> RequestFault:
    return RequestFault(f"content-encoding: expected one whole {coding} body, found something else")


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"expected a body that unfolds to at most {limit} bytes (PODIUM_MAX_BODY_BYTES)")


def _gzipped(body: bytes) -> bytes:
    return zlib.compress(body, FAST, GZIP)


def _zstd_frame() -> Any:
    return zstandard.ZstdDecompressor(max_window_size=WINDOW).decompressobj()


def _zstd_encoded(body: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=FAST).compress(body)


_ERRORS: tuple[type[Exception], ...] = (zlib.error,)
_FORMATS = [
    _Format("gzip", partial(zlib.decompressobj, GZIP), PART, MEMBERS),
    _Format("deflate", partial(zlib.decompressobj, DEFLATE), PART, members=1),
]
_ENCODERS: dict[bytes, Encode] = {}  # the best first
if zstandard is not None:
    _ERRORS += (zstandard.ZstdError,)
    _FORMATS.append(_Format("zstd", _zstd_frame, STEP, MEMBERS, stops=False))
    _ENCODERS[b"zstd"] = _zstd_encoded
_ENCODERS[b"gzip"] = _gzipped
_DECODERS: dict[bytes, Decode] = {each.coding.encode(): each.decode for each in _FORMATS}
