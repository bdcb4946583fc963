"""The judges of `podium.core.analysis.sequential`, on arrays with one entry a trial: 10,000 trials at once.

Only the arithmetic is repeated here; every constant comes from the originals, and `tests/unit/bench/test_twins.py`
holds each judge to its original, look by look.
"""

from collections.abc import Callable
from math import log

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, betaincc, betaln

from podium.core.analysis.sequential import against_champion as champion_core
from podium.core.analysis.sequential import against_limit as limit_core
from podium.core.analysis.sequential import alternatives as alternatives_core
from podium.core.analysis.sequential import bets
from podium.core.analysis.sequential import counts as counts_core

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

OVERFLOW = 700.0  # exp(700) is a number still; no wealth is ever near exp(-100), so the core's cap is reached too
_A, _B = counts_core.PRIOR_BAD, counts_core.PRIOR_GOOD


class LimitTwin:
    """`AgainstLimit` for many trials."""

    def __init__(self, trials: int, limit: float, alpha: float, beta: float) -> None:
        self.limit, self.alpha, self.beta = limit, alpha, beta
        self.bad, self.good = np.zeros(trials, np.int64), np.zeros(trials, np.int64)
        ratios = np.array(limit_core.log_ratios(limit))
        self.of_bad, self.of_good = ratios[:, :1], ratios[:, 1:]
        self.late = np.exp(np.array(limit_core.LimitTestState().late))[:, None] * np.ones(trials)
        self.broken = np.zeros(trials, bool)

    def see(self, bad: Counts, good: Counts) -> None:
        """Take these answers of each run into account."""
        before = self.bad + self.good
        self.bad, self.good = self.bad + bad, self.good + good
        starts = _starts_within(before, self.bad + self.good, limit_core.AT_ONCE)
        self.late = _settled(self.late, self._factors(bad, good), starts)
        raised = np.flatnonzero((bad > 0) & ~self.broken)  # good answers alone never raise the evidence to a proof
        if raised.size:
            self.broken[raised] = self._wealth(raised, least=-log(self.alpha)) >= 1 / self.alpha

    def _factors(self, bad: Counts, good: Counts) -> Floats:
        if bad.max(initial=0) <= 1 and np.all(bad + good == 1):  # a look after every answer: spares most of the time
            return np.asarray(np.where(bad, np.exp(self.of_bad), np.exp(self.of_good)))
        with np.errstate(over="ignore"):
            return np.asarray(np.exp(np.minimum(self.of_bad * bad + self.of_good * good, OVERFLOW)))

    def _wealth(self, at: Counts, least: float) -> Floats:
        bad, good = self.bad[at], self.good[at]
        above = bad > self.limit * (bad + good)
        steady = _log_evidence(bad, good, self.limit, tail=betaincc, side=above, least=least)
        late = (1 - limit_core.STEADY) * self.late[:, at].sum(axis=0)
        return np.asarray(limit_core.STEADY * np.exp(np.minimum(steady, bets.MOST)) + late)

    @property
    def wealth(self) -> Floats:
        """Of the bets that the limit is exceeded, not as a logarithm."""
        return self._wealth(np.arange(len(self.bad)), least=0.0)

    @property
    def holds(self) -> Flags:
        """The runs in which the limit is proved to be kept."""
        below = self.bad < self.limit * (self.bad + self.good)
        least = -log(self.beta)
        wealth = _log_evidence(self.bad, self.good, self.limit, tail=betainc, side=below, least=least)
        return np.asarray((wealth >= least) & ~self.broken)

    def keep(self, trials: Flags) -> None:
        """Go on with these trials only."""
        self.bad, self.good, self.broken = self.bad[trials], self.good[trials], self.broken[trials]
        self.late = self.late[:, trials]


