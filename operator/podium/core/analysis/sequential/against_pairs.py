"""Tests a challenger by pairs: both sides answered the same request, so whatever is hard about it is hard for both.

A pair is D = 1 where only the challenger's answer is bad, -1 where only the champion's is, and 0 where they are alike
(McNemar, *Note on the sampling error of the difference between correlated proportions*, 1947). The null is that D is
at most the margin in the mean, given what came before. A bet of the part λ of the wealth on it gains 1 + λ (D - margin)
a pair, which the null expects to be at most 1 (Waudby-Smith, Ramdas, *Estimating means of bounded random variables by
betting*, 2024). The mean of the wealth over a few λ is an e-process too, it finds small and large differences, and it
depends on nothing but the three counts: whatever block they come in.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from math import ceil, log, log1p, sqrt
from typing import NamedTuple, Self

from podium.core.analysis.sequential import bets
from podium.core.analysis.sequential.judgement import TestVerdict, check_counts, judgement

# λ, as a part of the largest one that cannot lose all, and the part of the capital on it. The larger ones find a fault
# of which the champion has nothing, the smaller ones a difference between two that often fail apart.
BETS = ((0.95, 0.25), (0.8, 0.25), (0.5, 1 / 6), (0.25, 1 / 6), (0.1, 1 / 12), (0.04, 1 / 12))
MOST = 1 << 24


class Gain(NamedTuple):
    """What a pair of D = 1, -1 and 0 adds to the wealth on one λ, in nats."""

    won: float
    lost: float
    alike: float


@dataclass(frozen=True)
class PairsTestState:
    """The state between two reconciles: plain numbers, for a status."""

    worse: int = 0  # pairs in which only the challenger's answer is bad
    better: int = 0  # those in which only the champion's is
    alike: int = 0
    failed: bool = False  # was proved once


@dataclass(frozen=True)
class AgainstPairs:
    """A test of the mean of D beside a margin. It fails wrongly with chance at most alpha, passes so with beta."""

    margin: float
    alpha: float
    beta: float
    state: PairsTestState = PairsTestState()

    def see(self, worse: int, better: int, alike: int) -> Self:
        """The test after so many more pairs."""
        check_counts(worse=worse, better=better, alike=alike)
        seen = self.state
        counted = replace(seen, worse=seen.worse + worse, better=seen.better + better, alike=seen.alike + alike)
        after = replace(self, state=counted)
        return replace(after, state=replace(counted, failed=seen.failed or after.log_failed >= -log(self.alpha)))

    @property
    def verdict(self) -> TestVerdict:
        """What is proved so far."""
        return judgement(failed=self.state.failed, passed=self.log_passed >= -log(self.beta))

    @property
    def log_failed(self) -> float:
        """Wealth of the bets that it is worse by more than the margin, in nats."""
        seen = self.state
        return _log_wealth(seen.worse, seen.better, seen.alike, self.margin)

    @property
    def log_passed(self) -> float:
        """Wealth of the bets that it is worse by less than the margin, in nats: the game with the sides changed."""
        seen = self.state
        return _log_wealth(seen.better, seen.worse, seen.alike, -self.margin)

    def pairs_to_expose(self, times: float, z: float) -> int:
        """Pairs after which it would have failed, where the challenger alone is bad in so many times the margin.

        By the mean gain of the best λ, less z standard deviations, as `outlook` has it.
        """
        share, gains = min(times * self.margin, (1 + self.margin) / 2), log_gains(self.margin)
        of_each = zip(BETS, gains, strict=True)
        return min(_pairs_for(share, gain, -log(self.alpha * part), z) for (_, part), gain in of_each)

    def pairs_to_hold(self) -> int:
        """Pairs in all after which it passes, if those that come are alike."""
        low = self.state.worse + self.state.better + self.state.alike
        if self.verdict == "Passed":
            return low
        step = 1
        while step < MOST and self._with_alike(step).log_passed < -log(self.beta):
            step *= 2
        missing, above = step // 2, step
        while above - missing > 1:
            middle = (missing + above) // 2
            holds = self._with_alike(middle).log_passed >= -log(self.beta)
            missing, above = (missing, middle) if holds else (middle, above)
        return low + above

    def _with_alike(self, more: int) -> Self:
        return replace(self, state=replace(self.state, alike=self.state.alike + more))


def _log_wealth(won: int, lost: int, alike: int, margin: float) -> float:
    """Of all bets together; won, lost and alike are pairs of D = 1, -1 and 0."""
    gains = log_gains(margin)
    return bets.log_total(
        tuple(
            log(part) + won * gain.won + lost * gain.lost + alike * gain.alike
            for (_, part), gain in zip(BETS, gains, strict=True)
        )
    )


@lru_cache(maxsize=64)
def log_gains(margin: float) -> tuple[Gain, ...]:
    """For each λ. D - margin is never below -(1 + margin): the largest λ would lose all by the worst pair."""
    stakes = [fraction / (1 + margin) for fraction, _ in BETS]
    return tuple(Gain(*(log1p(stake * (d - margin)) for d in (1, -1, 0))) for stake in stakes)


def _pairs_for(share: float, gain: Gain, nats: float, z: float) -> int:
    """The n that solves  n mean - z sqrt(n variance) = nats,  where only the challenger is bad in this share."""
    mean = share * gain.won + (1 - share) * gain.alike
    if mean <= 0:
        return MOST
    spread = z * sqrt(share * (1 - share)) * (gain.won - gain.alike)
    root = (spread + sqrt(spread**2 + 4 * mean * nats)) / (2 * mean)
    return min(MOST, ceil(root * root))
