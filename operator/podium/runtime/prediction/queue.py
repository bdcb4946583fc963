"""The thread that predicts, or the few where predictions mostly wait, and the bounded queue before them.

Requests that wait while a prediction runs are joined into the next one; no timer holds a request back. What can be
joined was validated before (`scoring.Ask.rows`), so that a bad row cannot fail its neighbours; and where the model
fails on joined rows, each request is tried again alone. A model that has proved to be quick (`pace`) is asked by the
event loop itself, one call for the requests that were readable together; no two calls of it overlap even so.
"""

import asyncio
import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from podium.runtime.exchange import Request
from podium.runtime.faults import Fault, ModelFault, Overloaded, ProcessLost, TooLate, Unforeseen
from podium.runtime.prediction.batches import batches, rows_together
from podium.runtime.prediction.forks import end_if_forked
from podium.runtime.prediction.heartbeat import Heartbeat
from podium.runtime.prediction.job import NOT_ASKED, Job
from podium.runtime.prediction.pace import ROWS, TOGETHER, Pace

if TYPE_CHECKING:
    # Imports MLflow, which takes seconds: see podium.runtime.loading.load
    from podium.runtime.prediction.scoring import Scorer

log = logging.getLogger(__name__)

TIMER_SECONDS = 5.0  # deadlines nearer than this get a timer; the sweep of the server finds the others


@dataclass(slots=True)
class Round:
    """What became of jobs that were predicted together."""

    results: list[tuple[Job, bytes | None, Fault | None]] = field(default_factory=list)
    calls: list[tuple[int, int]] = field(default_factory=list)  # requests and rows of each call of the model

    def add(self, job: Job, body: bytes | None, fault: Fault | None) -> None:
        """Put a job's end on record."""
        self.results.append((job, body, fault))


