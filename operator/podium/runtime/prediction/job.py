"""One request's wait for the model, and whose deadline ends it."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from podium.runtime.exchange import Request
from podium.runtime.faults import Abandoned, DeadlineExceeded, Fault, NotAsked, NoTurn, Refusal, TooLate

if TYPE_CHECKING:
    # Imports MLflow, which takes seconds: see podium.runtime.loading.load
    from podium.runtime.prediction.scoring import Ask

Done = Callable[[bytes | None, Fault | None], None]
NOT_ASKED = "passed before the model was asked"


class Job:
    """A request that waits. `done` is called once, on the event loop."""

    __slots__ = ("ask", "asked", "deadline", "done", "own", "request", "settled")

    def __init__(self, ask: "Ask", request: Request, deadline: float, done: Done, *, own: bool = False) -> None:
        self.ask = ask
        self.request = request
        self.deadline = deadline  # of time.monotonic()
        self.own = own  # the client's deadline, which is before the server's
        self.done = done
        self.asked = False  # the model was
        self.settled = False

    def settle(self, body: bytes | None, fault: Fault | None) -> None:
        """Hand over the answer or the fault. A second time is ignored."""
        if not self.settled:
            self.settled = True
            self.done(body, fault)

    def expire(self) -> None:
        """Hand over that the deadline has passed."""
        if not self.settled:
            self.settle(None, self.late("passed while the model predicted" if self.asked else NOT_ASKED))

    def late(self, how: str) -> Refusal:
        """Return the fault of a deadline of which this is to be said: whose deadline it is says whose fault."""
        if self.own:
            return DeadlineExceeded(f"the client's deadline {how}")
        return (TooLate if self.asked else NotAsked)(f"the server's deadline (PODIUM_REQUEST_SECONDS) {how}")

    def too_many_before(self, waiting: int) -> Refusal:
        """Return the fault of a deadline that would pass while so many others are predicted."""
        how = f"cannot be met: {waiting} requests wait already"
        return NoTurn(f"the client's deadline {how}") if self.own else self.late(how)

    def hopeless(self, now: float) -> Fault | None:
        """Why no client would take this job's answer at this time of time.monotonic()."""
        if self.settled or now > self.deadline:
            return self.late(NOT_ASKED)
        return Abandoned("the client went away") if self.request.abandoned else None
