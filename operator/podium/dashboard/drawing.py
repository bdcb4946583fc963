"""A drawing in SVG, and how values become its lines. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

WIDTH: Final = 600  # of a drawing, in its own units
HEIGHT: Final = 100
Values = Sequence[float | None]


@dataclass(frozen=True)
class Line:
    """One line or area. `kind` says how: subject, champion, tolerated, band, room, grid, failed or passed."""

    kind: str
    path: str


@dataclass(frozen=True)
class Chart:
    """A drawing and its words."""

    title: str
    says: str  # what it shows, in a sentence or two
    top: str  # the value at its upper edge
    bottom: str
    lines: Sequence[Line]


def path(across: Sequence[float], values: Values, top: float, *, steps: bool = False) -> str:
    """A path through the values that there are; a gap where there is none."""
    parts, pen = [], "M"
    for x, value in zip(across, values, strict=True):
        if value is None:
            pen = "M"
            continue
        y = _n(_down(value, top))
        parts.append(f"H{_n(x)}V{y}" if steps and pen == "L" else f"{pen}{_n(x)} {y}")
        pen = "L"
    return "".join(parts)


def area(across: Sequence[float], lows: Sequence[float], highs: Sequence[float], top: float) -> str:
    """The area between two lines."""
    upper = [f"{_n(x)} {_n(_down(high, top))}" for x, high in zip(across, highs, strict=True)]
    lower = [f"{_n(x)} {_n(_down(low, top))}" for x, low in zip(reversed(across), reversed(lows), strict=True)]
    return f"M{'L'.join([*upper, *lower])}Z"


def level(part: float) -> str:
    """A line from edge to edge, at this part of the height."""
    return f"M0 {_n(_down(part, 1.0))}H{WIDTH}"


def _down(value: float, top: float) -> float:
    return HEIGHT * (1 - min(value / top, 1.0))


_n: Callable[[float], str] = "{:.4g}".format
