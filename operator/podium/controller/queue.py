"""The keyed queue: which ModelDeployment is reconciled next.

The rules:

1. A key is in the queue once, however often it is added; the earliest moment counts.
2. A key is worked on by one worker at a time. Added meanwhile, it is due again right after.
3. What the work returns is when to reconcile again, in seconds; None means: not before it is added again.
4. A failure is logged and tried again, each time later, up to a limit. Success forgets it.
5. Cancelling `run` cancels the work under way. What was due stays due, for the next `run`.
"""

import asyncio
import heapq
import itertools
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from podium.controller.metrics import Metrics
from podium.controller.waiting import news_or
from podium.core.facts import Key
from podium.errors import PodiumError
from podium.ports import Clock

Work = Callable[[Key], Awaitable[float | None]]
FIRST_RETRY: Final = 0.1
LAST_RETRY: Final = 10.0  # no further apart: a rollback may be what is failing
_log = logging.getLogger(__name__)


class WorkQueue:
    """Keys and when they are due."""

    def __init__(self, work: Work, clock: Clock, metrics: Metrics, *, workers: int = 8) -> None:
        self._work = work
        self._clock = clock
        self._metrics = metrics
        self._workers = workers
        self._due: dict[Key, float] = {}
        self._heap: list[tuple[float, int, Key]] = []  # may hold stale moments: `_due` is what counts
        self._order = itertools.count()
        self._running: set[Key] = set()
        self._failures: dict[Key, int] = {}
        self._news = asyncio.Event()

    def add(self, key: Key, after: float = 0.0) -> None:
        """Reconcile the key `after` so many seconds, or earlier where that is due already."""
        due = self._clock.monotonic() + after
        if self._due.get(key, due + 1) <= due:
            return
        self._due[key] = due
        self._metrics.adds.inc()
        self._push(key)

    async def run(self) -> None:
        """Work until cancelled."""
        places = asyncio.Semaphore(self._workers)
        try:
            async with asyncio.TaskGroup() as group:
                while True:
                    await places.acquire()
                    key = await self._next()
                    self._running.add(key)
                    group.create_task(self._handle(key)).add_done_callback(lambda _: places.release())
        finally:
            self._running.clear()

    def _push(self, key: Key) -> None:
        if key not in self._running:  # otherwise it is pushed when the work on it ends
            heapq.heappush(self._heap, (self._due[key], next(self._order), key))
            self._news.set()

    async def _next(self) -> Key:
        while True:
            self._news.clear()
            wait = self._first_wait()
            if wait is None or wait > 0:
                await news_or(self._clock, self._news, wait)
                continue
            key = heapq.heappop(self._heap)[2]
            del self._due[key]
            return key

    def _first_wait(self) -> float | None:
        """Seconds until the first key is due; None where there is none."""
        while self._heap and self._due.get(self._heap[0][2]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        now = self._clock.monotonic()
        self._metrics.depth.set(sum(due <= now for due in self._due.values()))
        return self._heap[0][0] - now if self._heap else None

    async def _handle(self, key: Key) -> None:
        try:
            with self._metrics.reconciling():
                again = await self._work(key)
        except Exception as error:  # noqa: BLE001  whatever it was: it is said, and tried again
            again = self._failed(key, error)
        except asyncio.CancelledError:
            self._due.setdefault(key, self._clock.monotonic())  # was not finished: rule 5
            raise
        else:
            self._failures.pop(key, None)
            self._metrics.reconciled("success" if again is None else "requeue_after")
        finally:
            self._running.discard(key)
            if key in self._due:
                self._push(key)
        if again is not None:
            self.add(key, again)

    def _failed(self, key: Key, error: Exception) -> float:
        count = self._failures[key] = self._failures.get(key, 0) + 1
        delay = backoff(count)
        self._metrics.reconciled("error")
        self._metrics.retries.inc()
        known = isinstance(error, PodiumError)  # says all that is needed; anything else is a fault of ours
        _log.error("%s: reconcile failed, retrying in %.1f s: %s", key, delay, error, exc_info=None if known else error)
        return delay


def backoff(count: int, last: float = LAST_RETRY) -> float:
    """The wait after so many failures in a row: doubling, up to the last."""
    return float(min(last, FIRST_RETRY * 2.0 ** min(count - 1, 30)))
