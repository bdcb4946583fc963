"""The whole world of one ModelDeployment, and what people do with it.

    world = World(rate=50, seed=1)
    world.register("1")
    world.commit(spec, "version 1")
    world.settle("1")

`until` moves the clock. Real operators work meanwhile: the real queue, Reconciler, registry worker and leader election.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from podium.api.v1alpha1.evidence import Slot
from podium.api.v1alpha1.spec.spec import Spec
from podium.api.v1alpha1.status import Phase, Status
from podium.controller.settings import Settings
from podium.core.facts import Key
from podium.errors import Unavailable
from podium.ports import Ports
from podium.simulation.world.clients import Clients
from podium.simulation.world.cluster import FakeCluster
from podium.simulation.world.faults import KINDS, Call, Disorder, Kind
from podium.simulation.world.gates import FakeGateJobs, FakeWebhooks
from podium.simulation.world.hints import Watching, watches
from podium.simulation.world.journal import line_of, line_of_event
from podium.simulation.world.lease import FakeLease
from podium.simulation.world.loop import LoopClock, VirtualLoop
from podium.simulation.world.metrics_store import FakeMetricsStore
from podium.simulation.world.others import Others
from podium.simulation.world.pod_metrics import FakePodMetrics
from podium.simulation.world.pods import Behaviour
from podium.simulation.world.policies import FakePolicies
from podium.simulation.world.process import Process
from podium.simulation.world.promises import broken_by
from podium.simulation.world.receivers import FakeAlerting, FakeNotifier
from podium.simulation.world.registry import FakeRegistry
from podium.simulation.world.router import FakeRouter
from podium.simulation.world.view import KEY, MODEL, View

BEGIN: Final = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
URI: Final = "http://mlflow.ml:5000"
_TICK: Final = 0.25  # seconds: requests come in so many at once, unless it is said otherwise
_MENDS: Final = 30.0  # seconds: between two tries of what failed there are no more
_RESTART: Final = 1.0  # seconds until a process that died is there again
_living: list["World"] = []


class Broken(AssertionError):
    """A promise was broken, or what was waited for did not happen. Says the log until then."""


def end_worlds() -> None:
    """End all worlds that have not ended: their operators' tasks would outlive them."""
    while _living:
        _living[-1].end()


