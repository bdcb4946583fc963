"""Which shares of bad answers are bet on: a few between the base and nearly one, evenly spaced in log odds."""

from math import exp, log, log1p

NEAREST = log(2.0)  # the first alternative has twice the odds of the base; the closed form minds smaller differences
TOP = log(9.0)  # the last one is a share of 90 %


def worse_than(base: float, number: int) -> tuple[float, ...]:
    """So many shares above `base` (in (0, 1)), rising."""
    nearest = log(base) - log1p(-base) + NEAREST
    span = max(TOP - nearest, number * NEAREST)
    return tuple(_share(nearest + span * k / (number - 1)) for k in range(number))


def _share(log_odds: float) -> float:
    return 1 / (1 + exp(-log_odds))
