"""Who may use the shared cluster at the moment, where tests run in several processes.

Most tests on it run beside each other: each has a namespace, a model and a port of its own. A test that stops what the
others use (the operator, MLflow), or that measures, runs alone: it waits until the tests at work have ended, and no
other begins meanwhile.
"""

import fcntl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO


class Turns:
    """One process's part in it. Whoever has a turn has it for all that is nested in it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: IO[str] | None = None
        self._depth = 0

    @contextmanager
    def together(self) -> Iterator[None]:
        """Beside others that are here together, but not beside one that is alone."""
        with self._turn(fcntl.LOCK_SH):
            yield

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Beside no other."""
        with self._turn(fcntl.LOCK_EX):
            yield

    @contextmanager
    def _turn(self, kind: int) -> Iterator[None]:
        if not self._depth:
            self._enter(kind)
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
            if not self._depth and self._held:
                self._held.close()

    def _enter(self, kind: int) -> None:
        """Through the door one by one: who waits for a turn alone keeps it shut, so that no stream of others passes."""
        with ExitStack() as until_inside:
            door = until_inside.enter_context((self._folder / "tests-door").open("w"))
            fcntl.flock(door, fcntl.LOCK_EX)
            self._held = (self._folder / "tests-room").open("w")
            fcntl.flock(self._held, kind)
