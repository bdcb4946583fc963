"""How the parts are put together, and how they start and end."""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from podium.adapters.clock import RealClock
from podium.adapters.kubernetes.api import Api
from podium.adapters.kubernetes.cluster import KubernetesCluster
from podium.adapters.kubernetes.jobs import KubernetesGateJobs
from podium.adapters.kubernetes.lease import KubernetesLease
from podium.adapters.kubernetes.pod_specs import Defaults
from podium.adapters.metrics.pods import DirectFetch, ProxyFetch, ScrapedPodMetrics
from podium.adapters.metrics.prometheus import Prometheus
from podium.adapters.registries.mlflow import MlflowRegistry
from podium.adapters.routers.choice import Routers
from podium.adapters.webhooks.http import HttpWebhooks
from podium.controller.endpoints import serving
from podium.controller.leader import Election, Times
from podium.controller.metrics import Metrics
from podium.controller.observe import Ports
from podium.controller.queue import WorkQueue
from podium.controller.reconcile import Reconciler
from podium.controller.settings import Settings
from podium.controller.steady import SteadyClock
from podium.controller.sweep import Sweep
from podium.controller.template_turns import TemplateTurns
from podium.controller.watches import Watches
from podium.controller.workers.registry import RegistryWorker
from podium.controller.workers.webhooks import WebhookWorker
from podium.core.facts import Key
from podium.ports import Clock, Cluster, GateJobs, LeaseStore, MetricsStore, PodMetrics, Registry, Router, Webhooks

LEASE = "podium-operator"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outside:
    """The outside systems, as ports: real ones here, fakes in tests."""

    cluster: Cluster
    router: Router
    evidence: PodMetrics
    metrics_store: MetricsStore | None
    registry: Registry
    lease: LeaseStore
    clock: Clock
    jobs: GateJobs
    webhooks: Webhooks


class Operator:
    """All parts of one operator process."""

    def __init__(self, outside: Outside, settings: Settings) -> None:
        self.metrics = Metrics()
        self._outside = outside
        self._settings = settings
        clock = SteadyClock(outside.clock)
        self.registry = RegistryWorker(outside.registry, outside.cluster, clock, settings, notify=self.changed)
        self.webhooks = WebhookWorker(
            outside.webhooks, outside.cluster, clock, settings.registry_uri, notify=self.changed
        )
        ports = Ports(
            cluster=outside.cluster,
            router=outside.router,
            evidence=outside.evidence,
            clock=clock,
            jobs=outside.jobs,
            webhooks=self.webhooks,
            registry=self.registry,
            metrics_store=outside.metrics_store,
            registry_uri=settings.registry_uri,
        )
        self.reconciler = Reconciler(ports, self.metrics, TemplateTurns(settings.template_budget, wake=self.changed))
        self.queue = WorkQueue(
            self.reconciler,
            outside.clock,
            self.metrics,
            workers=settings.workers,
            priority=self.reconciler.priorities.of,
        )
        self.sweep = Sweep(
            outside.cluster,
            outside.clock,
            add=self.queue.add,
            known=lambda: self.registry.known() | self.metrics.known(),
            rank=self.reconciler.priorities.note,
            every=settings.resync,
        )

    async def run(self) -> None:
        """Work, or stand by, until cancelled."""
        if not self._settings.leader_election:
            self._leads(True)
            return await self.lead()
        election = Election(
            self._outside.lease, self._outside.clock, self._settings.identity, times=Times(), told=self._leads
        )
        return await election.run(self.lead)

    async def lead(self) -> None:
        """The work of a leader, until cancelled. Nothing of it goes on afterwards."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.sweep.run(), name="sweep")
                group.create_task(self.queue.run(), name="queue")
        finally:
            await asyncio.gather(self.registry.close(), self.webhooks.close())
            self.metrics.stop_showing()

    def changed(self, key: Key) -> None:
        """A watch, or the registry, tells of something that this ModelDeployment cares for."""
        self.queue.add(key)

    def routed(self, route: Key) -> None:
        """A watch tells of an HTTPRoute or the like: Podium's own, an adopted one, or that of another owner."""
        for key in self.reconciler.routed_by(route):
            self.queue.add(key)

    def _leads(self, leading: bool) -> None:
        self.metrics.leading.set(leading)


async def main(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT."""
    stopping = asyncio.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(each, stopping.set)
    async with connected(settings) as outside:
        operator = Operator(outside, settings)
        watches = Watches(
            outside.cluster,
            outside.clock,
            namespaces=settings.watched,
            changed=operator.changed,
            routed=operator.routed,
            relisted=operator.sweep.relisted,
        )
        async with serving(operator.metrics, lambda: watches.watching, settings.http_port) as port:
            _log.info("%s is up, health and metrics on port %d", settings.identity, port)
            await until(stopping, operator.run, watches.run)
    _log.info("%s has stopped", settings.identity)


async def until(stopping: asyncio.Event, *parts: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run the parts until the event is set or one of them fails, then end them all, and raise what failed."""
    tasks = [asyncio.create_task(part()) for part in parts]
    stop = asyncio.create_task(stopping.wait())
    await asyncio.wait([*tasks, stop], return_when=asyncio.FIRST_COMPLETED)
    for task in (*tasks, stop):
        task.cancel()
    await asyncio.wait([*tasks, stop])
    for task in tasks:
        if not task.cancelled():
            task.result()


@asynccontextmanager
async def connected(settings: Settings) -> AsyncIterator[Outside]:
    """The real outside systems."""
    async with AsyncExitStack() as stack:
        api, clock = await Api.connect(), RealClock()
        stack.push_async_callback(api.close)
        fetch = DirectFetch() if settings.scrape == "direct" else ProxyFetch(api)
        stack.push_async_callback(fetch.close)
        metrics_store = Prometheus(settings.prometheus_uri) if settings.prometheus_uri else None
        if metrics_store is not None:
            stack.push_async_callback(metrics_store.close)
        registry = MlflowRegistry()
        stack.push_async_callback(registry.close)
        webhooks = HttpWebhooks()
        stack.push_async_callback(webhooks.close)
        defaults = Defaults(image=settings.runtime_image, registry_uri=settings.registry_uri)
        yield Outside(
            cluster=KubernetesCluster(api, clock, defaults, settings.identity, settings.watched),
            router=Routers(api, clock),
            evidence=ScrapedPodMetrics(fetch),
            metrics_store=metrics_store,
            registry=registry,
            lease=KubernetesLease(api, clock, settings.namespace, LEASE),
            clock=clock,
            jobs=KubernetesGateJobs(api, defaults),
            webhooks=webhooks,
        )
