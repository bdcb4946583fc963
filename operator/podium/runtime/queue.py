"""The one thread that predicts, and the bounded queue before it. Prediction never runs on the event loop."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

from podium.runtime.faults import Fault, ModelFault, Overloaded, TooLate

log = logging.getLogger(__name__)

Work = Callable[[], Any]


class Job:
    """One piece of work, and the future that somebody on the event loop waits for."""

    __slots__ = ("deadline", "future", "work")

    def __init__(self, work: Work, deadline: float, future: "asyncio.Future[Any]") -> None:
        self.work = work
        self.deadline = deadline
        self.future = future


class PredictionQueue:
    """Runs work one by one in its own thread. All methods are called on the event loop."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._loop = asyncio.get_running_loop()
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="prediction", daemon=True)
        self._thread.start()
        self.depth = 0  # waiting or running

    async def run(self, work: Work, deadline: float) -> Any:
        """Run the work in the prediction thread and return its result. `deadline` is of time.monotonic().

        Raises Overloaded: the queue is full. Raises TooLate: not done by the deadline. Raises what the work raises.
        """
        if self.depth >= self._limit:
            raise Overloaded(f"{self.depth} requests wait already, which is the limit")
        job = Job(work, deadline, self._loop.create_future())
        self.depth += 1
        job.future.add_done_callback(self._leave)
        timer = self._loop.call_later(max(0.0, deadline - time.monotonic()), _expire, job.future)
        self._jobs.put(job)
        try:
            return await job.future
        finally:
            timer.cancel()

    def close(self) -> None:
        """Let the thread end after what it holds."""
        self._jobs.put(None)

    def _leave(self, _: "asyncio.Future[Any]") -> None:
        self.depth -= 1

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            if job.future.done() or time.monotonic() > job.deadline:
                continue  # nobody waits any more: late work is dropped before it is predicted
            result, error = _attempt(job.work)
            self._loop.call_soon_threadsafe(_settle, job.future, result, error)


def _attempt(work: Work) -> tuple[Any, Fault | None]:
    try:
        return work(), None
    except Fault as fault:
        return None, fault
    except BaseException as error:
        # Nothing may end this thread: a model that calls sys.exit() is at fault, not the server.
        log.exception("a prediction ended in a way that nobody foresaw")
        return None, ModelFault(f"the prediction ended with {type(error).__name__}")


def _settle(future: "asyncio.Future[Any]", result: Any, error: Fault | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)


def _expire(future: "asyncio.Future[Any]") -> None:
    if not future.done():
        future.set_exception(TooLate("no answer by the deadline"))
