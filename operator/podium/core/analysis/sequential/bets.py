"""Bets on several alternatives that begin at every answer, so that a good history cannot mask a later fault.

Evidence gathered from the first answer on sinks while a version is good: after 12,000 good answers at a limit of 1 %,
a fault would first have to win back 120 nats. So the capital is divided over starting times too, by weights that sum to
one: whoever begins right before the fault has lost nothing. For one alternative with the e-variable S_t of block t and
the capital m_t set aside for the start before it, the wealth of all starts together needs no more state than one
number (the recursion of Shiryaev and Roberts):

    W_t = (W_{t-1} + m_t) S_t

so no start is ever dropped or thinned out. With starts that all cost 1 this is the e-SR detector of Shin, Ramdas,
Rinaldo, *E-detectors: a nonparametric framework for sequential change detection* (2022); with weights that sum to one
it stays an e-process, and α bounds the chance of a false alarm in the whole trial, not only the rate of them.

The weights are laid over answers, not peeks: a start within the answers n..m gets (1 + n/10)^-0.2 - (1 + m/10)^-0.2. So
they do not depend on how the answers were cut into blocks. The ten answers before a fault that comes after 12,000 good
ones share a capital of 4e-5, so it has 10 nats more to win than a fault from the start: 24 answers at 20 % errors.
"""

from collections.abc import Iterable
from functools import lru_cache
from math import exp, log

Wealth = tuple[float, ...]  # by alternative, in nats

SCALE, DECAY = 10.0, 0.2  # the slower the decay, the less a late start costs, and the more an early one
PREFERENCE = 0.75  # each alternative gets so much of the one before: a large difference shows soon enough anyway
MOST = 600.0  # nats; exp(600) is a number still, and far beyond any proof
LEAST = 1e-300  # after some 10^14 answers a start's capital is rounded to nothing, and wealth could be too


def opening(alternatives: int, at_once: float) -> Wealth:
    """The wealth before the first answer, where the part `at_once` of the capital is for the start there."""
    return tuple(log(at_once * part) for part in parts(alternatives))


def settled(wealth: Wealth, log_factors: Iterable[float], starts: float) -> Wealth:
    """The wealth after a block, with the capital of the starts at its end paid in."""
    changed = zip(wealth, log_factors, parts(len(wealth)), strict=True)
    return tuple(log(max(exp(min(held + factor, MOST)) + starts * part, LEAST)) for held, factor, part in changed)


def starts_within(before: int, after: int, at_once: float) -> float:
    """The capital of the starts at the answers `before`..`after`. All there are, up to infinity, get 1 - `at_once`."""
    return (1 - at_once) * float((1 + before / SCALE) ** -DECAY - (1 + after / SCALE) ** -DECAY)


def log_total(wealth: Wealth) -> float:
    """Log of all the wealth together."""
    most = max(wealth)
    return most + log(sum(exp(held - most) for held in wealth))


@lru_cache(maxsize=16)
def parts(alternatives: int) -> tuple[float, ...]:
    """How the capital is divided over the alternatives, nearest first. The parts sum to one."""
    weights = [PREFERENCE**k for k in range(alternatives)]
    return tuple(weight / sum(weights) for weight in weights)
