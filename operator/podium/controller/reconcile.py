"""One reconcile of one ModelDeployment, read as prose: observe, decide, emit Events, record, apply.

What was decided is carried out only while it is true. The record is written before anything but a rollback, and the API
server refuses it where the object is not what was read; what comes after it begins within seconds. A process that was
frozen, and has lost the leadership meanwhile, so finds that it knows nothing any more. A rollback waits for no record:
it looks once more whether the status is still the one that it was decided on.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from podium.api.v1alpha1.status import Pinned, Status
from podium.controller.apply import apply
from podium.controller.elapsed import Elapsed
from podium.controller.logs import about
from podium.controller.metrics import Metrics
from podium.controller.observe import observe
from podium.controller.others import Others
from podium.controller.priorities import Priorities
from podium.controller.queue import Priority, backoff
from podium.controller.resting import NewerWatches, Resting
from podium.controller.routing_objects import RoutingObjects
from podium.controller.waiting import within
from podium.controller.workers import Workers
from podium.core.actions import Action, Event, RegistryWrite, RunSlot, SetTraffic
from podium.core.decide import Decision, decide, decide_without_evidence
from podium.core.facts import ALL, Facts, Key, ObservedState
from podium.core.rollout.last_spec import trial_spec, tried_on
from podium.core.status.consistent import consistent
from podium.core.status.invalid import with_invalid_spec
from podium.core.status.outbox import with_settled
from podium.core.traffic.weights import runs_beside, to_trusted
from podium.core.unsaved import Unsaved
from podium.errors import Conflict, PodiumError, Temporary
from podium.ports import ModelDeployment, Ports

_EVENTS_TIMEOUT: Final = 1.0  # seconds that Events may take; what follows may be a rollback
_LAST_REPEAT: Final = 30.0  # seconds between tries of what had no effect, at rest
_LAST_REPEAT_ON_TRIAL: Final = 1.0
_RELEASE_TIMEOUT: Final = 300.0  # seconds for which a deletion waits for a route that cannot be written just now
_LED_BACK_RETRY: Final = 1.0  # seconds between tries to lead traffic back, and to let an object go
_LOOK_AGAIN: Final = 1.0  # seconds that a rollback waits for the status to be read once more
_ACT_WITHIN: Final = (
    3.0  # seconds after the record was begun: less than another process waits before it takes the Lease
)
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Tried:
    """The same actions, so many times in a row."""

    actions: tuple[Action, ...] = ()
    times: int = 0


class Reconciler:
    """Reconciles one key at a time; the queue never runs the same key twice at once."""

    def __init__(self, ports: Ports, workers: Workers, metrics: Metrics, others: Others) -> None:
        self._ports = ports
        self._workers = workers
        self._others = others
        self._metrics = metrics
        self.priorities = Priorities()
        self.elapsed = Elapsed()
        self._tried: dict[Key, _Tried] = {}
        self._unsaved: dict[Key, Unsaved | None] = {}
        self._leaving: dict[Key, float] = {}  # since when Podium has tried to reset their routes to 100 % champion
        self._routing = RoutingObjects()
        self._newer_watches: NewerWatches = {}
        self._resting = Resting(ports, workers, metrics, others, self.priorities, watches=self._newer_watches)

    async def __call__(self, key: Key) -> float | None:
        """Reconcile once. Returns in how many seconds to do so again; None where it is gone."""
        if self._unsaved.get(key) is None and (rest := await self._resting.look(key)) is not None:
            self._routing.note_hint(rest.md)
            return rest.again
        md = await self._ports.cluster.get(key)
        if md is None:
            self._others.forget(key)
        else:
            self._others.read(md)
            self.note(md)
            md = await self._others.confined(replace(md, spec=md.spec or trial_spec(tried_on(md.status), md.written)))
        if md is None or md.deleting:
            return await self._release(key, md)
        self._routing.note(md)
        with about(key, version=_version(md.status), phase=md.status.phase):
            try:
                readable = md.spec is not None and not md.unreadable
                return await (self._reconcile(md) if readable else self._report_unreadable(md))
            except Conflict as error:
                _log.debug("write conflict, reconciling again: %s", error)
                return 0.0

    def note(self, md: ModelDeployment) -> Priority:
        """Remember what others have to know of it. Returns how urgent it is itself."""
        self._others.note(md)
        return self.priorities.note(md)

    def routed_by(self, route: Key) -> list[Key]:
        """The ModelDeployments whose traffic this object shares: an HTTPRoute, for example."""
        return self._routing.sharing(route)

    async def _release(self, key: Key, md: ModelDeployment | None) -> float | None:
        """It is gone, or about to be: reset an adopted route to 100 % champion, then remove the finalizer."""
        last, now = md or self._routing.last(key), self._ports.clock.monotonic()
        patient = now - self._leaving.setdefault(key, now) < _RELEASE_TIMEOUT
        returns = False
        try:
            if md is not None:
                returns = await self._lead_back(md)
            if last is not None and (md is None or md.has_finalizer):
                await self._ports.router.release(last)
        except PodiumError as error:
            if isinstance(error, Temporary) and patient:
                _log.warning("%s: could not reset HTTPRoute to 100 %% champion, retrying: %s", key, error)
                return _LED_BACK_RETRY
            _log.error("%s: could not reset HTTPRoute to 100 %% champion, giving up: %s", key, error)
        try:
            if md is not None and md.has_finalizer:
                await self._ports.cluster.remove_finalizer(md)
        except PodiumError as error:
            _log.warning("%s: could not remove the finalizer, retrying: %s", key, error)
            return _LED_BACK_RETRY
        if returns:
            return _LED_BACK_RETRY
        self.forget(key)
        return None

    async def _lead_back(self, md: ModelDeployment) -> bool:
        """Take the traffic of a version back that nothing judges any more. Returns whether to look again.

        A deletion that a finalizer of others holds can take for ever, and so can a status that cannot be read. As long
        as two versions run, either can lose its pods.
        """
        trusted, slots = md.status.trusted, await self._ports.cluster.slots(md)
        if md.spec is None or not md.may_route or trusted is None or not runs_beside(trusted.slot, slots):
            return False  # no other version can have any: a route that went first is not made again
        weights = to_trusted(md.status, slots)
        if weights is not None:
            await self._ports.router.route(md, weights)
        return True

    def forget(self, key: Key) -> None:
        """Keep nothing of a ModelDeployment that is gone. Its objects are garbage-collected by Kubernetes."""
        self._workers.forget(key)
        self._metrics.forget(key)
        self.priorities.forget(key)
        self.elapsed.forget(key)
        self._others.forget(key)
        self._tried.pop(key, None)
        self._unsaved.pop(key, None)
        self._newer_watches.pop(key, None)
        self._routing.forget(key)
        self._resting.forget(key)
        self._leaving.pop(key, None)

    async def _reconcile(self, md: ModelDeployment) -> float:
        assert md.spec is not None
        seen = replace(md, status=consistent(md.status, md.spec, self._ports.clock.now()))
        world = await self._others.beside(seen, await observe(seen, self._ports, self._workers))
        self._resting.observed(seen, world)
        decision = self._decide(await self._others.with_turn(self._facts(seen, world)))
        decision = replace(decision, status=with_settled(decision.status, self._workers.notifications.latest(md)))
        if md.flaw:
            decision = replace(decision, status=self._invalid(md, decision.status))
        self.priorities.enter(md.key, decision.status.phase)
        if decision.rollback_actions:
            await self._refuse_outdated(md)
        failures = await apply(decision.rollback_actions, md, self._ports, self._workers, world)
        await self._emit_events(md, decision.events)
        others = [action for action in decision.actions if action not in decision.rollback_actions]
        until = self._ports.clock.monotonic() + _ACT_WITHIN
        try:
            await self._record(md, decision.status, acts=any(not isinstance(each, RegistryWrite) for each in others))
        except Exception as error:
            self._unsaved[md.key] = decision.unwritten
            if isinstance(error, Conflict):
                raise
            # What runs does not wait for the record, whatever refused it: recorded champions are scaled and healed.
            await apply(_for_champions(others, md.status), md, self._ports, self._workers, world)
            raise
        self.elapsed.written(md.key)
        self._unsaved[md.key] = decision.unsaved
        self._newer_watches[md.key] = decision.newer_watch
        with about(md.key, version=_version(decision.status), phase=decision.status.phase):
            self._show(md, decision, world)
            self._workers.registry.enqueue(
                md.key, [action for action in decision.actions if isinstance(action, RegistryWrite)]
            )
            failures += await apply(others, md, self._ports, self._workers, world, routed=not failures, until=until)
        return self._requeue_after(md.key, decision, failed=bool(failures))

    def _decide(self, facts: Facts) -> Decision:
        """Decide; where that fails by a fault of Podium, decide without evidence: a rollback still happens."""
        try:
            return decide(facts)
        except Exception as error:  # noqa: BLE001  whatever it was: it is logged, and shown in a condition
            _log.exception("could not evaluate the evidence, deciding without it")
            return decide_without_evidence(facts, error)

    def _facts(self, md: ModelDeployment, world: ObservedState) -> Facts:
        assert md.spec is not None
        now = self._ports.clock.now()
        return Facts(
            key=md.key,
            generation=md.generation,
            spec=md.spec,
            status=self.elapsed.seen(md.key, md.status, now),
            observed=world,
            now=now,
            unsaved=self._unsaved.get(md.key),
            newer_watch=self._newer_watches.get(md.key),
        )

    async def _emit_events(self, md: ModelDeployment, events: tuple[Event, ...]) -> None:
        """Before the status is written: a repeat is no second Event, but after a crash the Event would be lost."""
        try:
            async with asyncio.timeout(_EVENTS_TIMEOUT):
                await asyncio.gather(*(self._ports.cluster.emit_event(md, event) for event in events))
        except (PodiumError, TimeoutError) as error:
            _log.warning("failed to emit Event: %s", error or "timed out")

    async def _refuse_outdated(self, md: ModelDeployment) -> None:
        """Raises Conflict where the status is another one by now. A rollback goes on where that cannot be read."""
        try:
            found = await within(self._ports.clock, _LOOK_AGAIN, self._ports.cluster.get(md.key), "reading the status")
        except PodiumError as error:
            _log.warning("could not read the status again before a rollback: %s", error)
            return
        if found is None or found.uid != md.uid or _differ(found.status, md.status):
            raise Conflict(f"{md.key}: the status has changed since the rollback was decided")

    async def _record(self, md: ModelDeployment, status: Status, *, acts: bool = False) -> None:
        """Raises Conflict where another client wrote first: then nothing is applied, and all is observed again.

        Before actions the same status is written too: nothing changes by it, but it is refused where `md` is old.
        """
        if acts or _differ(status, md.status):
            await self._ports.cluster.write_status(md, status)

    def _show(self, md: ModelDeployment, decision: Decision, world: ObservedState) -> None:
        self._metrics.show(md.key, decision.status, world.traffic)
        if decision.move is not None:
            self._metrics.moved(md.key, decision.move, md.status, decision.status)
            verdict = decision.move.verdict
            _log.info("%s -> %s: %s: %s", decision.move.source, decision.move.target, verdict.reason, verdict.message)

    def _requeue_after(self, key: Key, decision: Decision, *, failed: bool) -> float:
        """Actions that were tried before without effect are retried with backoff."""
        before = self._tried.get(key, _Tried())
        if not decision.actions or (decision.actions != before.actions and not failed):
            self._tried[key] = _Tried(decision.actions, times=0)
            return decision.requeue_after
        self._tried[key] = tried = _Tried(decision.actions, before.times + 1)
        last = _LAST_REPEAT if decision.status.trial is None else _LAST_REPEAT_ON_TRIAL
        return max(decision.requeue_after, backoff(tried.times, last))

    async def _report_unreadable(self, md: ModelDeployment) -> float | None:
        """Say that the spec cannot be read, and touch nothing; where the status cannot, only lead traffic back."""
        _log.error("%s", md.flaw)
        if md.unreadable:
            return _LED_BACK_RETRY if await self._lead_back(md) else None
        status = with_settled(md.status, self._workers.notifications.latest(md))
        await self._record(md, self._invalid(md, status))
        return None

    def _invalid(self, md: ModelDeployment, status: Status) -> Status:
        return with_invalid_spec(status, md.status, md.flaw, md.generation, self._ports.clock.now())


def _differ(one: Status, other: Status) -> bool:
    """Whether the API server keeps them differently. Equal values it keeps alike: at rest nothing is made to text."""
    return one != other and one.stored() != other.stored()


def _for_champions(actions: Sequence[Action], recorded: Status) -> list[Action]:
    """The actions that need no record: all of the traffic to a recorded champion, and its pods.

    To the former one a soak leads back: without its pods, a version that turns bad would keep the traffic. And it
    answers while the new one has no ready pod.
    """
    champions = [pinned for pinned in (recorded.champion, recorded.former) if pinned is not None]
    return [action for action in actions if any(_is_for(action, pinned) for pinned in champions)]


def _is_for(action: Action, pinned: Pinned) -> bool:
    if isinstance(action, SetTraffic):
        return action.weights.get(pinned.slot) == ALL
    return isinstance(action, RunSlot) and action.pinned == pinned


def _version(status: Status) -> str:
    subject = status.challenger or status.champion
    return subject.version if subject else ""
