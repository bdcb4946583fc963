"""One seed: people commit, scale, evict and restart at random moments while calls fail; then it is calm.

The promises are checked by the world at every write. Here is what must be so in the end: what Git says serves, at full
size, alone, the registry says the same, no request found no pod, and nothing is written any more.
"""

import logging
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from podium.api.v1alpha1.spec.spec import Spec
from podium.api.v1alpha1.status import Phase
from podium.errors import Unavailable
from podium.simulation.world.clients import NO_POD
from podium.simulation.world.faults import KINDS, Kind
from podium.simulation.world.promises import holds
from podium.simulation.world.world import Broken, World

SECOND: Final = timedelta(seconds=1)
HOUR: Final = timedelta(hours=1)
_QUICK: Final = {"steps": [{"weight": 25, "duration": "5s"}, {"weight": 50, "duration": "5s"}], "soak": "15s"}
_GATEWAY: Final = {"gateway": {"name": "public"}}
_VERSIONS: Final[Mapping[str, Mapping[str, Any]]] = {
    "1": {},
    "2": {},
    "3": {"bad_share": 0.4},
    "4": {"crash_after_answers": 30, "exit_code": 139},
    "5": {"crash_after": 2.0, "exit_code": 4},
    "6": {"digest": "sha256:" + "f" * 64},
}
_GOOD: Final = "12"
_ACTS: Final = 6
_OF_RELOADS: Final = 1_000_003
_IN_PLACE: Final = 0.4  # share of the seeds that reload in place
_OF_ABORTS: Final = 2_000_003
_ABORTS: Final = 0.25  # share of the seeds in which people abort versions
_TOO_LITTLE_MEMORY: Final = 0.2  # share of them in which version 1 does not fit beside another one


