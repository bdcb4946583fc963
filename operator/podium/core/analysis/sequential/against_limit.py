"""Tests a version against a fixed limit, block by block; a block is what came since the last reconcile, of any size.

A failure is proved by the mean of two e-processes, each begun with a part of the capital:

- the closed form over all answers so far (`counts`), which finds any share above the limit in the end;
- bets that begin at every answer (`bets`), for a version that was good for long and then turned bad.

A pass is proved by the closed form alone, and it is withdrawn when later answers speak against it. Under the
null each answer is bad with a chance of at most (at least) the limit, given what came before; the chances may move.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from math import log, log1p
from typing import Self

from podium.core.analysis.sequential import bets
from podium.core.analysis.sequential.alternatives import worse_than
from podium.core.analysis.sequential.counts import log_evidence_above, log_evidence_below, proves_below
from podium.core.analysis.sequential.judgement import TestVerdict, check_counts, judgement

ALTERNATIVES = 10
STEADY = 0.3  # of the capital is on the closed form; a late fault is found the sooner, the less it is
AT_ONCE = 0.1  # of the rest is for the start at the first answer, where the closed form begins too


@dataclass(frozen=True)
class LimitTestState:
    """The state between two reconciles: plain numbers, for a status."""

    bad: int = 0
    good: int = 0
    late: tuple[float, ...] = bets.opening(ALTERNATIVES, AT_ONCE)  # wealth of the bets begun at every answer, nats
    failed: bool = False  # was proved once


@dataclass(frozen=True)
class AgainstLimit:
    """A test of one share of bad answers. It fails wrongly with probability at most alpha, passes so with beta."""

    limit: float
    alpha: float
    beta: float
    state: LimitTestState = LimitTestState()

    def see(self, bad: int, good: int) -> Self:
        """The test after one more block."""
        check_counts(bad=bad, good=good)
        if bad + good == 0:
            return self
        before = self.state
        after = replace(before, bad=before.bad + bad, good=before.good + good, late=self._late(bad, good))
        return replace(self, state=replace(after, failed=before.failed or self._verified(after)))

    @property
    def verdict(self) -> TestVerdict:
        """What is proved so far."""
        seen = self.state
        holds = not seen.failed and proves_below(seen.bad, seen.good, self.limit, self.beta)
        return judgement(failed=seen.failed, passed=holds)

    @property
    def log_failed(self) -> float:
        """Wealth of the bets on "above the limit", in nats: failed once it has reached -log(alpha)."""
        return self._wealth(self.state, least=0.0)

    @property
    def log_passed(self) -> float:
        """Wealth of the bets on "below the limit", in nats: passed while it is at least -log(beta)."""
        return log_evidence_below(self.state.bad, self.state.good, self.limit)

    @property
    def suspects(self) -> bool:
        """Whether a late fault looks likelier than none: its bets have won more than they began with."""
        return self.state.failed or bets.log_total(self.state.late) > 0

    def _late(self, bad: int, good: int) -> bets.Wealth:
        before = self.state.bad + self.state.good
        factors = [bad * of_bad + good * of_good for of_bad, of_good in log_ratios(self.limit)]
        starts = bets.starts_within(before, before + bad + good, AT_ONCE)
        return bets.settled(self.state.late, factors, starts)

    def _verified(self, seen: LimitTestState) -> bool:
        return self._wealth(seen, least=-log(self.alpha)) >= -log(self.alpha)

    def _wealth(self, seen: LimitTestState, least: float) -> float:
        steady = log_evidence_above(seen.bad, seen.good, self.limit, least)
        return bets.log_total((log(STEADY) + steady, log(1 - STEADY) + bets.log_total(seen.late)))


@lru_cache(maxsize=64)
def log_ratios(limit: float) -> tuple[tuple[float, float], ...]:
    """What one bad and one good answer add to the wealth on each alternative, in nats."""
    shares = worse_than(limit, ALTERNATIVES)
    return tuple((log(share / limit), log1p(-share) - log1p(-limit)) for share in shares)
