"""How long the predictions that run now have been running: what never returns makes no event.

A model that hangs keeps its thread, so that later requests would wait in vain while all probes are answered. The
server's sweep asks here, takes the pod out of service, and at last ends the process.
"""

import logging
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

log = logging.getLogger(__name__)


class Heartbeat:
    """Which threads predict, and since when. Written by them, read by the event loop."""

    def __init__(self, threads: int, show_stacks: Callable[[], None] | None = None) -> None:
        """`show_stacks` shows where the model stands, where it is asked in other processes."""
        self._threads = threads
        self._show_stacks = show_stacks
        self._since: dict[int, float] = {}
        self.overdue = False  # a prediction has run for longer than any request may wait
        self.blocked = False  # and so on every thread: none can begin

    @contextmanager
    def predicting(self) -> Iterator[None]:
        """Around each prediction."""
        me = threading.get_ident()
        self._since[me] = time.monotonic()
        try:
            yield
        finally:
            del self._since[me]

    def check(self, now: float, patience: float, limit: float) -> str | None:
        """Take note of predictions that have run for longer than `patience` at this time of time.monotonic().

        Returns why the process cannot go on, where one has run for longer than `limit`. All in seconds.
        """
        running = {thread: now - since for thread, since in self._since.copy().items()}
        late = {thread: seconds for thread, seconds in running.items() if seconds > min(patience, limit)}
        if late and not self.overdue:
            _tell(late)
            if self._show_stacks is not None:
                self._show_stacks()
        self.overdue, self.blocked = bool(late), len(late) >= self._threads
        longest = max(running.values(), default=0.0)
        if longest <= limit:
            return None
        return (
            f"a prediction has not returned for {longest:.3g} s; expected: at most {limit:g} s (PODIUM_STALL_SECONDS); "
            "the log shows where the model stands"
        )


def _tell(late: dict[int, float]) -> None:
    """Where each late thread stands. Code only: no values, which would be a client's data."""
    frames = sys._current_frames()  # noqa: SLF001  as the standard library documents it
    for thread, seconds in late.items():
        stack = "".join(traceback.format_stack(frames.get(thread)))
        log.error("a prediction has not returned for %.3g s; it stands here:\n%s", seconds, stack)
