"""One operator process: its queue, Reconciler, workers, sweep and leader election, on ports. It knows no adapter."""

import asyncio
from dataclasses import replace

from podium.controller.alias_claims import AliasClaims
from podium.controller.leader import Election, Times
from podium.controller.metrics import Metrics
from podium.controller.others import Others
from podium.controller.policies import PolicyBook
from podium.controller.queue import WorkQueue
from podium.controller.reconcile import Reconciler
from podium.controller.settings import Settings
from podium.controller.steady import SteadyClock
from podium.controller.sweep import Sweep
from podium.controller.template_turns import TemplateTurns
from podium.controller.workers import Workers
from podium.controller.workers.notifications import NotificationWorker
from podium.controller.workers.registry import RegistryWorker
from podium.controller.workers.webhooks import WebhookWorker
from podium.core.facts import Key
from podium.ports import AliasClaim, Ports


class Operator:
    """All parts of one operator process."""

    def __init__(self, ports: Ports, settings: Settings) -> None:
        self.metrics = Metrics()
        self._ports = ports
        self._settings = settings
        steady = replace(ports, clock=SteadyClock(ports.clock))
        self._election: Election | None = None
        self._policies = PolicyBook(ports.policies, steady.clock, settings.registry_uri, wake=self.changed)
        self.workers = Workers(
            RegistryWorker(
                ports.registry, ports.cluster, steady.clock, settings, notify=self.changed, leads=self._may_write
            ),
            WebhookWorker(ports.webhooks, ports.cluster, steady.clock, settings.registry_uri, notify=self.changed),
            NotificationWorker(
                ports.alerting,
                ports.notifier,
                ports.cluster,
                steady.clock,
                notify=self.changed,
                leads=self._may_write,
                policies=self._policies.of,
            ),
        )
        self._claims = AliasClaims(settings.registry_uri, wake=self.changed)
        turns = TemplateTurns(settings.template_budget, wake=self.changed)
        others = Others(ports.cluster, self._claims, turns, self._policies, steady.clock)
        self.reconciler = Reconciler(steady, self.workers, self.metrics, others)
        self.queue = WorkQueue(
            self.reconciler,
            ports.clock,
            self.metrics,
            workers=settings.workers,
            priority=self.reconciler.priorities.of,
        )
        self.sweep = Sweep(
            ports.cluster,
            ports.clock,
            add=self.queue.add,
            known=lambda: self.workers.registry.known() | self.metrics.known(),
            note=self.reconciler.note,
            claims=self._claims,
            every=settings.resync,
            hints=ports.hints,
        )
        if ports.hints is not None:
            ports.hints.listen(self)

    async def run(self) -> None:
        """Work, or stand by, until cancelled."""
        if not self._settings.leader_election:
            self._leads(True)
            return await self.lead()
        self._election = Election(
            self._ports.lease, self._ports.clock, self._settings.identity, times=Times(), told=self._leads
        )
        return await self._election.run(self.lead)

    async def lead(self) -> None:
        """The work of a leader, until cancelled. Nothing of it goes on afterwards."""
        self._claims.clear()
        self._policies.clear()
        self.reconciler.elapsed.begin()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._policies.run(), name="policies")
                group.create_task(self.sweep.run(), name="sweep")
                group.create_task(self.queue.run(), name="queue")
                group.create_task(self.workers.notifications.run(), name="notifications")
        finally:
            await self.workers.close()
            self.metrics.stop_showing()

    def told(self, key: Key, claim: AliasClaim | None) -> None:
        """A watch tells how a ModelDeployment is now, and which alias it claims."""
        self._claims.note(key, claim)
        self.queue.add(key)

    def changed(self, key: Key) -> None:
        """A watch, or the registry, tells of something that this ModelDeployment cares for."""
        self.queue.add(key)

    def routed(self, route: Key) -> None:
        """A watch tells of an HTTPRoute or the like: Podium's own, an adopted one, or that of another owner."""
        for key in self.reconciler.routed_by(route):
            self.queue.add(key)

    def _may_write(self) -> bool:
        return self._election is None or self._election.leads()

    def _leads(self, leading: bool) -> None:
        self.metrics.leading.set(leading)
