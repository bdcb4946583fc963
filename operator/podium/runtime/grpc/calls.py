"""One call: messages out of a stream's bytes, and answers into them.

A call of one message is answered when the client has said all; a call of many messages is answered message by message,
and while one is being answered the client is not told to send more than fits the stream's window.
"""

import logging
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

import orjson

from podium.runtime.exchange import Request, Response
from podium.runtime.faults import Fault, RequestFault, TooLarge, TooSlow
from podium.runtime.grpc.prefixed import BadPrefix, Prefixed, prefixed, unfolded
from podium.runtime.grpc.status import HEAD, Code, code_of, trailers
from podium.runtime.http.incoming import check_buffered, request_id
from podium.runtime.http.shared import Shared
from podium.runtime.http2.connection import Connection
from podium.runtime.http2.headers import HEAD_LIMIT, Head
from podium.runtime.http2.stream import Stream
from podium.runtime.identity import Headers

log = logging.getLogger(__name__)

_TIMEOUT = re.compile(rb"([0-9]{1,8})([HMSmun])")
_UNITS = {b"H": 3600.0, b"M": 60.0, b"S": 1.0, b"m": 1e-3, b"u": 1e-6, b"n": 1e-9}
_LONGEST = 10**8  # ms: what the application takes


@dataclass(frozen=True, slots=True)
class Method:
    """What answers the messages of one method."""

    answer: "Callable[[Call, bytes], None]"  # it calls `answer` or `fail` once, now or later
    many: bool = False  # a stream of messages, each of which is answered


