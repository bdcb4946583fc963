"""Reconciling everything: when leadership begins, after kopf has listed again, and every resync period.

A deletion that happened while a watch was broken gives no event: a key that is known here but no longer in the
list is reconciled too, found to be gone, and forgotten.

What rests is spread over time: two hundred reconciles at once would load the API server, and nothing there is urgent.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Protocol

from podium.controller.alias_claims import AliasClaims
from podium.controller.queue import Priority
from podium.controller.waiting import news_or
from podium.core.facts import Key
from podium.errors import PodiumError
from podium.ports import Clock, Cluster, ModelDeployment

_DEBOUNCE = 2.0  # seconds: a relist tells of each object
_RETRY = 1.0  # seconds until a list that failed is asked for again: a rollback may wait for it
_PACE = 0.05  # seconds between two keys that rest
_log = logging.getLogger(__name__)


class Add(Protocol):
    """Adds a key to the queue."""

    def __call__(self, key: Key, after: float = 0.0) -> None: ...


class Sweep:
    """Adds all keys to the queue."""

    def __init__(
        self,
        cluster: Cluster,
        clock: Clock,
        *,
        add: Add,
        known: Callable[[], Iterable[Key]],
        note: Callable[[ModelDeployment], Priority],
        claims: AliasClaims,
        every: float,
    ) -> None:
        """`note` remembers a ModelDeployment, and returns how urgent it is."""
        self._cluster = cluster
        self._clock = clock
        self._add = add
        self._known = known
        self._note = note
        self._claims = claims
        self._every = every
        self._relisted = asyncio.Event()

    def relisted(self) -> None:
        """A watch has restarted: something may have been missed."""
        self._relisted.set()

    async def run(self) -> None:
        """Sweep at once, and then whenever it is time, until cancelled."""
        while True:
            self._relisted.clear()
            if await self.once():
                await news_or(self._clock, self._relisted, self._every)
                await self._clock.sleep(_DEBOUNCE)
            else:
                await self._clock.sleep(_RETRY)

    async def once(self) -> bool:
        """Add every key that is there, and every one that is known. Returns whether the list could be read."""
        self._claims.listing()
        try:
            listed = await self._cluster.list_all()
        except PodiumError as error:
            _log.warning("could not list ModelDeployments, retrying: %s", error)
            return False
        self._claims.fill(md.claim for md in listed if md.claim is not None)
        ranks = {md.key: self._note(md) for md in listed}
        resting = 0
        for key in sorted(ranks.keys() | self._known(), key=str):
            urgent = ranks.get(key) != Priority.REST  # a key that is gone is cleaned up at once, too
            self._add(key, 0.0 if urgent else resting * _PACE)
            resting += not urgent
        return True
