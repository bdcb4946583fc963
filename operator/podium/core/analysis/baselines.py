"""Baselines: the values at which a challenger's distribution is compared with its champion's.

They are the champion's own quantiles, read once and then kept for the whole trial: a reference must not follow the
answers under test. A quantile is rounded up to an edge of the histogram, for both sides alike.
"""

from collections.abc import Iterator, Sequence

from podium.api.v1alpha1.evidence import Evidence, Slot
from podium.api.v1alpha1.spec.guards import Guard
from podium.core.analysis.guard_kinds import baseline_of, needs_baseline
from podium.core.facts import Counters, Facts


def with_baselines(evidence: Evidence, guards: Sequence[Guard], facts: Facts, subject: Slot) -> Evidence:
    """The evidence with the baselines that can be read now and were not before."""
    known = {baseline.guard for baseline in evidence.baselines}
    waiting = [guard for guard in guards if guard.name not in known and needs_baseline(guard)]
    if not waiting:
        return evidence
    champion = [pod for slot, pod in _counters(facts) if slot != subject]
    challenger = [pod for slot, pod in _counters(facts) if slot == subject]
    found = (baseline_of(guard, champion, challenger) for guard in waiting)
    return evidence.model_copy(update={"baselines": [*evidence.baselines, *filter(None, found)]})


def _counters(facts: Facts) -> Iterator[tuple[Slot, Counters]]:
    for slot, seen in sorted(facts.observed.slots.items()):
        for pod in seen.pods:
            if pod.counters is not None:
                yield slot, pod.counters
