"""Answers of many trials, look by look: who gave how many, and how many of them were bad."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from bench.judgement.twins import Counts

Chance = np.random.Generator
Sizes = Callable[[Chance, int], Counts]  # of one look, by trial


def steady(rate: int) -> Sizes:
    """So many answers a look, as Poisson has them; exactly one where that is what is asked for."""
    if rate == 1:
        return lambda _, trials: np.ones(trials, np.int64)
    return lambda chance, trials: chance.poisson(rate, trials)


def bursts(chance: Chance, trials: int) -> Counts:
    """Mostly silence or a handful, and 2,000 at once in one look of fifty."""
    return np.where(chance.random(trials) < 0.02, 2000, chance.poisson(2, trials)).astype(np.int64)


@dataclass(frozen=True)
class Beside:
    """A look at challenger and champion: the challenger's share of the traffic, and both shares of bad answers."""

    weight: float
    challenger: float
    champion: float


def alone(chance: Chance, trials: int, sizes: Sizes, share: float, answers: int) -> Iterator[tuple[Counts, Counts]]:
    """Blocks of a version, until each trial has seen so many answers."""
    left = np.full(trials, answers)
    while left.any():
        block = np.minimum(sizes(chance, trials), left)
        left = left - block
        bad = chance.binomial(block, share)
        yield bad, block - bad


def beside(chance: Chance, trials: int, sizes: Sizes, look: Beside) -> tuple[Counts, Counts, Counts, Counts]:
    """One block of a challenger and its champion; every answer goes to one of them by chance."""
    block = sizes(chance, trials)
    challenger = chance.binomial(block, look.weight)
    champion = block - challenger
    challenger_bad, champion_bad = (
        chance.binomial(challenger, look.challenger),
        chance.binomial(champion, look.champion),
    )
    return challenger_bad, challenger - challenger_bad, champion_bad, champion - champion_bad
