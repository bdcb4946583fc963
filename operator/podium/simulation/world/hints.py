"""What the watches of one operator know in the world: late, out of order, and not all of it.

Every change is on its way for a time of its own, so an older one can arrive after a newer one, and some never arrive.
A list that is compared with what is known puts that right.
"""

import random
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Protocol

from podium.api.v1alpha1.evidence import Slot
from podium.core.facts import AutoscalerState, Key, SlotState, TrafficState
from podium.ports import Listed, Listener, ModelDeployment, NotKnown
from podium.simulation.world.cluster import FakeCluster
from podium.simulation.world.loop import VirtualLoop
from podium.simulation.world.router import FakeRouter

ListAll = Callable[[], Awaitable[Sequence[ModelDeployment]]]
MakeHints = Callable[[ListAll], "FakeHints"]
_KINDS: Final = ("md", "slots", "autoscaler", "traffic")


@dataclass(frozen=True)
class Watching:
    """How good the watches are."""

    lag: float = 0.0  # seconds that a change is on its way, at the most
    loses: float = 0.0  # this share of the changes never arrives


class Watched(Protocol):
    """The world, as far as it is watched."""

    watching: Watching | None
    loop: VirtualLoop
    cluster: FakeCluster
    router: FakeRouter


class FakeHints:
    """Implements the port Hints for one operator."""

    def __init__(
        self,
        watching: Watching,
        chance: random.Random,
        loop: VirtualLoop,
        parts: tuple[FakeCluster, FakeRouter],
        list_all: ListAll,
    ) -> None:
        """`list_all` is the operator's own list, which can fail."""
        self.lists = 0
        self._watching = watching
        self._chance = chance
        self._loop = loop
        self._cluster, self._router = parts
        self._list_all = list_all
        self._listener: Listener | None = None
        self._known: dict[tuple[str, Key], Any] = {}
        self._sent: dict[tuple[str, Key], Any] = {}  # what the newest change that is on its way says
        self._complete = False

    # --- the world ----------------------------------------------------------------------------------------------------

    def notice(self) -> None:
        """Send what has changed since the last time."""
        if not self._complete:
            return
        for key in {key for _, key in self._sent} | {md.key for md in self._cluster.all_now()}:
            for kind, value in zip(_KINDS, self._now(key), strict=True):
                if self._sent.get((kind, key)) != (said := _said(value)):
                    self._sent[kind, key] = said
                    if self._chance.random() >= self._watching.loses:
                        delay = self._chance.uniform(0, self._watching.lag)
                        self._loop.call_later(delay, partial(self._arrive, kind, key, value))

    def _now(self, key: Key) -> tuple[Any, ...]:
        md = self._cluster.now(key)
        if md is None:
            return None, {}, AutoscalerState(), TrafficState()
        return md, self._cluster.slots_now(md), self._cluster.autoscalers.observe(md), self._router.traffic_now(md)

    def _arrive(self, kind: str, key: Key, value: Any) -> None:
        if (kind, key) in self._known and _said(self._known[kind, key]) == _said(value):
            return
        self._known[kind, key] = value
        if self._listener is None:
            return
        if kind == "md":
            self._listener.told(key, value.claim if value is not None else None)
        else:
            self._listener.changed(key)

    # --- the port -----------------------------------------------------------------------------------------------------

    def listen(self, listener: Listener) -> None:
        self._listener = listener

    async def get(self, key: Key) -> ModelDeployment | None:
        md: ModelDeployment | None = self._read("md", key)
        return md

    async def slots(self, md: ModelDeployment) -> Mapping[Slot, SlotState]:
        slots: Mapping[Slot, SlotState] = self._read("slots", md.key)
        if any(pod.reloads for slot in slots.values() for pod in slot.pods):
            raise NotKnown(f"{md.key}: what a pod that reloads in place is to load is in a ConfigMap, and not watched")
        return slots

    async def autoscaler(self, md: ModelDeployment) -> AutoscalerState:
        found: AutoscalerState = self._read("autoscaler", md.key)
        return found

    async def observe(self, md: ModelDeployment, slots: Mapping[Slot, SlotState]) -> TrafficState:
        del slots
        traffic: TrafficState = self._read("traffic", md.key)
        return traffic

    async def relist(self) -> None:
        self.lists += 1
        listed = {md.key for md in await self._list_all()}
        for key in listed | {key for _, key in self._known}:
            self._put(key, _KINDS[:1])

    async def compare(self) -> None:
        self.lists += len(_KINDS) - 1
        for key in {key for _, key in self._known}:
            self._put(key, _KINDS[1:])
        self._complete = True

    def listed(self) -> Iterable[Listed]:
        found = [md for (kind, _), md in self._known.items() if kind == "md" and md is not None]
        return [Listed(md.key, md.claim, str(md.status.phase), md.deleting) for md in found]

    def forget(self, key: Key) -> None:
        """What is known stays: a change that is on its way may still be told of it."""

    def _put(self, key: Key, kinds: Sequence[str]) -> None:
        for kind, value in zip(_KINDS, self._now(key), strict=True):
            if kind in kinds:
                self._sent[kind, key] = _said(value)
                self._arrive(kind, key, value)

    def _read(self, kind: str, key: Key) -> Any:
        if not self._complete or (kind, key) not in self._known:
            raise NotKnown(f"{kind} of {key}")
        return self._known[kind, key]


def _said(value: Any) -> Any:
    """What two of them are compared by: a ModelDeployment is another one by its version."""
    return (value.uid, value.resource_version) if isinstance(value, ModelDeployment) else value


def watches(world: Watched, number: int) -> MakeHints | None:
    """What makes the hints of the world's operator of this number; None where it has no watches."""
    if world.watching is None:
        return None
    chance = random.Random(number)  # noqa: S311  not for secrets
    return partial(FakeHints, world.watching, chance, world.loop, (world.cluster, world.router))
