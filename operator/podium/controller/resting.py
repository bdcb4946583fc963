"""A look at what rests by what the watches know: where nothing is to be done, it has cost no request.

The rules:

1. Only what was at rest when it was last seen is looked at so: no trial, no gates, no write pending, nothing to tell.
2. The decision is the same pure one. Where it would do, say or write anything, all is observed afresh and decided
   again, and only that is carried out: a hint that is old can cost a look, and never a wrong act.
3. Where the same facts ask for nothing an hour later either, that is when it is looked at again: whatever else could
   change is told by the watches, by the registry's poll, or by a list that is compared with what they know.
4. Nothing that others have to do with is decided so: an alias that another one claims, a turn to try a template.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random
from typing import Final

from podium.controller.known_reports import KnownReports
from podium.controller.metrics import Metrics
from podium.controller.observe import observe_at_rest
from podium.controller.others import Others
from podium.controller.priorities import RESTS, Priorities
from podium.controller.workers import Workers
from podium.core.analysis.after_soak import is_due
from podium.core.decide import REQUEUE_AFTER, Decision, decide
from podium.core.facts import Facts, Key, ObservedState, RegistryState
from podium.core.once import Once
from podium.core.rollout.templates import wants_turn
from podium.core.status.consistent import consistent
from podium.core.status.elapsed import last_look
from podium.core.unsaved import NewerWatch
from podium.errors import PodiumError
from podium.ports import Hints, ModelDeployment, NotKnown, Ports

AGAIN: Final = 3600.0  # seconds until what rests is looked at again at the latest, and half of them at least
_ANSWER: Final = 5.0  # seconds that the registry may take to answer for the first time
_LATER: Final = timedelta(seconds=AGAIN)


NewerWatches = dict[Key, NewerWatch | None]  # what looks have counted of watched champions, and no status says yet


@dataclass(frozen=True)
class Rest:
    """A look that found nothing to do: the ModelDeployment as it is known, and in how many seconds to look again."""

    md: ModelDeployment
    again: float


class Resting:
    """Looks of this kind."""

    def __init__(
        self,
        ports: Ports,
        workers: Workers,
        metrics: Metrics,
        others: Others,
        priorities: Priorities,
        *,
        watches: NewerWatches,
    ) -> None:
        self._ports = ports
        self._workers = workers
        self._metrics = metrics
        self._others = others
        self._priorities = priorities
        self._watches = watches
        self._reports = KnownReports(ports.pod_metrics, ports.clock)
        self._generations: dict[Key, int] = {}  # of those that were read afresh
        self._awaited: set[Key] = set()  # whose registry was waited for

    def observed(self, md: ModelDeployment, world: ObservedState) -> None:
        """What a fresh look found."""
        if self._ports.hints is not None and md.status.phase in RESTS:
            self._generations[md.key] = md.generation
            self._reports.note(md.key, world)

    def forget(self, key: Key) -> None:
        """It is gone."""
        self._generations.pop(key, None)
        self._awaited.discard(key)
        self._reports.forget(key)
        if self._ports.hints is not None:
            self._ports.hints.forget(key)

    async def look(self, key: Key) -> Rest | None:
        """Look at it so; None where it has to be observed afresh."""
        hints = self._ports.hints
        if hints is None or not self._priorities.rests(key) or self._workers.notifications.attends(key):
            return None
        try:
            md = await hints.get(key)
            md = await self._others.confined(md) if md is not None and self._plain(md) else None
            registry = self._workers.registry.standing(md) if md is not None else None
            if md is None or registry is None:
                return None
            if self._awaits(md, registry):
                return Rest(md, _ANSWER)
            facts = await self._facts(md, hints, registry)
            return Rest(md, self._again(facts)) if facts is not None else None
        except (_ActsError, NotKnown, PodiumError):
            return None

    def _awaits(self, md: ModelDeployment, registry: RegistryState) -> bool:
        """Whether to wait for the registry's first answer, once: nothing runs, and its status would go to and fro."""
        shown = md.status.observed_generation == md.generation and md.status.champion is None
        if not shown or registry != RegistryState(uri=registry.uri) or md.key in self._awaited:
            return False
        self._awaited.add(md.key)
        return True

    def _plain(self, md: ModelDeployment) -> bool:
        """Whether it can be at rest, by what it says itself."""
        rests = md.status.phase in RESTS and last_look(md.status) is None and not md.status.outbox.pending
        sound = md.spec is not None and not (md.flaw or md.unreadable or md.deleting)
        return rests and sound and md.generation >= self._generations.get(md.key, 0)

    async def _facts(self, md: ModelDeployment, hints: Hints, registry: RegistryState) -> Facts | None:
        assert md.spec is not None
        if consistent(md.status, md.spec, self._ports.clock.now()) != md.status:
            return None
        now, newer = self._ports.clock.now(), self._watches.get(md.key)
        known = newer.watch if newer is not None and newer.goes_on(md.status.after_soak) else md.status.after_soak
        due = is_due(md.spec, known, now)
        asked = self._ports.pod_metrics if due else self._reports.of(md.key)
        store = self._ports.metrics_store if due else None
        world = self._others.beside_at_rest(md, await observe_at_rest(md, hints, asked, registry, store))
        if world is None:
            return None
        if due:
            self._reports.note(md.key, world)
        return Facts(md.key, md.generation, md.spec, md.status, world, now, newer_watch=newer)

    def _again(self, facts: Facts) -> float:
        """In how many seconds to look again. Raises where something is to be done now."""
        decision = _at_rest(facts)
        if facts.key not in self._metrics.known():
            self._metrics.show(facts.key, decision.status, facts.observed.traffic)
        self._watches[facts.key] = decision.newer_watch
        usual = REQUEUE_AFTER[facts.status.phase]
        if facts.spec.rollout.after_soak is not None and facts.status.champion is not None:
            return decision.requeue_after
        if decision.requeue_after < usual or not _told_by_all(facts.observed) or not _stays(facts):
            return decision.requeue_after
        return AGAIN * (0.5 + Random(f"{facts.key} {facts.now}").random() / 2)  # noqa: S311  not for secrets


class _ActsError(Exception):
    """There is something to do, to say or to write."""


def _at_rest(facts: Facts) -> Decision:
    """The decision. Raises where it is not to do nothing, and where it cannot be made."""
    if wants_turn(facts):
        raise _ActsError
    try:
        decision = decide(facts)
    except Exception as error:
        raise _ActsError from error  # it is logged, and shown in a condition, where it is decided on what is fresh
    says = decision.actions or decision.events or decision.move or decision.unsaved or decision.unwritten
    if says or (decision.status != facts.status and decision.status.stored() != facts.status.stored()):
        raise _ActsError
    return decision


def _told_by_all(world: ObservedState) -> bool:
    """Whether each pod has said what it is: no watch tells when one that was silent answers."""
    return all(pod.identity is not None for slot in world.slots.values() for pod in slot.pods)


def _stays(facts: Facts) -> bool:
    """Whether the same facts ask for nothing later either."""
    try:
        _at_rest(replace(facts, now=facts.now + _LATER, once=Once()))
    except _ActsError:
        return False
    return True
