"""Claims of aliases that are given back: their ModelDeployment is gone, or writes another alias now.

It is tried for a while, beside everything else: no deletion waits for a registry. A claim that stays is void in its own
cluster, where its owner is known to be gone; in another cluster, Git has to take it over.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from podium.controller.queue import backoff
from podium.controller.workers.registry_request import Account, RegistryRequest
from podium.errors import Permanent, PodiumError
from podium.ports import Clock, Registry, RegistryLogin

_TRIES: Final = 8  # in some two minutes
_LAST: Final = 30.0  # seconds between two tries
_log = logging.getLogger(__name__)


class ReturnedClaims:
    """Those that are on their way back."""

    def __init__(
        self,
        registry: Registry,
        clock: Clock,
        *,
        login: Callable[[Account], Awaitable[RegistryLogin]],
        leads: Callable[[], bool],
    ) -> None:
        self._registry = registry
        self._clock = clock
        self._login = login
        self._leads = leads
        self.tasks: set[asyncio.Task[None]] = set()

    def give_back(self, request: RegistryRequest, owner: str) -> None:
        """Take the owner's claim of the request's alias away, in the background."""
        if owner:
            task = asyncio.create_task(self._release(request, owner), name=f"claim of {owner}")
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    async def _release(self, request: RegistryRequest, owner: str) -> None:
        alias, model = request.query.champion_alias, request.query.model
        for tried in range(1, _TRIES + 1):
            if not self._leads():
                return
            try:
                await self._registry.release_alias(await self._login(request.account), model, alias, owner)
            except Permanent as error:
                _log.warning("the claim of alias %s of %s for %s stays: %s", alias, model, owner, error)
                return
            except PodiumError as error:
                _log.warning("could not give the claim of alias %s of %s back, retrying: %s", alias, model, error)
            else:
                _log.info("alias %s of %s is claimed by %s no more", alias, model, owner)
                return
            await self._clock.sleep(backoff(tried, _LAST))


def same_alias(one: RegistryRequest, other: RegistryRequest) -> bool:
    """Whether both are about one alias of one model, asked of one address."""
    return (one.uri, one.query.model, one.query.champion_alias) == (
        other.uri,
        other.query.model,
        other.query.champion_alias,
    )
