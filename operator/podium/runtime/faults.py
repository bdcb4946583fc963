"""What can go wrong with one request, sorted by whose fault it is.

Fault
 ├─ RequestFault      4xx: the request must change            outcome client_error
 │   ├─ NotFound          404; WrongMethod 405
 │   ├─ Abandoned        the client went away: counted, but there is no client to be told
 │   ├─ TooSlow          408: the body did not arrive in time
 │   ├─ TooLarge         413
 │   ├─ YoungerVersion   409: another slot's failed request, which no younger version answers; never counted
 │   ├─ EarlierVersion   409: a copy of another slot's request, which no earlier version answers; never counted
 │   └─ WrongMediaType   415
 ├─ ModelFault        500: the model must change              outcome model_error
 │   ├─ Unforeseen       the server itself failed: no failure in a row, as the champion's server is the same
 │   ├─ ProcessLost      the process that predicted has ended (PODIUM_PROCESSES)
 │   └─ Invalid          an answer, but none that the signature allows       outcome nan
 │       ├─ NotANumber       NaN or infinite where it says a number
 │       └─ WrongShape       another shape than the signature says
 └─ Refusal           503: the same request may succeed later
     ├─ Overloaded       the queue is full                    outcome overload
     ├─ TooLate          the server's own limit of time       outcome timeout
     │   └─ NotAsked         over before the model was asked: no failure in a row, as others were slow
     ├─ DeadlineExceeded the client's own, shorter deadline   outcome deadline_exceeded
     │   └─ NoTurn           refused before that, as others wait: whoever has room may answer it in time
     └─ NotReady         no model yet                         not counted: no client has been promised anything

A message goes to whoever sent the request: it never holds a stack trace, nor what was in the request.
"""

from enum import StrEnum
from http import HTTPStatus


class Outcome(StrEnum):
    """How a prediction request ended; the label of `podium_requests_total`."""

    OK = "ok"
    CLIENT_ERROR = "client_error"
    MODEL_ERROR = "model_error"
    NAN = "nan"
    OVERLOAD = "overload"
    TIMEOUT = "timeout"
    DEADLINE_EXCEEDED = "deadline_exceeded"


class Fault(Exception):
    """A request that gets no prediction."""

    status = HTTPStatus.INTERNAL_SERVER_ERROR
    outcome: Outcome | None = Outcome.MODEL_ERROR
    retry_after: int | None = None  # seconds
    doubtful = False  # it may not be the version's: it is no failure in a row

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class RequestFault(Fault):
    """The request is wrong; sending it again changes nothing."""

    status = HTTPStatus.BAD_REQUEST
    outcome = Outcome.CLIENT_ERROR


class NotFound(RequestFault):
    """No such path, or not with this method."""

    status = HTTPStatus.NOT_FOUND


class WrongMethod(NotFound):
    """The path exists; the method does not."""

    status = HTTPStatus.METHOD_NOT_ALLOWED


class Abandoned(RequestFault):
    """The client went away before its answer was there."""


class TooSlow(RequestFault):
    """The body did not arrive in time."""

    status = HTTPStatus.REQUEST_TIMEOUT


class TooLarge(RequestFault):
    """The body is larger than the limit."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class YoungerVersion(RequestFault):
    """The other slot's version is the older one: this one does not answer in its place."""

    status = HTTPStatus.CONFLICT

    def __init__(self) -> None:
        super().__init__("a version that is younger than the one that failed does not answer in its place")


class EarlierVersion(RequestFault):
    """The other slot's version is the younger one: copies of its requests are not for this one."""

    status = HTTPStatus.CONFLICT

    def __init__(self) -> None:
        super().__init__("a version that is no younger than the one that answered a request gets no copy of it")


class WrongMediaType(RequestFault):
    """The body is of a kind that this server does not read."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


class ModelFault(Fault):
    """The model could not answer a request that fits its signature."""


class Unforeseen(ModelFault):
    """The server failed in a way that it did not foresee; whether the request or the model led to it is not known."""

    doubtful = True

    def __init__(self) -> None:
        super().__init__("internal error")


class ProcessLost(ModelFault):
    """The process that predicted has ended. `left` is how many of them still predict."""

    def __init__(self, message: str, left: int) -> None:
        super().__init__(message)
        self.left = left


class Invalid(ModelFault):
    """The model did not raise, and what it answered cannot be passed on."""

    outcome = Outcome.NAN


class NotANumber(Invalid):
    """The model answered NaN or infinity where its signature says a number."""


class WrongShape(Invalid):
    """The model answered another shape than its signature says."""


class Refusal(Fault):
    """Nothing is wrong with the request or the model; there is no room or no time."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    retry_after = 1


class Overloaded(Refusal):
    """The queue is full."""

    outcome = Outcome.OVERLOAD


class TooLate(Refusal):
    """The answer would come, or came, after the time that the server gives every request."""

    outcome = Outcome.TIMEOUT


class NotAsked(TooLate):
    """That time was over before the model was asked."""

    doubtful = True


class DeadlineExceeded(Refusal):
    """The client gave the request less time than the server does, and that was over first.

    It says nothing of the version: a client may ask for less than any model takes.
    """

    outcome = Outcome.DEADLINE_EXCEEDED


class NoTurn(DeadlineExceeded):
    """It would be over before the request's turn comes, and is not yet."""


class NotReady(Refusal):
    """The model is not loaded yet."""

    outcome = None
