"""Baselines: the values at which a challenger's distribution is compared with its champion's.

They are the champion's own quantiles, read once and then kept for the whole trial: a reference must not follow the
answers under test. A quantile is rounded up to an edge of the histogram, for both sides alike.
"""

from collections.abc import Iterable, Iterator, Sequence

from podium.api.v1alpha1.spec.guards import Guard
from podium.api.v1alpha1.status import Evidence, ReferenceQuantiles, Slot
from podium.core.facts import ALL, Counters, Facts, Histogram

ENOUGH = 200  # answers of the champion, so that a decile is one
DECILES = tuple(tenth / 10 for tenth in range(1, 10))
MOST_CLASSES = 10


def with_baselines(evidence: Evidence, guards: Sequence[Guard], facts: Facts, subject: Slot) -> Evidence:
    """The evidence with the baselines that can be read now and were not before."""
    known = {baseline.guard for baseline in evidence.baselines}
    waiting = [guard for guard in guards if guard.name not in known and _needs_one(guard)]
    if not waiting:
        return evidence
    champion = [pod for slot, pod in _counters(facts) if slot != subject]
    challenger = [pod for slot, pod in _counters(facts) if slot == subject]
    found = (_baseline(guard, champion, challenger) for guard in waiting)
    return evidence.model_copy(update={"baselines": [*evidence.baselines, *filter(None, found)]})


def _needs_one(guard: Guard) -> bool:
    return guard.prediction_shift is not None or (
        guard.latency is not None and guard.latency.max_slower_than_champion is not None
    )


def _counters(facts: Facts) -> Iterator[tuple[Slot, Counters]]:
    for slot, seen in sorted(facts.observed.slots.items()):
        for pod in seen.pods:
            if pod.counters is not None:
                yield slot, pod.counters


def _baseline(guard: Guard, champion: Sequence[Counters], challenger: Sequence[Counters]) -> ReferenceQuantiles | None:
    if guard.latency is not None:
        latencies = [pod.latency for pod in champion]
        # An edge that only one side has would compare two different things.
        common = _common_edges([*latencies, *(pod.latency for pod in challenger)]) if challenger else []
        edges = tuple(_quantiles(latencies, common, [guard.latency.percentile / ALL]))
        return ReferenceQuantiles(guard=guard.name, edges=edges) if edges else None
    return _baseline_of_classes(guard, champion) or _baseline_of_scores(guard, [pod.scores for pod in champion])


def _baseline_of_scores(guard: Guard, scores: Sequence[Histogram]) -> ReferenceQuantiles | None:
    edges = tuple(_quantiles(scores, sorted({edge for one in scores for edge in one.edges}), DECILES))
    total = sum(one.total for one in scores)
    above = tuple(1 - sum(one.at_most(edge) for one in scores) / total for edge in edges)
    return ReferenceQuantiles(guard=guard.name, edges=edges, shares=above) if edges else None


def _baseline_of_classes(guard: Guard, champion: Sequence[Counters]) -> ReferenceQuantiles | None:
    """The champion's most frequent classes; what is none of them shows as a lack of these."""
    counts: dict[str, int] = {}
    for pod in champion:
        for name, count in pod.classes.items():
            counts[name] = counts.get(name, 0) + count
    total = sum(counts.values())
    if total < ENOUGH:
        return None
    names = sorted(counts, key=lambda name: (-counts[name], name))[:MOST_CLASSES]
    return ReferenceQuantiles(
        guard=guard.name, classes=tuple(names), shares=tuple(counts[name] / total for name in names)
    )


def _common_edges(histograms: Sequence[Histogram]) -> list[float]:
    sets = [set(one.edges) for one in histograms if one.total]
    return sorted(set.intersection(*sets)) if sets else []


def _quantiles(histograms: Sequence[Histogram], edges: Sequence[float], shares: Iterable[float]) -> Iterator[float]:
    """The smallest edges at or below which these shares of all values are, each once."""
    total = sum(one.total for one in histograms)
    if total < ENOUGH:
        return
    below = [sum(one.at_most(edge) for one in histograms) for edge in edges]
    yielded: set[float] = set()
    for share in shares:
        edge = next((edge for edge, count in zip(edges, below, strict=True) if count >= share * total), None)
        if edge is not None and edge not in yielded:
            yielded.add(edge)
            yield edge
