"""Digests of model versions, each made once. A big model takes minutes: no caller has to wait for it.

Whoever asks waits a moment, and is then told to ask again. The download goes on meanwhile, and its outcome, good or
bad, is kept for the next who asks. A bad one is returned once: the ask after that starts again.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field

from podium.api.v1alpha1 import reasons
from podium.errors import Temporary

TIMEOUT = 5.0  # seconds that a query waits for a digest
MOST_KEPT = 4096  # digests; a key and a digest are less than 1 kB


@dataclass
class Digests:
    """What is known, and what is under way. For one event loop."""

    timeout: float = TIMEOUT
    _known: OrderedDict[Hashable, str] = field(default_factory=OrderedDict)
    _under_way: dict[Hashable, "asyncio.Task[str]"] = field(default_factory=dict)

    async def of(self, key: Hashable, named: str, make: Callable[[], Awaitable[str]]) -> str:
        """Return the digest for the key, made by `make` if it is not known yet.

        Raises Temporary while it is being made, and what `make` raises.
        """
        if key in self._known:
            self._known.move_to_end(key)
            return self._known[key]
        task = self._under_way.get(key) or self._begin(key, make)
        await asyncio.wait({task}, timeout=self.timeout)
        if not task.done():
            raise Temporary(
                f"downloading {named} for the digest that pins the version; this continues by itself",
                reason=reasons.DIGEST_PENDING,
            )
        self._under_way.pop(key, None)
        return self._keep(key, task.result())

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
        self._known[key] = digest
        if len(self._known) > MOST_KEPT:
            self._known.popitem(last=False)
        return digest
