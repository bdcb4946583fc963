"""What Prometheus counts for the guards of kind `prometheus`: both sides' totals, read at each reconcile of a trial."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from podium.api.v1alpha1.evidence import Counts, Slot
from podium.api.v1alpha1.spec.guards import Guard
from podium.api.v1alpha1.status import Phase, Pinned, Status
from podium.core.analysis.measures import METRIC, counted_elsewhere
from podium.core.analysis.promql import fill
from podium.core.experiment import judged
from podium.core.permissions.permitted import one_tenants
from podium.core.rollout.templates import on_trial
from podium.ports import MetricsStore, ModelDeployment, Totals

BLIND = (
    "expected a query for each side, found the same one for both: a pod template is on trial, and both sides serve "
    'the same version; add {{slot}} to the queries, as in podium_dev_slot="{{slot}}"'
)
NO_STORE = "the operator has no Prometheus: set PODIUM_PROMETHEUS_URI"


@dataclass(frozen=True)
class PrometheusTotals:
    """Totals by measure and slot; and by measure, why there are none."""

    totals: Mapping[str, Mapping[Slot, Counts]]
    flaws: Mapping[str, str]


@dataclass(frozen=True)
class Queries:
    """The two queries of one guard for one side."""

    guard: str  # "" for the metric of an experiment
    measure: str
    slot: Slot
    bad: str
    total: str
    refused: str = ""  # why they may not be asked


async def prometheus_totals(md: ModelDeployment, store: MetricsStore | None) -> PrometheusTotals:
    """What is known of both sides. What has no total is left out, and its flaw says what was expected and found."""
    queries = list(queries_of(md)) if not md.refusals else []
    if store is None:
        return PrometheusTotals({}, {one.measure: NO_STORE for one in queries})
    asked = [query for one in queries if not one.refused for query in (one.bad, one.total)]
    answer = await store.totals(asked) if asked else Totals({}, {})
    totals: dict[str, dict[Slot, Counts]] = {}
    flaws: dict[str, str] = {}
    blind = _blind(queries) if on_trial(md.status) else frozenset()
    for one in queries:
        flaw = BLIND if one.measure in blind else _flaw(one, answer)
        if flaw:
            flaws[one.measure] = flaw
        else:
            found = Counts(answers=round(answer.values[one.total]), bad=round(answer.values[one.bad]))
            totals.setdefault(one.measure, {})[one.slot] = found
    return PrometheusTotals(totals, flaws)


def _blind(queries: Sequence[Queries]) -> frozenset[str]:
    """The measures whose queries are the same for both sides: they compare what is on trial with itself."""
    asked = Counter(
        each for one in queries for each in ((one.measure, "bad", one.bad), (one.measure, "all", one.total))
    )
    return frozenset(measure for (measure, *_), sides in asked.items() if sides > 1)


def _flaw(queries: Queries, answer: Totals) -> str:
    """Why the totals say nothing."""
    if queries.refused:
        return queries.refused
    unknown = answer.flaws.get(queries.bad) or answer.flaws.get(queries.total)
    if unknown:
        return unknown
    bad, total = answer.values[queries.bad], answer.values[queries.total]
    return f"expected bad to be at most total, found {bad:g} of {total:g}" if bad > total else ""


def queries_of(md: ModelDeployment) -> Iterator[Queries]:
    """The queries that the trial needs now."""
    for guard in _guards(md.status):
        for pinned in _sides(md.status) if guard.prometheus is not None else ():
            assert guard.prometheus is not None
            asked = counted_elsewhere(guard.name).name, guard.prometheus.bad, guard.prometheus.total
            yield _filled(guard.name, asked, pinned, md)
    experiment = md.spec.rollout.experiment if md.spec is not None else None
    if experiment is not None and experiment.metric is not None:
        for arm in judged(md.status):
            asked = METRIC.name, experiment.metric.good, experiment.metric.total
            yield _filled("", asked, arm.pinned, md)


def _guards(status: Status) -> Sequence[Guard]:
    """The trial's, or those that the champion is asked for after it, and after its soak."""
    arms = [arm.trial for arm in judged(status)]
    asked = (*arms, status.trial, status.suspected, status.shared_outage, status.after_soak)
    return next((each.guards for each in asked if each is not None), ())


def _sides(status: Status) -> Iterator[Pinned]:
    """The version under judgement and the one beside it."""
    sides = (status.champion, status.former if status.phase is Phase.SOAKING else status.challenger)
    yield from (pinned for pinned in sides if pinned is not None)
    yield from (arm.pinned for arm in judged(status))


def _filled(guard: str, asked: tuple[str, str, str], pinned: Pinned, md: ModelDeployment) -> Queries:
    """`asked` is the measure, and the queries for bad ones (of a metric, for good ones) and for all."""
    measure, *queries = asked
    values = {
        "namespace": md.key.namespace,
        "name": md.key.name,
        "version": pinned.version,
        "slot": pinned.slot,
    }
    bad, total = (fill(query, values) for query in queries)
    refused = ""
    if md.policies is not None:
        # The guards are the trial's, refusals are of what Git says now: so these are looked at for themselves.
        try:
            bad, total = (one_tenants(query, md.policies, md.key.namespace) for query in (bad, total))
        except ValueError as error:
            refused = f"{f'guard {guard}' if guard else 'the metric'}: its queries are not permitted: {error}"
    return Queries(guard, measure, pinned.slot, bad, total, refused)
