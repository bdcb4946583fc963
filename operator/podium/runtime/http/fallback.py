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
from podium.runtime.faults import Fault, ModelFault, Overloaded, RequestFault, TooLate
from podium.runtime.http.client import Answer, Client, Unanswered
from podium.runtime.http.deadlines import seconds_of
from podium.runtime.identity import Headers, Identity
from podium.runtime.other_slot import FROM, NUMBER, OtherSlot

log = logging.getLogger(__name__)

PAUSE_SECONDS = 0.2  # in which no request is sent on, after one found no one there: a failure is not to take longer
OURS = ModelFault, Overloaded, TooLate  # what the other slot may do better: the version's faults, and its lack of room

# What is said of a connection or of this exchange alone (RFC 9110, 7.6.1), or is written for the other slot
_NOT_SENT = frozenset(
    {
        *(b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade"),
        *(b"host", b"expect", b"content-length", b"content-encoding", b"accept-encoding", b"grpc-encoding"),
        *(b"x-request-id", b"x-request-timeout", FROM, NUMBER),
    }
)
_NOT_PASSED_ON = frozenset(
    {b"connection", b"keep-alive", b"transfer-encoding", b"content-length", b"content-type", b"date", b"x-request-id"}
)
_IDENTITY = frozenset({b"x-podium-model", b"x-podium-version", b"x-podium-run-id"})


class Fallback:
    """Sends requests to the other slot, for the version that serves here."""

    def __init__(self, other: OtherSlot, client: Client, who: Identity, count: Callable[[bool], None]) -> None:
        """`count` is told of each request that was sent on whether the other slot answered it."""
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

    def send(self, request: Request, until: float, then: Callable[[Response | None], None]) -> None:
        """Ask the other slot, and call `then` once with its answer; None: it has none until that time.monotonic()."""
        if time.monotonic() < self._paused_until:
            self._count(False)
            then(None)
            return
        task = asyncio.get_running_loop().create_task(self._sent(request, until, then))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _sent(self, request: Request, until: float, then: Callable[[Response | None], None]) -> None:
        found: Response | None = None
        try:
            found = await self._asked(request, until - time.monotonic())
        except Exception:
            log.exception("a fault of the server itself, in sending request %s on", request.id.decode())
        self._count(found is not None)
        then(found)

    async def _asked(self, request: Request, seconds: float) -> Response | None:
        if seconds <= 0:
            return None
        try:
            answer = await self._client.post(request.path, self._headers(request, seconds), request.body, seconds)
        except Unanswered as why:
            self._pause(f"the other slot did not answer request {request.id.decode()}: {why}")
            return None
        if not any(name == FROM for name, _ in answer.headers):
            # Another server, or an older one: it takes this request for a user's, and counts it
            self._pause(f"the other slot answers {answer.status} and does not know that it stands in")
            return None
        if answer.status != HTTPStatus.OK:
            return None
        request.identity_block = _identity(answer)
        return _response(answer)

    def _pause(self, why: str) -> None:
        if time.monotonic() >= self._paused_until:
            log.warning("%s; its own failures are answered for %g s", why, PAUSE_SECONDS)
        self._paused_until = time.monotonic() + PAUSE_SECONDS

    def _headers(self, request: Request, seconds: float) -> Headers:
        kept = [header for header in request.headers if header[0] not in _NOT_SENT and header[0][:1] != b":"]
        kept += [(FROM, self._version), (NUMBER, self._number), (b"x-request-id", request.id)]
        kept.append((b"x-request-timeout", b"%dms" % max(1, seconds * 1000)))
        return kept

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

    def begin(self) -> None:
        """Let the other slot be asked once the answer is late, where the settings say after which time."""
        if self._fallback.after is not None and not self._replied:
            left = self._request.started + self._fallback.after - time.monotonic()
            self._timer = asyncio.get_running_loop().call_later(max(0.0, left), self._ask)

    def answered(self, answer: Response) -> None:
        """Take the answer of the version here."""
        self._give(answer)

    def failed(self, fault: Fault, refused: Response) -> None:
        """Take the failure of the version here. The other slot is asked, if it is not yet and may know better."""
        self._refused = refused
        if self._asked and not self._replied:
            return
        if isinstance(fault, OURS):
            self._ask()
        else:
            self._give(refused)

    def _ask(self) -> None:
        if not self._asked and not self._replied:
            self._asked = True
            self._fallback.send(self._request, self._until(), self._stood_in)

    def _until(self) -> float:
        try:
            return self._request.started + seconds_of(self._request, self._limit)
        except RequestFault:  # what is wrong with it was not looked at, as the queue was full
            return 0.0

    def _stood_in(self, answer: Response | None) -> None:
        self._asked = False
        if answer is not None:
            self._give(answer)
        elif self._refused is not None:
            self._give(self._refused)

    def _give(self, answer: Response) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if not self._replied:
            self._replied = True
            self._reply(answer)


def _identity(answer: Answer) -> bytes:
    return b"".join(b"%b: %b\r\n" % header for header in answer.headers if header[0] in _IDENTITY or header[0] == FROM)


def _response(answer: Answer) -> Response:
    kind = next((value for name, value in answer.headers if name == b"content-type"), b"application/octet-stream")
    told = [each for each in answer.headers if each[0] not in _NOT_PASSED_ON | _IDENTITY and each[0] != FROM]
    return Response(answer.status, answer.body, kind, told)
