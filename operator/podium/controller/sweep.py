"""Finding what is to be reconciled without news of it: when leadership begins, and every resync period.

Where there are watches, what they know is compared with a list, and they tell what differs: a deletion, say, that
happened while a watch was broken. Only when leadership begins is each ModelDeployment looked at. Without watches each
one is in every period, and so is a key that is known here and no longer in the list: it is found to be gone.

What rests is spread over time: two hundred reconciles at once would load the API server, and nothing there is urgent.
"""

import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Protocol

from podium.controller.alias_claims import AliasClaims
from podium.controller.priorities import RESTS
from podium.controller.queue import Priority
from podium.core.facts import Key
from podium.errors import PodiumError, Temporary
from podium.ports import Clock, Cluster, Hints, ModelDeployment, NotKnown

_RETRY = 1.0  # seconds until a list that failed is asked for again, or what the API server asks for, if it is more
_PACE = 0.05  # seconds between two keys that rest
_PACE_OF_HINTS = 0.001  # the same where looking at them makes no request: they come after all news
_SHARE = 200  # what the watches know is not compared again before so many times as long as it took
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
        hints: Hints | None = None,
        mine: Callable[[str], bool] = lambda _: True,
    ) -> None:
        """`note` remembers a ModelDeployment, and returns how urgent it is. `mine` says which namespaces are added."""
        self._mine = mine
        self._cluster = cluster
        self._clock = clock
        self._add = add
        self._known = known
        self._note = note
        self._claims = claims
        self._every = every
        self._hints = hints
        self._retry = _RETRY

    def _failed(self, error: PodiumError) -> bool:
        _log.warning("could not list ModelDeployments, retrying: %s", error)
        self._retry = max(_RETRY, error.retry_after if isinstance(error, Temporary) else 0.0)
        return False

    async def run(self) -> None:
        """Sweep at once, and then whenever it is time, until cancelled."""
        first = True
        while True:
            since = self._clock.monotonic()
            well = await (self.once() if self._hints is None else self._compared(self._hints, all_of_them=first))
            took, first = self._clock.monotonic() - since, first and not well
            await self._clock.sleep(max(self._every, _SHARE * took) if well else self._retry)

    async def _compared(self, hints: Hints, *, all_of_them: bool) -> bool:
        """Let the watches tell what they have missed. Returns whether the ModelDeployments could be listed."""
        if all_of_them:
            await self._add_urgent(hints)  # as a standby knows them: a trial does not wait for a list
        self._claims.listing()
        try:
            await hints.relist()
        except PodiumError as error:
            return self._failed(error)
        self._claims.fill(each.claim for each in hints.listed() if each.claim is not None)
        if all_of_them:
            await self._add_urgent(hints)
        await hints.compare()
        if all_of_them:
            keys = {each.key for each in hints.listed()} | set(self._known())
            self._add_resting(key for key in keys if self._mine(key.namespace))
        return True

    async def _add_urgent(self, hints: Hints) -> None:
        for each in hints.listed():
            if not self._mine(each.key.namespace):
                continue
            if each.deleting or each.phase not in RESTS:
                with suppress(NotKnown):  # not listed yet: it is added all the same
                    if (md := await hints.get(each.key)) is not None:
                        self._note(md)
                self._add(each.key)

    def _add_resting(self, keys: Iterable[Key]) -> None:
        for place, key in enumerate(sorted(keys, key=str), start=1):
            self._add(key, place * _PACE_OF_HINTS)

    async def once(self) -> bool:
        """Add every key that is there, and every one that is known. Returns whether the list could be read."""
        self._claims.listing()
        try:
            listed = await self._cluster.list_all()
        except PodiumError as error:
            return self._failed(error)
        self._claims.fill(md.claim for md in listed if md.claim is not None)
        ranks = {md.key: self._note(md) for md in listed if self._mine(md.key.namespace)}
        resting = 0
        known = {key for key in self._known() if self._mine(key.namespace)}
        for key in sorted(ranks.keys() | known, key=str):
            urgent = ranks.get(key) != Priority.REST  # a key that is gone is cleaned up at once, too
            self._add(key, 0.0 if urgent else resting * _PACE)
            resting += not urgent
        return True
