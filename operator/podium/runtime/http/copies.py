"""Copies of users' requests, in the challenger's pod: answered in a shadow step when no user waits, and no evidence.

A copy goes to the model only where that is free, so that a user's request waits at most for one that is being
predicted. Some wait here for that, for a moment; where users have the model, a copy is refused, before it is read.
What is predicted for it is in no count but podium_shadow_answers_total.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING

from podium.runtime.exchange import JSON, Reply, Request, Response
from podium.runtime.faults import Fault, NotAsked, Outcome, Overloaded, TooLate, Unforeseen, WrongMethod
from podium.runtime.http.deadlines import seconds_of
from podium.runtime.http.refusals import refusal
from podium.runtime.prediction.job import Job
from podium.runtime.prediction.queue import PredictionQueue
from podium.runtime.shadow import OUTCOME

if TYPE_CHECKING:
    # Imports MLflow, which takes seconds: see podium.runtime.loading.load
    from podium.runtime.prediction.scoring import Ask

log = logging.getLogger(__name__)

WAITING = 16  # copies
WAIT_SECONDS = 1.0  # for the model to be free


@dataclass(eq=False, slots=True)
class _Copy:
    """One copy. `read` returns what it asks of the model; `reply` is called once."""

    request: Request
    read: "Callable[[], Ask]"
    reply: Reply
    timer: asyncio.TimerHandle | None = None


class Copies:
    """The copies that wait, and those that are predicted."""

    def __init__(self, queue: PredictionQueue, limit: float, count: Callable[[Outcome], None]) -> None:
        """`limit` is how many seconds one may take, unless it says less. `count` is told how each of them ended."""
        self._queue, self._limit, self._count = queue, limit, count
        self._waiting: deque[_Copy] = deque()
        self._predicted = 0

    def answer(self, request: Request, read: "Callable[[], Ask]", reply: Reply, *, draining: bool) -> None:
        """Answer a copy, now or later."""
        copy = _Copy(request, read, reply)
        if request.method != "POST":
            self._end(copy, WrongMethod(f"expected POST, found {request.method[:20]}"))
        elif self._queue.heartbeat.blocked:
            self._end(copy, TooLate("the running prediction is overdue, and no other can begin"))
        elif draining or self._users_wait or len(self._waiting) >= WAITING:
            self._end(copy, Overloaded("users' requests come before copies"))
        else:
            copy.timer = asyncio.get_running_loop().call_later(WAIT_SECONDS, self._give_up, copy)
            self._waiting.append(copy)
            self.proceed()

    @property
    def _users_wait(self) -> bool:
        """Whether a user's request has the model, or would have to wait for it."""
        return self._queue.full and self._queue.depth > self._predicted

    def proceed(self) -> None:
        """Hand over what waits, as far as the model is free."""
        while self._waiting and not self._queue.full:
            copy = self._waiting.popleft()
            if copy.timer is not None:
                copy.timer.cancel()
            self._begin(copy)

    def close(self) -> None:
        """Refuse what waits."""
        while self._waiting:
            self._give_up(self._waiting[0])

    def _give_up(self, copy: _Copy) -> None:
        self._waiting.remove(copy)
        if copy.timer is not None:
            copy.timer.cancel()
        self._end(copy, Overloaded("the model was not free for a copy"))

    def _begin(self, copy: _Copy) -> None:
        try:
            deadline = time.monotonic() + seconds_of(copy.request, self._limit)
            self._queue.submit(Job(copy.read(), copy.request, deadline, partial(self._done, copy)))
            self._predicted += 1
        except Fault as fault:
            self._end(copy, fault)
        except Exception:
            log.exception("a fault of the server itself, in copy %s", copy.request.id.decode())
            self._end(copy, Unforeseen())

    def _done(self, copy: _Copy, body: bytes | None, fault: Fault | None) -> None:
        del body  # it is made, as making it may fail, and what is compared goes back in its place
        self._predicted -= 1
        self._end(copy, fault)

    def _end(self, copy: _Copy, fault: Fault | None) -> None:
        outcome = Outcome.OK if fault is None else fault.outcome or Outcome.OVERLOAD
        if isinstance(fault, NotAsked):  # others were slow: it was not tried
            outcome = Outcome.OVERLOAD
        self._count(outcome)
        said = (OUTCOME, outcome.encode())
        if fault is not None:
            copy.reply(refusal(fault, copy.request.path, said))
            return
        seconds, sample = copy.request.model_seconds, copy.request.sample
        values = (sample.text if sample is not None else None) or b"null"
        told = b'{"seconds":%b,"predictions":%b}' % (b"null" if seconds is None else b"%.9f" % seconds, values)
        copy.reply(Response(HTTPStatus.OK, told, JSON, [said]))