class Scenario:
    """The choices of one seed."""

    def __init__(self, seed: int, kinds: Sequence[Kind] = KINDS) -> None:
        self.people = random.Random(seed)
        chaos = self.people.choice((0.0, 0.05, 0.15, 0.3))
        self.parts: dict[str, Any] = {"serving": {"replicas": self.people.randint(1, 4)}, "rollout": _QUICK}
        in_place = random.Random(seed + _OF_RELOADS)  # draws of its own: what seeds have shown before stays the same
        if in_place.random() < _IN_PLACE:
            self.parts["serving"]["reload"] = "InPlace"
        self.aborts = random.Random(seed + _OF_ABORTS)  # as above
        self.may_abort = self.aborts.random() < _ABORTS
        self.gateway = self.people.random() < 0.4
        if self.gateway:
            self.parts["traffic"] = _GATEWAY
        self.unheard_crash = False  # a gateway sends requests to a challenger whose only pod has just crashed
        operators = self.people.choice((1, 1, 2))
        self.world = World(
            seed=seed, chaos=chaos, kinds=kinds, operators=operators, rate=self.people.choice((5.0, 20.0))
        )
        for version, behaviour in _VERSIONS.items():
            self.world.register(version, **behaviour)
        self.world.behaviour("2").reload_failure = in_place.choice(("", "", "restart_needed"))
        self.world.behaviour("1").crash_at_reload = in_place.random() < _TOO_LITTLE_MEMORY

    def play(self) -> None:
        """Raises Broken where a promise is."""
        self.wants("1")
        self.world.settle("1")
        acts = self._acts()
        for _ in range(_ACTS):
            self.world.run(SECOND * self.people.randint(1, 20))
            self.people.choice(acts)()
        self.calm()
        self.wants(self.people.choice(_GOOD))
        self._ends()

    def wants(self, version: str) -> None:
        """Commit a spec with this version."""
        self.unheard_crash |= self.gateway and "crash_after_answers" in _VERSIONS[version]
        self._commits({"model": {"name": "churn", "version": version}, **self.parts}, f"version {version}")

    def _commits(self, body: Mapping[str, Any], what: str) -> None:
        self.world.commit(Spec.model_validate(body), what)

    def calm(self) -> None:
        """Nothing goes wrong any more."""
        self.world.note("all is well again")
        self.world.disorder.share = 0.0
        self.world.registry.failure = None
        self.world.start_gateway()

    def _acts(self) -> list[Callable[[], None]]:
        several = [self._commit] * 4
        return [*several, self.world.restart, self._scale, self._evict, self._gateway, self._registry]

    def _commit(self) -> None:
        self.wants(self.people.choice(list(_VERSIONS)))
        if self.may_abort and self.aborts.random() < 0.5:
            self.world.run(SECOND * self.aborts.randint(0, 20))
            self._abort()

    def _abort(self) -> None:
        """What Git names, also where that is rejected or champion by now."""
        version = self.world.spec.model.version
        rollout = {**self.parts["rollout"], "abort": {"version": version}}
        body = {"model": {"name": "churn", "version": version}, **self.parts, "rollout": rollout}
        self._commits(body, f"abort {version}")

    def _scale(self) -> None:
        size = self.people.randint(1, 4)
        self.parts["serving"] = {**self.parts["serving"], "replicas": size}
        self.world.scale(size)

    def _evict(self) -> None:
        """Only one of several pods: what a budget allows."""
        for slot in ("a", "b"):
            pods = self.world.ready_pods(slot)
            if len(pods) > 1:
                self.world.note(f"pod {pods[0].name} is evicted")
                self.world.cluster.evict(pods[0].uid)

    def _gateway(self) -> None:
        stopped = self.gateway and not self.world.router.gateway_stopped
        (self.world.stop_gateway if stopped else self.world.start_gateway)()

    def _registry(self) -> None:
        down = self.world.registry.failure is None
        self.world.note("the registry is down" if down else "the registry is back")
        self.world.registry.failure = Unavailable("the registry does not answer") if down else None

    def _ends(self) -> None:
        world, wanted = self.world, self.world.spec.model.version
        world.until(lambda now: now.champion() == wanted and _at_rest(now), within=HOUR)
        world.run(65 * SECOND)  # longer than the slowest look at rest
        writes = world.writes
        world.run(65 * SECOND)
        wrong = [f"in the end: {what}" for what in self._wrong(writes)]
        if wrong:
            raise Broken("\n".join([*world.log, *wrong]))

    def _wrong(self, writes: int) -> Iterator[str]:
        world, champion = self.world, self.world.status.champion
        assert champion is not None
        if world.alias != champion.version:
            yield f"the alias points to {world.alias}, the champion is {champion.version}"
        if world.recorded(champion.version) != "promoted":
            yield f"the tags of version {champion.version} do not say that it was promoted"
        if world.taken.get(champion.slot) != 100:
            yield f"traffic is {dict(world.taken)}, the champion is in slot {champion.slot}"
        if world.size(champion.slot) != world.spec.serving.size or world.size("a") + world.size("b") != world.size(
            champion.slot
        ):
            yield f"slots have {world.size('a')} and {world.size('b')} pods"
        served = [pod.pinned.version for pod in world.ready_pods(champion.slot)]
        if served != [champion.version] * world.spec.serving.size:
            yield f"the champion is version {champion.version}, its pods serve {served}"
        if world.clients.failed[NO_POD] and not self.unheard_crash:
            yield f"{world.clients.failed[NO_POD]} requests found no pod"
        if world.writes != writes:
            yield f"{world.writes - writes} writes at rest"


def _at_rest(world: World) -> bool:
    md = world.md()
    return md.status.phase is Phase.STABLE and holds("Ready", md.status, md.generation)


def play(seed: int, kinds: Sequence[Kind] = KINDS) -> str:
    """What was broken, with the whole log; "" where nothing was."""
    scenario = Scenario(seed, kinds)
    try:
        scenario.play()
    except Broken as broken:
        return f"seed {seed}:\n{broken}"
    finally:
        scenario.world.end()
    return ""


def quiet() -> None:
    """What the operators log is no news: most of what they do fails."""
    logging.disable(logging.CRITICAL)