class World(View):
    """Everything outside the operators, and the operators."""

    registry_poll: float = Settings.registry_poll  # seconds
    workers, shards = 2, 1  # of an operator
    watching: Watching | None = None  # what operators know by their watches; None: they read everything afresh

    def __init__(
        self,
        *,
        rate: float = 50,
        seed: int = 1,
        chaos: float = 0.0,
        kinds: Sequence[Kind] = KINDS,
        operators: int = 1,
        election: bool | None = None,  # None: where there are several operators
        disorder: Disorder | None = None,  # instead of one that draws
        tick: float = _TICK,
        registry: FakeRegistry | None = None,
    ) -> None:
        self.loop = VirtualLoop()
        self.clock = LoopClock(self.loop, BEGIN)
        self.cluster = FakeCluster(self.clock)
        self.router = FakeRouter(self.cluster)
        self.registry = registry or FakeRegistry()  # one of another world is shared with it
        self.registry_uri = self.cluster.default_registry = URI  # the operator's default address
        self.jobs = FakeGateJobs(self.clock)
        self.webhooks = FakeWebhooks(otherwise=Unavailable("the service did not answer within 10 s"))
        self.alerting, self.notifier = FakeAlerting(self.clock), FakeNotifier()
        self.metrics_store, self.policies = FakeMetricsStore(), FakePolicies()
        self.clients = Clients(self.cluster, self.router, rate=rate, seed=seed)
        self.disorder = disorder or Disorder(chaos, seed + 1, kinds)
        self.log: list[str] = []
        self.statuses: list[tuple[int, Status]] = []  # every one that was written, with the generation that it is of
        self.writes, self.harmed_at = 0, -1.0
        self.broken: list[str] = []
        self._mends_alias: float | None = None  # until when the leader has to put right what landed late
        self.processes: list[Process] = []
        self._awaited: Phase | None = None
        self.pod_metrics = FakePodMetrics(self.cluster, self.router)
        self.ports = Ports(
            self.cluster, self.router, self.pod_metrics, self.metrics_store, self.registry,
            FakeLease(), self.clock, self.jobs, self.webhooks, self.alerting, self.notifier, self.policies,
        )  # fmt: skip
        self._election = operators > 1 if election is None else election
        self.skew = timedelta()  # by so much the wall clocks of operators that start from now on are ahead
        self._tick, self._started, self._events_told = tick, 0, 0
        for _ in range(operators):
            self.start()
        _living.append(self)

    # --- what people do -----------------------------------------------------------------------------------------------

    def register(
        self, version: str, *, metrics: Mapping[str, float] | None = None, created: datetime = BEGIN, **behaviour: Any
    ) -> None:
        """A new version of the model, and how its pods will behave."""
        made = self.registry.publish(MODEL, metrics=metrics if metrics is not None else {"auc": 0.9})
        assert made == version
        self.registered(version).created = created
        self.cluster.behave(version, Behaviour(**{"stagger": 1.0, **behaviour}))

    def commit(self, spec: Spec, what: str = "", key: Key = KEY) -> None:
        """Git says something: the generation rises only if the spec differs."""
        if what:
            self.note(f"git: {what}")
        self.cluster.put(key, spec)
        self.tell(key)

    def scale(self, replicas: int) -> None:
        """An autoscaler, or `kubectl scale`, writes the size."""
        self.note(f"scaled to {replicas} pods")
        serving = self.spec.serving.model_copy(update={"replicas": replicas})
        self.commit(self.spec.model_copy(update={"serving": serving}))

    def note(self, what: str) -> None:
        minutes, seconds = divmod(int(self.loop.time() + 1e-6), 60)
        self.log.append(f"{minutes:3d}:{seconds:02d}  {what}")

    def stop_gateway(self) -> None:
        """Its controller: what is asked of the route changes nothing until it is started again."""
        self.note("the gateway's controller is stopped")
        self.router.gateway_stopped = True

    def start_gateway(self) -> None:
        self.note("the gateway's controller is started")
        self.router.gateway_stopped = False

    def restart(self) -> None:
        """The operators die and come back: all that they know is the status."""
        self.note("operator restarted")
        for process in tuple(self.processes):
            process.die()

    def move_registry(self, uri: str) -> None:
        """The operator's own PODIUM_REGISTRY_URI changes: the same registry, at another address."""
        self.registry_uri = self.cluster.default_registry = uri
        self.restart()

    def evict(self, slot: Slot) -> None:
        """The slot's pods are evicted; its Deployment makes new ones."""
        self.note(f"the pods of slot {slot} are evicted")
        for pod in self.cluster.slots_now(self.md())[slot].pods:
            self.cluster.evict(pod.uid)

    def reboot(self, slot: Slot, seconds: float = 60) -> None:
        """The nodes of the slot's pods are rebooted."""
        self.note(f"the nodes of slot {slot} are rebooted")
        for pod in self.cluster.slots_now(self.md())[slot].pods:
            self.cluster.reboot(pod.uid, seconds)

    # --- time ---------------------------------------------------------------------------------------------------------

    def until(self, condition: Callable[["World"], bool], within: timedelta = timedelta(hours=3)) -> None:
        """Let time pass until the condition holds. Raises Broken with the log when it does not in time."""
        deadline = self.now + within
        while not condition(self):
            if self.now >= deadline:
                never = f"never happened; phase {self.status.phase}: {self.status.message}"
                raise Broken("\n".join([*self.log, never]))
            self.tick()

    def run(self, duration: timedelta) -> None:
        end = self.now + duration
        self.until(lambda world: world.now >= end, within=duration + duration)

    def reach(self, phase: Phase, *, at_once: bool = False) -> None:
        """Until it is in the phase; `at_once` stops right at the write, for phases that are over within a tick."""
        self._awaited = phase if at_once else None
        self.until(lambda world: world.status.phase is phase)
        self._awaited = None

    def settle(self, version: str) -> None:
        """Until this version is champion and nothing is on trial."""
        self.until(lambda world: world.status.phase is Phase.STABLE and world.champion() == version)

    def tick(self) -> None:
        """One step of time: operators work, pods live, clients ask."""
        began = self.loop.time()
        self.loop.run_for(self._tick)
        for process in self.processes:
            process.notice()
        if (md := self.cluster.now(KEY)) is not None:
            self.clients.ask(md, self.loop.time() - began)
        self._is_alias_mended()
        if self.broken:
            raise Broken("\n".join([*self.log, *self.broken]))

    def _is_alias_mended(self) -> None:
        """A registry has no preconditions: what a frozen leader sent lands, and the next one sees it when it polls."""
        if self._mends_alias is None or self.alias in self.champions():
            self._mends_alias = None
        elif self.registry.failure is not None:
            self._must_mend_alias()
        elif self.loop.time() > self._mends_alias:
            self.broken.append(f"promise 8: the alias stays at {self.alias}, the champion is {self.champions()}")

    def _must_mend_alias(self) -> None:
        self._mends_alias = self.loop.time() + self.registry_poll + _MENDS

    def end(self) -> None:
        """End the operators, so that nothing of them is left."""
        _living.remove(self)
        for process in self.processes:
            process.dead = True
        self.loop.end()

    # --- operators ----------------------------------------------------------------------------------------------------

    def start(self, *, election: bool | None = None, returns: bool = True) -> Process:
        """One more operator. It `returns` a second after it has died."""
        self._started += 1
        elected = self._election if election is None else election
        settings = Settings(
            identity=f"operator-{self._started}",
            registry_uri=self.registry_uri,
            registry_poll=self.registry_poll,
            leader_election=elected,
            workers=self.workers,
            shards=self.shards,
        )
        died = self._died if returns else self.processes.remove
        hints = watches(self, self._started)
        started = Process(
            self.ports, settings, self.loop, self.disorder,
            others=Others(self), witness=self._witness, died=died, skew=self.skew, hints=hints,
        )  # fmt: skip
        self.processes.append(started)
        return started

    def tell(self, key: Key = KEY) -> None:
        """The operators' watches tell of a change."""
        if self.watching is not None:
            return  # the watches themselves do, at the next tick
        seen = self.cluster.now(key)
        for process in self.processes:
            if not self.disorder.loses_watch():
                process.operator.told(key, seen.claim if seen is not None else None)

    def _died(self, process: Process) -> None:
        self.processes.remove(process)
        self.loop.call_later(_RESTART, self.start)

    def _witness(self, call: Call) -> Callable[[], None]:
        if self.cluster.now(KEY) is None:
            return lambda: None  # another ModelDeployment's
        self._tell_events()
        # What others did at this very moment no operator can have seen.
        broken = broken_by(call, self) if self.harmed_at != self.loop.time() else []
        before = self._state()
        return lambda: self._written(call, before, broken)

    def _written(self, call: Call, before: object, broken: Sequence[str]) -> None:
        """The write was done; one that the server refused has broken nothing."""
        self.broken += [f"promise {each}" for each in broken]
        if call.method == "move_alias" and call.late:
            self._must_mend_alias()
        if call.method == "write_status" and call.arguments[0].key == KEY:
            self.writes += 1
            self.statuses.append((call.arguments[0].generation, self.status))
            if self.status.phase is self._awaited:
                self.loop.stop()
        if self.cluster.now(KEY) is None:
            self.note("  gone")
        elif self._state() != before:
            self.writes += 1
            if line := line_of(call):
                self.note(line)

    def _tell_events(self) -> None:
        for key, event in self.cluster.events[self._events_told :]:
            if key == KEY:
                self.note(line_of_event(event))
        self._events_told = len(self.cluster.events)

    def _state(self) -> tuple[object, ...]:
        md, model = self.md(), self.registry.models.get(MODEL)
        tags = {version.version: dict(version.tags) for version in model.versions.values()} if model else {}
        aliases = dict(model.aliases) if model else {}
        routed = dict(self.weights), self.overrides, self.router.retries(md)
        return self.cluster.desired_now(md), routed, aliases, tags, len(self.jobs.started)
