"""A place for each visitor: what they may read, kept up to date with their own rights, and the page over it.

What one visitor may see is never shown to another, so each has a watch of their own. It ends a while after they left.
"""

import asyncio
import hashlib
import hmac
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Final

from kubernetes.aio.client import Configuration
from starlette.types import ASGIApp

from podium.adapters.kubernetes import names
from podium.adapters.kubernetes.api import Api
from podium.dashboard.app import routed
from podium.dashboard.kept import Kept
from podium.dashboard.page_settings import PageSettings
from podium.dashboard.pods import Pods
from podium.dashboard.source import follow
from podium.dashboard.steering import Steering
from podium.dashboard.visitors import Visitor

MOST: Final = 100  # visitors at a time: each costs a watch, and the fleet in memory
SHARE: Final = 20  # of them, of one user with whatever groups, or of the service accounts of one namespace
IDLE: Final = 300.0  # seconds without a request or a stream, after which a visitor has left
WATCH: Final = 60.0  # seconds after which the API server is asked again whether they may read all that
AT_ONCE: Final = 20  # requests and streams of one visitor at a time; those without a name share theirs
_OF_THE_NAMELESS: Final = 400
_FIRST: Final = 5.0  # seconds that the first request waits for what there is
Connect = Callable[[Visitor], Api]


class Full(Exception):
    """There is no seat for one more visitor, or no room for one more request of theirs."""


class VisitorForms:
    """Forms of one visitor: what one of them was given, another one cannot use."""

    def __init__(self, secret: bytes, visitor: Visitor) -> None:
        self.csrf = hmac.new(secret, repr(visitor).encode(), hashlib.sha256).hexdigest()

    def gave(self, csrf: str) -> bool:
        """Whether a form carried what this visitor was given."""
        return hmac.compare_digest(csrf.encode(), self.csrf.encode())


class Seat:
    """One visitor's."""

    def __init__(self, visitor: Visitor, api: Api, settings: PageSettings, secret: bytes) -> None:
        self.used = 0.0
        self.asks = 0  # what is under way
        self.most = AT_ONCE if visitor.known else _OF_THE_NAMELESS
        self.kept = Kept()
        self._api = api
        steers = visitor.known and not settings.read_only
        steering, forms = Steering(api) if steers else None, VisitorForms(secret, visitor)
        self.app: ASGIApp = routed(self.kept, forms, lambda: datetime.now(UTC), steering, pods=Pods(api))
        paths = {each: names.path(names.MODEL_DEPLOYMENTS, each) for each in settings.namespaces}
        every: dict[str | None, str] = {None: names.ALL_MODEL_DEPLOYMENTS}
        self._tasks = [
            asyncio.create_task(follow(api, path, self.kept, namespace=namespace, watch=WATCH, forgets=True))
            for namespace, path in (paths or every).items()
        ]

    @contextmanager
    def asking(self) -> Iterator[None]:
        """A request is under way. Raises Full where its visitor has too many: no one takes all connections."""
        if self.asks >= self.most:
            raise Full(f"{self.most} requests of yours are under way already; close other pages.")
        self.asks += 1
        try:
            yield
        finally:
            self.asks -= 1

    async def ready(self) -> None:
        """Wait a moment for what there is, or for why there is nothing."""
        with suppress(TimeoutError), self.kept.changes() as changed:
            async with asyncio.timeout(_FIRST):
                while not self.kept.complete and not self.kept.problem:
                    await changed.wait()
                    changed.clear()

    async def close(self) -> None:
        """End what is under way for this visitor."""
        self.kept.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._api.close()


class Seats:
    """Those of all visitors."""

    def __init__(
        self, settings: PageSettings, connect: Connect, secret: bytes, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings = settings
        self._connect = connect
        self._secret = secret
        self._now = now
        self._seats: dict[Visitor, Seat] = {}

    async def of(self, visitor: Visitor) -> Seat:
        """The visitor's. Raises Full where there is none, and none that its visitor has left."""
        seat, left = self._seats.get(visitor), list[Seat]()
        if seat is None:
            left = self._make_room(visitor.tenant)
            seat = Seat(visitor, self._connect(visitor), self._settings, self._secret)
            self._seats[visitor] = seat  # before anything is waited for: the visitor's next request finds it
        seat.used = self._now()
        for each in left:
            await each.close()
        await seat.ready()
        return seat

    def _make_room(self, tenant: str) -> list[Seat]:
        """The seats that were left, taken away; and of those without a stream the one used least recently.

        Who can make service accounts can be a hundred visitors: each tenant has a share, and makes room in that.
        """
        unused = [(seat.used, visitor) for visitor, seat in self._seats.items() if not seat.kept.viewers]
        free = sorted(unused, key=lambda each: each[0])
        left = [visitor for used, visitor in free if self._now() - used > IDLE]
        own = [visitor for visitor in self._seats if visitor.tenant == tenant and visitor not in left]
        if len(own) >= SHARE:
            left += [visitor for _, visitor in free if visitor in own][:1]
            if not set(left) & set(own):
                raise Full(f"{SHARE} visitors of {tenant} look at the page already.")
        if len(self._seats) - len(left) >= MOST:
            left = [*left, *(visitor for _, visitor in free if visitor not in left)][: len(left) + 1]
        if len(self._seats) - len(left) >= MOST:
            raise Full(f"{MOST} visitors look at the page already.")
        return [self._seats.pop(visitor) for visitor in left]

    async def sweep(self) -> None:
        """End those that were left, for ever."""
        while True:
            await asyncio.sleep(IDLE / 5)
            for visitor, seat in list(self._seats.items()):
                if not seat.kept.viewers and self._now() - seat.used > IDLE:
                    del self._seats[visitor]
                    await seat.close()

    def close(self) -> None:
        """Let all viewers go."""
        for seat in self._seats.values():
            seat.kept.close()

    async def end(self) -> None:
        """End all of them."""
        seats, self._seats = list(self._seats.values()), {}
        for seat in seats:
            await seat.close()


def connecting(configuration: Configuration) -> Connect:
    """Connections of the page's own service account, each of which asks as its visitor."""
    return lambda visitor: Api(configuration, more=visitor.headers())
