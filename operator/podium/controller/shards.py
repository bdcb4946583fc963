"""Which shard a namespace is in, and which process holds which shard: all of them, each as many as is fair.

A namespace is in the shard that its hash says. Rendezvous hashing would move fewer of them where the number of shards
changes; but nothing is kept by shard, and the number only changes with the operator itself. The rules, beside those of
each Lease (`leader`):

1. Whoever holds fewer shards takes one that is free first: the others wait a moment for each that they hold.
2. Who holds two fewer than another asks for one of those, in its Lease. The holder sees that when it renews, ends its
   work on the shard, and releases it.
3. Processes with another number of shards see other shards in the same Leases. So a shard is only taken while the first
   one is not held with another number, and the first one while none is.
"""

import hashlib
import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from podium.errors import PodiumError
from podium.ports import Clock, LeaseState, LeaseStore

EVERY: Final = 2.0  # seconds between two looks at all Leases
_FAIR: Final = 2  # shards that another one may hold more
_PATIENCE: Final = 0.3  # seconds that a free shard is left to others, for each that is held
_GIVEN_UP: Final = 10.0  # seconds for which a shard that was given up is left to others
_FORGOTTEN: Final = 3.0  # seconds after which a free shard is another chance
_log = logging.getLogger(__name__)


def shard_of(namespace: str, shards: int) -> int:
    """The shard of a namespace: the same in each process, and in each release."""
    return int.from_bytes(hashlib.sha256(namespace.encode()).digest()[:8], "big") % shards


@dataclass
class ShardLease:
    """The Lease of one shard, as an Election wants it."""

    store: LeaseStore
    shard: int

    async def read(self) -> LeaseState | None:
        return await self.store.read(self.shard)

    async def write(self, held: LeaseState | None, holder: str, seconds: float) -> LeaseState:
        return await self.store.write(held, holder, seconds, self.shard)


@dataclass
class Balance:
    """What one process knows of the others, and how it shares the shards with them."""

    store: LeaseStore
    clock: Clock
    identity: str  # of this process, with the number of shards: see `holder`
    shards: int
    held: set[int] = field(default_factory=set)  # which this process leads
    _seen: Mapping[int, LeaseState] = field(default_factory=dict)
    _changed: dict[int, tuple[str, float]] = field(default_factory=dict)  # versions, and since when each is the same
    _free: dict[int, tuple[float, float]] = field(default_factory=dict)  # since when, and when that was last seen
    _not_before: dict[int, float] = field(default_factory=dict)

    async def run(self) -> None:
        """Look at all Leases now and then, until cancelled."""
        while True:
            try:
                await self._look()
                await self._ask()
            except PodiumError as error:
                _log.debug("could not balance the shards: %s", error)
            await self.clock.sleep(EVERY)

    async def may_take(self, shard: int) -> bool:
        """Whether this process may take a shard that is free."""
        now = self.clock.monotonic()
        since, last = self._free.get(shard, (now, now))
        since = now if now - last > _FORGOTTEN else since
        self._free[shard] = since, now
        if now < self._not_before.get(shard, 0.0) or now - since < _PATIENCE * len(self.held):
            return False
        await self._look()
        others = self._others_number(shard)
        if others:
            _log.warning("shard %d is not taken: %s holds one of another number of shards", shard, others)
        return not others

    def gives_up(self, shard: int, held: LeaseState) -> bool:
        """Whether to end the work on a shard that is held, and to release it."""
        if shard and (other := self._others_number(shard)):
            _log.warning("shard %d is given up: %s holds one of another number of shards", shard, other)
            return True
        if held.wanted in {"", self.identity} or len(self.held) < self._counts()[held.wanted] + _FAIR:
            return False
        _log.info("shard %d is given to %s, which holds fewer", shard, held.wanted)
        self._not_before[shard] = self.clock.monotonic() + _GIVEN_UP
        return True

    async def _look(self) -> None:
        self._seen = await self.store.all()
        now = self.clock.monotonic()
        for shard, lease in self._seen.items():
            if self._changed.get(shard, ("", 0.0))[0] != lease.version:
                self._changed[shard] = lease.version, now

    async def _ask(self) -> None:
        """Ask who holds most for one of its shards, where this process has too few."""
        counts, mine = self._counts(), len(self.held)
        if not counts or any(not self._lives(shard) for shard in range(self.shards)):
            return  # one is free, or will be: that is taken first
        richest = max(sorted(counts), key=lambda holder: counts[holder])
        if richest == self.identity or counts[richest] < mine + _FAIR:
            return
        shard = max(each for each in range(self.shards) if self._seen[each].holder == richest)
        lease = self._seen[shard]
        if not lease.wanted:
            await self.store.write(lease, lease.holder, lease.seconds, shard, self.identity)

    def _counts(self) -> Counter[str]:
        return Counter(lease.holder for shard, lease in self._seen.items() if shard < self.shards and lease.holder)

    def _lives(self, shard: int) -> bool:
        """Whether a process holds the shard, and has renewed it in time."""
        lease = self._seen.get(shard)
        if lease is None or not lease.holder:
            return False
        return self.clock.monotonic() - self._changed[shard][1] <= lease.seconds

    def _others_number(self, shard: int) -> str:
        """Who holds a shard of another number of shards, of those that matter for this one; "" where none does."""
        concerned = (0,) if shard else tuple(self._seen)
        found = (self._seen[each].holder for each in concerned if self._lives(each))
        return next((holder for holder in found if number_of(holder) != self.shards), "")


def holder(identity: str, shards: int) -> str:
    """What a Lease says of who holds it."""
    return f"{identity}/{shards}" if shards > 1 else identity


def number_of(held_by: str) -> int:
    """The number of shards that a holder has. A release without shards has one."""
    number = held_by.rpartition("/")[2]
    return int(number) if "/" in held_by and number.isdecimal() else 1


@dataclass
class OneShard:
    """A shard's own view of the balance, as an Election wants it."""

    balance: Balance
    shard: int

    async def may_take(self) -> bool:
        """See `Balance.may_take`."""
        return await self.balance.may_take(self.shard)

    def gives_up(self, held: LeaseState) -> bool:
        """See `Balance.gives_up`."""
        return self.balance.gives_up(self.shard, held)
