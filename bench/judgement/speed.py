"""How many answers of the challenger it takes until the judge speaks: the median over trials."""

from dataclasses import dataclass

import numpy as np

from bench.judgement import bounds
from bench.judgement.errors import ALPHA, BETA, CHAMPION, LIMIT, MARGIN
from bench.judgement.traffic import Beside, beside, steady
from bench.judgement.twins import ChampionTwin, Counts, Flags, LimitTwin

NEVER = 1 << 40


@dataclass(frozen=True)
class Speed:
    """Answers of the challenger up to the verdict."""

    what: str
    found: Counts
    bound: float | None = None

    def __str__(self) -> str:
        return f"median {self.median:.0f}, bound {self.bound:.0f}, {self.ratio:.2f} x"

    @property
    def median(self) -> float:
        """The median time."""
        return float(np.median(self.found))

    @property
    def ratio(self) -> float:
        """The median by the information bound."""
        assert self.bound is not None
        return self.median / self.bound


def broken(share: float, trials: int, seed: int, *, good_before: int = 0, look: int = 1) -> Speed:
    """A version that exceeds the limit from the first answer on, or after so many at a fifth of the limit."""
    chance = np.random.default_rng(seed)
    twin = LimitTwin(trials, LIMIT, ALPHA, BETA)
    for _ in range(good_before // 10):
        bad = chance.binomial(10, LIMIT / 5, trials)
        twin.see(bad, 10 - bad)
    twin.keep(~twin.broken)
    bound = bounds.against_limit(share, LIMIT, ALPHA) if share < 1 else None
    return Speed(f"{share:.0%}", _until(twin, share, look, chance, holds=False), bound)


def holds(share: float, trials: int, seed: int) -> Speed:
    """A good version, until it is said to hold."""
    chance = np.random.default_rng(seed)
    twin = LimitTwin(trials, LIMIT, ALPHA, BETA)
    bound = bounds.against_limit(share, LIMIT, BETA)
    return Speed(f"{share:.1%}", _until(twin, share, 1, chance, holds=True), bound)


def beside_champion(
    challenger: float, weight: float, rate: int, trials: int, seed: int, *, champion: float = CHAMPION
) -> Speed:
    """A challenger, at so many answers a look of both together; one as good as its champion until it holds."""
    chance = np.random.default_rng(seed)
    good = challenger <= champion
    bound = bounds.against_champion(challenger, champion, MARGIN, weight, BETA if good else ALPHA)
    twin, found = ChampionTwin(trials, MARGIN, ALPHA, BETA), _Found(trials)
    seen = np.zeros(trials, np.int64)
    look = Beside(weight, challenger, champion)
    while found.few:
        block = beside(chance, len(seen), steady(rate), look)
        twin.see(*block)
        seen = seen + block[0] + block[1]
        done = twin.holds if good else twin.broken
        found.note(seen, done)
        twin.keep(~done)
        seen = seen[~done]
    return Speed(f"{challenger:.0%} at {weight:.0%}", found.all, bound)


def _until(twin: LimitTwin, share: float, look: int, chance: np.random.Generator, *, holds: bool) -> Counts:
    found, looks = _Found(len(twin.bad)), 0
    while found.few:
        looks += 1
        bad = chance.binomial(look, share, len(twin.bad))
        twin.see(bad, look - bad)
        done = twin.holds if holds else twin.broken
        found.note(np.full(len(done), looks * look), done)
        twin.keep(~done)
    return found.all


class _Found:
    """Collects when trials ended, until nine in ten have: all that medians and plots need."""

    def __init__(self, trials: int) -> None:
        self.trials, self.ended = trials, np.zeros(0, np.int64)

    def note(self, at: Counts, done: Flags) -> None:
        if done.any():
            self.ended = np.concatenate([self.ended, at[done]])

    @property
    def few(self) -> bool:
        return len(self.ended) < 0.9 * self.trials

    @property
    def all(self) -> Counts:
        return np.concatenate([self.ended, np.full(self.trials - len(self.ended), NEVER)])
