"""A cluster, a registry and some clients in virtual time, on which the real core plays whole rollouts.

Nothing is awaited and nothing sleeps: `Simulation.until` moves the clock from look to look. Each look gathers facts,
lets the core decide, writes the status down and carries the actions out, as the controller does. What happens is told
in `log`, one line each, and every promise that can be checked at a moment is checked at every moment.
"""

import random
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import accumulate

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.manifest import ModelDeploymentManifest
from podium.api.v1alpha1.spec.spec import Spec
from podium.api.v1alpha1.status import GateState, Phase, Pinned, Slot, Status
from podium.core.actions import (
    NO_OVERRIDES,
    Action,
    AddFinalizer,
    CallWebhook,
    MoveAlias,
    RemoveFinalizer,
    RouteOverrides,
    RunAutoscaler,
    RunJob,
    RunSlot,
    SetTraffic,
    StopAutoscaler,
    StopSlot,
    WriteRecord,
    WriteTags,
)
from podium.core.decide import Decision, decide
from podium.core.facts import (
    SLOTS,
    AliasConflict,
    Counters,
    Crash,
    Facts,
    GateResponse,
    Histogram,
    Identity,
    Key,
    ModelVersion,
    ObservedState,
    PodState,
    Problem,
    RegistryState,
    SlotState,
    TrafficState,
    UnsavedEvidence,
)
from podium.core.rollout.desired import standing_rejection
from podium.core.status.readiness import condition_of
from podium.core.traffic.shares import share_pods

BEGIN = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
TIMES = (0.05, 0.12, 1.0)  # edges of the pods' histograms
SCORES = tuple(tenth / 10 for tenth in range(1, 21))


@dataclass
class Behaviour:
    """How a version behaves: the figures of its run, and what it does once it serves."""

    metrics: dict[str, float] = field(default_factory=lambda: {"auc": 0.9})
    tags: dict[str, str] = field(default_factory=dict)
    created: datetime = BEGIN
    load: timedelta = 2 * SECOND
    bad: float = 0.0  # share of answers that fail
    invalid: float = 0.0  # share of answers that are NaN
    slow: float = 0.0  # share of answers that take 0.2 s; the others take 0.02 s
    cold: int = 0  # the first answers of a pod take 2 s
    shift: float = 0.0  # its predictions are higher than 0..1 by this
    crash_on_load: int = 0  # exit code, or 0
    crash_after: int | None = None  # answers until a pod crashes
    lies: bool = False  # its pods report another digest
    ready: bool = True


@dataclass
class Pod:
    uid: str
    slot: Slot
    version: str
    digest: str
    born: datetime
    late: timedelta  # pods of one version are never ready at the same moment
    answers: int = 0
    bad: int = 0
    invalid: int = 0
    consecutive_bad: int = 0
    times: list[int] = field(default_factory=lambda: [0] * (len(TIMES) + 1))
    scores: list[int] = field(default_factory=lambda: [0] * (len(SCORES) + 1))
    crash: Crash | None = None

    def counters(self) -> Counters:
        return Counters(
            self.answers,
            self.bad,
            self.invalid,
            self.consecutive_bad,
            latency=_histogram(TIMES, self.times),
            scores=_histogram(SCORES, self.scores),
        )


def _histogram(edges: tuple[float, ...], counts: list[int]) -> Histogram:
    return Histogram(edges, tuple(accumulate(counts))[: len(edges)], sum(counts))


@dataclass
class Place:
    """A slot: what its Deployment is for, and its pods."""

    runs: Pinned | None = None
    replicas: int = 0
    pods: list[Pod] = field(default_factory=list)


def spec_of(version: str = "1", **parts: object) -> Spec:
    """A spec as YAML would give it; parts replace whole sections."""
    body: dict[str, object] = {"model": {"name": "churn", "version": version}, **parts}
    given = {
        "apiVersion": "podium.dev/v1alpha1",
        "kind": "ModelDeployment",
        "metadata": {"name": "churn"},
        "spec": body,
    }
    return ModelDeploymentManifest.model_validate(given).spec


def holds(kind: str, status: Status, generation: int) -> bool:
    """Whether the status says this of the generation."""
    found = condition_of(status, kind)
    return found is not None and found.status == "True" and found.observed_generation == generation


