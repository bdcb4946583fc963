"""How often drift is seen where there is none, in years of hourly blocks, and how soon where there is.

A model of five features: four numbers by ten bins and "missing", and one of seven categories, "other" and "missing".
Rows an hour are as Poisson has them. `Watches` is `DriftDetector` on arrays: its bets are the core's own, and
`tests/unit/bench/test_drift_twin.py` holds each block to the original.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import exp, log
from statistics import NormalDist

import numpy as np
from scipy.stats import chi2

from bench.judgement.twins import Counts, Flags, Floats
from podium.core.drift import Reference
from podium.core.drift.detector import BEYOND, ROWS
from podium.core.drift.reference import ALPHA
from podium.core.drift.sample import divergence, nearest

INTERVAL = 8760  # blocks of an hour to a false alarm: a year
ROWS_AN_HOUR = 100
MISSING = 0.01
NUMBER = (*[(1 - MISSING) / 10] * 10, MISSING)
CATEGORY = (0.4, 0.2, 0.15, 0.1, 0.05, 0.05, 0.02, 0.02, 0.01)
FEATURES = (NUMBER, NUMBER, NUMBER, NUMBER, CATEGORY)
ORDERED = (10, 10, 10, 10, 0)
WARM_UP = 200  # blocks before a drift begins
REFERENCES = 20  # samples of the training data; the trials share them


class Watches:
    """Many detectors: by feature, an array of wealth (reference, trial, bet)."""

    def __init__(self, references: list[list[Reference]], trials: int) -> None:
        """`references` by feature and sample; so many trials of each sample."""
        self.references = references
        most = exp(log(INTERVAL * len(references)) + BEYOND)
        tables = [_bets(of) for of in references]
        self._gains = [gains for gains, _ in tables]
        self._parts = [parts[:, None, :] for _, parts in tables]
        self._most = [most / np.maximum(parts, 1e-9) for parts in self._parts]
        self._wealth = [np.zeros((len(gains), trials, gains.shape[1])) for gains in self._gains]

    def see(self, feature: int, counts: Counts) -> None:
        """A block of this feature: counts by sample, trial and bin."""
        rows = counts.sum(axis=2, keepdims=True)
        power = np.minimum(1.0, ROWS / np.maximum(rows, 1))
        factors = np.exp(np.minimum(power * (counts @ self._gains[feature].transpose(0, 2, 1)), 600.0))
        grown = np.minimum((self._wealth[feature] + 1) * factors, self._most[feature])
        self._wealth[feature] = np.where(rows > 0, grown, self._wealth[feature])

    @property
    def wealth(self) -> Floats:
        """The mean over features, by sample and trial: it alarms at INTERVAL."""
        each = [(wealth * parts).sum(axis=2) for wealth, parts in zip(self._wealth, self._parts, strict=True)]
        return np.asarray(np.mean(each, axis=0))

    def restart(self, ended: Flags) -> None:
        """Begin again where an alarm was false."""
        for wealth in self._wealth:
            wealth[ended] = 0.0


def _bets(of: list[Reference]) -> tuple[Floats, Floats]:
    """What a row adds, by sample, bet and bin, and the bets' parts; zeros where a sample has fewer bets than others."""
    most = max(len(each.bets) for each in of)
    gains, parts = np.zeros((len(of), most, len(of[0].counts))), np.zeros((len(of), most))
    for sample, each in enumerate(of):
        for number, bet in enumerate(each.bets):
            gains[sample, number], parts[sample, number] = bet.by_bin, bet.part
    return gains, parts


@dataclass(frozen=True)
class Quiet:
    """A setting in which nothing has drifted: rows of the training data, rows an hour, and how they come."""

    what: str
    rows: int = 20_000
    an_hour: int = ROWS_AN_HOUR
    at_the_edge: bool = False  # each feature as far off as is tolerated
    alike: int = 1  # rows that are one and the same


QUIET = (
    Quiet("as in training"),
    Quiet("a profile of 1,000 rows", rows=1000),
    Quiet("all features as far off as is tolerated", at_the_edge=True),
    Quiet("each row ten times, 10,000 an hour", an_hour=10_000, alike=10),
)


@dataclass(frozen=True)
class FalseAlarms:
    """How many there were in so many years."""

    setting: Quiet
    years: float
    alarms: int

    @property
    def a_year(self) -> float:
        """On average."""
        return self.alarms / self.years

    @property
    def upper(self) -> float:
        """Upper end of the 99 % interval, as Poisson has it."""
        return float(chi2.ppf(0.995, 2 * self.alarms + 2) / 2 / self.years)


@dataclass(frozen=True)
class Found:
    """Blocks until a drift was found."""

    what: str
    blocks: Counts
    bound: float

    @property
    def mean(self) -> float:
        """On average."""
        return float(self.blocks.mean())

    @property
    def ratio(self) -> float:
        """The mean by the bound."""
        return self.mean / self.bound


