"""The share of slow answers: than a limit, or than the champion's own percentile."""

from collections.abc import Iterator, Sequence

from podium.api.v1alpha1.evidence import ReferenceQuantiles
from podium.api.v1alpha1.spec.guards import Guard, LatencyGuard
from podium.core.analysis.criterion import Criterion
from podium.core.analysis.guard_kinds.kind import GuardKind, Tolerance
from podium.core.analysis.measures import slower_than
from podium.core.analysis.quantiles import common_edges, quantiles
from podium.core.facts import ALL, Counters


def _criteria(guard: Guard, latency: LatencyGuard, baseline: ReferenceQuantiles) -> Iterator[Criterion]:
    if latency.at_most is not None:
        limit = slower_than(latency.at_most.total_seconds(), latency.warm_up_answers)
        yield Criterion(guard, limit, _tail(latency))
    if latency.max_slower_than_champion is not None:
        for edge in baseline.edges:
            measure = slower_than(edge, latency.warm_up_answers)
            yield Criterion(guard, measure, latency.max_slower_than_champion, beside_champion=True)


def _tail(latency: LatencyGuard) -> float:
    return 1 - latency.percentile / ALL


def _tolerance(latency: LatencyGuard) -> Tolerance:
    at_most = _tail(latency) if latency.at_most is not None else None
    return Tolerance(at_most, latency.max_slower_than_champion, usual=_tail(latency))  # by what a percentile is


def _baseline(
    guard: Guard, latency: LatencyGuard, champion: Sequence[Counters], challenger: Sequence[Counters]
) -> ReferenceQuantiles | None:
    latencies = [pod.latency for pod in champion]
    # An edge that only one side has would compare two different things.
    common = common_edges([*latencies, *(pod.latency for pod in challenger)]) if challenger else []
    edges = tuple(quantiles(latencies, common, [latency.percentile / ALL]))
    return ReferenceQuantiles(guard=guard.name, edges=edges) if edges else None


LATENCY = GuardKind(
    "latency",
    _criteria,
    _tolerance,
    needs_baseline=lambda latency: latency.max_slower_than_champion is not None,
    baseline=_baseline,
    simulated="latency",
)