class ChampionTwin:
    """`AgainstChampion` for many trials."""

    def __init__(self, trials: int, margin: float, alpha: float, beta: float) -> None:
        self.margin, self.alpha, self.beta = margin, alpha, beta
        memory = champion_core.ChampionTestState()
        self.bad, self.good = np.zeros(trials), np.zeros(trials)
        self.champion_bad = np.full(trials, memory.champion_bad)
        self.champion_good = np.full(trials, memory.champion_good)
        self.pending = np.zeros((4, trials), np.int64)
        self.worse = np.exp(np.array(memory.worse))[:, None] * np.ones(trials)
        self.no_worse = np.array(memory.no_worse)[:, None] * np.ones(trials)
        self.broken = np.zeros(trials, bool)

    def see(self, *block: Counts) -> None:
        """One look: bad and good answers of the challenger, bad and good ones of the champion."""
        self.pending = self.pending + np.array(block)
        challenger, champion = self.pending[0] + self.pending[1], self.pending[2] + self.pending[3]
        both = challenger + champion
        worth = (challenger * champion >= champion_core.SMALLEST * both) & (both > 0)
        complete = np.flatnonzero(worth | (both >= champion_core.LARGEST))
        if complete.size:
            self._bet(complete)
            self._learn(complete)

    @property
    def wealth(self) -> Floats:
        """Of the bets that it is worse, not as a logarithm."""
        return np.asarray(self.worse.sum(axis=0))

    @property
    def holds(self) -> Flags:
        """The runs in which the challenger is proved to be no worse."""
        most = self.no_worse.max(axis=0)
        total = most + np.log(np.exp(self.no_worse - most).sum(axis=0))
        return np.asarray((total >= -log(self.beta)) & ~self.broken)

    def keep(self, trials: Flags) -> None:
        """Go on with these trials only."""
        for name in ("bad", "good", "champion_bad", "champion_good", "broken"):
            setattr(self, name, getattr(self, name)[trials])
        for name in ("pending", "worse", "no_worse"):
            setattr(self, name, getattr(self, name)[:, trials])

    def _bet(self, complete: Counts) -> None:
        champion = self.champion_bad[complete] / (self.champion_bad[complete] + self.champion_good[complete])
        complete, champion = _where(champion + self.margin < champion_core.HOPELESS, complete, champion)
        base, block = champion + self.margin, self.pending[:, complete]
        before = self.bad[complete] + self.good[complete]
        gains = np.exp(np.minimum(_log_e_variable(self._worse(base, complete), champion, block, self.margin), OVERFLOW))
        starts = _starts_within(before, before + block[0] + block[1], champion_core.AT_ONCE)
        self.worse[:, complete] = _settled(self.worse[:, complete], gains, starts)
        good = np.array([champion + self.margin / 2, champion, champion / 4])
        self.no_worse[:, complete] += _log_e_variable(good, champion, block, self.margin)
        self.broken[complete] |= self.wealth[complete] >= 1 / self.alpha

    def _worse(self, base: Floats, complete: Counts) -> Floats:
        shares, learning = _worse_than(base, champion_core.WORSE), champion_core.LEARNING
        bad, seen = self.bad[complete], self.bad[complete] + self.good[complete]
        learned = np.maximum((bad + learning * shares[1]) / (seen + learning), base)
        return np.vstack([learned, shares])

    def _learn(self, complete: Counts) -> None:
        block = self.pending[:, complete]
        bad, good = self.champion_bad[complete] + block[2], self.champion_good[complete] + block[3]
        kept = np.minimum(1.0, champion_core.RECENT / (bad + good))
        self.champion_bad[complete], self.champion_good[complete] = bad * kept, good * kept
        self.bad[complete] += block[0]
        self.good[complete] += block[1]
        self.pending[:, complete] = 0


def _where(flags: Flags, complete: Counts, champion: Floats) -> tuple[Counts, Floats]:
    return complete[flags], champion[flags]


