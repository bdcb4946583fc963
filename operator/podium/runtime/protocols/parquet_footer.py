"""The footer of a Parquet file, as far as bounds need it.

It is read here because pyarrow's own objects for a row group and for a column chunk call C++ that throws where a footer
contradicts itself, through Cython that does not catch it (`RowGroup` and `ColumnChunk` in its libparquet.pxd have no
`except +`): one body would end the process. Reading a table is safe: there, Arrow turns what is thrown into an error.

Encoding: https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md. Fields:
https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift.
"""

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

MOST_VALUES: Final = 1_000_000  # of a footer in a request: some 25,000 column chunks, and about a second
_MAGIC: Final = b"PAR1"
_TAIL: Final = 8  # bytes: the footer's length, and the magic word
_DEPTH: Final = 16  # a footer nests half as deep
_FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT, _UUID = range(2, 14)
_TRUE: Final = 1
_LONG: Final = 15  # elements of a list, from which on their number follows

Fields = dict[int, Any]


@dataclass(frozen=True, slots=True)
class Chunk:
    """One column in one row group."""

    path: str  # the column's, with dots between its parts
    kind: int  # its physical type, by parquet.thrift
    values: int
    size: int  # bytes, decompressed
    nulls: int | None  # None where the footer does not say


BYTE_ARRAY, FIXED_LEN_BYTE_ARRAY = 6, 7  # physical types


def chunks(footer: bytes, most: int | None = None) -> list[Chunk]:
    """Return the column chunks of all row groups.

    `most` bounds how many values of the footer are read. Raises ValueError: it is no footer, it has more, or a row
    group has other columns than the schema.
    """
    try:
        return _chunks(_Reader(footer, most).structure(_DEPTH))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("the footer lacks what each has, or has it in another type") from error


def _chunks(found: Fields) -> list[Chunk]:
    leaves = sum(1 for element in found.get(2, [])[1:] if not element.get(5))  # below the root, without children
    groups = [group.get(1, []) for group in found.get(4, [])]
    if any(len(columns) != leaves for columns in groups):
        raise ValueError(f"a row group has not the schema's {leaves} columns")
    return [_chunk(column) for columns in groups for column in columns]


def footer_in(file: BinaryIO) -> bytes:
    """Return the footer of a file. Raises ValueError: it has none."""
    end = file.seek(0, os.SEEK_END) - _TAIL
    file.seek(max(end, 0))
    tail = file.read(_TAIL)
    if len(tail) != _TAIL or tail[4:] != _MAGIC:
        raise ValueError("the file does not end as Parquet does")
    (size,) = struct.unpack("<I", tail[:4])
    if size > end:
        raise ValueError("the footer is longer than the file")
    file.seek(end - size)
    return file.read(size)


def _chunk(column: Fields) -> Chunk:
    about = column[3]
    path = ".".join(part.decode() for part in about[3])
    values, size = int(about[5]), int(about[6])
    if values < 0 or size < 0:
        raise ValueError(f"column {path} has {values} values and {size} bytes")
    return Chunk(path, int(about[1]), values, size, about.get(12, {}).get(3))


class _Reader:
    """Values of Thrift's compact protocol, one after another; each takes a byte at least, but for flags of a field."""

    def __init__(self, data: bytes, most: int | None) -> None:
        self._data, self._at = data, 0
        self._left = len(data) if most is None else most

    def structure(self, depth: int) -> Fields:
        """Return the fields of one object by number. Raises ValueError: it ends too early, or names a field twice."""
        found: Fields = {}
        number = 0
        while kind := self._byte():
            number = number + (kind >> 4) if kind >> 4 else self._whole()
            if number in found:
                raise ValueError(f"field {number} is there twice")
            found[number] = self._value(kind & 15, depth)
        return found

    def _value(self, kind: int, depth: int) -> Any:
        self._left -= 1
        if self._left < 0 or depth < 0:
            raise ValueError("the footer has too many values, or is nested too deep")
        if kind in {_I16, _I32, _I64}:
            return self._whole()
        if kind == _BINARY:
            return self._bytes(self._length())
        if kind in {_LIST, _SET}:
            return list(self._elements(depth - 1))
        if kind == _STRUCT:
            return self.structure(depth - 1)
        if kind in {_TRUE, _FALSE}:
            return kind == _TRUE
        if kind in {_BYTE, _DOUBLE, _UUID}:
            return self._bytes({_BYTE: 1, _DOUBLE: 8, _UUID: 16}[kind])
        raise ValueError(f"type {kind} is none that a footer has")

    def _elements(self, depth: int) -> Iterator[Any]:
        head = self._byte()
        kind, count = head & 15, head >> 4
        for _ in range(self._length() if count == _LONG else count):
            yield self._byte() if kind in {_TRUE, _FALSE} else self._value(kind, depth)

    def _byte(self) -> int:
        if self._at >= len(self._data):
            raise ValueError("the footer ends too early")
        self._at += 1
        return self._data[self._at - 1]

    def _bytes(self, count: int) -> bytes:
        if count > len(self._data) - self._at:
            raise ValueError("the footer ends too early")
        self._at += count
        return self._data[self._at - count : self._at]

    def _length(self) -> int:
        """Return a whole number of 7 bits a byte, the lowest first."""
        found, shift = 0, 0
        while True:
            byte = self._byte()
            found |= (byte & 127) << shift
            shift += 7
            if byte < 128:  # noqa: PLR2004  the highest bit says that more follows
                return found
            if shift > 63:  # noqa: PLR2004  bits
                raise ValueError("a number has more than 64 bits")

    def _whole(self) -> int:
        """Return a number whose lowest bit is its sign."""
        found = self._length()
        return (found >> 1) ^ -(found & 1)
