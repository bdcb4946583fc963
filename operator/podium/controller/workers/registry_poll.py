"""One poller for each registry and login: which models are other revisions than their ModelDeployments have heard of.

It asks for all models at once: a thousand ModelDeployments of two hundred models are one question.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from random import Random
from typing import Final

from podium.controller.queue import backoff
from podium.controller.workers.registry_request import Account
from podium.controller.workers.registry_session import Session
from podium.errors import PodiumError, Unavailable
from podium.ports import Clock, Registry, RegistryLogin

LAST_RETRY: Final = 30.0  # seconds between tries while the registry fails
_JITTER: Final = 0.1  # of the interval, which is shortened by so much at the most
_SHARE: Final = 10  # a poll is not repeated before so many times as long as it took
_log = logging.getLogger(__name__)


class Poller:
    """Asks for the sessions of one account whose answers stand."""

    def __init__(
        self,
        account: Account,
        registry: Registry,
        clock: Clock,
        every: float,
        *,
        login: Callable[[Account], Awaitable[RegistryLogin]],
        unavailable: Callable[[Session, Unavailable], None],
    ) -> None:
        """`unavailable` hears of each session for which the registry does not answer."""
        self.sessions: set[Session] = set()
        self.task: asyncio.Task[None] | None = None
        self._account = account
        self._registry = registry
        self._clock = clock
        self._every = every
        self._login = login
        self._unavailable = unavailable
        self._chance = Random(str(account))  # noqa: S311  not for secrets

    async def run(self) -> None:
        """Poll until cancelled."""
        failures, pause = 0, 0.0
        while True:
            await self._clock.sleep(max(pause, self._every * (1 - _JITTER * self._chance.random())))
            began = self._clock.monotonic()
            try:
                well = await self._poll()
            except Exception:  # noqa: BLE001  it must outlive whatever a registry's client throws
                _log.exception("polling the registry failed unexpectedly")
                well = False
            failures = 0 if well else failures + 1
            took = _SHARE * (self._clock.monotonic() - began)
            pause = took if well else max(took, backoff(failures, LAST_RETRY))

    async def _poll(self) -> bool:
        """Let those ask whose models have changed. Returns whether the registry answered."""
        # Whose task sleeps, and not whose answer stands: an outage that was told takes the answer away from a sleeper.
        waiting = [session for session in self.sessions if session.left_to_poller]
        if not waiting:
            return True
        models = {session.request.query.model for session in waiting}
        try:
            found = await self._registry.revisions(await self._login(self._account), models)
        except Unavailable as error:
            _log.warning("could not ask the registry which of %d models have changed: %s", len(models), error)
            for session in waiting:
                self._unavailable(session, error)
            return False
        except PodiumError as error:
            _log.warning("could not ask the registry which models have changed, asking for each: %s", error)
            for session in waiting:
                session.news.set()
            return True
        for session in waiting:
            if found.get(session.request.query.model, "") != session.answer.revision:
                session.news.set()
            else:
                session.failing_since = None
        return True


class Pollers:
    """A poller for each account that has sessions."""

    def __init__(self, make: Callable[[Account], Poller]) -> None:
        self._make = make
        self._pollers: dict[Account, Poller] = {}
        self._of: dict[Session, Account] = {}

    def attend(self, session: Session) -> None:
        """Poll for the session, by the account that its request names now."""
        account = session.request.account
        if self._of.get(session) == account:
            return
        self.forget(session)
        poller = self._pollers.get(account)
        if poller is None:
            poller = self._pollers[account] = self._make(account)
            poller.task = asyncio.create_task(poller.run(), name=f"poller of {account.uri or 'the own registry'}")
        poller.sessions.add(session)
        self._of[session] = account

    def forget(self, session: Session) -> None:
        """Poll for it no longer."""
        account = self._of.pop(session, None)
        if account is None:
            return
        poller = self._pollers[account]
        poller.sessions.discard(session)
        if not poller.sessions:
            del self._pollers[account]
            if poller.task is not None:
                poller.task.cancel()

    @property
    def tasks(self) -> Sequence["asyncio.Task[None]"]:
        """Those under way."""
        return [poller.task for poller in self._pollers.values() if poller.task is not None]
