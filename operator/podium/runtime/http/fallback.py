"""The champion answers instead: a user's request that the version here fails is sent to the other slot.

Predictions change nothing, so one may be asked twice. What the version here did is counted as it ever was, and nothing
of the other slot's answer; there the request is neither a user's nor evidence (`Caller.FALLBACK`). A request that is
itself sent by the other slot is answered as it is, so that no request goes round.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from http import HTTPStatus

from podium.runtime.exchange import Reply, Request, Response
from podium.runtime.faults import (
    Fault,
    ModelFault,
    NoTurn,
    Overloaded,
    ProcessLost,
    RequestFault,
    TooLate,
    YoungerVersion,
)
from podium.runtime.http.client import Answer, Client, Silent, Unanswered, Unreachable
from podium.runtime.http.deadlines import seconds_of
from podium.runtime.identity import Headers, Identity
from podium.runtime.other_slot import FROM, NUMBER, OtherSlot

log = logging.getLogger(__name__)

# For how long no request is sent on, in seconds, after one found that
UNREACHABLE_SECONDS = 0.2  # the other slot has no pod: each failure would take longer for it
SILENT_SECONDS = 5.0  # it hangs: each failure would wait for all its time
DECLINED_SECONDS = 60.0  # it is no earlier version, which no running pod becomes; or does not know that it stands in

# What is said of a connection or of this exchange alone (RFC 9110, 7.6.1), or is written for the other slot
_HOP_BY_HOP = frozenset(
    {
        *(b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade"),
        *(b"http2-settings", b"proxy-authenticate", b"proxy-authorization", b"content-length", b"x-request-id"),
    }
)
_NOT_SENT = frozenset(
    {
        *(b"host", b"expect", b"content-encoding", b"accept-encoding", b"grpc-encoding"),
        *(b"x-request-timeout", FROM, NUMBER),
    }
)
_NOT_PASSED_ON = frozenset({b"content-type", b"date", b"server", FROM})
_IDENTITY = frozenset({b"x-podium-model", b"x-podium-version", b"x-podium-run-id"})
_OF_A_PROXY = frozenset({HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT})


def may_do_better(fault: Fault) -> bool:
    """Return whether another version may answer what failed here like this.

    A client's fault is one everywhere. What ended a process may end the other slot's pod as well.
    """
    return isinstance(fault, ModelFault | Overloaded | TooLate | NoTurn) and not isinstance(fault, ProcessLost)


class Fallback:
    """Sends requests to the other slot, for the version that serves here."""

    def __init__(self, other: OtherSlot, client: Client, who: Identity, count: Callable[[bool], None]) -> None:
        """`count` is told of each request that was sent on whether the other slot answered it.

        Not of one that was given up, as its client left, or as the answer of the version here came first.
        """
        self._number, self.after = b"%d" % other.number, other.after
        self._client = client
        self._version = who.version.encode()
        self._count = count
        self._paused_until = 0.0
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def busy(self) -> bool:
        """Whether an answer is waited for."""
        return bool(self._tasks)

    def send(
        self, request: Request, until: float, then: Callable[[Answer | None], None]
    ) -> "asyncio.Task[None] | None":
        """Ask the other slot, and call `then` once with its answer; None: it has none until that time.monotonic().

        Returns what is cancelled where its answer is of no use any more: `then` is not called then. None: it is not
        asked now.
        """
        now = time.monotonic()
        if now < self._paused_until or until <= now:
            return None
        task = asyncio.get_running_loop().create_task(self._sent(request, until - now, then))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _sent(self, request: Request, seconds: float, then: Callable[[Answer | None], None]) -> None:
        found: Answer | None = None
        try:
            found = await self._asked(request, seconds)
        except Exception:
            log.exception("a fault of the server itself, in sending request %s on", request.id.decode())
        self._count(found is not None)
        then(found)

    async def _asked(self, request: Request, seconds: float) -> Answer | None:
        try:
            answer = await self._client.post(request.path, self._headers(request, seconds), request.body, seconds)
        except Unreachable as why:
            self._pause(UNREACHABLE_SECONDS, str(why))
            return None
        except Silent as why:
            self._pause(SILENT_SECONDS, str(why))
            return None
        except Unanswered as why:
            log.info("the other slot did not answer request %s: %s", request.id.decode(), why)
            return None
        stands_in = any(name == FROM for name, _ in answer.headers)
        if not stands_in and answer.status in _OF_A_PROXY:
            self._pause(UNREACHABLE_SECONDS, f"what stands before it answers {answer.status}")
        elif not stands_in:  # an older server takes this request for a user's, and counts it
            self._pause(DECLINED_SECONDS, f"it answers {answer.status} and does not know that it stands in")
        elif answer.status == YoungerVersion.status:
            self._pause(DECLINED_SECONDS, "its version is not an earlier one")
        return answer if stands_in and answer.status == HTTPStatus.OK else None

    def _pause(self, seconds: float, why: str) -> None:
        now = time.monotonic()
        if now >= self._paused_until:
            log.warning("the other slot answers no failures for the next %g s: %s", seconds, why)
        self._paused_until = max(self._paused_until, now + seconds)

    def _headers(self, request: Request, seconds: float) -> Headers:
        ours = [(FROM, self._version), (NUMBER, self._number), (b"x-request-id", request.id)]
        ours.append((b"x-request-timeout", b"%dms" % max(1, seconds * 1000)))
        # Ours first: where all together are too large, the other slot still reads whose request it refuses
        return [*ours, *(header for header in end_to_end(request.headers) if header[0] not in _NOT_SENT)]

    def close(self) -> None:
        """End what is waited for, and the connections."""
        for task in self._tasks:
            task.cancel()
        self._client.close()


class Attempt:
    """A user's request, which is answered once: by the version here, or by the other slot in its place."""

    def __init__(self, fallback: Fallback, request: Request, limit: float, reply: Reply) -> None:
        """`limit` is how many seconds a request may take, unless it says less."""
        self._fallback, self._request, self._limit, self._reply = fallback, request, limit, reply
        self._refused: Response | None = None  # what the version here failed with, while the other slot is asked
        self._asked = self._replied = False
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None  # that waits for the other slot

    def begin(self) -> None:
        """Let the other slot be asked once the answer is late, where the settings say after which time."""
        if self._fallback.after is not None and not self._replied:
            left = self._request.started + self._fallback.after - time.monotonic()
            self._timer = asyncio.get_running_loop().call_later(max(0.0, left), self._ask)

    def answered(self, answer: Response) -> None:
        """Take the answer of the version here."""
        self._give(answer)

    def failed(self, refused: Response, *, ask: bool) -> None:
        """Take the failure of the version here, and whether the other slot is asked, which happens once."""
        self._refused = refused
        if not ask:
            self._give(refused)
        elif not self._asked:
            self._ask()
        elif self._task is None:
            self._give(refused)

    def _ask(self) -> None:
        if self._asked or self._replied:
            return
        self._asked = True
        if not self._request.abandoned:
            self._task = self._fallback.send(self._request, self._until(), self._stood_in)
        if self._task is None:
            self._stood_in(None)
        else:
            self._request.on_abandoned = self._task.cancel

    def _until(self) -> float:
        try:
            return self._request.started + seconds_of(self._request, self._limit)
        except RequestFault:  # what is wrong with it was not looked at, as the queue was full
            return 0.0

    def _stood_in(self, answer: Answer | None) -> None:
        self._task = None
        if answer is not None and not self._replied:
            self._request.identity_block = _identity(answer)
            self._give(_response(answer))
        elif self._refused is not None:
            self._give(self._refused)

    def _give(self, answer: Response) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            self._task.cancel()
        if not self._replied:
            self._replied = True
            self._reply(answer)


def end_to_end(headers: Headers) -> Headers:
    """Return the headers that are not of one connection alone: by their names, or because `connection` names them."""
    named = {part.strip().lower() for name, value in headers if name == b"connection" for part in value.split(b",")}
    return [each for each in headers if each[0] not in _HOP_BY_HOP | named and each[0][:1] != b":"]


def _identity(answer: Answer) -> bytes:
    return b"".join(b"%b: %b\r\n" % header for header in answer.headers if header[0] in _IDENTITY or header[0] == FROM)


def _response(answer: Answer) -> Response:
    kind = next((value for name, value in answer.headers if name == b"content-type"), b"application/octet-stream")
    told = [each for each in end_to_end(answer.headers) if each[0] not in _NOT_PASSED_ON | _IDENTITY]
    return Response(answer.status, answer.body, kind, told)