def _settled(wealth: Floats, factors: Floats, starts: Floats) -> Floats:
    """`bets.settled`, on wealth instead of its logarithm."""
    with np.errstate(over="ignore"):
        grown = wealth * factors
    parts = np.array(bets.parts(len(wealth)))[:, None]
    return np.asarray(np.minimum(grown, np.exp(bets.MOST)) + parts * starts)


def _starts_within(before: Floats | Counts, after: Floats | Counts, at_once: float) -> Floats:
    unspent = (1 + before / bets.SCALE) ** -bets.DECAY - (1 + after / bets.SCALE) ** -bets.DECAY
    return np.asarray((1 - at_once) * unspent)


def _log_evidence(
    bad: Counts, good: Counts, limit: float, *, tail: Callable[..., Floats], side: Flags, least: float
) -> Floats:
    """`counts._log_evidence` where the counts are on the side that is asked for and could reach `least`, else -inf."""
    answers = np.maximum(bad + good, 1)
    best = bad * np.log(np.maximum(bad, 1) / (answers * limit))
    best += good * np.log(np.maximum(good, 1) / (answers * (1 - limit)))
    found = np.full(len(bad), -np.inf)
    at = np.flatnonzero(side & (best >= least))
    if at.size:
        a, b = _A + bad[at], _B + good[at]
        prior = betaln(_A, _B) + np.log(tail(_A, _B, limit))
        posterior = betaln(a, b) + np.log(tail(a, b, limit))
        found[at] = posterior - prior - bad[at] * log(limit) - good[at] * np.log1p(-limit)
    return found


def _worse_than(base: Floats, number: int) -> Floats:
    nearest = np.log(base) - np.log1p(-base) + alternatives_core.NEAREST
    span = np.maximum(alternatives_core.TOP - nearest, number * alternatives_core.NEAREST)
    steps = np.arange(number)[:, None] / (number - 1)
    return np.asarray(1 / (1 + np.exp(-(nearest + span * steps))))


def _log_e_variable(share: Floats, champion: Floats, block: Counts, margin: float) -> Floats:
    point = _nearest_champion(share, champion, block[0] + block[1], block[2] + block[3], margin)
    return _log_ratio(share, point + margin, block[0], block[1]) + _log_ratio(champion, point, block[2], block[3])


def _nearest_champion(share: Floats, champion: Floats, n1: Counts, n0: Counts, margin: float) -> Floats:
    """`projection.nearest_champion`: the same Newton steps in a bracket, all trials and alternatives at once."""
    one, other = np.broadcast_arrays(champion, share - margin)
    low, high = np.maximum(np.minimum(one, other), 0.0), np.minimum(np.maximum(one, other), 1 - margin)
    alone = np.clip(np.where(n1 == 0, one, other), low, high)
    point = (n1 * other + n0 * one) / (n1 + n0)
    done = np.zeros(point.shape, bool)
    for _ in range(80):
        point = np.where(done | ((low < point) & (point < high)), point, (low + high) / 2)
        there = point + margin
        with np.errstate(divide="ignore", invalid="ignore"):
            v1, v0 = there * (1 - there), point * (1 - point)
            d1, d0 = (there - share) / v1, (point - champion) / v0
            slope = n1 * d1 + n0 * d0
            step = slope / (n1 * (1 - (1 - 2 * there) * d1) / v1 + n0 * (1 - (1 - 2 * point) * d0) / v0)
        low, high = np.where(slope < 0, point, low), np.where(slope < 0, high, point)
        point = np.where(done, point, point - step)
        done |= np.abs(step) <= 1e-9 * point
        if done.all():
            break
    return np.where((n1 == 0) | (n0 == 0), alone, point)


def _log_ratio(share: Floats, null: Floats, bad: Counts, good: Counts) -> Floats:
    difference = share - null
    with np.errstate(divide="ignore", invalid="ignore"):
        of_bad = np.where(bad > 0, bad * np.log1p(difference / null), 0.0)
        of_good = np.where(good > 0, good * np.log1p(-difference / (1 - null)), 0.0)
    return np.asarray(of_bad + of_good)
