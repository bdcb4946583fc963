"""Pairs of answers to the same request, as a shadow step has them: how often a good version fails, how soon a bad one.

A request is hard for both with the chance HARD, and both fail it then. Beside that, each side fails by itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray

from bench.judgement import bounds
from bench.judgement.errors import ALPHA, BETA, MARGIN
from podium.core.analysis.sequential import AgainstPairs
from podium.core.analysis.sequential.against_pairs import BETS, log_gains

PAIRS = 20_000  # of a trial
HARD = 0.05
Wealth = NDArray[np.float64]


@dataclass(frozen=True)
class Setting:
    """How often each side alone fails a request."""

    challenger: float
    champion: float

    def __str__(self) -> str:
        return f"{self.challenger:.1%} beside {self.champion:.1%}, and {HARD:.0%} that both fail"


GOOD = tuple(Setting(champion + MARGIN, champion) for champion in (0.0, 0.01, 0.1, 0.3))
FAULTS = tuple(Setting(champion + 0.05 + MARGIN, champion) for champion in (0.0, 0.005, 0.01, 0.05))


@dataclass(frozen=True)
class Rate:
    """How many of the trials fail a version that is at the margin."""

    setting: Setting
    trials: int
    wrong: int

    @property
    def upper(self) -> float:
        """Upper end of the 99 % interval."""
        return bounds.upper(self.wrong, self.trials)


@dataclass(frozen=True)
class Speed:
    """Pairs until a bad version has failed."""

    setting: Setting
    median: float
    bound: float

    @property
    def ratio(self) -> float:
        """The median by the information bound."""
        return self.median / self.bound


def rates(trials: int, seed: int) -> Iterator[Rate]:
    """Versions at the margin: the worst of the good ones."""
    for setting in GOOD:
        chance = np.random.default_rng(seed)
        wrong = sum(bool((_wealth(_drawn(setting, chance, PAIRS)) >= -log(ALPHA)).any()) for _ in range(trials))
        yield Rate(setting, trials, wrong)


def speeds(trials: int, seed: int) -> Iterator[Speed]:
    """Versions that are 5 points worse than is tolerated."""
    for setting in FAULTS:
        chance = np.random.default_rng(seed)
        found = [_first(_wealth(_drawn(setting, chance, PAIRS)) >= -log(ALPHA)) for _ in range(trials)]
        yield Speed(setting, float(np.median(found)), _bound(setting))


def agrees_with_the_core(seed: int) -> bool:
    """Whether the wealth here is that of the core's test, on some pairs."""
    drawn = _drawn(FAULTS[2], np.random.default_rng(seed), 500)
    worse, better = (int((drawn == side).sum()) for side in (1, -1))
    core = AgainstPairs(MARGIN, ALPHA, BETA).see(worse, better, len(drawn) - worse - better)
    return abs(float(_wealth(drawn)[-1]) - core.log_failed) < 1e-6


def _drawn(setting: Setting, chance: np.random.Generator, number: int) -> NDArray[np.int64]:
    """D of each pair."""
    hard, mine, its = (chance.random(number) < share for share in (HARD, setting.challenger, setting.champion))
    alone = ~hard & (mine != its)
    return np.where(alone, np.where(mine, 1, -1), 0)


def _wealth(drawn: NDArray[np.int64]) -> Wealth:
    """In nats, after each pair."""
    worse, better = np.cumsum(drawn == 1), np.cumsum(drawn == -1)
    alike = np.arange(1, len(drawn) + 1) - worse - better
    bets = zip(BETS, log_gains(MARGIN), strict=True)
    logs = [log(part) + worse * gain.won + better * gain.lost + alike * gain.alike for (_, part), gain in bets]
    wealth: Wealth = np.logaddexp.reduce(logs)
    return wealth


def _first(reached: NDArray[np.bool_]) -> int:
    return int(np.argmax(reached)) + 1 if reached.any() else PAIRS


def _bound(setting: Setting) -> float:
    """log(1/α) by what the best λ gains a pair."""
    won = (1 - HARD) * setting.challenger * (1 - setting.champion)
    lost = (1 - HARD) * setting.champion * (1 - setting.challenger)
    stakes = np.linspace(0.001, 0.999, 2000) / (1 + MARGIN)
    gains = [np.log1p(stakes * (d - MARGIN)) for d in (1, -1, 0)]
    mean = won * gains[0] + lost * gains[1] + (1 - won - lost) * gains[2]
    return -log(ALPHA) / float(mean.max())
