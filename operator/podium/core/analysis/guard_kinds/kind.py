"""What a kind of guard is: one value that the analysis and the simulation read."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, Protocol, TypeVar

from podium.api.v1alpha1.evidence import ReferenceQuantiles
from podium.api.v1alpha1.spec.guards import Guard
from podium.core.analysis.criterion import Criterion
from podium.core.analysis.measures import Measure
from podium.core.facts import Counters

Settings = TypeVar("Settings")
# Which of the answers that `podium simulate` draws are bad: the failed ones, the invalid ones among them, the slow
# ones, those whose prediction has moved, or a share apart from all of these.
Simulated = Literal["errors", "invalid", "latency", "predictions", "apart"]


@dataclass(frozen=True)
class Tolerance:
    """How many bad answers a guard tolerates, as shares."""

    at_most: float | None  # None where it only compares with the champion
    above_champion: float | None  # None where it does not
    usual: float | None = None  # of a healthy version, where only the champion is the measure; None: little


@dataclass(frozen=True)
class GuardKind(Generic[Settings]):
    """One kind of guard. `Settings` is the model of its field in the spec."""

    name: str  # of that field
    criteria: Callable[[Guard, Settings, ReferenceQuantiles], Iterable[Criterion]]
    tolerance: Callable[[Settings], Tolerance]
    needs_baseline: Callable[[Settings], bool] = lambda _: False
    # From the champion's pods and the challenger's; None while there are too few answers.
    baseline: Callable[[Guard, Settings, Sequence[Counters], Sequence[Counters]], ReferenceQuantiles | None] = (
        lambda *_: None
    )
    simulated: Simulated = "apart"
    shown: Callable[[Counters, int], Counters] | None = None  # a pod's counters, with so many bad answers drawn apart
    unhealthy: Callable[[Settings], float] | None = None  # a bad version's share, where it is not five times the limit


class Limited(Protocol):
    """Settings of the guards that limit a share, and compare it with the champion's."""

    @property
    def at_most(self) -> float | None:
        """The limit on the challenger's own share; None where there is none."""

    @property
    def max_above_champion(self) -> float | None:
        """The margin beside the champion's share; None where there is none."""


def limited(name: str, measure: Callable[[Guard], Measure], **parts: Any) -> GuardKind[Limited]:
    """The kind that limits the share of one measure."""

    def criteria(guard: Guard, settings: Limited, _: ReferenceQuantiles) -> Iterator[Criterion]:
        if settings.at_most is not None:
            yield Criterion(guard, measure(guard), settings.at_most)
        if settings.max_above_champion is not None:
            yield Criterion(guard, measure(guard), settings.max_above_champion, beside_champion=True)

    def tolerance(settings: Limited) -> Tolerance:
        return Tolerance(settings.at_most, settings.max_above_champion)

    return GuardKind(name, criteria, tolerance, **parts)
