"""The real outside systems and the process around the operator: how they are connected, and how they start and end."""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from podium.adapters.clock import RealClock
from podium.adapters.kubernetes.alerting import KubernetesAlerting
from podium.adapters.kubernetes.api import Api
from podium.adapters.kubernetes.cluster import KubernetesCluster
from podium.adapters.kubernetes.informers.informers import Informers
from podium.adapters.kubernetes.jobs import KubernetesGateJobs
from podium.adapters.kubernetes.lease import KubernetesLease
from podium.adapters.kubernetes.pod_specs import Defaults
from podium.adapters.kubernetes.policies import KubernetesPolicies
from podium.adapters.metrics.pods import DirectFetch, ProxyFetch, ScrapedPodMetrics
from podium.adapters.metrics.prometheus import Prometheus
from podium.adapters.notifiers.by_type import Notifiers
from podium.adapters.registries.mlflow import MlflowRegistry
from podium.adapters.routers.choice import Routers
from podium.adapters.routers.hints import KubernetesHints
from podium.adapters.webhooks.http import HttpWebhooks
from podium.controller.endpoints import serving
from podium.controller.process import Shards, operator_of
from podium.controller.settings import Settings
from podium.controller.watches import Watches
from podium.ports import Ports

LEASE = "podium-operator"
_log = logging.getLogger(__name__)


async def main(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT."""
    stopping = asyncio.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(each, stopping.set)
    async with connected(settings) as (ports, informers):
        operator = operator_of(ports, settings)
        state = (lambda: operator.state) if isinstance(operator, Shards) else str
        watches = Watches(ports.cluster, ports.clock, namespaces=settings.watched, informers=informers.run)
        ready = lambda: watches.watching and informers.complete  # noqa: E731  a standby is ready, too
        async with serving(operator.metrics, ready, settings.http_port, state) as port:
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
async def connected(settings: Settings) -> AsyncIterator[tuple[Ports, Informers]]:
    """The real outside systems, and what has to run beside the operator to know what rests."""
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
        notifier = Notifiers()
        stack.push_async_callback(notifier.close)
        defaults = Defaults(image=settings.runtime_image, registry_uri=settings.registry_uri, user=settings.pod_user)
        informers = Informers(api, clock, settings.watched)
        yield (
            Ports(
                cluster=KubernetesCluster(api, clock, defaults, settings.identity, settings.watched),
                router=Routers(api, clock),
                pod_metrics=ScrapedPodMetrics(fetch),
                metrics_store=metrics_store,
                registry=registry,
                lease=KubernetesLease(api, clock, settings.namespace, LEASE),
                clock=clock,
                jobs=KubernetesGateJobs(api, defaults),
                webhooks=webhooks,
                alerting=KubernetesAlerting(api, settings.watched),
                notifier=notifier,
                policies=KubernetesPolicies(api),
                hints=KubernetesHints(informers, clock, defaults),
            ),
            informers,
        )