def samples(chance: np.random.Generator, rows: int, number: int) -> list[list[Reference]]:
    """References by feature and sample: what a profile of so many rows has."""
    return [
        [
            Reference("x", tuple(map(int, chance.multinomial(rows, shares))), ordered, alpha=ALPHA / len(FEATURES))
            for _ in range(number)
        ]
        for shares, ordered in zip(FEATURES, ORDERED, strict=True)
    ]


def false_alarms(setting: Quiet, trials: int, blocks: int, seed: int) -> FalseAlarms:
    """So many trials of so many blocks of every sample."""
    chance = np.random.default_rng(seed)
    watches = Watches(samples(chance, setting.rows, min(REFERENCES, trials)), max(trials // REFERENCES, 1))
    truths = [_truth(setting, feature, of) for feature, of in enumerate(watches.references)]
    rate, each, alarms = setting.an_hour / setting.alike, watches.wealth.shape[1], 0
    for _ in range(blocks):
        for feature, truth in enumerate(truths):
            counts = chance.poisson(np.broadcast_to(rate * truth[:, None, :], (len(truth), each, truth.shape[1])))
            watches.see(feature, counts * setting.alike)
        ended = watches.wealth >= INTERVAL
        alarms += int(ended.sum())
        watches.restart(ended)
    return FalseAlarms(setting, blocks * watches.wealth.size / INTERVAL, alarms)


def _truth(setting: Quiet, feature: int, references: list[Reference]) -> Floats:
    """Shares by sample and bin: what the rows are drawn from."""
    if not setting.at_the_edge:
        return np.array([FEATURES[feature]] * len(references))
    far = higher(0.5) if ORDERED[feature] else tuple(reversed(CATEGORY))
    return np.array([nearest(each.shares, each.size, far) for each in references])


def higher(by: float) -> tuple[float, ...]:
    """A feature that is `by` standard deviations higher."""
    normal = NormalDist()
    edges = [normal.inv_cdf(tenth / 10) for tenth in range(1, 10)]
    below = [0.0, *(normal.cdf(edge - by) for edge in edges), 1.0]
    return (*((1 - MISSING) * (high - low) for low, high in pairwise(below)), MISSING)


def wider(by: float) -> tuple[float, ...]:
    """A feature with `by` times its standard deviation."""
    normal = NormalDist()
    below = [0.0, *(normal.cdf(normal.inv_cdf(tenth / 10) / by) for tenth in range(1, 10)), 1.0]
    return (*((1 - MISSING) * (high - low) for low, high in pairwise(below)), MISSING)


def missing(share: float) -> tuple[float, ...]:
    """A feature that so many rows do not have."""
    return (*[(1 - share) / 10] * 10, share)


def found(what: str, shares: tuple[float, ...], trials: int, seed: int, an_hour: int = ROWS_AN_HOUR) -> Found:
    """One of the features drifts, after WARM_UP blocks as in training; the profile has 20,000 rows.

    The bound is that of any such test, to first order: log(INTERVAL) / (rows an hour * KL), where KL is the divergence
    from the nearest shares that are tolerated (Lorden, *Procedures for reacting to a change in distribution*, 1971).
    """
    chance = np.random.default_rng(seed)
    watches = Watches(samples(chance, 20_000, min(REFERENCES, trials)), max(trials // REFERENCES, 1))
    shape = watches.wealth.shape
    after, block = np.full(shape, -1), 0
    while (after < 0).any() and block < WARM_UP + 1000:
        for feature, usual in enumerate(FEATURES):
            now = shares if feature == 0 and block >= WARM_UP else usual
            watches.see(feature, chance.poisson(np.broadcast_to(an_hour * np.array(now), (*shape, len(now)))))
        ended = watches.wealth >= INTERVAL
        block += 1
        if block > WARM_UP:
            after[ended & (after < 0)] = block - WARM_UP
        else:
            watches.restart(ended)
    of = watches.references[0]
    far = float(np.mean([divergence(shares, nearest(each.shares, each.size, shares) or shares) for each in of]))
    blocks = np.where(after < 0, 1000, after).ravel()
    return Found(what, blocks, max(log(INTERVAL) / (an_hour * far), 1.0))


DRIFTS: dict[str, Callable[[], tuple[float, ...]]] = {
    "0.2 standard deviations": lambda: higher(0.2),
    "0.15 standard deviations": lambda: higher(0.15),
    "0.5 standard deviations": lambda: higher(0.5),
    "1.3 x the standard deviation": lambda: wider(1.3),
    "missing in 5 % instead of 1 %": lambda: missing(0.05),
}


def speeds(trials: int, seed: int) -> Iterator[Found]:
    """How soon each of the drifts is found; the first is the one that is promised."""
    for what, shares in DRIFTS.items():
        yield found(what, shares(), trials, seed)
