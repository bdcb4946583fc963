"""Bets on several alternatives that begin at every answer, so that a long good past shields nobody.

Evidence gathered from the first answer on sinks while a version is good: after 12,000 good answers at a limit of 1 %,
a fault would first have to win back 120 nats. So the capital is divided over starting times too, by weights that sum to
one: whoever begins right before the fault has lost nothing. For one alternative with the e-variable S_t of block t and
the capital m_t set aside for the start before it, the wealth of all starts together needs no more memory than one
number (the recursion of Shiryaev and Roberts):

    W_t = (W_{t-1} + m_t) S_t

so no start is ever dropped or thinned out. With starts that all cost 1 this is the e-SR detector of Shin, Ramdas,
Rinaldo, *E-detectors: a nonparametric framework for sequential change detection* (2022); with weights that sum to one
it stays an e-process, and α bounds the chance of a false alarm in the whole trial, not only the rate of them.

The weights are laid over answers, not looks: a start within the answers n..m gets (1 + n/10)^-0.2 - (1 + m/10)^-0.2. So
they do not depend on how the answers were cut into blocks. After n answers one start in ten costs log(10 n) or so more
nats than the first; a fault pays that once, as some 10 answers at 20 % errors.
"""

from collections.abc import Iterable
from math import exp, log

Wealth = tuple[float, ...]  # by alternative, in nats

AT_ONCE = 0.75  # of the capital is for the start at the first answer: most faults are there from the beginning
_SCALE, _DECAY = 10.0, 0.2  # the slower the decay, the less a late start costs, and the more an early one
_MOST = 600.0  # nats; exp(600) is a number still, and far beyond any proof


def opening(alternatives: int) -> Wealth:
    """The wealth before the first answer: an equal share on each alternative."""
    return (log(AT_ONCE / alternatives),) * alternatives


def settled(wealth: Wealth, log_factors: Iterable[float], before: int, after: int) -> Wealth:
    """The wealth after a block that brought the answers `before`..`after`, with the starts at its end paid in."""
    fresh = (1 - AT_ONCE) * (_unspent(before) - _unspent(after)) / len(wealth)
    return tuple(log(exp(min(held + factor, _MOST)) + fresh) for held, factor in zip(wealth, log_factors, strict=True))


def log_total(wealth: Wealth) -> float:
    """Log of all the wealth together."""
    most = max(wealth)
    return most + log(sum(exp(held - most) for held in wealth))


def _unspent(answers: int) -> float:
    return float((1 + answers / _SCALE) ** -_DECAY)
