"""An event loop in virtual time: nothing ever waits, and the clock jumps to the next moment at which anything is due.

The operator's tasks, queues and time-outs run on it as they are: an hour of them costs what they compute in it.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

_RESOLUTION: Final = 1e-9  # seconds; two moments nearer than this are one


class VirtualLoop(asyncio.BaseEventLoop):
    """Runs to a moment, and stops once nothing more can happen before or at it."""

    _ready: deque[asyncio.Handle]  # BaseEventLoop keeps both: what is due now,
    _scheduled: list[asyncio.TimerHandle]  # and what will be, a heap with the next one first

    def __init__(self) -> None:
        super().__init__()
        self._elapsed = 0.0
        self._until = 0.0
        self._selector = self  # BaseEventLoop asks it for events, and for how long to wait
        self._clock_resolution = _RESOLUTION

    def time(self) -> float:
        return self._elapsed

    def run_for(self, seconds: float) -> None:
        """Let so much time pass, and everything run that becomes due in it."""
        self._until = self._elapsed + seconds
        self.run_forever()

    def until_next(self) -> float:
        """Seconds until anything is due; none where it is now, or never."""
        if self._ready or not self._scheduled:
            return 0.0
        return max(0.0, self._scheduled[0].when() - self._elapsed)

    def select(self, timeout: float | None) -> list[object]:
        """Called when the tasks have nothing to do but to wait: jump to the next moment, or stop at the last one."""
        if timeout is not None and self._elapsed + timeout <= self._until:
            self._elapsed += timeout
            return []
        self._elapsed = self._until
        self.stop()
        return []

    def end(self) -> None:
        """Cancel every task, let each run its `finally`, and close."""
        for task in asyncio.all_tasks(self):
            task.cancel()
        self.run_for(0)
        self.close()

    def _process_events(self, event_list: list[object]) -> None:
        """There are no files and no sockets."""


class LoopClock:
    """Implements the port Clock on a VirtualLoop."""

    def __init__(self, loop: VirtualLoop, start: datetime) -> None:
        self._loop = loop
        self._start = start
        self.lengthen: Callable[[float], float] = lambda seconds: seconds  # whoever sleeps may oversleep

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._loop.time())

    def monotonic(self) -> float:
        return self._loop.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(self.lengthen(seconds))
