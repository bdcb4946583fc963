"""Digests of model versions, each made once. A big model takes minutes: no caller has to wait for it.

Whoever asks waits a moment, and is then told to ask again. The download goes on meanwhile, and its outcome, good or
bad, is kept for the next who asks. A bad one is returned once: the ask after that starts again.

Files can be changed in their place, and no answer of MLflow tells of it. So a digest is made again once a day, in the
background; until then only a pod that starts finds out.

What is pinned already needs no download before it is decided on: the pin is told, and the files are read some time
within the day. An operator that begins with ten thousand versions at rest so reads none of them at once. A pin is
believed for whoever brings it and for no other: it comes from a status, which a tenant may be able to write.

What is known is known to all; what is under way is waited for by those of its tenant only: a tenant's downloads can
stand in a queue that is its own.
"""

import asyncio
import random
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from typing import TypeVar

from podium.api.v1alpha1 import reasons
from podium.errors import Temporary

TIMEOUT = 5.0  # seconds that a query waits for a digest
FRESH = 24 * 3600.0  # seconds after which a digest is made again
MOST_KEPT = 20_000  # digests; a key and a digest are less than 1 kB
T = TypeVar("T")


@dataclass
class Digests:
    """What is known, and what is under way. For one event loop. `chance` draws from [0, 1)."""

    timeout: float = TIMEOUT
    now: Callable[[], float] = time.monotonic
    chance: Callable[[], float] = random.random
    _known: OrderedDict[Hashable, tuple[str, float]] = field(default_factory=OrderedDict)
    _pinned: OrderedDict[Hashable, float] = field(default_factory=OrderedDict)  # since when they count as read
    _under_way: dict[tuple[Hashable, str], "asyncio.Task[str]"] = field(default_factory=dict)  # and by whose

    async def of(
        self, key: Hashable, named: str, make: Callable[[], Awaitable[str]], pinned: str = "", tenant: str = ""
    ) -> str:
        """Return the digest for the key, made by `make` if it is neither known nor `pinned` by the caller.

        Raises Temporary while it is being made, and what `make` raises.
        """
        mine = key, tenant
        if key in self._known:
            return self._refreshed(mine, make)
        if pinned:
            return self._checked(mine, make, pinned)
        task = self._under_way.get(mine) or self._begin(mine, make)
        await asyncio.wait({task}, timeout=self.timeout)
        if not task.done():
            raise Temporary(
                f"downloading {named} for the digest that pins the version; this continues by itself",
                reason=reasons.DIGEST_PENDING,
            )
        self._under_way.pop(mine, None)
        return self._keep(key, task.result())

    def _refreshed(self, mine: tuple[Hashable, str], make: Callable[[], Awaitable[str]]) -> str:
        """What is known. Where that is old, it is made again meanwhile; a failure of that changes nothing."""
        key, _ = mine
        self._known.move_to_end(key)
        digest, made_at = self._known[key]
        if (task := self._made_again(mine, make, made_at)) is None:
            return digest
        return self._keep(key, task.result() if _went_well(task) else digest)

    def _checked(self, mine: tuple[Hashable, str], make: Callable[[], Awaitable[str]], pinned: str) -> str:
        """The pin, until the files have been read. A failure of that is tried again the day after."""
        key, _ = mine
        read_at = self._pinned.setdefault(key, self.now() - FRESH * self.chance())
        task = self._made_again(mine, make, read_at)
        if task is not None and _went_well(task):
            del self._pinned[key]
            return self._keep(key, task.result())
        _put(self._pinned, key, read_at if task is None else self.now())
        return pinned

    def _made_again(
        self, mine: tuple[Hashable, str], make: Callable[[], Awaitable[str]], made_at: float
    ) -> "asyncio.Task[str] | None":
        """What has made an old digest again, once it has ended. It is begun here."""
        if self.now() - made_at < FRESH:
            return None
        task = self._under_way.get(mine) or self._begin(mine, make)
        return self._under_way.pop(mine) if task.done() else None

    async def close(self) -> None:
        """Wait for no download any more."""
        for task in self._under_way.values():
            task.cancel()
        await asyncio.gather(*self._under_way.values(), return_exceptions=True)
        self._under_way.clear()

    def _begin(self, mine: tuple[Hashable, str], make: Callable[[], Awaitable[str]]) -> "asyncio.Task[str]":
        async def made() -> str:
            return await make()

        self._under_way[mine] = asyncio.create_task(made())
        return self._under_way[mine]

    def _keep(self, key: Hashable, digest: str) -> str:
        _put(self._known, key, (digest, self.now()))
        return digest


def _put(kept: OrderedDict[Hashable, T], key: Hashable, value: T) -> None:
    kept[key] = value
    kept.move_to_end(key)
    if len(kept) > MOST_KEPT:
        kept.popitem(last=False)


def _went_well(task: "asyncio.Task[str]") -> bool:
    return not task.cancelled() and task.exception() is None
