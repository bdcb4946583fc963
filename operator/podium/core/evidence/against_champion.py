"""Judges a challenger beside its champion, block by block; both may get worse together, and nobody is to blame for it.

The totals of the two must never be compared: if the challenger's share of the traffic rises during an outage that hits
both, most of its answers fall into the outage and most of the champion's do not (Simpson's paradox). Within one block
both live under the same circumstances. So each block has its own e-variable (`projection`), whatever the champion's
share in it is, and the wealth is their product.

What is bet on comes from earlier blocks only: the champion's share as it was lately, and challengers that are worse than
it by some odds, or as bad as this challenger was so far. The bets begin at every answer (`bets`), as against a limit.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import log
from typing import Self

from podium.core.evidence import bets
from podium.core.evidence.alternatives import worse_than
from podium.core.evidence.judgement import Judgement, check_counts, judgement
from podium.core.evidence.projection import log_e_variable

Pair = tuple[int, int]  # of the challenger, of the champion

_WORSE = 7  # fixed alternatives, and one more that is learned
_ALTERNATIVES = _WORSE + 1
_GOOD = 3  # alternatives for "holds"
_RECENT = 5000.0  # answers of the champion that its share is learned from: an outage is to be forgotten
_GUESS = (0.5, 50.0)  # bad and good answers that the champion is thought to have given before the first block
_HOPELESS = 0.95  # where the champion fails this often, no challenger is measurably worse


@dataclass(frozen=True)
class ChampionMemory:
    """All that the judge has to remember between two looks: plain numbers, for a status."""

    bad: int = 0  # of the challenger, in complete blocks
    good: int = 0
    champion_bad: float = _GUESS[0]  # of the champion, lately
    champion_good: float = _GUESS[1]
    pending: tuple[int, int, int, int] = (0, 0, 0, 0)  # a block that is not complete yet, as given to `see`
    worse: tuple[float, ...] = bets.opening(_ALTERNATIVES)  # wealth of the bets that it is worse, in nats
    no_worse: tuple[float, ...] = (-log(_GOOD),) * _GOOD  # and of those that it is not
    broken: bool = False  # was proved once


@dataclass(frozen=True)
class AgainstChampion:
    """A judge of the difference to the champion. Wrongly says broken with a chance of at most alpha, holds of beta."""

    margin: float
    alpha: float
    beta: float
    memory: ChampionMemory = ChampionMemory()

    def see(self, challenger_bad: int, challenger_good: int, champion_bad: int, champion_good: int) -> Self:
        """The judge after one more block, in which both have answered under the same circumstances."""
        block = (challenger_bad, challenger_good, champion_bad, champion_good)
        check_counts(challenger_bad=block[0], challenger_good=block[1], champion_bad=block[2], champion_good=block[3])
        pending = tuple(a + b for a, b in zip(self.memory.pending, block, strict=True))
        return self
