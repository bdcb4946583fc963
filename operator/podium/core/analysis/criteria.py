"""Criteria: each a measure and a limit for its share of bad answers. A guard has one or more of them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from podium.api.v1alpha1.spec.guards import Guard
from podium.api.v1alpha1.status import Evidence, ReferenceQuantiles
from podium.core.analysis.measures import (
    ERRORS,
    INVALID,
    Measure,
    counted_elsewhere,
    of_class,
    scores_above,
    slower_than,
)
from podium.core.analysis.sequential import HOPELESS
from podium.core.facts import ALL


@dataclass(frozen=True)
class Criterion:
    """Whether a share is above a limit, or above the champion's by more than a margin."""

    guard: Guard
    measure: Measure
    limit: float  # a share; beside the champion a difference of shares
    beside_champion: bool = False
    mirrored: bool = False  # good and bad change places: the share must not fall by more than the margin

    @property
    def name(self) -> str:
        """Its key in the status: the same guard has the same criteria at every reconcile."""
        beside = " beside the champion" if self.beside_champion else ""
        return f"{self.guard.name}: {'not ' if self.mirrored else ''}{self.measure.name}{beside}"


def criteria(guard: Guard, evidence: Evidence) -> tuple[Criterion, ...]:
    """The criteria of a guard; none yet while it waits for the champion's baseline."""
    baseline = next(
        (baseline for baseline in evidence.baselines if baseline.guard == guard.name),
        ReferenceQuantiles(guard=guard.name),
    )
    kind = next(kind for kind in _KINDS if getattr(guard, kind) is not None)
    return tuple(_KINDS[kind](guard, baseline))


def measures(guards: Sequence[Guard], evidence: Evidence) -> Mapping[str, Measure]:
    """Everything that has to be counted, by name. Errors always are: the record tells of them."""
    needed = (criterion.measure for guard in guards for criterion in criteria(guard, evidence))
    return {measure.name: measure for measure in (ERRORS, *needed)}


def _errors(guard: Guard, _: ReferenceQuantiles) -> Iterable[Criterion]:
    assert guard.error_rate is not None
    return _limited(guard, ERRORS, guard.error_rate.at_most, guard.error_rate.max_above_champion)


def _invalid(guard: Guard, _: ReferenceQuantiles) -> Iterable[Criterion]:
    assert guard.invalid_output is not None
    return _limited(guard, INVALID, guard.invalid_output.at_most, guard.invalid_output.max_above_champion)


def _counts(guard: Guard, _: ReferenceQuantiles) -> Iterable[Criterion]:
    assert guard.prometheus is not None
    return _limited(guard, counted_elsewhere(guard.name), guard.prometheus.at_most, guard.prometheus.max_above_champion)


def _latency(guard: Guard, baseline: ReferenceQuantiles) -> Iterator[Criterion]:
    latency = guard.latency
    assert latency is not None
    if latency.at_most is not None:
        limit = slower_than(latency.at_most.total_seconds(), latency.warm_up_answers)
        yield Criterion(guard, limit, 1 - latency.percentile / ALL)
    if latency.max_slower_than_champion is not None:
        for edge in baseline.edges:
            measure = slower_than(edge, latency.warm_up_answers)
            yield Criterion(guard, measure, latency.max_slower_than_champion, beside_champion=True)


def _scores(guard: Guard, baseline: ReferenceQuantiles) -> Iterator[Criterion]:
    """Both directions at each edge or class; but not a direction in which there is no room for the margin."""
    assert guard.prediction_shift is not None
    margin = guard.prediction_shift.max_shift
    compared = [*(scores_above(edge) for edge in baseline.edges), *(of_class(name) for name in baseline.classes)]
    for measure, share in zip(compared, baseline.shares, strict=True):
        for mirrored, champion in ((False, share), (True, 1 - share)):
            if champion + margin < HOPELESS:
                yield Criterion(guard, measure, margin, beside_champion=True, mirrored=mirrored)


def _limited(guard: Guard, measure: Measure, at_most: float | None, above: float | None) -> Iterator[Criterion]:
    if at_most is not None:
        yield Criterion(guard, measure, at_most)
    if above is not None:
        yield Criterion(guard, measure, above, beside_champion=True)


_KINDS: Mapping[str, Callable[[Guard, ReferenceQuantiles], Iterable[Criterion]]] = {
    "error_rate": _errors,
    "latency": _latency,
    "invalid_output": _invalid,
    "prediction_shift": _scores,
    "prometheus": _counts,
}
