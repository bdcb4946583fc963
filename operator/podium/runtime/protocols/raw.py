"""Tensors as raw bytes: the binary tensor data extension of the Open Inference Protocol.

https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md

Numbers lie one behind the other, little-endian; a BOOL is one byte; an element of BYTES is its length in four bytes,
and then the bytes. One tensor means the same in every form: an element of BYTES is text in UTF-8, and base64 text in a
binary column, as it is in JSON.
"""

import math
import struct
from typing import Any

import numpy as np

from podium.runtime.exchange import Body
from podium.runtime.faults import RequestFault
from podium.runtime.prediction.outputs import dumps
from podium.runtime.protocols.bodies import parse_json

OCTETS = "application/octet-stream"
CELLS = 8 * 1024 * 1024  # of one tensor: what JSON could hold in a body of 16 MiB, where a cell takes two bytes
LENGTH_HEADER = b"inference-header-content-length"
_SIZE = struct.Struct("<I")


def split(body: bytes, header_length: bytes) -> tuple[Any, memoryview]:
    """Return the JSON at the beginning of a body, and the bytes behind it. Raises RequestFault."""
    if not (header_length.isascii() and header_length.isdigit() and len(header_length) < 12) or (  # noqa: PLR2004
        size := int(header_length)
    ) > len(body):
        expected = f"a number of bytes of at most {len(body)}, the size of the body"
        raise RequestFault(f"Inference-Header-Content-Length: expected {expected}, found another")
    return parse_json(body[:size]), memoryview(body)[size:]


class Rest:
    """The bytes behind the JSON, of which each tensor takes its own in turn."""

    def __init__(self, left: memoryview) -> None:
        self._left = left

    def take(self, tensor: Any, where: str) -> memoryview | None:
        """Return the bytes of a tensor; None where its data are in the JSON. Raises RequestFault: there are none."""
        parameters = tensor.get("parameters") if isinstance(tensor, dict) else None
        size = parameters.get("binary_data_size") if isinstance(parameters, dict) else None
        if size is None:
            return None
        if type(size) is not int or not 0 <= size <= len(self._left):
            raise RequestFault(f"{where}: binary_data_size: expected at most {len(self._left)} bytes, which are left")
        if "data" in tensor:
            raise RequestFault(f"{where}: expected data or binary_data_size, found both")
        taken, self._left = self._left[:size], self._left[size:]
        return taken

    def end(self) -> None:
        """Raises RequestFault: bytes are left that no tensor has taken."""
        if self._left:
            raise RequestFault(f"{len(self._left)} bytes behind the last tensor: no binary_data_size speaks of them")


def unfolded(raw: memoryview, dtype: np.dtype[Any], shape: list[int]) -> list[Any]:
    """Return raw data as one flat list. What the shape needs is compared before anything unfolds."""
    expected = math.prod(shape)
    if expected > CELLS:
        raise RequestFault(f"shape: expected at most {CELLS} values, found more")
    if dtype.kind == "U":
        return _texts(raw, expected)
    if expected * dtype.itemsize != len(raw):
        raise RequestFault(f"the shape {shape} needs {expected * dtype.itemsize} bytes, found {len(raw)}")
    if dtype.kind == "b" and raw.nbytes and max(raw) > 1:
        raise RequestFault("data: expected BOOL (0 or 1), found another byte")
    flat: list[Any] = np.frombuffer(raw, dtype.newbyteorder("<")).tolist()
    return flat


def _texts(raw: memoryview, expected: int) -> list[str]:
    texts: list[str] = []
    start, end = 0, len(raw)
    while start < end:
        stop = start + _SIZE.size
        if stop > end or (stop := stop + _SIZE.unpack_from(raw, start)[0]) > end:
            raise RequestFault("data: an element of BYTES ends beyond the tensor's bytes")
        texts.append(text_of(raw[start + _SIZE.size : stop]))
        start = stop
    if len(texts) != expected:
        raise RequestFault(f"the shape needs {expected} values, found {len(texts)}")
    return texts


def text_of(element: bytes | memoryview) -> str:
    """Return an element of BYTES as text. Raises RequestFault: it is none."""
    try:
        return str(element, "utf-8")
    except UnicodeDecodeError as error:
        raise RequestFault("data: expected UTF-8, and base64 text in a binary column, found other bytes") from error


def encoded(cell: str | None) -> bytes:
    """Return a cell of BYTES; null, which bytes have no form of, as JSON writes it.

    Half a surrogate pair, which JSON can escape, is three bytes that are no UTF-8, and say which half.
    """
    return b"null" if cell is None else cell.encode(errors="surrogatepass")


def packed(data: list[Any], dtype: np.dtype[Any]) -> bytes:
    """Return flat data as raw bytes."""
    if dtype.kind == "U":
        parts = [encoded(cell) for cell in data]
        return b"".join(piece for part in parts for piece in (_SIZE.pack(len(part)), part))
    return np.array(data, dtype.newbyteorder("<")).tobytes()


def body(answer: dict[str, Any], blobs: list[bytes]) -> Body:
    """Return an answer whose outputs' bytes lie behind its JSON."""
    head = dumps(answer)
    return Body.of(b"".join((head, *blobs)), OCTETS.encode(), (LENGTH_HEADER, b"%d" % len(head)))
