"""Looks after the event loop from outside: what holds that up, it cannot find itself.

Quick models are asked by the event loop (`prediction.pace`). Should such a prediction not return, no probe is answered
any more, and nothing would end the process with a word about why.
"""

import threading
import time
from collections.abc import Callable

PERIOD_SECONDS = 0.5
SILENT_SECONDS = 2.0  # an event loop that has not been heard of for so long is held up

Stalled = Callable[[float], str | None]


class Watchdog:
    """`stalled` tells at a time of time.monotonic() why the process cannot go on; `end` is told of it, and ends it."""

    def __init__(self, stalled: Stalled, end: Callable[[str], None]) -> None:
        self._stalled = stalled
        self._end = end
        self._heard = time.monotonic()

    def hear(self, now: float) -> None:
        """Take note that the event loop works."""
        self._heard = now

    def check(self, now: float) -> str | None:
        """Return why the process cannot go on, unless the event loop can tell so itself."""
        return self._stalled(now) if now - self._heard > SILENT_SECONDS else None

    def start(self) -> None:
        """Check from time to time, in a thread."""
        threading.Thread(target=self._run, name="watchdog", daemon=True).start()

    def _run(self) -> None:
        while (why := self.check(time.monotonic())) is None:
            time.sleep(PERIOD_SECONDS)
        self._end(why)
