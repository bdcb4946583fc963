"""Which cases are played: each fault at each call that it can strike at, and each two kinds after each call.

Where the second of two faults strikes is drawn by the case's name: every two calls would be millions of cases.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

from bench.faults.case import Reference, play, reference
from bench.faults.kinds import FAULTS
from bench.faults.rollouts import BY_NAME
from bench.faults.schedule import Case, Schedule

_NEAR: Final = 25  # calls within which the second fault follows the first


@dataclass(frozen=True)
class Share:
    """One part of a rollout's cases: those whose first fault strikes at every so many calls."""

    rollout: str
    number: int
    parts: int
    singles: float  # the share of cases with one fault that is played
    pairs: float  # the share of those with two


@dataclass(frozen=True)
class Played:
    """A case, and what it broke."""

    case: str
    broken: str


def cases(share: Share) -> Iterator[Case]:
    """The cases of this share, in order."""
    for number, possible in enumerate(without_faults(share.rollout).calls, start=1):
        for fault in possible if number % share.parts == share.number else ():
            single = Case(share.rollout, ((number, fault),))
            drawn = (
                each
                for each, of in ((single, share.singles), *((pair, share.pairs) for pair in _pairs(single)))
                if _drawn(each).random() < of
            )
            yield from (case for case in drawn if _ends_alike(case))


def _pairs(single: Case) -> Iterator[Case]:
    """Each kind of fault once more, at one of the next calls."""
    first = single.faults[0][0]
    for fault in FAULTS:
        yield single.and_then(first + _drawn(single, fault.name).randint(1, _NEAR), fault)


def _ends_alike(case: Case) -> bool:
    """Not where the only memory is taken away: a soak stands in the status, and else the champion in what serves."""
    faults = [fault for _, fault in case.faults]
    forgotten = any(fault.forgets for fault in faults)
    return not forgotten or (BY_NAME[case.rollout].remembers and sum(fault.harms for fault in faults) == 1)


def _drawn(case: Case, *more: str) -> random.Random:
    return random.Random(f"{case} {more}")


def played(share: Share) -> list[Played]:
    """Play the cases of this share."""
    return [Played(str(case), play(Schedule(case), without_faults(share.rollout))) for case in cases(share)]


@cache
def without_faults(rollout: str) -> Reference:
    """The rollout without any fault, played once in each process."""
    return reference(BY_NAME[rollout])
