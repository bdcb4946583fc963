"""What a person at the shell sees of work that takes time, on stderr.

Each thing that begins or ends is a line. What is at work in between is one line more: on a terminal it stands below the
others and is rewritten every second, elsewhere (CI, a file) it is printed every 15 s.

    testbed: building kubernetes ... 2 min 30 s, 31 % (912 of 2764 packages), about 5 min left | debootstrap ... 20 s
"""

import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

LIVE, PLAIN = 1.0, 15.0  # seconds between two updates on a terminal, and elsewhere
_ERASE = "\r\x1b[K"
_LONG = 10  # minutes from which on seconds are left out

Describe = Callable[[float], str]  # of the seconds that it has taken so far


class Board:
    """The lines of one process. Threads share it."""

    def __init__(self, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._given, self._clock = stream, clock
        self._at_work: dict[object, tuple[str, float, Describe]] = {}
        self._updated = clock()
        self._lock = threading.RLock()

    @property
    def _stream(self) -> TextIO:
        """Stderr is looked up each time: a test's capture replaces it."""
        return self._given or sys.stderr

    @property
    def _live(self) -> bool:
        return self._stream.isatty()

    def say(self, line: str) -> None:
        """A line that stays."""
        with self._lock:
            self._stream.write(f"{_ERASE if self._live else ''}testbed: {line}\n")
            if self._live:
                self._update()
            self._stream.flush()

    @contextmanager
    def working(self, title: str, describe: Describe) -> Iterator[None]:
        """Shows this as being at work while the block runs, in which `tick` is called."""
        key = object()
        with self._lock:
            if not self._at_work:
                self._updated = self._clock()
            self._at_work[key] = title, self._clock(), describe
        try:
            yield
        finally:
            with self._lock:
                del self._at_work[key]
                if self._live:
                    self._update()

    def tick(self) -> None:
        """Shows what is at work, if it is time to."""
        with self._lock:
            if self._clock() - self._updated >= (LIVE if self._live else PLAIN):
                self._update()

    def _update(self) -> None:
        now = self._updated = self._clock()
        line = " | ".join(f"{title} ... {describe(now - start)}" for title, start, describe in self._at_work.values())
        if self._live:
            width = shutil.get_terminal_size().columns - 1
            self._stream.write(_ERASE + (f"testbed: {line}"[:width] if line else ""))
        elif line:
            self._stream.write(f"testbed: {line}\n")
        self._stream.flush()


BOARD = Board()


def say(line: str) -> None:
    """A line for the person at the shell."""
    BOARD.say(line)


@contextmanager
def step(title: str) -> Iterator[None]:
    """Says what is being done and, when it is done, how long it took."""
    say(f"{title} ...")
    start = time.monotonic()
    yield
    say(f"{title}: {time.monotonic() - start:.1f} s")


def length(seconds: float) -> str:
    """A time as a person says it: `40 s`, `2 min 30 s`, `12 min`."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= _LONG or (minutes and not rest):
        return f"{minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
