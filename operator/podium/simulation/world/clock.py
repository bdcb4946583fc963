"""A clock that stands still until a test moves it. Whoever sleeps on it is woken in the order of time."""

import asyncio
import heapq
import itertools
from datetime import UTC, datetime, timedelta
from typing import Final

_START: Final = datetime(2026, 1, 1, tzinfo=UTC)
_ROUNDS: Final = 30  # turns of the event loop after which everything that could run has run


class FakeClock:
    """Implements the port Clock in virtual time."""

    def __init__(self, start: datetime = _START) -> None:
        self._start = start
        self._elapsed = 0.0
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._elapsed)

    def monotonic(self) -> float:
        return self._elapsed

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._elapsed + seconds, next(self._order), woken))
        await woken

    async def advance(self, seconds: float) -> None:
        """Let so much time pass, and everything run that becomes due in it."""
        end = self._elapsed + seconds
        await settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            due, _, woken = heapq.heappop(self._sleepers)
            if woken.done():  # cancelled
                continue
            self._elapsed = max(self._elapsed, due)
            woken.set_result(None)
            await settle()
        self._elapsed = end
        await settle()

    @property
    def sleeping(self) -> bool:
        """Whether a task waits for time to pass."""
        return any(not woken.done() for _, _, woken in self._sleepers)

    def move(self, seconds: float) -> None:
        """Let time pass for code that does not sleep."""
        self._elapsed += seconds


async def settle() -> None:
    """Let every task run until it waits for something that will not come by itself."""
    for _ in range(_ROUNDS):
        await asyncio.sleep(0)