class Simulation:
    """One ModelDeployment and its world. Seeds make it repeatable; `chaos` loses, repeats and reorders actions."""

    def __init__(self, spec: Spec, *, rate: float = 50, seed: int = 1, chaos: float = 0.0) -> None:
        self.spec, self.generation, self.status = spec, 1, Status()
        self.now, self.rate, self.chaos = BEGIN, rate, chaos
        self.random, self.mischief = random.Random(seed), random.Random(seed + 1)
        self.figures = random.Random(seed + 2)
        self.outage = 0.0  # share of answers that fail whoever gives them: a feature store is down
        self.versions: dict[str, Behaviour] = {}
        self.alias = ""
        self.tags: dict[str, dict[str, str]] = {}
        self.problem: Problem | None = None
        self.alias_conflict: AliasConflict | None = None
        self.gate_responses: dict[str, GateResponse] = {}
        self.asked: dict[str, str] = {}  # gate -> the criterion that its job or its service has got
        self.places: dict[Slot, Place] = {slot: Place() for slot in SLOTS}
        self.weights: dict[Slot, int] = {}
        self.taken: dict[Slot, int] = {}  # by the gateway, where there is one
        self.overrides = self.taken_detours = NO_OVERRIDES
        self.testers = False  # whether one asks every quarter of a second
        self.tested: dict[str, int] = {}  # answers to testers, by version
        self.gateway_stopped = False  # it serves on as it was, and takes no new weights
        self.failed: dict[str, int] = {}
        self.served: dict[str, int] = {}
        self.log: list[str] = []
        self.statuses: list[tuple[int, Status]] = []  # every one that was written, with the object's generation
        self.writes = 0
        self.fresh: UnsavedEvidence | None = None
        self._pods = 0
        self._owed = 0.0
        self._look_at = BEGIN

    # --- what people do -----------------------------------------------------------------------------------------------

    def register(self, version: str, **behaviour: object) -> None:
        self.versions[version] = Behaviour(**behaviour)  # type: ignore[arg-type] # stories name the fields

    def commit(self, spec: Spec, what: str) -> None:
        """Git says something: the generation rises only if the spec differs."""
        self._tell(f"git: {what}")
        if spec != self.spec:
            self.spec, self.generation = spec, self.generation + 1
        self._look_at = self.now

    def scale(self, replicas: int) -> None:
        """An autoscaler, or `kubectl scale`, writes the size."""
        self._tell(f"scaled to {replicas} pods")
        serving = self.spec.serving.model_copy(update={"replicas": replicas})
        self.spec, self.generation = self.spec.model_copy(update={"serving": serving}), self.generation + 1
        self._look_at = self.now

    def note(self, what: str) -> None:
        self._tell(what)

    def answers(self, gate: str, state: GateState, message: str) -> None:
        """The gate's job or service says something to the criterion that it has got."""
        self._tell(f"{gate} says: {state}: {message}")
        self.gate_responses[gate] = GateResponse(self.asked[gate], state, message)
        self._look_at = self.now

    def stop_gateway(self) -> None:
        """Its controller: what is asked of the route changes nothing until it is started again."""
        self._tell("the gateway's controller is stopped")
        self.gateway_stopped = True

    def start_gateway(self) -> None:
        self._tell("the gateway's controller is started")
        self.gateway_stopped = False
        self.taken, self.taken_detours = dict(self.weights), self.overrides

    def restart(self) -> None:
        """The operator dies and comes back: all that it knows is the status."""
        self._tell("operator restarted")
        self.status = Status.model_validate_json(self.status.model_dump_json(by_alias=True))
        self.fresh = None
        self._look_at = self.now

    def evict(self, slot: Slot) -> None:
        """The slot's pods are evicted; its Deployment makes new ones."""
        self._tell(f"the pods of slot {slot} are evicted")
        place = self.places[slot]
        assert place.runs is not None
        self.places[slot] = Place(place.runs, 0, [])
        self._run(place.runs, place.replicas)

    # --- time ---------------------------------------------------------------------------------------------------------

    def until(self, condition: Callable[["Simulation"], bool], within: timedelta = timedelta(hours=3)) -> None:
        """Let time pass until the condition holds. Raises AssertionError with the log when it does not in time."""
        deadline = self.now + within
        while not condition(self):
            assert self.now < deadline, "\n".join([*self.log, f"never happened; phase {self.status.phase}"])
            self.tick()

    def run(self, duration: timedelta) -> None:
        end = self.now + duration
        self.until(lambda sim: sim.now >= end)

    def reach(self, phase: Phase) -> None:
        self.until(lambda sim: sim.status.phase is phase)

    def settle(self, version: str) -> None:
        """Until this version is champion and nothing is on trial."""
        self.until(lambda sim: sim.status.phase is Phase.STABLE and sim.champion() == version)

    def champion(self) -> str:
        return self.status.champion.version if self.status.champion else ""

    def tick(self) -> None:
        """A quarter of a second: clients ask, pods live, and the operator looks if it is time to."""
        step = SECOND / 4
        self.now += step
        self._serve(step)
        if self.now >= self._look_at:
            self.look()

    def look(self) -> Decision:
        facts = self.facts()
        decision = decide(facts)
        for action in self._shaken(decision.rollback_actions):
            self._apply(action)
        if self._mischief():
            self._look_at = self.now + SECOND / 4  # died before the status was written
            return decision
        self._record(decision)
        for action in self._shaken(decision.actions):
            self._apply(action)
        self._check(facts)
        self._look_at = self.now + timedelta(seconds=decision.requeue_after)
        return decision

    # --- what is seen -------------------------------------------------------------------------------------------------

    def facts(self) -> Facts:
        world = ObservedState(
            registry=self._registry(),
            slots={slot: self._slot(slot) for slot in SLOTS},
            traffic=self._traffic(),
            alias_conflict=self.alias_conflict,
            gate_responses=dict(self.gate_responses),
        )
        return Facts(Key("ml", "churn"), self.generation, self.spec, self.status, world, self.now, self.fresh)

    def _traffic(self) -> TrafficState:
        asked, overrides = dict(self.weights), self.overrides
        if (self.taken, self.taken_detours) != (asked, overrides):
            problem = Problem(reasons.IN_PROGRESS, "the gateway is behind")
            return TrafficState(asked, settling=True, problem=problem, overrides=overrides)
        return TrafficState(asked, current=self.in_force(), in_sync=bool(asked), overrides=overrides)

    def in_force(self) -> dict[Slot, float]:
        """Shares as a gateway gives them, or a Service: by ready pods of the slots that have any weight."""
        if self.spec.traffic.exact:
            return {slot: float(weight) for slot, weight in self.taken.items()}
        ready = {slot: len(list(self._ready(slot))) for slot in SLOTS if self.weights.get(slot, 0) > 0}
        total = sum(ready.values())
        return {slot: 100 * count / total for slot, count in ready.items()} if total else {}

    def digest(self, version: str) -> str:
        return f"sha256:{int(version):064x}"

    def _registry(self) -> RegistryState:
        if self.problem is not None:
            return RegistryState(problem=self.problem)
        champion = self.status.champion
        return RegistryState(
            desired=self._model_version(self.spec.model.version or ""),
            champion=self._model_version(champion.version) if champion else None,
            alias=self.alias,
            tags={version: self.tags.get(version, {}) for version in self.versions},
        )

    def _model_version(self, version: str) -> ModelVersion | None:
        known = self.versions.get(version)
        if known is None:
            return None
        return ModelVersion(version, self.digest(version), known.metrics, known.tags, created=known.created)

    def _slot(self, slot: Slot) -> SlotState:
        place = self.places[slot]
        pods = tuple(self._pod(pod) for pod in place.pods)
        return SlotState(runs=place.runs, replicas=place.replicas, up_to_date=True, pods=pods)

    def _pod(self, pod: Pod) -> PodState:
        ready = pod in self._ready(pod.slot)
        said = "sha256:" + "f" * 64 if self.versions[pod.version].lies else pod.digest
        return PodState(
            uid=pod.uid,
            name=pod.uid,
            version=pod.version,
            ready=ready,
            identity=Identity(pod.version, said) if ready else None,
            counters=pod.counters(),  # its server tells them before its model is loaded
            crash=pod.crash,
        )

    def _ready(self, slot: Slot) -> Iterator[Pod]:
        for pod in self.places[slot].pods:
            behaviour = self.versions[pod.version]
            crashing = pod.crash is not None and (behaviour.crash_on_load or behaviour.crash_after is not None)
            if behaviour.ready and not crashing and self.now >= pod.born + behaviour.load + pod.late:
                yield pod

    # --- what pods and clients do -------------------------------------------------------------------------------------

    def _serve(self, step: timedelta) -> None:
        self._load()
        self._owed += self.rate * step.total_seconds()
        while self._owed >= 1:
            self._owed -= 1
            serving = self._serving()
            if serving:
                self._answer(self.random.choice(serving))
            elif self.weights:
                self.failed["nobody"] = self.failed.get("nobody", 0) + 1

        if self.testers:
            self._test()

    def _test(self) -> None:
        """A tester asks: the pods count nothing of it."""
        slot = self.taken_detours.preview
        serving = list(self._ready(slot)) if slot is not None else self._serving()
        version = self.random.choice(serving).version if serving else "nobody"
        self.tested[version] = self.tested.get(version, 0) + 1

    def _serving(self) -> list[Pod]:
        """The pods of which one gets the next request: of a slot drawn by weight where shares are exact."""
        slots = [slot for slot, weight in self.taken.items() if weight > 0]
        if self.spec.traffic.exact and slots:
            slots = self.random.choices(slots, [self.taken[slot] for slot in slots])
        return [pod for slot in slots for pod in self._ready(slot)]

    def _load(self) -> None:
        for place in self.places.values():
            for pod in place.pods:
                behaviour = self.versions[pod.version]
                if behaviour.crash_on_load and pod.crash is None and self.now >= pod.born + behaviour.load:
                    pod.crash = Crash(self.now, behaviour.crash_on_load, "Error", "cannot load the model")

    def _answer(self, pod: Pod) -> None:
        behaviour = self.versions[pod.version]
        invalid = self.figures.random() < behaviour.invalid
        bad = invalid or self.random.random() < max(behaviour.bad, self.outage)
        pod.answers, pod.bad, pod.invalid = pod.answers + 1, pod.bad + bad, pod.invalid + invalid
        pod.consecutive_bad = pod.consecutive_bad + 1 if bad else 0
        slow = 2.0 if pod.answers <= behaviour.cold else 0.2 if self.figures.random() < behaviour.slow else 0.02
        pod.times[bisect_left(TIMES, slow)] += 1
        pod.scores[bisect_left(SCORES, self.figures.random() + behaviour.shift)] += not bad
        self.served[pod.version] = self.served.get(pod.version, 0) + 1
        self.failed[pod.version] = self.failed.get(pod.version, 0) + bad
        if behaviour.crash_after is not None and pod.answers >= behaviour.crash_after:
            pod.crash = Crash(self.now, 139, "Error", "segmentation fault")

    # --- what the operator does ---------------------------------------------------------------------------------------

    def _record(self, decision: Decision) -> None:
        self.fresh = decision.unsaved
        told = [f"{'!' if event.warning else '*'} {event.message}" for event in decision.events]
        if decision.status != self.status:
            self.writes += 1
            self.status = decision.status
            self.statuses.append((self.generation, self.status))
        for line in told:
            self._tell(line)

    def _apply(self, action: Action) -> None:
        before = self._state()
        match action:
            case RunSlot(pinned, replicas):
                self._run(pinned, replicas)
                line = f"  run slot {pinned.slot}: version {pinned.version}, {replicas} pods"
            case StopSlot(slot):
                self.places[slot] = replace(self.places[slot], replicas=0, pods=[])
                line = f"  stop slot {slot}"
            case SetTraffic():
                line = self._route(action)
            case MoveAlias(alias, version):
                self.alias = version if self.problem is None else self.alias
                line = f"  alias {alias} -> {version}"
            case WriteTags(version, tags):
                if self.problem is None:
                    self.tags.setdefault(version, {}).update(tags)
                line = f"  tags of version {version}: {tags['podium.dev/decision']}"
            case WriteRecord() | RunAutoscaler() | StopAutoscaler() | AddFinalizer() | RemoveFinalizer():
                line = ""  # the tags say the same as the record; and the others are in no story
            case RunJob() | CallWebhook():
                line = self._ask(action)
        if self._state() != before:
            self.writes += 1
            self._tell(line)

    def _route(self, wanted: SetTraffic) -> str:
        weights, overrides = dict(wanted.weights), wanted.overrides
        self._check_route(weights, overrides)
        self.weights, self.overrides = weights, overrides
        if not self.gateway_stopped:
            self.taken, self.taken_detours = dict(weights), overrides
        shares = ", ".join(f"{slot}={weights[slot]}%" for slot in sorted(weights))
        users = f" of users, so far {overrides.session_affinity.weights}" if overrides.session_affinity else ""
        testers = f", testers to slot {overrides.preview}" if overrides.preview else ""
        return f"  route {shares}{users}{testers}"

    def _ask(self, action: RunJob | CallWebhook) -> str:
        """Put the criterion of a gate to whoever answers it, once."""
        gate, criterion = action.gate, action.request_id
        what, doing = (
            ("run job", "its job runs") if isinstance(action, RunJob) else ("ask service", "its service is being asked")
        )
        if self.asked.get(gate) != criterion:
            self.asked[gate] = criterion
            self.gate_responses[gate] = GateResponse(criterion, "Pending", doing)
        return f"  {what} of gate {gate}: version {action.pinned.version}"

    def _run(self, pinned: Pinned, replicas: int) -> None:
        place = self.places[pinned.slot]
        pods = place.pods if place.runs == pinned else []
        while len(pods) < replicas:
            self._pods += 1
            late = (len(pods) % 3) * SECOND
            pods.append(Pod(f"pod-{self._pods}", pinned.slot, pinned.version, pinned.digest, self.now, late))
        self.places[pinned.slot] = Place(pinned, replicas, pods[:replicas])

    def _state(self) -> tuple[object, ...]:
        places = [(slot, place.runs, place.replicas) for slot, place in self.places.items()]
        tags = {version: dict(tags) for version, tags in self.tags.items()}
        return places, dict(self.weights), self.overrides, self.alias, tags, dict(self.asked)

    def _tell(self, line: str) -> None:
        seconds = int((self.now - BEGIN).total_seconds())
        self.log.append(f"{seconds // 60:3d}:{seconds % 60:02d}  {line}")

    # --- mischief -----------------------------------------------------------------------------------------------------

    def _mischief(self) -> bool:
        return self.mischief.random() < self.chaos

    def _shaken(self, actions: tuple[Action, ...]) -> list[Action]:
        """Some actions lost, some repeated, and their order shuffled."""
        kept = [action for action in actions for _ in range(0 if self._mischief() else 2 if self._mischief() else 1)]
        if self._mischief():
            self.mischief.shuffle(kept)
        return kept

    # --- the promises, at every moment --------------------------------------------------------------------------------

    def _check_route(self, weights: dict[Slot, int], overrides: RouteOverrides) -> None:
        """Promise 1: requests only go to a version whose pods are ready and have verified what they serve."""
        if overrides.preview is not None and overrides.preview != self.overrides.preview:
            seen = self._slot(overrides.preview)
            assert seen.verified(seen.runs), f"testers to slot {overrides.preview} without a verified pod"
        if overrides.session_affinity is not None:
            *_, now = overrides.session_affinity.weights
            assert now == weights[overrides.session_affinity.challenger], "users are shared as requests are"
        assert sum(weights.values()) == 100
        champion = self.status.champion
        for slot, weight in weights.items():
            if weight > self.weights.get(slot, 0) and (champion is None or slot != champion.slot):
                seen, full = self._slot(slot), self.spec.serving.size
                needed = full if weight == 100 else share_pods(weight, self.spec)
                assert seen.verified(seen.runs) >= needed, f"{weight} % to slot {slot} without {needed} verified pods"

    def _check(self, facts: Facts) -> None:
        status = self.status
        full = self.spec.serving.size
        if status.champion is not None and status.phase is not Phase.PROMOTING and self.chaos == 0:
            place = self.places[status.champion.slot]
            assert place.runs == status.champion, "promise 2: the champion runs"
            assert place.replicas == full, "promise 2: the champion keeps its size"
        if status.former is not None and self.chaos == 0:
            assert self.places[status.former.slot].replicas == full, "promise 2: the former champion stays warm"
        self._check_truth(status)
        lost = standing_rejection(replace(facts, status=status))
        if lost is not None and status.phase in {Phase.REJECTED, Phase.STABLE}:
            carried = [slot for slot, share in self.in_force().items() if share and self._version(slot) == lost.version]
            assert not carried, "promise 4: a rejected version gets no traffic"

    def _check_truth(self, status: Status) -> None:
        """Promise 10: Ready is True only when what this generation wants is what serves."""
        assert status.observed_generation == self.generation
        held = [kind for kind in ("Ready", "Reconciling", "Stalled") if holds(kind, status, self.generation)]
        assert len(held) == 1, f"exactly one of them tells tools what to do, not {held}"
        if held == ["Ready"]:
            served = {self._version(slot) for slot, share in self.in_force().items() if share}
            assert served == {self.spec.model.version}, f"promise 10: ready, and {served or 'nothing'} serves"

    def _version(self, slot: Slot) -> str:
        runs = self.places[slot].runs
        return runs.version if runs else ""