class PredictionQueue:
    """Bounded, first come first served. Its methods are called on the event loop."""

    def __init__(self, scorer: "Scorer", limit: int, max_batch_rows: int, threads: int = 1) -> None:
        self._scorer = scorer
        self._limit = limit
        self._max_batch_rows = max_batch_rows
        self._loop = asyncio.get_running_loop()
        self._process = os.getpid()
        self._arrived: list[Job] = []  # in this turn of the event loop
        self._jobs: SimpleQueue[list[Job] | None] = SimpleQueue()  # None ends a thread
        self._closed = False
        self._pending: set[Job] = set()
        self._threads = threads
        self._together_at_most = min(TOGETHER, limit)
        self._pace = Pace(steady=threads == 1 and scorer.steady)
        processes = scorer.model.processes
        self.heartbeat = Heartbeat(threads, processes.show_stacks if processes is not None else None)
        self.on_batch: Callable[[int, int], None] = lambda requests, rows: None  # noqa: ARG005
        self.on_late: Callable[[Request], None] = lambda request: None  # noqa: ARG005
        self.on_free: Callable[[], None] = lambda: None  # a place is free
        names = [f"prediction-{number}" for number in range(threads)]
        self._running = [threading.Thread(target=self._run, name=name, daemon=True) for name in names]
        for thread in self._running:
            thread.start()

    @property
    def depth(self) -> int:
        """Requests that wait or are being predicted."""
        return len(self._pending)

    @property
    def full(self) -> bool:
        """Whether a further request would wait until one before it has been predicted."""
        return len(self._pending) >= self._threads

    @property
    def crowded(self) -> bool:
        """Whether a request waits like that."""
        return len(self._pending) > self._threads

    def admit(self) -> None:
        """Ask for a place before a request is read: under overload, reading is most of what a refusal would cost.

        Raises Overloaded: the queue is full. Raises TooLate: no prediction can begin, because one does not return, or
        because another version serves.
        """
        if self._closed:
            raise TooLate("another version serves now")
        if self.heartbeat.blocked:
            raise TooLate("the running prediction is overdue, and no other can begin")
        if len(self._pending) >= self._limit:
            raise Overloaded(f"{self._limit} requests wait already, which is the limit")

    def submit(self, job: Job) -> None:
        """Take a job in.

        Raises Refusal: the queue is full, or the job's turn would come after its deadline.
        """
        self.admit()
        self.enter(job)

    def enter(self, job: Job) -> None:
        """Take in a job for which `admit` has just found a place. Raises Refusal: its turn would come too late."""
        left = job.deadline - time.monotonic()
        if left <= 0:
            raise job.late(NOT_ASKED)
        depth = len(self._pending)
        if depth * self._pace.per_request / self._threads > left:
            raise job.too_many_before(depth)
        self._pending.add(job)
        job.request.working = True
        if left < TIMER_SECONDS:
            self._loop.call_later(left, job.expire)
        if not self._arrived:
            # All that is readable in this turn is handed over together. The thread would otherwise begin with the
            # first request, and keep the interpreter from reading its neighbours.
            self._loop.call_soon(self._hand_over)
        self._arrived.append(job)
        if len(self._arrived) == self._together_at_most and self._at_once:
            self._predict_arrived()

    @property
    def _side_by_side(self) -> bool:
        """Whether each request is a thread's own, because none is joined with others."""
        return self._threads > 1 and not self._scorer.joins

    @property
    def _at_once(self) -> bool:
        """Whether the event loop predicts what has arrived: it is quick, and no thread is asking the model."""
        return (
            self._pace.quick and len(self._pending) == len(self._arrived) and rows_together(self._arrived, ROWS) <= ROWS
        )

    def _hand_over(self) -> None:
        if not self._arrived:
            return
        if self._at_once:
            self._predict_arrived()
            return
        for jobs in [[job] for job in self._arrived] if self._side_by_side else [self._arrived]:
            self._jobs.put(jobs)
        self._arrived = []

    def _predict_arrived(self) -> None:
        jobs, self._arrived = self._arrived, []
        for batch in batches(jobs, self._max_batch_rows) if self._scorer.joins else ([job] for job in jobs):
            self._deliver(self._predicted(batch))

    def close(self) -> None:
        """End the threads, once they have predicted what waits. From here on, no job is taken in."""
        self._hand_over()
        self._closed = True
        for _ in range(self._threads):
            self._jobs.put(None)

    def join(self) -> None:
        """Wait until the threads of a closed queue have ended. Not on the event loop."""
        for thread in self._running:
            thread.join()

    def expire(self, now: float) -> None:
        """Settle the jobs whose deadline has passed. They leave the queue when the thread meets them."""
        for job in [job for job in self._pending if now > job.deadline]:
            job.expire()

    def _deliver(self, ended: Round) -> None:
        for requests, rows in ended.calls:
            self.on_batch(requests, rows)
        for job, body, fault in ended.results:
            self._pending.discard(job)
            job.request.worked()
            if job.settled and job.asked and job.own:
                self.on_late(job.request)
            job.settle(body, fault)
        self.on_free()

    # A prediction thread

    def _run(self) -> None:
        while (jobs := self._waiting()) is not None:
            together: list[Job] = []
            for job in jobs:
                if job.ask.rows is not None and self._scorer.joins:
                    together.append(job)
                else:
                    self._predict([job])
            for batch in batches(together, self._max_batch_rows):
                self._predict(batch)

    def _waiting(self) -> list[Job] | None:
        """Return all jobs that wait and at least one, or one alone where others are for the other threads.

        None: there will be no more.
        """
        jobs = self._jobs.get()
        if jobs is None or self._side_by_side:
            return jobs
        try:
            while (more := self._jobs.get_nowait()) is not None:
                jobs += more
            self._jobs.put(None)  # the end comes after these
        except Empty:
            pass
        return jobs

    def _predict(self, batch: list[Job]) -> None:
        self._loop.call_soon_threadsafe(self._deliver, self._predicted(batch))

    # Predictions, of whatever thread

    def _predicted(self, batch: list[Job]) -> Round:
        started = time.monotonic()
        try:
            with self.heartbeat.predicting():
                ended = self._answered(batch)
        except BaseException:
            log.exception("a fault of the server itself, in predictions of %d requests", len(batch))
            ended = Round([(job, None, Unforeseen()) for job in batch])
        end_if_forked(self._process)
        seconds = time.monotonic() - started
        self._pace.measured(seconds, len(batch))
        batch[0].request.model_seconds = seconds if len(batch) == 1 else None
        return ended

    def _answered(self, batch: list[Job]) -> Round:
        now = time.monotonic()
        ended = Round([(job, None, fault) for job in batch if (fault := job.hopeless(now))])
        live = [job for job in batch if not job.hopeless(now)] if ended.results else batch
        for job in live:
            job.asked = True
        if len(live) > 1:
            self._joined(live, ended)
        else:
            for job in live:
                self._alone(job, ended)
        return ended

    def _alone(self, job: Job, ended: Round) -> None:
        span = job.request.trace
        try:
            # A copy: a context can be entered once at a time, and a stream's other parts may be in it
            body = (
                self._scorer.answer(job.ask) if span is None else span.context.copy().run(self._scorer.answer, job.ask)
            )
        except BaseException as error:  # noqa: BLE001  nothing may end this thread, not even a model's sys.exit()
            ended.add(job, None, _fault(error))
            return
        if job.ask.rows is not None:
            ended.calls.append((1, len(job.ask.rows)))
        ended.add(job, body, None)

    def _joined(self, live: list[Job], ended: Round) -> None:
        asks = [job.ask for job in live]
        try:
            raw = self._scorer.predict_joined(asks)
        except BaseException as error:  # noqa: BLE001  one of them may be at fault, and is found by trying
            self._found_alone(live, error, ended)
            return
        ended.calls.append((len(live), len(raw)))
        for job, answer in zip(live, self._scorer.answer_shares(asks, raw), strict=True):
            ended.results.append((job, None, answer) if isinstance(answer, Fault) else (job, answer, None))

    def _found_alone(self, live: list[Job], error: BaseException, ended: Round) -> None:
        """Try each request again alone, so that it says itself what was wrong; the others are answered."""
        end_if_forked(self._process)
        if isinstance(error, ProcessLost) and error.left <= 1:  # who ended one process would end the last one, too
            for job in live:
                ended.add(job, None, error)
            return
        log.warning("a joined prediction of %d requests failed; each is tried again alone", len(live))
        for job in live:
            self._alone(job, ended)


def _fault(error: BaseException) -> Fault:
    if isinstance(error, Fault):
        return error
    log.error("a prediction ended in a way that was not foreseen", exc_info=error)
    return ModelFault(f"the prediction ended with {type(error).__name__}")
