"""The lines of Prometheus's text format that matter here, bounded: the text comes from what is on trial."""

import math
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Final

LARGEST: Final = 2**53  # floats count exactly up to here
_LONGEST: Final = 4096  # characters of a sample's labels
_LABEL: Final = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]{0,63})="((?:[^"\\]|\\.){0,1024})"[ ,]*')
_ESCAPES: Final = {r"\\": "\\", r"\"": '"', r"\n": "\n"}

Samples = Sequence[tuple[str, str]]  # labels and number of each line, as they are written


def samples_of(text: str, names: Collection[str]) -> Mapping[str, Samples]:
    """Return the lines of these names. Once a second for each pod: a line costs a look at its first characters."""
    found: dict[str, list[tuple[str, str]]] = {name: [] for name in names}
    for line in text.split("\n"):
        if not line.startswith("podium_"):
            continue
        name, _, rest = line.partition("{")
        if (lines := found.get(name)) is not None:
            labels, _, number = rest.rpartition("}")
            lines.append((labels, number))
    return found


def labels_of(text: str) -> Mapping[str, str]:
    """Return the labels of a line; none where they are too long."""
    if len(text) > _LONGEST:
        return {}
    return {name: re.sub(r"\\.", _unescape, value) for name, value in _LABEL.findall(text)}


def _unescape(found: re.Match[str]) -> str:
    return _ESCAPES.get(found[0], found[0])


def count_of(text: str) -> int | None:
    """Return the number after the labels, which a time may follow; None where it is no count."""
    try:
        number = float(text.split(None, 1)[0])
    except (ValueError, IndexError):
        return None
    return int(number) if math.isfinite(number) and 0 <= number <= LARGEST else None
