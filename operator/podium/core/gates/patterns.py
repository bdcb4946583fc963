"""Patterns for tags: regular expressions without groups, matched in one pass.

The pattern comes from Git and is trusted; the value comes from the registry and is not. Python's own `re` goes back and
forth: on a value made for it, `(a+)+b` takes for ever, and so does `a*a*a*b` on a long one. Here a pattern is a row of
places, each for one character. All places that the text may have reached are followed at once, as bits of one number,
so a letter costs a few operations, whatever the pattern and the text (Baeza-Yates and Gonnet 1992; with places that may
be left out, Navarro and Raffinot 2001).

What a pattern may look like stands in `podium.api.v1alpha1.spec.gates.TAG_PATTERN`.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

LONGEST_VALUE = 1000  # characters of a value that is matched; a longer one matches nothing
_ATOM = re.compile(
    r"(?P<one>\\.|\[(?P<no>\^?)(?P<set>(?:\\.|[^\\\]])+)\]|[^\\])(?P<times>[*+?]|\{(?P<low>\d+)(?:(?P<comma>,)(?P<high>\d*))?\})?",
    re.DOTALL,
)
_RANGE = re.compile(r"(\\[dws])|(\\.|[^\\])-(\\.|[^\\])|(\\.|[^\\])", re.DOTALL)
_NAMED = {"n": "\n", "t": "\t"}
_ENDLESS = -1

Character = Callable[[str], bool]


def matches(pattern: str, text: str) -> bool:
    """Whether the pattern matches the whole text."""
    return len(text) <= LONGEST_VALUE and any(row.matches(text) for row in _rows(pattern))


@dataclass
class _Row:
    """Places in a row; each mask has a bit for each of them, and one more for the end."""

    atoms: list[tuple[Character, int]] = field(default_factory=list)  # a character, and the places where it may stand
    end: int = 1
    again: int = 0  # places whose character may come again
    optional: int = 0  # places that may be left out

    def add(self, atom: re.Match[str]) -> None:
        low, high = _times(atom)
        count = low + 1 if high == _ENDLESS else max(low, high)
        self.atoms.append((_character(atom), (self.end << count) - self.end))
        self.optional |= (self.end << count) - (self.end << low)
        self.end <<= count
        self.again |= self.end >> 1 if high == _ENDLESS else 0

    def matches(self, text: str) -> bool:
        skips = tuple(self._skips())
        reached = _skipped(skips, 1)
        for letter in text:
            took = reached & sum(places for fits, places in self.atoms if fits(letter))
            reached = _skipped(skips, (took << 1) | (took & self.again))
            if not reached:
                return False
        return bool(reached & self.end)

    def _skips(self) -> Iterator[tuple[int, int]]:
        """From which places 1, 2, 4 … places may be left out in a row."""
        width, mask = 1, self.optional
        while mask:
            yield width, mask
            mask, width = mask & (mask >> width), 2 * width


def _skipped(skips: Iterable[tuple[int, int]], reached: int) -> int:
    """With the places that are reached by leaving out what may be left out."""
    for width, mask in skips:
        reached |= (reached & mask) << width
    return reached


@lru_cache(maxsize=256)
def _rows(pattern: str) -> tuple[_Row, ...]:
    """One row for each alternative."""
    rows = [_Row()]
    for atom in _ATOM.finditer(pattern):
        if atom["one"] == "|":
            rows.append(_Row())
        else:
            rows[-1].add(atom)
    return tuple(rows)


def _times(atom: re.Match[str]) -> tuple[int, int]:
    if atom["low"] is not None:
        low = int(atom["low"])
        return low, low if not atom["comma"] else int(atom["high"]) if atom["high"] else _ENDLESS
    return {None: (1, 1), "?": (0, 1), "*": (0, _ENDLESS), "+": (1, _ENDLESS)}[atom["times"]]


def _character(atom: re.Match[str]) -> Character:
    one = atom["one"]
    if atom["set"] is None:
        return (lambda _: True) if one == "." else _either(one)
    within = _either(atom["set"])
    return (lambda letter: not within(letter)) if atom["no"] else within


def _either(members: str) -> Character:
    r"""A character that is one of these: `a`, `\d`, `a-z`, or several of them in a row."""
    tests = [_member(*found.groups()) for found in _RANGE.finditer(members)]
    return lambda letter: any(test(letter) for test in tests)


def _member(named: str | None, first: str | None, last: str | None, single: str | None) -> Character:
    if named:
        return {"d": str.isdecimal, "w": lambda letter: letter == "_" or letter.isalnum(), "s": str.isspace}[named[1]]
    low, high = _letter(first or single or ""), _letter(last or single or "")
    return lambda letter: low <= letter <= high


def _letter(text: str) -> str:
    return _NAMED.get(text[1], text[1]) if text.startswith("\\") else text
