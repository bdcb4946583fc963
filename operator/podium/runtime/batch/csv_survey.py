"""What the columns of a CSV file hold, found by a pass over the whole: a type by the first rows may be wrong later.

Whole numbers and numbers as they are usually written, true and false; all else is text. A number with zeros before it
(007) is text, as is one of more than 18 digits: they are names of something, and a number would lose them.
"""

from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc

from podium.runtime.batch.fitting import NULL_TEXTS, is_zoned

_NUMBER = r"^[+-]?((0|[1-9]\d*)(\.\d*)?|\.\d+)([eE][+-]?\d+)?$|^(nan|NaN|[+-]?(inf|Inf|INF|Infinity|infinity))$"
_KINDS = (
    ("bool", r"^(true|false|True|False|TRUE|FALSE)$"),
    ("whole", r"^[+-]?(0|[1-9]\d{0,17})$"),
    ("long", r"^[+-]?[1-9]\d{18,}$"),
    ("number", _NUMBER),
)


class Survey:
    """Of some columns, read as text."""

    def __init__(self, names: list[str]) -> None:
        self._kinds: dict[str, set[str]] = {name: set() for name in names}
        self.gaps: set[str] = set()

    def add(self, tables: Iterable[pa.Table]) -> "Survey":
        """Take the kinds of these tables' cells into account."""
        for table in tables:
            for name in self._kinds:
                self._add(name, table[name])
        return self

    def _add(self, name: str, column: pa.ChunkedArray) -> None:
        trimmed = pc.utf8_trim_whitespace(column)
        missing = pc.or_(pc.is_in(trimmed, NULL_TEXTS), pc.is_null(trimmed))
        rest = trimmed.filter(pc.invert(missing))
        if len(rest) < len(column):
            self.gaps.add(name)
        for kind, pattern in _KINDS:
            if not len(rest):
                return
            fits = pc.match_substring_regex(rest, pattern)
            if pc.any(fits).as_py():
                self._kinds[name].add(kind)
                rest = rest.filter(pc.invert(fits))
        if len(rest):
            self._kinds[name].add("text")

    def types(self) -> dict[str, pa.DataType]:
        """One type a column, which holds all the cells that were seen."""
        return {name: _type(kinds) for name, kinds in self._kinds.items()}


def _type(kinds: set[str]) -> pa.DataType:
    if kinds == {"bool"}:
        return pa.bool_()
    if kinds == {"whole"}:
        return pa.int64()
    return pa.float64() if kinds <= {"whole", "number"} else pa.string()


def without_zones(tables: Iterable[pa.Table], names: list[str]) -> set[str]:
    """Return those of the columns in which no text has a time zone: a column of times without zones says the same."""
    left = set(names)
    for table in tables:
        left -= {name for name in left if is_zoned(table[name])}
    return left
