"""Which cases are played: each fault at each call that it can strike at, and each two kinds after each call.

Where the second of two faults strikes is drawn by the case's name: every two calls would be millions of cases.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from bench.faults.kinds import FAULTS, Fault
from bench.faults.rollouts import BY_NAME
from bench.faults.schedule import Case

_NEAR: Final = 25  # calls within which the second fault follows the first


@dataclass(frozen=True)
class Share:
    """One part of a rollout's cases: those whose first fault strikes at every so many calls."""

    rollout: str
    number: int
    parts: int
    singles: float  # the share of cases with one fault that is played
    pairs: float  # the share of those with two
    seed: int = 0  # another one draws others

    def begins(self, number: int, possible: tuple[Fault, ...]) -> Iterator[Case]:
        """The cases of one fault that strike at this call, and are played or lead to one of two faults that is."""
        for fault in possible if number % self.parts == self.number else ():
            single = Case(self.rollout, ((number, fault),))
            if self.plays(single) or self.pairs_of(single):
                yield single

    def pairs_of(self, single: Case) -> list[Case]:
        """The cases that are played in which each kind of fault strikes once more, at one of the next calls."""
        first = single.faults[0][0]
        later = ((first + self._drawn(single, fault.name).randint(1, _NEAR), fault) for fault in FAULTS)
        return [pair for number, fault in later if self.plays(pair := single.and_then(number, fault))]

    def plays(self, case: Case) -> bool:
        """Whether this case is played."""
        of = self.singles if len(case.faults) == 1 else self.pairs
        return self._drawn(case).random() < of and _ends_alike(case)

    def _drawn(self, case: Case, *more: str) -> random.Random:
        return random.Random(f"{case} {more} {self.seed or ''}")


def _ends_alike(case: Case) -> bool:
    """Not where the only memory is taken away: a soak stands in the status, and else the champion in what serves."""
    faults = [fault for _, fault in case.faults]
    forgotten = any(fault.forgets for fault in faults)
    return not forgotten or (BY_NAME[case.rollout].remembers and sum(fault.harms for fault in faults) == 1)
