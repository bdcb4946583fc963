"""CSV text cut where its records end: quoted line breaks are text, and no block's border falls into a record.

A record is found without parsing its cells: a line break ends it where an even number of quotes stands before. That
holds for all that RFC 4180 allows; text with a quote in the middle of an unquoted cell (`5" pipe`) is gone through
cell by cell.
"""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Any

import numpy as np

from podium.runtime.batch.failures import Unreadable

LONGEST = 256 * 1024 * 1024  # bytes of one record: beyond it, a quote is not closed
_FIRST_BLOCK = 1024 * 1024
_PIECE = 512 * 1024
_LF, _CR, _QUOTE = b"\n"[0], b"\r"[0], b'"'[0]
_BEFORE_A_QUOTE = np.frombuffer(b',\n\r"', np.uint8)
_CELL = re.compile(rb'(?:"[^"]*(?:""[^"]*)*"[^,\r\n]*|(?!")[^,\r\n]*)(,|\r\n|\n|\r|\Z)')
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_BOM = b"\xef\xbb\xbf"

Text = bytes | bytearray | memoryview
Positions = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True, slots=True)
class Records:
    """Whole records: their text, and of each where its cells stop and where the next begins."""

    text: Text
    stops: Positions
    ends: Positions
    quoted: bool = True  # there may be quotes in it

    def __len__(self) -> int:
        return len(self.ends)


class RecordReader:
    """A CSV file: its header, and the records after it. Raises Unreadable: the text is no CSV in UTF-8."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with path.open("rb") as file:
            header, self.line_break, self._start = self._header(file)
        self.names = _cells(header, path)

    def _header(self, file: BufferedReader) -> tuple[bytes, bytes, int]:
        """Return the first record that is not empty, its line break, and where the next record begins."""
        text = file.read(_FIRST_BLOCK)
        if text.startswith(_UTF16):
            raise Unreadable(f"{self._path}: expected UTF-8, found UTF-16; save the table as UTF-8")
        start = len(_BOM) if text.startswith(_BOM) else 0
        while True:
            more = file.read(_FIRST_BLOCK)
            begin = start
            for stop, end in zip(*(each + start for each in _found(text[start:], last=not more)), strict=True):
                if stop > begin:
                    return text[begin:stop], text[stop:end] or b"\n", int(end)
                begin = end
            if not more:
                raise Unreadable(
                    f"{self._path}: expected a header and rows, found an empty file; write the table again"
                )
            text += more

    def chunks(self, rows: int) -> Iterator[Records]:
        """Yield the records in chunks of so many; the last may be shorter. Empty lines are left out."""
        with self._path.open("rb") as file:
            file.seek(self._start)
            rest: Text = b""
            block, done = _FIRST_BLOCK, 0
            while True:
                text, last = _filled(file, rest, block)
                stops, ends = _found(text, last=last)
                if last and _ends_in_quotes(text, ends):
                    row = done + len(ends)
                    raise Unreadable(f"{self._path}: row {row:,}: a quote is not closed before the file ends; close it")
                found = without_empty_lines(text, stops, ends)
                chunks, found = _cut(found, rows, last=last)
                yield from chunks
                done += sum(map(len, chunks))
                rest = found.text
                if last:
                    return
                block = self._next_block(found, rows)

    def _next_block(self, waiting: Records, rows: int) -> int:
        """Return how many bytes fill the next chunk, judged by the records that wait: none is scanned often."""
        size = len(waiting.text)
        if size > LONGEST and not len(waiting):
            raise Unreadable(
                f"{self._path}: a record is longer than {LONGEST >> 20} MiB; a quote is probably not closed: close it"
            )
        if not len(waiting):
            return max(_FIRST_BLOCK, size)
        return max(_FIRST_BLOCK, int(size / len(waiting) * rows * 1.02) - size)


def _filled(file: BufferedReader, rest: Text, size: int) -> tuple[bytearray, bool]:
    """Return what is left and as many bytes of the file behind it, and whether these are the last. Copies only once."""
    text = bytearray(len(rest) + size)
    text[: len(rest)] = rest
    with memoryview(text) as room:
        read = file.readinto(room[len(rest) :])
    if read < size:
        del text[len(rest) + read :]
    return text, read < size


def _cells(header: bytes, path: Path) -> list[str]:
    try:
        return next(csv.reader(io.StringIO(header.decode(), newline="")))
    except (UnicodeDecodeError, csv.Error) as error:
        raise Unreadable(f"{path}: the header is no CSV in UTF-8 ({error}); save the table as UTF-8") from error


def _found(text: bytes | bytearray, *, last: bool) -> tuple[Positions, Positions]:
    """Return where the cells of each whole record stop, and where the record after it begins."""
    data = np.frombuffer(text, np.uint8)
    breaks = _line_breaks(text, data, last=last)
    if b'"' in text:
        quotes = _positions(data, _QUOTE)
        before = data[quotes[0::2] - 1]
        if not (np.isin(before, _BEFORE_A_QUOTE) | (quotes[0::2] == 0)).all():
            breaks = _by_cells(text, last=last)
        else:
            breaks = breaks[np.searchsorted(quotes, breaks) % 2 == 0]
    ends = breaks + 1
    after_cr = (data[breaks - 1] == _CR) & (data[breaks] == _LF) & (breaks > 0) if len(breaks) else breaks
    stops = breaks - after_cr
    if last and len(text) > (ends[-1] if len(ends) else 0):
        ends, stops = np.append(ends, len(text)), np.append(stops, len(text))
    return stops, ends


def _ends_in_quotes(text: bytes | bytearray, ends: Positions) -> bool:
    """Whether the last record is a cell without end: it holds all rows after its quote, as text."""
    tail = bytes(text[int(ends[-2]) if len(ends) > 1 else 0 :])
    if tail.count(b'"') % 2 == 0:
        return False
    try:
        list(csv.reader(io.StringIO(tail.decode(errors="replace"), newline=""), strict=True))
    except csv.Error:
        return True
    return False  # a quote in the middle of an unquoted cell


def _positions(data: Any, sign: int) -> Positions:
    """Return where a sign is: in pieces that stay in the processor's cache, three times as fast as at once."""
    pieces = [np.flatnonzero(data[start : start + _PIECE] == sign) + start for start in range(0, len(data), _PIECE)]
    return np.concatenate(pieces) if pieces else np.empty(0, np.int64)


