"""All reads of one look, gathered into one value. Fresh each time: there is no cache that can be stale.

Essential is what the slots are and what the main Service says; without them there is no look. What pods say, and which
endpoints are ready, is put in as far as it can be had: a way back must not wait for it.
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from podium.api.status import Phase, Slot
from podium.controller.counts import counts_seen
from podium.controller.registry_watch import RegistryWatch
from podium.controller.rivals import rival_of
from podium.controller.webhook_desk import WebhookDesk
from podium.core.facts import AutoscalerSeen, GateAnswer, Rival, SlotSeen, World
from podium.core.gates import open_questions
from podium.errors import PodiumError
from podium.ports import Clock, Cluster, EvidenceSource, GateJobs, MetricsStore, ModelDeploymentSeen, Router, Statement

QUIET: Final = frozenset({Phase.PENDING, Phase.GATING, Phase.BLOCKED, Phase.SETTLED, Phase.REJECTED})
_EVIDENCE: Final = 2.0  # seconds for all pods together; each has less of its own
_JOBS: Final = 2.0  # seconds; a gate waits for its job anyway, the champion's pods do not
_AUTOSCALER: Final = 2.0  # seconds; the size is known without it
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Ports:
    """The outside world of one operator."""

    cluster: Cluster
    router: Router
    evidence: EvidenceSource
    clock: Clock
    jobs: GateJobs
    webhooks: WebhookDesk
    registry: RegistryWatch
    metrics_store: MetricsStore | None  # None where the operator knows of no Prometheus
    registry_uri: str  # the default one: two ModelDeployments may mean the same, one by name and one by default


async def observe(seen: ModelDeploymentSeen, ports: Ports) -> World:
    """What is there, whatever was asked for."""
    slots = await ports.cluster.slots(seen)
    traffic, said, rival, counts, jobs, autoscaler = await asyncio.gather(
        ports.router.seen(seen, slots),
        _statements(seen, slots, ports),
        _rival(seen, ports),
        counts_seen(seen, ports.metrics_store),
        _jobs(seen, ports),
        _autoscaler(seen, ports),
    )
    return World(
        registry=ports.registry.seen(seen),
        slots=_with_words(slots, said),
        traffic=traffic,
        rival=rival,
        counts=counts.totals,
        count_flaws=counts.flaws,
        gate_answers={**jobs, **ports.webhooks.seen(seen)},
        held=seen.held,
        autoscaler=autoscaler,
    )


async def _statements(
    seen: ModelDeploymentSeen, slots: Mapping[Slot, SlotSeen], ports: Ports
) -> Mapping[str, Statement]:
    pods = [pod for slot in slots.values() for pod in slot.pods]
    try:
        async with asyncio.timeout(_EVIDENCE):
            return await ports.evidence.ask(seen.key.namespace, pods)
    except (PodiumError, TimeoutError) as error:
        _log.warning("%s: the pods were not heard: %s", seen.key, error or "they took too long")
        return {}


async def _rival(seen: ModelDeploymentSeen, ports: Ports) -> Rival | None:
    """Asked only while nothing is on trial: a rollback must not wait for a list of everything."""
    if seen.status.phase not in QUIET:
        return None
    return rival_of(seen, await ports.cluster.list_all(), ports.registry_uri)


async def _jobs(seen: ModelDeploymentSeen, ports: Ports) -> Mapping[str, GateAnswer]:
    """Asked only while a gate waits for one."""
    if seen.spec is None:
        return {}
    questions = {gate.name: asked for gate, asked in open_questions(seen.spec, seen.status) if gate.job is not None}
    if not questions:
        return {}
    try:
        async with asyncio.timeout(_JOBS):
            return await ports.jobs.seen(seen, questions)
    except (PodiumError, TimeoutError) as error:
        _log.warning("%s: the gates' jobs were not seen: %s", seen.key, error or "it took too long")
        return {}


async def _autoscaler(seen: ModelDeploymentSeen, ports: Ports) -> AutoscalerSeen | None:
    try:
        async with asyncio.timeout(_AUTOSCALER):
            return await ports.cluster.autoscaler(seen)
    except (PodiumError, TimeoutError) as error:
        _log.warning("%s: its autoscaler was not seen: %s", seen.key, error or "it took too long")
        return None


def _with_words(slots: Mapping[Slot, SlotSeen], said: Mapping[str, Statement]) -> Mapping[Slot, SlotSeen]:
    """The slots, with what their pods said of themselves."""
    return {
        slot: replace(
            seen,
            pods=tuple(
                replace(pod, identity=said[pod.uid].identity, counters=said[pod.uid].counters)
                if pod.uid in said
                else pod
                for pod in seen.pods
            ),
        )
        for slot, seen in slots.items()
    }
