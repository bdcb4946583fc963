"""How far the shares of a sample may be from the shares that it was drawn from.

The reference of drift is a sample itself: of 1,000 rows, a tenth of 100 says "between 8 and 12 %". A test against its
shares as if they were known would alarm for ever at a reference that was drawn with bad luck.
"""

from collections.abc import Sequence
from math import log
from typing import Final

_STEPS: Final = 60  # of a bisection: the interval ends as small as numbers are
_NEWTON: Final = 100  # steps; each doubles the digits, and some ten do
_CLOSE: Final = 1e-12


def divergence(shares: Sequence[float], other: Sequence[float]) -> float:
    """Kullback-Leibler divergence of `other` from `shares`, in nats for each row. `other` has no zero where `shares`
    has none.
    """
    return max(sum(p * log(p / q) for p, q in zip(shares, other, strict=True) if p > 0), 0.0)


def radius(rows: int, bins: int, alpha: float) -> float:
    """The divergence KL(sample, truth) that a sample of so many rows exceeds with a chance of at most `alpha`, in nats.

    rows * KL is no larger than a Gamma(bins - 1) variable, in the sense of moment generating functions (Agrawal,
    *Finite-sample concentration of the multinomial in relative entropy*, 2020, arXiv 1904.02291), so that
    P(rows * KL >= x) <= exp(-x) (e x / (bins - 1))^(bins - 1) for x > bins - 1. The bins must not have been chosen by
    the rows that are counted in them.
    """
    if rows < 1:
        return float("inf")
    freedom = bins - 1
    if freedom < 1:
        return 0.0

    def log_chance(x: float) -> float:
        return freedom - x + freedom * log(x / freedom)

    low = high = float(freedom)
    while log_chance(high) > log(alpha):
        high *= 2
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if log_chance(middle) > log(alpha) else (low, middle)
    return high / rows


def nearest(shares: Sequence[float], size: float, alternative: Sequence[float]) -> tuple[float, ...] | None:
    """The point of the ball {p: KL(shares, p) <= size} with the least KL(alternative, p). None where the ball holds it.

    Setting the derivative of KL(alternative, p) + m KL(shares, p) to zero makes it a mixture of the two, so that one
    number is looked for. As the ball is convex, alternative / nearest has an expectation of at most 1 under every
    point of it: an e-variable (Grünwald, de Heide, Koolen, *Safe testing*, 2024, theorem 1). The divergence along the
    line is convex, so that Newton's steps from its far end stay on the outer side: what they end at is the nearest
    point of a ball that is larger by a hair, and has this one within.
    """
    if divergence(shares, alternative) <= size:
        return None
    part = 1.0
    for _ in range(_NEWTON):
        mixed = _mixed(shares, alternative, part)
        beyond = divergence(shares, mixed) - size
        slope = sum(p * (p - q) / m for p, q, m in zip(shares, alternative, mixed, strict=True) if p > 0)
        step = beyond / slope
        if step <= _CLOSE * part:
            break
        part -= step
    return _mixed(shares, alternative, part)


def _mixed(shares: Sequence[float], other: Sequence[float], part: float) -> tuple[float, ...]:
    return tuple((1 - part) * p + part * q for p, q in zip(shares, other, strict=True))
