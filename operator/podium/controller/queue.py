"""The keyed queue: which ModelDeployment is reconciled next.

The rules:

1. A key is in the queue once, however often it is added; the earliest moment counts.
2. A key is worked on by one worker at a time. Added meanwhile, it is due again right after.
3. What the work returns is when to reconcile again, in seconds; None means: not before it is added again.
4. A failure is logged and tried again, each time later, up to a limit. Success forgets it.
5. Cancelling `run` cancels the work under way. What was due stays due, for the next `run`.
6. Of the keys that are due, a rollback comes before a trial, and a trial before what rests. Each class has workers of
   its own, so that a hundred resting objects, or calls that hang, hold no rollback up. Of what rests, news comes before
   what is only looked at again after a time: a commit does not wait for a thousand that have nothing to do.
7. Work that has not ended after DEADLINE is cancelled, and counts as failed.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from enum import IntEnum
from typing import Final

from podium.controller.metrics import Metrics
from podium.controller.waiting import news_or, within
from podium.core.facts import Key
from podium.errors import PodiumError
from podium.ports import Clock


class Priority(IntEnum):
    """Who is reconciled first, and by whose workers."""

    ROLLBACK = 0
    TRIAL = 1
    REST = 2


Work = Callable[[Key], Awaitable[float | None]]
FIRST_RETRY: Final = 0.1
LAST_RETRY: Final = 10.0  # no further apart: a rollback may be what is failing
DEADLINE: Final = 60.0  # seconds for one reconcile; each of its calls has a shorter one
_log = logging.getLogger(__name__)


class WorkQueue:
    """Keys and when they are due. `workers` is how many reconciles of each priority go on at the same time."""

    def __init__(
        self,
        work: Work,
        clock: Clock,
        metrics: Metrics,
        *,
        workers: int = 8,
        priority: Callable[[Key], Priority] = lambda _: Priority.REST,
    ) -> None:
        self._work = work
        self._clock = clock
        self._metrics = metrics
        self._workers = workers
        self._priority = priority
        self._due: dict[Key, float] = {}
        self._news_of: set[Key] = set()  # those that are due for another reason than that time has passed
        self._running: dict[Key, Priority] = {}
        self._failures: dict[Key, int] = {}
        self._news = asyncio.Event()

    def add(self, key: Key, after: float = 0.0) -> None:
        """Reconcile the key `after` so many seconds, or earlier where that is due already."""
        due = self._clock.monotonic() + after
        if after <= 0:
            self._news_of.add(key)
        if self._due.get(key, due + 1) <= due:
            return
        self._due[key] = due
        self._metrics.adds.inc()
        self._news.set()

    async def run(self) -> None:
        """Work until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                while True:
                    key, priority = await self._next()
                    self._running[key] = priority
                    group.create_task(self._handle(key))
        finally:
            self._running.clear()

    async def _next(self) -> tuple[Key, Priority]:
        while True:
            self._news.clear()
            now = self._clock.monotonic()
            if found := self._first(now):
                del self._due[found[0]]
                self._news_of.discard(found[0])
                return found
            later = [due for key, due in self._due.items() if due > now and key not in self._running]
            await news_or(self._clock, self._news, min(later) - now if later else None)

    def _first(self, now: float) -> tuple[Key, Priority] | None:
        """The key that is due, and for whose priority a worker is free: the most urgent one, then as `_rank` has it."""
        due = [key for key, moment in self._due.items() if moment <= now]
        self._metrics.depth.set(len(due))
        busy = list(self._running.values())
        free = {priority for priority in Priority if busy.count(priority) < self._workers}
        ready = [(key, self._priority(key)) for key in due if key not in self._running]
        able = [each for each in ready if each[1] in free]
        return min(able, key=lambda each: (each[1], *self._rank(*each))) if able else None

    def _rank(self, key: Key, priority: Priority) -> tuple[bool, float]:
        """The earliest comes first; of those that rest, the earliest news."""
        return priority is Priority.REST and key not in self._news_of, self._due[key]

    async def _handle(self, key: Key) -> None:
        try:
            with self._metrics.reconciling():
                again = await within(self._clock, DEADLINE, self._work(key), f"reconcile of {key}")
        except Exception as error:  # noqa: BLE001  whatever it was: it is said, and tried again
            again = self._failed(key, error)
        except asyncio.CancelledError:
            self._due.setdefault(key, self._clock.monotonic())  # was not finished: rule 5
            raise
        else:
            self._failures.pop(key, None)
            self._metrics.reconciled("success" if again is None else "requeue_after")
        finally:
            self._running.pop(key, None)
            self._news.set()  # a worker is free
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
