"""The keyed queue: which ModelDeployment is reconciled next.

The rules:

1. A key is in the queue once, however often it is added; the earliest moment counts.
2. A key is worked on by one worker at a time. Added meanwhile, it is due again right after.
3. What the work returns is when to reconcile again, in seconds; None means: not before it is added again.
4. A failure is logged and tried again, each time later, up to a limit, and not before the API server's `Retry-After`
   within that limit. Success forgets it.
5. Cancelling `run` cancels the work under way. What was due stays due, for the next `run`.
6. Of the keys that are due, a rollback comes before a trial, and a trial before what rests. Each class has workers of
   its own, so that a hundred resting objects, or calls that hang, hold no rollback up. Of what rests, news comes before
   what is only looked at again after a time: a commit does not wait for a thousand that have nothing to do.
7. Of the keys of one class the namespaces have their turns. Where the keys of some keep all of its workers, a namespace
   that has none at work finds a few more.
8. Work that has not ended after DEADLINE is cancelled, and counts as failed.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from enum import IntEnum
from typing import Final

from podium.controller.due import DueKeys
from podium.controller.metrics import Metrics
from podium.controller.waiting import news_or, within
from podium.core.facts import Key
from podium.errors import PodiumError, Temporary
from podium.ports import Clock


class Priority(IntEnum):
    """Who is reconciled first, and by whose workers."""

    ROLLBACK = 0
    TRIAL = 1
    REST = 2


Work = Callable[[Key], Awaitable[float | None]]
FIRST_RETRY: Final = 0.1
LAST_RETRY: Final = 10.0  # no further apart: a rollback may be what is failing
_FOR_OTHERS: Final = 2  # workers of each class for namespaces that have none at work
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
        self._depth = 0  # as it was told last: the queues of several shards add up
        self._due: DueKeys[Priority] = DueKeys(priority, last=Priority.REST)
        self._running: dict[Key, Priority] = {}
        self._failures: dict[Key, int] = {}
        self._news = asyncio.Event()

    def add(self, key: Key, after: float = 0.0) -> None:
        """Reconcile the key `after` so many seconds, or earlier where that is due already."""
        if self._due.add(key, self._clock.monotonic() + after, news=after <= 0):
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
            self._tell_depth(0)

    async def _next(self) -> tuple[Key, Priority]:
        while True:
            self._news.clear()
            now = self._clock.monotonic()
            self._tell_depth(self._due.waiting(now))
            if found := self._due.pop(now, self._free()):
                return found
            moment = self._due.next_moment()
            await news_or(self._clock, self._news, None if moment is None else moment - now)

    def _tell_depth(self, now: int) -> None:
        self._metrics.depth.inc(now - self._depth)
        self._depth = now

    def _free(self) -> dict[Priority, frozenset[str]]:
        """The priorities for which a worker is free, and the namespaces for which it is not."""
        found: dict[Priority, frozenset[str]] = {}
        for priority in Priority:
            at_work = [key.namespace for key, of in self._running.items() if of is priority]
            if len(at_work) < self._workers:
                found[priority] = frozenset()
            elif len(at_work) < self._workers + _FOR_OTHERS:
                found[priority] = frozenset(at_work)
        return found

    async def _handle(self, key: Key) -> None:
        try:
            with self._metrics.reconciling():
                again = await within(self._clock, DEADLINE, self._work(key), f"reconcile of {key}")
        except Exception as error:  # noqa: BLE001  whatever it was: it is said, and tried again
            again = self._failed(key, error)
        except asyncio.CancelledError:
            self._due.add(key, self._clock.monotonic(), news=False)  # was not finished: rule 5
            raise
        else:
            self._failures.pop(key, None)
            self._metrics.reconciled("success" if again is None else "requeue_after")
        finally:
            self._running.pop(key, None)
            self._due.release(key)
            self._news.set()  # a worker is free
        if again is not None:
            self.add(key, again)

    def _failed(self, key: Key, error: Exception) -> float:
        count = self._failures[key] = self._failures.get(key, 0) + 1
        asked = error.retry_after if isinstance(error, Temporary) else 0.0
        delay = max(backoff(count), min(asked, LAST_RETRY))
        self._metrics.reconciled("error")
        self._metrics.retries.inc()
        known = isinstance(error, PodiumError)  # says all that is needed; anything else is a fault of ours
        _log.error("%s: reconcile failed, retrying in %.1f s: %s", key, delay, error, exc_info=None if known else error)
        return delay


def backoff(count: int, last: float = LAST_RETRY) -> float:
    """The wait after so many failures in a row: doubling, up to the last."""
    return float(min(last, FIRST_RETRY * 2.0 ** min(count - 1, 30)))
