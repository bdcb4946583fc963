"""The ways in which the shares of a feature's bins may move: what the bets of the detector are laid on.

A way has one number, how far. Bins that are in order are read as the parts of a normal distribution that has their
shares, so that a move by 0.2 is one by 0.2 standard deviations, whatever the scale and the shape of the feature.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from math import exp, log
from statistics import NormalDist
from typing import Final

Shares = tuple[float, ...]

_NORMAL: Final = NormalDist()
_SHIFTS: Final = (0.1, 0.2, 0.4, 0.8)  # standard deviations beyond what is tolerated
_SPREADS: Final = (0.08, 0.2, 0.6)  # of the logarithm of the standard deviation
_ODDS: Final = (log(1.5), log(4.0))  # of a bin's share
_WORTH_LESS: Final = 0.02  # a bin with a smaller share says little by what it loses
_HALVES: Final = 24  # of a bisection: it ends within a millionth of a standard deviation
_RARE: Final = 1e-9  # no alternative says that a bin is impossible: one row there would end all its bets


@dataclass(frozen=True)
class Direction:
    """One way to move: the shares when moved so far, and how far beyond the tolerated the bets are laid."""

    moved: Callable[[float], Shares]
    steps: tuple[float, ...]
    likely: bool  # a move of the whole distribution, which gets half of the capital


def directions(shares: Shares, ordered: int) -> Iterator[Direction]:
    """Every way to move these shares, all positive; the first `ordered` bins are in order, the others are names."""
    if ordered > 1:
        yield from _in_order(shares, ordered)
    for place, share in enumerate(shares):
        named = place >= ordered
        yield Direction(_bin(shares, place, 1.0), _ODDS if named else _ODDS[1:], likely=not ordered)
        if named and share >= _WORTH_LESS:
            yield Direction(_bin(shares, place, -1.0), _ODDS[1:], likely=not ordered)


def _in_order(shares: Shares, ordered: int) -> Iterator[Direction]:
    within = sum(shares[:ordered])
    edges = [_NORMAL.inv_cdf(min(held / within, 1 - _RARE)) for held in accumulate(shares[: ordered - 1])]

    def parts(mean: float, deviation: float) -> Shares:
        below = [0.0, *(_NORMAL.cdf((edge - mean) / deviation) for edge in edges), 1.0]
        bins = [max(high - low, _RARE) for low, high in pairwise(below)]
        whole = sum(bins)
        return (*(within * part / whole for part in bins), *shares[ordered:])

    for sign in (1.0, -1.0):
        yield Direction(lambda far, sign=sign: parts(sign * far, 1.0), _SHIFTS, likely=True)  # type: ignore[misc]
        yield Direction(lambda far, sign=sign: parts(0.0, exp(sign * far)), _SPREADS, likely=False)  # type: ignore[misc]


def _bin(shares: Shares, place: int, sign: float) -> Callable[[float], Shares]:
    def moved(far: float) -> Shares:
        odds = shares[place] / max(1 - shares[place], _RARE) * exp(sign * far)
        share = min(max(odds / (1 + odds), _RARE), 1 - _RARE)
        rest = (1 - share) / max(1 - shares[place], _RARE)
        return tuple(share if at == place else other * rest for at, other in enumerate(shares))

    return moved


def reach(direction: Direction, holds: Callable[[Sequence[float]], bool], most: float = 40.0) -> float:
    """How far the shares may move in this direction while `holds` says that it is tolerated, `most` at the most."""
    low, high = 0.0, most
    if holds(direction.moved(high)):
        return high
    for _ in range(_HALVES):
        middle = (low + high) / 2
        low, high = (middle, high) if holds(direction.moved(middle)) else (low, middle)
    return high
