"""Tests one share of bad answers for years: what is bounded is how often it alarms, not whether it ever does.

A trial ends, and its test may err with probability α. A watch does not end, so that any bound on the chance of a false
alarm would be used up, or would make it blind. The question is that of control charts: the mean time to a false alarm,
the average run length (ARL).

The e-detector of Shin, Ramdas, Rinaldo, *E-detectors: a nonparametric framework for sequential change detection* (2022,
arXiv 2203.03532): bets begin all the time, each with a little capital, and it alarms once all of them together hold 1.
For one alternative with the e-variable L_t of the answers since the last look, and the capital c_t for that time,

    M_t = M_{t-1} L_t + c_t,   c_t = (time since the last look) / (mean time to a false alarm)

As long as each answer is bad with a chance of at most the limit, given what came before, M_t - c_1 - … - c_t is a
supermartingale that begins with 0. So where it alarms at M >= 1, the c_t until then add up to 1 in the mean, at least:
the time to a false alarm is at least what was asked for (optional stopping). That holds however the answers are cut
into looks, and where a look came early because of the answers, as the capital of a time is paid in after its answers.
It is the recursion of Shiryaev and Roberts, with time for steps; a mixture over alternatives keeps the bound.

Less capital makes false alarms rarer only. So none is paid in beyond `unearned`: time that passes while no one asks,
while no pod can be asked, or on a clock that is set, is no evidence, and an alarm needs bets that were won.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from math import exp, log, log1p, sqrt
from typing import Final, Self

from podium.core.analysis.sequential import bets
from podium.core.analysis.sequential.judgement import check_counts

ODDS: Final = (1.1, 1.25, 1.5)  # of the nearest alternatives, in odds of the limit; each further one has twice as many
_MOST: Final = 9.0  # odds of the last one: a share of 90 %
_NOTHING: Final = log(bets.LEAST)
_UNEARNED: Final = 0.01  # of an alarm: the bets have to win the rest


def unearned(look: float) -> float:
    """The most that is paid in without a bet that was won: half of a suspicion. `look` is the capital of one look."""
    return min(_UNEARNED, _suspicion(look) / 2)


def _suspicion(look: float) -> float:
    """Half of the way from the capital of one look to an alarm, in nats."""
    return sqrt(max(look, bets.LEAST))


@dataclass(frozen=True)
class RunLength:
    """A test of one share. `wealth` is that of all bets so far, by alternative, in nats: plain numbers."""

    limit: float
    wealth: bets.Wealth = ()

    def see(self, bad: int, good: int, capital: float, most: float = _UNEARNED) -> Self:
        """The test after the answers since the last look; `capital` is the part of the run length that this took.

        It is paid in as far as all the wealth stays below `most`.
        """
        check_counts(bad=bad, good=good)
        factors = [bad * of_bad + good * of_good for of_bad, of_good in _log_ratios(self.limit)]
        before = self.wealth or (_NOTHING,) * len(factors)
        won = bets.settled(before, factors, 0.0)
        paid = max(0.0, min(capital, most - exp(bets.log_total(won))))
        return replace(self, wealth=bets.settled(won, [0.0] * len(won), paid))

    @property
    def alarms(self) -> bool:
        """Whether the bets have won what was asked for."""
        return self.log_wealth >= 0.0

    @property
    def log_wealth(self) -> float:
        """All the wealth, in nats: it alarms at 0."""
        return bets.log_total(self.wealth) if self.wealth else _NOTHING

    def suspects(self, capital: float) -> bool:
        """Whether half of the way from the capital of one look to an alarm is made."""
        return self.log_wealth >= log(_suspicion(capital))


@lru_cache(maxsize=64)
def _log_ratios(limit: float) -> tuple[tuple[float, float], ...]:
    """What one bad and one good answer add to the wealth on each alternative, in nats."""
    return tuple((log(share / limit), log1p(-share) - log1p(-limit)) for share in _alternatives(limit))


def _alternatives(limit: float) -> Iterator[float]:
    odds = limit / (1 - limit)
    yield from (times * odds / (1 + times * odds) for times in ODDS)
    times = 2.0
    while times * odds < _MOST:
        yield times * odds / (1 + times * odds)
        times *= 2
    yield _MOST / (1 + _MOST)
