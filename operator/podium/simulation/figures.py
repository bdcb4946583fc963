"""What came of many trials: chances with their intervals, times and counts by quantile, shares over time."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import ceil, exp

from podium.core.analysis.sequential.beta import log_cdf
from podium.simulation.assumed import Role
from podium.simulation.trial import Outcome

CONFIDENCE = 0.95
PRECISION = 1e-6


@dataclass(frozen=True)
class Chance:
    """How many of the trials, and the Clopper-Pearson interval of the chance behind it."""

    count: int
    trials: int

    @property
    def low(self) -> float:
        """The lower end of the Clopper-Pearson interval."""
        if not self.count:
            return 0.0
        return _solve(lambda share: _at_most(share, self.count, self.trials - self.count + 1) >= (1 - CONFIDENCE) / 2)

    @property
    def high(self) -> float:
        """The upper end of the Clopper-Pearson interval."""
        if self.count == self.trials:
            return 1.0
        return _solve(lambda share: _at_most(share, self.count + 1, self.trials - self.count) >= (1 + CONFIDENCE) / 2)


@dataclass(frozen=True)
class Spread:
    """Median and 95th percentile, by nearest rank."""

    median: float
    most: float


@dataclass(frozen=True)
class Figures:
    """What came of the trials of one role. Times are seconds since the challenger's first traffic."""

    role: Role
    promoted: Chance
    rolled_back: Chance  # also while it was watched, after it had been promoted
    rolled_back_later: Chance  # those of them that had been promoted
    circumstances: Chance
    undecided: Chance
    to_promotion: Spread | None  # None where none was
    to_rollback: Spread | None
    answers: Spread | None  # of the challenger until the rollback
    hit: Spread | None  # those of them that were bad
    promotions: Sequence[float]  # when each of them was, in order
    rollbacks: Sequence[float]


def figures(role: Role, outcomes: Sequence[Outcome]) -> Figures:
    """The figures of so many trials, at least one."""
    back = [one for one in outcomes if one.end == "rolled back"]
    promotions = sorted(one.promoted for one in outcomes if one.promoted is not None)
    rollbacks = sorted(one.ended for one in back)

    def chance(holds: Callable[[Outcome], bool]) -> Chance:
        return Chance(sum(map(holds, outcomes)), len(outcomes))

    return Figures(
        role=role,
        promoted=chance(lambda one: one.promoted is not None),
        rolled_back=chance(lambda one: one.end == "rolled back"),
        rolled_back_later=chance(lambda one: one.end == "rolled back" and one.promoted is not None),
        circumstances=chance(lambda one: one.end == "circumstances"),
        undecided=chance(lambda one: one.end == "undecided"),
        to_promotion=_spread(promotions),
        to_rollback=_spread(rollbacks),
        answers=_spread(one.answers for one in back),
        hit=_spread(one.hit for one in back),
        promotions=promotions,
        rollbacks=rollbacks,
    )


def _spread(values: Iterable[float]) -> Spread | None:
    ordered = sorted(values)
    if not ordered:
        return None
    return Spread(_rank(ordered, 0.5), _rank(ordered, 0.95))


def _rank(ordered: Sequence[float], part: float) -> float:
    return ordered[ceil(part * len(ordered)) - 1]


def _at_most(share: float, a: float, b: float) -> float:
    return exp(log_cdf(share, a, b))


def _solve(reached: Callable[[float], bool]) -> float:
    """Where a rising condition begins to hold between 0 and 1."""
    low, high = 0.0, 1.0
    while high - low > PRECISION:
        middle = (low + high) / 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high
