"""Digests of model versions, each made once. A big model takes minutes: no caller has to wait for it.

Whoever asks waits a moment, and is then told to ask again. The download goes on meanwhile, and its outcome, good or
bad, is kept for the next who asks. A bad one is returned once: the ask after that starts again.

Files can be changed in their place, and no answer of MLflow tells of it. So a digest is made again once a day, in the
background; until then only a pod that starts finds out.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field

from podium.api.v1alpha1 import reasons
from podium.errors import Temporary

TIMEOUT = 5.0  # seconds that a query waits for a digest
FRESH = 24 * 3600.0  # seconds after which a digest is made again
MOST_KEPT = 4096  # digests; a key and a digest are less than 1 kB


@dataclass
class Digests:
    """What is known, and what is under way. For one event loop."""

    timeout: float = TIMEOUT
    now: Callable[[], float] = time.monotonic
    _known: OrderedDict[Hashable, tuple[str, float]] = field(default_factory=OrderedDict)
    _under_way: dict[Hashable, "asyncio.Task[str]"] = field(default_factory=dict)

    async def of(self, key: Hashable, named: str, make: Callable[[], Awaitable[str]]) -> str:
        """Return the digest for the key, made by `make` if it is not known yet.

        Raises Temporary while it is being made, and what `make` raises.
        """
        if key in self._known:
            return self._refreshed(key, make)
        task = self._under_way.get(key) or self._begin(key, make)
        await asyncio.wait({task}, timeout=self.timeout)
        if not task.done():
            raise Temporary(
                f"downloading {named} for the digest that pins the version; this continues by itself",
                reason=reasons.DIGEST_PENDING,
            )
        self._under_way.pop(key, None)
        return self._keep(key, task.result())

    def _refreshed(self, key: Hashable, make: Callable[[], Awaitable[str]]) -> str:
        """What is known. Where that is old, it is made again meanwhile; a failure of that changes nothing."""
        self._known.move_to_end(key)
        digest, made_at = self._known[key]
        if self.now() - made_at < FRESH:
            return digest
        task = self._under_way.get(key) or self._begin(key, make)
        if not task.done():
            return digest
        self._under_way.pop(key)
        return self._keep(key, digest if task.cancelled() or task.exception() else task.result())

    async def close(self) -> None:
        """Wait for no download any more."""
        for task in self._under_way.values():
            task.cancel()
        await asyncio.gather(*self._under_way.values(), return_exceptions=True)
        self._under_way.clear()

    def _begin(self, key: Hashable, make: Callable[[], Awaitable[str]]) -> "asyncio.Task[str]":
        async def made() -> str:
            return await make()

        self._under_way[key] = asyncio.create_task(made())
        return self._under_way[key]

    def _keep(self, key: Hashable, digest: str) -> str:
        self._known[key] = digest, self.now()
        if len(self._known) > MOST_KEPT:
            self._known.popitem(last=False)
        return digest
