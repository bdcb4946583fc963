"""Turns to try a template (`template_turns`) that ModelDeployments of other shards have: one budget for all of them.

Two shards that look at the same moment would both find a turn free. So each shard has its own minute to give turns in,
one after another by the wall clock, with a pause at both ends: what one has given is in the statuses before the next
one reads them, though clocks differ by some seconds.
"""

import logging
from collections.abc import Callable
from typing import Final

from podium.controller.observe import QUIET
from podium.core.rollout.last_spec import trial_spec
from podium.core.rollout.templates import occupies_turn
from podium.errors import PodiumError
from podium.ports import Clock, Cluster

MINUTE: Final = 60.0  # seconds in which a shard gives turns
_PAUSE: Final = 10.0  # seconds at both ends of it
_NEW: Final = 5.0  # seconds for which a list is not read again
_NONE_FREE: Final = 1_000_000
_log = logging.getLogger(__name__)


class TurnsElsewhere:
    """What one shard knows of the turns of the others."""

    def __init__(self, cluster: Cluster, clock: Clock, shard: int, shards: int, mine: Callable[[str], bool]) -> None:
        self._cluster = cluster
        self._clock = clock
        self._shard, self._shards = shard, shards
        self._mine = mine
        self._read: tuple[float, int] | None = None

    async def taken(self) -> int:
        """How many turns others have; more than there are where that is not to be known just now."""
        now = self._clock.now()
        minute, into = divmod(now.timestamp(), MINUTE)
        if minute % self._shards != self._shard or not _PAUSE <= into <= MINUTE - _PAUSE:
            return _NONE_FREE
        if self._read is not None and 0 <= self._clock.monotonic() - self._read[0] < _NEW:
            return self._read[1]
        try:
            listed = await self._cluster.list_all()
        except PodiumError as error:
            _log.warning("could not list ModelDeployments, no template is tried now: %s", error)
            return _NONE_FREE
        found = sum(
            occupies_turn(md.status, md.spec or trial_spec(md.status.trial, md.written), now)
            for md in listed
            if md.status.phase not in QUIET and not self._mine(md.key.namespace)
        )
        self._read = self._clock.monotonic(), found
        return found
