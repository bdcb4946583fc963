"""One look at one ModelDeployment, read as prose: observe, decide, tell and record, apply."""

import asyncio
import logging
from dataclasses import dataclass
from typing import Any, Final

from podium.api import reasons
from podium.api.status import Condition, Status
from podium.controller.apply import apply
from podium.controller.logs import about
from podium.controller.metrics import Metrics
from podium.controller.observe import Ports, observe
from podium.controller.queue import backoff
from podium.core.actions import Action, Debt, Event
from podium.core.facts import Facts, Fresh, Key, World
from podium.core.plan import Decision, decide
from podium.errors import Conflict, PodiumError, Temporary
from podium.ports import ModelDeploymentSeen

_TELL: Final = 1.0  # seconds that Events may take; what follows may be a rollback
_LAST_REPEAT: Final = 30.0  # seconds between tries of what had no effect, at rest
_LAST_REPEAT_ON_TRIAL: Final = 1.0
_LET_GO: Final = 300.0  # seconds for which a deletion waits for a route that cannot be written just now
_LET_GO_AGAIN: Final = 1.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Tried:
    """The same actions, so many times in a row."""

    actions: tuple[Action, ...] = ()
    times: int = 0


class Reconciler:
    """Looks at one key at a time; the queue sees to it that a key is not looked at twice at once."""

    def __init__(self, ports: Ports, metrics: Metrics) -> None:
        self._ports = ports
        self._metrics = metrics
        self._tried: dict[Key, _Tried] = {}
        self._fresh: dict[Key, Fresh | None] = {}
        self._leaving: dict[Key, float] = {}  # since when it has been tried to leave their routes to the champion
        self._by_route: dict[Key, ModelDeploymentSeen] = {}  # as last seen, those whose traffic an HTTPRoute shares

    async def __call__(self, key: Key) -> float | None:
        """Look once. Returns in how many seconds to look again; None where it is gone."""
        seen = await self._ports.cluster.get(key)
        if seen is None or seen.deleting:
            return await self._let_go(key, seen)
        self._by_route.pop(key, None)
        if seen.spec is not None and seen.spec.traffic.exact:
            self._by_route[key] = seen
        with about(key, version=_version(seen.status), phase=seen.status.phase):
            try:
                if seen.spec is None:
                    return await self._complain(seen)
                return await self._look(seen)
            except Conflict as error:
                _log.debug("somebody else wrote first, looking again: %s", error)
                return 0.0

    def routed_by(self, route: Key) -> list[Key]:
        """The ModelDeployments whose traffic this HTTPRoute shares."""
        return [key for key, seen in self._by_route.items() if _route_of(seen) == route]

    async def _let_go(self, key: Key, seen: ModelDeploymentSeen | None) -> float | None:
        """It is gone, or about to be: a route that stays behind is left to the champion, and then nothing waits."""
        last, now = seen or self._by_route.get(key), self._ports.clock.monotonic()
        patient = now - self._leaving.setdefault(key, now) < _LET_GO
        try:
            if last is not None:
                await self._ports.router.release(last)
        except PodiumError as error:
            if isinstance(error, Temporary) and patient:
                _log.warning("%s: its route could not be left to the champion, trying again: %s", key, error)
                return _LET_GO_AGAIN
            _log.error("%s: its route could not be left to the champion, and is left as it is: %s", key, error)
        try:
            if seen is not None and seen.held:
                await self._ports.cluster.let_go(seen)
        except PodiumError as error:
            _log.warning("%s: it could not be let go, trying again: %s", key, error)
            return _LET_GO_AGAIN
        self.forget(key)
        return None

    def forget(self, key: Key) -> None:
        """Keep nothing of a ModelDeployment that is gone. Its objects are garbage-collected by Kubernetes."""
        self._ports.registry.forget(key)
        self._ports.webhooks.forget(key)
        self._metrics.forget(key)
        self._tried.pop(key, None)
        self._fresh.pop(key, None)
        self._by_route.pop(key, None)
        self._leaving.pop(key, None)

    async def _look(self, seen: ModelDeploymentSeen) -> float:
        world = await observe(seen, self._ports)
        decision = decide(self._facts(seen, world))
        failures = await apply(decision.way_back, seen, self._ports)
        await self._tell(seen, decision.events)
        await self._record(seen, decision.status)
        self._fresh[seen.key] = decision.fresh
        with about(seen.key, version=_version(decision.status), phase=decision.status.phase):
            self._show(seen, decision, world)
            self._ports.registry.owe(seen.key, [action for action in decision.actions if isinstance(action, Debt)])
            others = [action for action in decision.actions if action not in decision.way_back]
            failures += await apply(others, seen, self._ports, routed=not failures)
        return self._look_again(seen.key, decision, failed=bool(failures))

    def _facts(self, seen: ModelDeploymentSeen, world: World) -> Facts:
        assert seen.spec is not None
        return Facts(
            key=seen.key,
            generation=seen.generation,
            spec=seen.spec,
            status=seen.status,
            world=world,
            now=self._ports.clock.now(),
            fresh=self._fresh.get(seen.key),
        )

    async def _tell(self, seen: ModelDeploymentSeen, events: tuple[Event, ...]) -> None:
        """Before the status is written: told twice is told once, but after a crash nobody would tell it any more."""
        try:
            async with asyncio.timeout(_TELL):
                await asyncio.gather(*(self._ports.cluster.tell(seen, event) for event in events))
        except (PodiumError, TimeoutError) as error:
            _log.warning("an Event was not told: %s", error or "it took too long")

    async def _record(self, seen: ModelDeploymentSeen, status: Status) -> None:
        """Raises Conflict where somebody else wrote first: then nothing is applied, and all is looked at again."""
        if stored(status) != stored(seen.status):
            await self._ports.cluster.write_status(seen, status)

    def _show(self, seen: ModelDeploymentSeen, decision: Decision, world: World) -> None:
        self._metrics.show(seen.key, decision.status, world.traffic)
        if decision.move is not None:
            self._metrics.moved(seen.key, decision.move)
            verdict = decision.move.verdict
            _log.info("%s -> %s: %s: %s", decision.move.source, decision.move.target, verdict.reason, verdict.message)

    def _look_again(self, key: Key, decision: Decision, *, failed: bool) -> float:
        """What was tried before and had no effect is tried less and less often: a refusal is not hammered at."""
        before = self._tried.get(key, _Tried())
        if not decision.actions or (decision.actions != before.actions and not failed):
            self._tried[key] = _Tried(decision.actions, times=0)
            return decision.look_again
        self._tried[key] = tried = _Tried(decision.actions, before.times + 1)
        last = _LAST_REPEAT if decision.status.trial is None else _LAST_REPEAT_ON_TRIAL
        return max(decision.look_again, backoff(tried.times, last))

    async def _complain(self, seen: ModelDeploymentSeen) -> float | None:
        """Say that the spec cannot be read, and touch nothing else."""
        _log.error("%s", seen.flaw)
        if not seen.unreadable:
            await self._record(seen, self._stalled(seen))
        return None  # nothing changes before somebody writes to it

    def _stalled(self, seen: ModelDeploymentSeen) -> Status:
        known = next((one for one in seen.status.conditions if one.type == "Stalled" and one.status == "True"), None)
        stalled = Condition(
            type="Stalled",
            status="True",
            reason=reasons.INVALID_SPEC,
            message=seen.flaw,
            observed_generation=seen.generation,
            last_transition_time=known.last_transition_time if known else self._ports.clock.now(),
        )
        others = [one for one in seen.status.conditions if one.type != "Stalled"]
        update: dict[str, Any] = {"conditions": [*others, stalled], "observed_generation": seen.generation}
        return seen.status.model_copy(update=update | {"message": seen.flaw})


def stored(status: Status) -> dict[str, Any]:
    """A status as the API server keeps it: times to the millisecond, nothing where there is nothing."""
    return status.model_dump(mode="json", by_alias=True, exclude_none=True)


def _route_of(seen: ModelDeploymentSeen) -> Key:
    adopted = seen.spec.traffic.route if seen.spec else None
    return Key(seen.key.namespace, adopted.name if adopted else seen.key.name)


def _version(status: Status) -> str:
    subject = status.challenger or status.champion
    return subject.version if subject else ""
