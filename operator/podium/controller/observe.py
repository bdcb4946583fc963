"""All reads of what one ModelDeployment has, gathered into one value. Fresh each time: no cache can be stale.

What rests is looked at by what the watches know first: see `resting`.

What others have to do with it (an alias, a turn) the Reconciler knows: a list of all in each reconcile costs too much.

Essential is what the slots are and what the main Service says; without them there is no reconcile. Pod metrics and
ready endpoints are added as far as they can be read: a rollback must not wait for them.
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from podium.api.v1alpha1.evidence import Slot
from podium.api.v1alpha1.status import Phase
from podium.controller.prometheus_totals import PrometheusTotals, prometheus_totals
from podium.controller.workers import Workers
from podium.core.facts import AutoscalerState, GateResponse, ObservedState, PodState, RegistryState, SlotState
from podium.core.gates import pending_requests
from podium.core.identity import Identity
from podium.core.shadow import ShadowOrder
from podium.errors import PodiumError
from podium.ports import Cluster, Hints, MetricsStore, ModelDeployment, PodMetrics, PodReport, Ports

QUIET: Final = frozenset({Phase.PENDING, Phase.GATING, Phase.BLOCKED, Phase.STABLE, Phase.REJECTED, Phase.ABORTED})
_EVIDENCE: Final = 2.0  # seconds for all pods together; each has less of its own
_JOBS: Final = 2.0  # seconds; a gate waits for its job anyway, the champion's pods do not
_AUTOSCALER: Final = 2.0  # seconds; the size is known without it
_log = logging.getLogger(__name__)


async def observe(md: ModelDeployment, ports: Ports, workers: Workers) -> ObservedState:
    """The observed state, whatever is desired."""
    slots = await ports.cluster.slots(md)
    traffic, reports, counts, jobs, autoscaler = await asyncio.gather(
        ports.router.observe(md, slots),
        _pod_reports(md, slots, ports.pod_metrics),
        prometheus_totals(md, ports.metrics_store),
        _jobs(md, ports),
        _autoscaler(md, ports.cluster),
    )
    return ObservedState(
        registry=workers.registry.latest(md),
        slots=_with_reports(slots, reports),
        traffic=traffic,
        counts=counts.totals,
        count_flaws=counts.flaws,
        gate_responses={**jobs, **workers.webhooks.latest(md)},
        has_finalizer=md.has_finalizer,
        autoscaler=autoscaler,
        template=md.template,
        refusals=md.refusals,
    )


async def observe_at_rest(
    md: ModelDeployment,
    hints: Hints,
    pod_metrics: PodMetrics,
    registry: RegistryState,
    store: MetricsStore | None = None,
) -> ObservedState:
    """The same of what rests, as the watches know it. Raises NotKnown where they do not.

    The metrics store is asked by the guards of a champion that is watched after its soak, where one is given.
    """
    slots = await hints.slots(md)
    traffic, autoscaler = await hints.observe(md, slots), await _autoscaler(md, hints)
    counts = await prometheus_totals(md, store) if store is not None else PrometheusTotals({}, {})
    return ObservedState(
        registry=registry,
        slots=_with_reports(slots, await _pod_reports(md, slots, pod_metrics)),
        traffic=traffic,
        counts=counts.totals,
        count_flaws=counts.flaws,
        has_finalizer=md.has_finalizer,
        autoscaler=autoscaler,
        template=md.template,
        refusals=md.refusals,
    )


async def _pod_reports(
    md: ModelDeployment, slots: Mapping[Slot, SlotState], pod_metrics: PodMetrics
) -> Mapping[str, PodReport]:
    pods = [pod for slot in slots.values() for pod in slot.pods]
    try:
        async with asyncio.timeout(_EVIDENCE):
            return await pod_metrics.ask(md.key.namespace, pods, _per_connection(md), _shadow(md))
    except (PodiumError, TimeoutError) as error:
        _log.warning("%s: could not scrape pods: %s", md.key, error or "timed out")
        return {}


def _per_connection(md: ModelDeployment) -> int | None:
    """Requests after which pods close a connection: while a Service, which shares connections, leads to both sides."""
    if md.spec is None or md.spec.traffic.exact or md.status.phase is not Phase.CANARY or _shadow(md) is not None:
        return None
    return md.spec.traffic.service.requests_per_connection


def _shadow(md: ModelDeployment) -> ShadowOrder | None:
    """The copies that the champion's pods are to send: in a shadow step. They end by themselves once this is not told.

    A pod of the challenger itself, which is told the same, copies nothing to itself.
    """
    trial, challenger = md.status.trial, md.status.challenger
    if md.status.phase is not Phase.CANARY or trial is None or challenger is None:
        return None
    share = trial.steps[trial.step].shadow
    if share is None:
        return None
    tolerance = next((guard.shadow.tolerance for guard in trial.guards if guard.shadow is not None), 0.0)
    return ShadowOrder(Identity(challenger.version, challenger.digest), share, tolerance)


async def _jobs(md: ModelDeployment, ports: Ports) -> Mapping[str, GateResponse]:
    """Asked only while a gate waits for one."""
    if md.spec is None:
        return {}
    requests = {
        gate.name: request_id for gate, request_id in pending_requests(md.spec, md.status) if gate.job is not None
    }
    if not requests:
        return {}
    try:
        async with asyncio.timeout(_JOBS):
            return await ports.jobs.observe(md, requests)
    except (PodiumError, TimeoutError) as error:
        _log.warning("%s: could not read the gates' Jobs: %s", md.key, error or "timed out")
        return {}


async def _autoscaler(md: ModelDeployment, cluster: Cluster | Hints) -> AutoscalerState | None:
    try:
        async with asyncio.timeout(_AUTOSCALER):
            return await cluster.autoscaler(md)
    except (PodiumError, TimeoutError) as error:
        _log.warning("%s: could not read the HorizontalPodAutoscaler: %s", md.key, error or "timed out")
        return None


def _with_reports(slots: Mapping[Slot, SlotState], reports: Mapping[str, PodReport]) -> Mapping[Slot, SlotState]:
    """The slots, with the reports of their pods."""
    return {
        slot: replace(
            seen,
            pods=tuple(_with_report(pod, reports[pod.uid]) if pod.uid in reports else pod for pod in seen.pods),
        )
        for slot, seen in slots.items()
    }


def _with_report(pod: PodState, report: PodReport) -> PodState:
    said = replace(
        pod,
        identity=report.identity,
        counters=replace(report.counters, shadow=report.shadow),
        startup_step=report.startup_step,
        reload=report.reload,
    )
    if not pod.reloads or report.identity is None:
        return said
    return replace(said, version=report.identity.version)