def _line_breaks(text: bytes | bytearray, data: Any, *, last: bool) -> Positions:
    """Return where lines break: LF, CR LF (where its LF is), and CR alone as old tools write it."""
    breaks = _positions(data, _LF)
    if b"\r" not in text:
        return breaks
    returns = _positions(data, _CR)
    followed = np.append(data, [_LF if not last else 0])[returns + 1]  # a CR at the end of a block may be half a CR LF
    return np.sort(np.concatenate([breaks, returns[followed != _LF]]))


def _by_cells(text: bytes | bytearray, *, last: bool) -> Positions:
    breaks, position = [], 0
    while position < len(text) and (cell := _CELL.match(text, position)):
        position = cell.end()
        if cell[1] in {b"\n", b"\r\n", b"\r"} and (last or position < len(text) or cell[1] != b"\r"):
            breaks.append(position - 1)
    return np.array(breaks, np.int64)


def without_empty_lines(text: bytes | bytearray, stops: Positions, ends: Positions) -> Records:
    """Return the records without the empty lines among them: readers of CSV pass over those."""
    starts = np.concatenate([[0], ends[:-1]]) if len(ends) else ends
    if not (starts == stops).any():
        return Records(text, stops, ends, b'"' in text)
    kept = [text[start:end] for start, stop, end in zip(starts, stops, ends, strict=True) if stop > start]
    lengths = np.array([len(each) for each in kept], np.int64)
    breaks = (ends - stops)[stops > starts]
    rest = text[ends[-1] :]
    return Records(b"".join([*kept, rest]), np.cumsum(lengths) - breaks, np.cumsum(lengths))


def _cut(found: Records, rows: int, *, last: bool) -> tuple[list[Records], Records]:
    """Return the chunks that are whole, as views, and what waits for more text."""
    chunks, text, count, begin = [], memoryview(found.text), 0, 0
    while len(found) - count >= rows or (last and len(found) > count):
        upto = min(count + rows, len(found))
        end = int(found.ends[upto - 1])
        stops, ends = found.stops[count:upto] - begin, found.ends[count:upto] - begin
        chunks.append(Records(text[begin:end], stops, ends, found.quoted))
        count, begin = upto, end
    return chunks, Records(text[begin:], found.stops[count:] - begin, found.ends[count:] - begin)
