"""One operator, or one shard of it: queue, Reconciler, workers, sweep and leader election. It knows no adapter."""

import asyncio
from dataclasses import replace

from podium.controller.alias_claims import AliasClaims
from podium.controller.cluster_identity import ClusterIdentity
from podium.controller.leader import Election, Times
from podium.controller.metrics import Metrics
from podium.controller.others import Others
from podium.controller.policies import PolicyBook
from podium.controller.queue import WorkQueue
from podium.controller.reconcile import Reconciler
from podium.controller.settings import Settings
from podium.controller.share import Share
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
    """All parts of one operator process, or of one shard in it."""

    def __init__(self, ports: Ports, settings: Settings, share: Share | None = None) -> None:
        """Without a share, it is alone: all namespaces are its own."""
        self._share = share
        self.metrics = share.metrics if share is not None else Metrics()
        self._ports = ports
        self._settings = settings
        steady = replace(ports, clock=SteadyClock(ports.clock))
        self._election: Election | None = None
        self._identity = ClusterIdentity(ports.cluster, steady.clock, settings.cluster_id)
        self._policies = PolicyBook(
            ports.policies,
            steady.clock,
            settings.registry_uri,
            wake=self.changed,
            template=ports.cluster.template,
        )
        self.workers = Workers(
            RegistryWorker(
                ports.registry,
                ports.cluster,
                steady.clock,
                settings,
                notify=self.changed,
                leads=self._may_write,
                owner=self._identity.owner,
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
                mine=self.is_mine,
            ),
        )
        self._claims = AliasClaims(settings.registry_uri, wake=self.changed)
        turns = TemplateTurns(settings.template_budget, wake=self.changed)
        others = Others(
            ports.cluster,
            self._claims,
            turns,
            self._policies,
            steady.clock,
            identity=self._identity,
            elsewhere=share.turns(ports.cluster, ports.clock) if share is not None else None,
        )
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
            mine=self.is_mine,
        )
        if ports.hints is not None and share is None:
            ports.hints.listen(self)

    async def run(self) -> None:
        """Work, or stand by, until cancelled."""
        if not self._settings.leader_election:
            self._leads(True)
            return await self.lead()
        ports, share, identity = self._ports, self._share, self._settings.identity
        self._election = (
            Election(ports.lease, ports.clock, identity, times=Times(), told=self._leads)
            if share is None
            else Election(
                share.store, ports.clock, share.holder, times=share.times, told=self._leads, peers=share.peers
            )
        )
        return await self._election.run(self.lead)

    def is_mine(self, namespace: str) -> bool:
        """Whether the namespace is in this shard."""
        return self._share is None or self._share.has(namespace)

    async def lead(self) -> None:
        """The work of a leader, until cancelled. Nothing of it goes on afterwards."""
        self._claims.clear()
        self._policies.clear()
        self.reconciler.elapsed.begin()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._identity.run(), name="the cluster's name")
                group.create_task(self._policies.run(), name="policies")
                group.create_task(self.sweep.run(), name="sweep")
                group.create_task(self.queue.run(), name="queue")
                group.create_task(self.workers.notifications.run(), name="notifications")
        finally:
            await self.workers.close()
            self.metrics.stop_showing(self.is_mine)

    def told(self, key: Key, claim: AliasClaim | None) -> None:
        """A watch tells how a ModelDeployment is now, and which alias it claims."""
        self._claims.note(key, claim)
        self.changed(key)

    def changed(self, key: Key) -> None:
        """A watch, or the registry, tells of something that this ModelDeployment cares for."""
        if self.is_mine(key.namespace):
            self.queue.add(key)

    def routed(self, route: Key) -> None:
        """A watch tells of an HTTPRoute or the like: Podium's own, an adopted one, or that of another owner."""
        for key in self.reconciler.routed_by(route):
            self.queue.add(key)

    def _may_write(self) -> bool:
        return self._election is None or self._election.leads()

    def _leads(self, leading: bool) -> None:
        if self._share is None:
            self.metrics.leading.set(leading)
        else:
            self._share.leads(leading)
