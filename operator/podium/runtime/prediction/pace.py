"""How long predictions take of late, and whether they are so quick that the event loop had better make them itself.

Handing a request to another thread and its answer back costs two switches of context, and each of the two threads keeps
the interpreter from the other: 150 µs beside the 90 µs that a logistic regression itself takes for a row.
"""

from collections import deque

QUICK_SECONDS = 0.01  # a call that takes longer is left to a thread
SLOW_SECONDS = 0.05  # a call of the event loop that takes longer keeps others waiting
SLOW_CALLS = 3  # of those in a row, quickness is to be proved again: one alone may have waited for the processor
CALLS = 16  # of a thread in a row, of which the quickest counts: load makes calls slower than they are, never quicker
TOGETHER = 128  # requests in one call that the event loop makes: a forest takes 5 ms for 1 row, and 8 for 128
ROWS = 4 * TOGETHER  # at most, in those

_WEIGHT = 0.1  # of the newest prediction in the moving average of seconds per request


class Pace:
    """What the calls of one model took. `steady` says that this depends on the number of rows and on nothing else."""

    def __init__(self, *, steady: bool) -> None:
        self._calls: deque[float] = deque(maxlen=CALLS)
        self._steady = steady
        self._slow = 0  # calls in a row
        self.quick = False  # whether the event loop makes the calls
        self.per_request = 0.0  # seconds that a request takes a thread, lately: an average, which may lose an update

    def measured(self, seconds: float, requests: int) -> None:
        """Take note of a call. Called by whoever made it."""
        self.per_request += _WEIGHT * (seconds / requests - self.per_request)
        if self.quick:
            self._slow = self._slow + 1 if seconds > SLOW_SECONDS else 0
            self.quick = self._slow < SLOW_CALLS
        elif self._steady:
            self._calls.append(seconds)
            if len(self._calls) == CALLS and min(self._calls) <= QUICK_SECONDS:
                self._calls.clear()
                self._slow, self.quick = 0, True
