"""Loads beside a version that serves, which are waited for so long and no longer: a model's code may hang.

Python cannot end a thread. One that is given up keeps what it holds, and so may hold a lock, or the memory of a model:
another version is tried beside one such thread, and beside two a new process is asked for.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from podium.runtime.exits import Exit, RestartNeeded, StartError
from podium.runtime.http.threads import in_daemon_thread

if TYPE_CHECKING:
    # Imports MLflow, which takes seconds: see podium.runtime.loading.load
    from podium.runtime.loading.load import Loaded

log = logging.getLogger(__name__)

WATCH_SECONDS = 0.5  # between two looks at what else is to be done
MOST_GIVEN_UP = 2  # that still run
_tasks: set[asyncio.Task[None]] = set()  # asyncio itself holds its tasks only weakly


class BoundedLoads:
    """One load at a time, each for at most so many seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._given_up: set[asyncio.Task[Loaded]] = set()

    async def result(
        self, load: "Callable[[], Loaded]", look: Callable[[], None], end: Callable[[], None] = lambda: None
    ) -> "Loaded":
        """Return what the load returns, and raise what it raises; `look` is called now and then meanwhile.

        `end` is called where it is given up: it ends what is no thread.

        Raises StartError: it did not return in time. Raises RestartNeeded: too many have not yet.
        """
        if len(self._given_up) >= MOST_GIVEN_UP:
            raise RestartNeeded(f"the loads of {MOST_GIVEN_UP} versions before it have not returned")
        loading = asyncio.create_task(in_daemon_thread("reload", load))
        until = time.monotonic() + self._seconds
        while (left := until - time.monotonic()) > 0:
            await asyncio.wait({loading}, timeout=min(left, WATCH_SECONDS))
            if loading.done():
                return loading.result()
            look()
        self._give_up(loading)
        end()
        limit = f"at most {self._seconds:g} s (PODIUM_RELOAD_SECONDS)"
        raise StartError(Exit.STALLED, f"loading has not returned; expected: {limit}")

    def _give_up(self, loading: "asyncio.Task[Loaded]") -> None:
        self._given_up.add(loading)
        loading.add_done_callback(self._came_late)

    def _came_late(self, loading: "asyncio.Task[Loaded]") -> None:
        self._given_up.discard(loading)
        if loading.cancelled():
            return
        if (error := loading.exception()) is not None:
            log.warning("a load that was given up has failed: %s", error)
            return
        log.warning("a load that was given up has returned; its model is let go")
        parting = asyncio.create_task(in_daemon_thread("let-go", loading.result().let_go))
        _tasks.add(parting)
        parting.add_done_callback(_tasks.discard)
