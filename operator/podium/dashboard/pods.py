"""The pods of a ModelDeployment, as the API server has them for this viewer: read when it is looked at."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from podium.adapters.kubernetes import names
from podium.adapters.kubernetes.api import Api
from podium.adapters.kubernetes.read import pods_of
from podium.core.facts import SLOTS
from podium.core.not_ready import why_not_ready
from podium.dashboard.kept import Place
from podium.errors import PodiumError

MOST: Final = 200  # of one ModelDeployment that are shown
_FRESH: Final = 10.0  # seconds, for all who look at it
_WITHIN: Final = 5.0  # seconds that a page waits for them
_PLACES: Final = 200  # that are remembered


@dataclass(frozen=True)
class SeenPod:
    """One pod of a slot."""

    uid: str
    name: str
    slot: str
    version: str  # by its label, or as it was last told to load
    ready: bool
    why: str  # it is not ready; "" where it is, and where nothing is in its way


@dataclass(frozen=True)
class SeenPods:
    """All of them, or why they are not known."""

    pods: tuple[SeenPod, ...] = ()
    more: bool = False  # there are more than are shown
    problem: str = ""


class Pods:
    """Those of what is looked at, with the viewer's own rights."""

    def __init__(self, api: Api, now: Callable[[], float] = time.monotonic) -> None:
        self._api = api
        self._now = now
        self._seen: dict[Place, tuple[float, SeenPods]] = {}
        self._asking: dict[Place, asyncio.Task[None]] = {}

    def of(self, place: Place) -> SeenPods:
        """What was read last."""
        known = self._seen.get(place)
        return known[1] if known is not None else SeenPods(problem="they are not known yet: reload the page")

    async def learn(self, place: Place) -> None:
        """Read them, unless that was done a moment ago."""
        if self._stale(place):
            found = await self._read(place)
            if len(self._seen) >= _PLACES:
                self._seen.clear()
            self._seen[place] = self._now(), found

    def refresh(self, place: Place) -> None:
        """Have them read again while the page goes on; once at a time."""
        if place not in self._asking and self._stale(place):
            self._asking[place] = asyncio.create_task(self.learn(place))
            self._asking[place].add_done_callback(lambda _: self._asking.pop(place))

    def _stale(self, place: Place) -> bool:
        known = self._seen.get(place)
        return known is None or self._now() - known[0] > _FRESH

    async def _read(self, place: Place) -> SeenPods:
        path, selector = names.path(names.PODS, place.namespace), f"{names.DEPLOYMENT}={place.name}"
        try:
            found = await self._api.list(path, selector=selector, most=MOST + 1, within=_WITHIN)
        except PodiumError as error:
            return SeenPods(problem=f"they could not be read: {error}")
        return SeenPods(tuple(_seen(found[:MOST])), more=len(found) > MOST)


def _seen(found: Iterable[Mapping[str, Any]]) -> Iterable[SeenPod]:
    there = list(found)
    for slot in SLOTS:
        for pod in pods_of(there, slot)[0]:
            yield SeenPod(pod.uid, pod.name, slot, pod.version, pod.ready, why_not_ready(pod))