class Call:
    """Implements http2's Answerer."""

    def __init__(self, shared: Shared, connection: Connection, stream: Stream, head: Head, method: Method) -> None:
        self._shared = shared
        self._connection = connection
        self._stream = stream
        self._head = head
        self._method = method
        self._data = Prefixed(shared.limits)
        self._held = self._count(head.size)  # bytes of this call among those of all clients
        self._complete = False  # the client has said all
        self._over = False
        self._begun = False  # the answer has
        self._owed: int | None = None  # bytes here whose messages are answered although the server ends
        self._credit = 0  # bytes that the client may send once the present message is answered
        self.working = False
        self.request: Request | None = None
        self.id = request_id(head.fields) or shared.next_id()
        self._started = time.monotonic()
        # A client may open a stream long before it has something to ask
        self._until = None if method.many else self._started + shared.limits.arrive_seconds
        self._deadline: float | None = None

    def begin(self) -> None:
        """Read what the headers ask for, or refuse it."""
        try:
            check_buffered(self._shared)
            if self._head.size > HEAD_LIMIT:
                raise TooLarge(f"expected metadata of at most {HEAD_LIMIT} bytes, found {self._head.size}")
            timeout = self._head.named.get(b"grpc-timeout")
            if timeout is not None:
                self._deadline = self._started + _seconds(timeout)
        except Fault as fault:
            self.refuse(fault)

    # The stream's side

    def received(self, data: bytes) -> None:
        """Take in bytes. They are counted, and bounded before they are a message."""
        if self._over:
            return
        self._held += self._count(len(data))
        self._credit += len(data)
        try:
            check_buffered(self._shared)
            self._data.add(data)
        except Fault as fault:
            self.refuse(fault)
            return
        if self._method.many:
            self._next()
        else:
            self._take_credit()

    def completed(self) -> None:
        """Answer what is here, as nothing more comes."""
        self._complete = True
        self._next()

    def sent(self) -> None:
        """Go on with the next message."""
        self._next()

    def lost(self) -> None:
        """Forget the call."""
        if self.request is not None:
            self.request.abandon()
        self._finish()

    def expire(self, now: float) -> None:
        """End a call whose message does not arrive, or whose deadline passes before there is one."""
        if self.working or self._over or self._stream.pending is not None:
            return
        if self._deadline is not None and now > self._deadline:
            self._end(Code.DEADLINE_EXCEEDED, "no message by the deadline")
        elif self._until is not None and now > self._until:
            limit = self._shared.limits.arrive_seconds
            self.refuse(TooSlow(f"the request did not arrive within {limit:g} s"))

    def leave(self) -> None:
        """End a stream behind the answers to what has begun to arrive: its client may never stop sending."""
        if self._method.many:
            if self._owed is None:
                self._owed = len(self._data)
            self._next()

    # Messages

    def _count(self, size: int) -> int:
        self._shared.buffered += size
        return size

    def _next(self) -> None:
        """Answer the next message, if it is here and no other is being answered."""
        if self.working or self._over or self._stream.pending is not None:
            return
        if self._owed is not None and self._owed <= 0 and (self._data or not self._complete):
            self._end(Code.UNAVAILABLE, "the server ends")
            return
        try:
            message = self._cut() if self._method.many or self._complete else None
            if message is not None:
                self.working = True
                self._connection.serve(lambda: self._serve(message))
            elif self._complete:
                self._end_whole()
            else:
                self._await()
        except Fault as fault:
            self.refuse(fault)

    def _serve(self, message: bytes) -> None:
        if self._over:
            return
        self._until = None
        try:
            self._method.answer(self, message)
        except Exception:
            log.exception("a fault of the server itself, in call %s", self.id.decode())
            self._end(Code.INTERNAL, "internal error")

    def _await(self) -> None:
        """Wait for more of a stream's next message, of which something may be here."""
        if not self._data:
            self._until = None
        elif self._until is None:
            self._until = time.monotonic() + self._shared.limits.arrive_seconds
        self._take_credit()

    def _take_credit(self) -> None:
        if self._credit:
            self._stream.credit(self._credit)
            self._credit = 0

    def _cut(self) -> bytes | None:
        """Cut the next message. Raises Fault: it is none, or is too large."""
        before = len(self._data)
        found = self._data.cut()
        if found is None:
            return None
        if self._owed is not None:
            self._owed -= before - len(self._data)
        if self._data and not self._method.many:
            raise RequestFault("expected one message, found more")
        flag, message = found
        if flag:
            coding = self._head.named.get(b"grpc-encoding", b"identity")
            message = unfolded(flag, message, coding, self._shared.limits)
            self._held += self._count(len(message))
            check_buffered(self._shared)
        return message

    def _end_whole(self) -> None:
        if self._data:
            raise RequestFault("expected a whole message, found its beginning")
        if not self._method.many:
            raise RequestFault("expected a message, found none")
        self._end(Code.OK)

    # Answers

    def request_of(self, method: str, path: str, body: bytes) -> Request:
        """Return what this call asks of the application."""
        headers: Headers = self._head.fields
        if self._deadline is not None:
            left = b"%dms" % min(max(0, (self._deadline - time.monotonic()) * 1000), _LONGEST)
            headers = [each for each in headers if each[0] != b"x-request-timeout"]
            headers.append((b"x-request-timeout", left))
        self.request = Request(method, path, headers, body, self.id)
        self.request.turn = self._connection.turn
        return self.request

    def answer(self, message: bytes) -> None:
        """Send an answer: the only one, or that to the present message."""
        if self._over:
            return
        head = b"" if self._begun else HEAD
        self._begun = True
        data = prefixed(message)
        if self._method.many:
            self._stream.send(head, data)
            self._release()
            self._connection.soon(self._answered)  # not at once: many messages would recurse
        else:
            last = trailers(self._identity, self.id)
            self._finish()
            self._stream.send(head, data, last)

    def _answered(self) -> None:
        self.working = False
        self._next()

    def _release(self) -> None:
        """Forget the message that has been answered."""
        held = self._head.size + len(self._data)
        self._count(held - self._held)
        self._held = held

    def fail(self, response: Response) -> None:
        """End the call by what HTTP would answer."""
        self._end(code_of(response), said(response))

    def refuse(self, fault: Fault) -> None:
        """End a call whose message will not become one. It is counted as a request would be."""
        if not self._over:
            response = self._shared.app.refuse(fault, self._head.fields, self._connection.turn)
            code = Code.INTERNAL if isinstance(fault, BadPrefix) else code_of(response)
            self._end(code, said(response))

    def end(self, code: Code, message: str) -> None:
        """End the call with this code."""
        self._end(code, message)

    def _end(self, code: Code, message: str = "") -> None:
        if self._over:
            return
        last = trailers(self._identity, self.id, code, message)
        if not self._begun:
            last = HEAD + last
        self._finish()
        self._stream.send(last=last)

    @property
    def _identity(self) -> bytes:
        return self._shared.identity_of(self.request)

    def _finish(self) -> None:
        self._over = True
        self.working = False
        self._shared.release(self.request, self._held)
        self.request = None  # whoever still works on it has it
        self._data.forget()
        self._held = 0


def _seconds(timeout: bytes) -> float:
    found = _TIMEOUT.fullmatch(timeout)
    if found is None:
        raise RequestFault("grpc-timeout: expected up to eight digits and a unit, as 500m")
    return int(found[1]) * _UNITS[found[2]]


def said(response: Response) -> str:
    """Return the message of a refusal."""
    assert isinstance(response.body, bytes)
    found = orjson.loads(response.body)
    return str(found.get("error") or found.get("message"))


def is_grpc(head: Head) -> HTTPStatus:
    """Return whether a request is a call, as the status that one gets that is none."""
    if head.method != b"POST":
        return HTTPStatus.METHOD_NOT_ALLOWED
    kind = head.named.get(b"content-type", b"").lower()
    base = kind.partition(b";")[0].strip()
    grpc = base == b"application/grpc" or base.startswith(b"application/grpc+")
    return HTTPStatus.OK if grpc else HTTPStatus.UNSUPPORTED_MEDIA_TYPE
