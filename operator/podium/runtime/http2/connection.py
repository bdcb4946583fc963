"""HTTP/2 on one connection: bytes to frames and back, and the life of it.

It keeps the rules of the serving port (`http.connection`) where HTTP/2 lets it:

- limits: size of heads and bodies, the time in which each must arrive, the time to take an answer
- turns: so many frames at a time, and then other connections have theirs; reading pauses meanwhile
- backpressure is one state: while the client does not take its answers, no other request is answered. Where that is
  seen at the transport, nothing is read either; where it is a window, what would open it must be read
- ends: GOAWAY says which requests are answered, and these are; what the client still sends behind a fault is read and
  dropped for a moment, because closing on unread bytes would destroy the GOAWAY on its way

A client that is silent is asked (PING) where a stream is open, and left where none is.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from typing import cast

from podium.runtime.http.connection import LINGER_SECONDS
from podium.runtime.http.shared import Shared
from podium.runtime.http2 import frames
from podium.runtime.http2.frames import Code, ConnectionFault, Frame, Frames
from podium.runtime.http2.headers import Head
from podium.runtime.http2.incoming import Incoming
from podium.runtime.http2.outgoing import Outgoing
from podium.runtime.http2.stream import Answerer, Stream
from podium.runtime.turns import Turn

log = logging.getLogger(__name__)

TURN = 100  # frames that are handled before others have their turn
_HEAVY = 512  # bytes of a header block that cost as much as a frame: each may be a field
_NOT_HTTP2 = (
    b"HTTP/1.1 505 HTTP Version Not Supported\r\nconnection: close\r\ncontent-type: text/plain\r\n\r\n"
    b"expected HTTP/2, which gRPC is spoken in here; HTTP/1.1 is spoken on the serving port (PODIUM_PORT)\n"
)


class Connection(asyncio.Protocol):
    """The server's end of one connection. `opened` says who answers a request that began on it."""

    def __init__(self, shared: Shared, opened: "Callable[[Connection, Stream, Head], Answerer]") -> None:
        self._shared = shared
        self._frames = Frames()
        self._out = Outgoing(shared.limits.send_seconds, self._ended)
        self._in = Incoming(self._out, self._open)
        self._opened = opened
        self._ready: deque[Callable[[], None]] = deque()  # requests that wait until the client takes its answers
        self._transport: asyncio.Transport | None = None
        self._prefaced = False
        self._in_turn = False  # frames wait for the next turn
        self._deaf = False  # what still comes is dropped
        self.turn = Turn(shared.turns)
        self._told = False  # the client knows that it should go elsewhere
        self.since = self._heard = time.monotonic()
        self._partial: float | None = self.since  # when what is not whole yet began
        self._until: float | None = None  # for what only time can end

    # The transport's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = self._out.transport = cast("asyncio.Transport", transport)
        self._shared.enter(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  asyncio's signature
        self._shared.connections.discard(self)
        self._transport = self._out.transport = None
        self._lose_all()

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        self._heard = time.monotonic()
        self._frames.feed(data)
        if not self._in_turn:
            self._turn()

    def pause_writing(self) -> None:
        self._out.writable = False
        if self._transport is not None and not self._deaf:
            self._transport.pause_reading()
            self._until = time.monotonic() + self._shared.limits.send_seconds

    def resume_writing(self) -> None:
        self._out.writable = True
        if self._transport is None or self._deaf:
            return
        self._until = None
        self._out.pump()
        self._proceed()
        if not self._out.writable:
            return
        if self._in_turn:
            self.soon(self._next_turn)
        else:
            self._transport.resume_reading()

    # Frames

    def _turn(self) -> None:
        """Handle a number of frames, and leave others to the next turn."""
        self._in_turn = False
        try:
            more = self._handle_some()
        except ConnectionFault as fault:
            self._fail(fault)
        except Exception:
            log.exception("a fault of the server itself")
            self._fail(ConnectionFault(Code.INTERNAL_ERROR, "internal error"))
        else:
            if more and self._transport is not None:
                self._in_turn = True
                self._transport.pause_reading()
                self.soon(self._next_turn)

    def _next_turn(self) -> None:
        if self._transport is None or self._deaf or not self._in_turn or not self._out.writable:
            return  # once the client reads, there is a next turn again
        self._turn()
        if self._transport is not None and not self._in_turn and self._out.writable:
            self._transport.resume_reading()

    def _handle_some(self) -> bool:
        """Handle frames. Returns whether there may be more than one turn allows."""
        if not self._prefaced and not self._preface():
            return False
        left = TURN
        while left > 0:
            one = self._frames.cut()
            if one is None:
                self._note_partial(moved=left < TURN)
                return False
            self._in.handle(one)
            left -= _cost(one)
        return True

    def _preface(self) -> bool:
        begun = self._frames.preface()
        if begun is False:
            self._out.write(_NOT_HTTP2)
            self._linger()
        elif begun:
            self._prefaced = True
            self._in.greet()
        return self._prefaced

    def _note_partial(self, *, moved: bool) -> None:
        """Note since when a frame, or a header block, is not whole."""
        if not (self._frames.partial or self._in.heading):
            self._partial = None
        elif self._partial is None or (moved and not self._in.heading):
            self._partial = self._heard

    # Requests and answers

    @property
    def busy(self) -> bool:
        """Whether a request is being answered, or waits for that."""
        return any(each.answerer.working for each in self._in.streams.values())

    def serve(self, work: Callable[[], None]) -> None:
        """Do what answers a request, once the client takes its answers."""
        if self._out.blocked or self._ready:
            self._ready.append(work)
        else:
            work()

    def soon(self, work: Callable[[], None]) -> None:
        """Do something in a later turn."""
        asyncio.get_running_loop().call_soon(work)

    def _proceed(self) -> None:
        """Serve what waited, one in a turn."""
        if self._ready and not self._out.blocked:
            self._ready.popleft()()
            if self._ready:
                self.soon(self._proceed)

    def _open(self, stream: Stream, head: Head) -> Answerer:
        self.since = self._heard
        return self._opened(self, stream, head)

    def _ended(self, stream: Stream) -> None:
        self._in.ended(stream)
        self.since = time.monotonic()
        if (self._shared.draining or self.turn.over) and not self._told:
            self._told = True
            why = "the server drains" if self._shared.draining else "the connection has had its turn"
            self._out.write(frames.goaway(frames.LARGEST, Code.NO_ERROR, why))
        if self._ready:
            self.soon(self._proceed)  # not at once: many waiting ones would recurse
        if self._in.closing and not self._in.streams:
            self._linger()

    # Ends

    def _fail(self, fault: ConnectionFault) -> None:
        """End a connection whose client broke the protocol."""
        log.debug("a connection ends: %s", fault.message)
        self._out.write(frames.goaway(self._in.last, fault.code, fault.message))
        self._linger()
        self._lose_all()

    def _lose_all(self) -> None:
        self._ready.clear()
        self._in.lose_all()

    def _leave(self) -> None:
        """Say that no other request is answered, and close behind those that are."""
        if self._deaf or self._transport is None:
            return
        if not self._in.closing:
            self._in.closing = True
            if self._prefaced:
                self._out.write(frames.goaway(self._in.last, Code.NO_ERROR, "the connection closes"))
        for stream in list(self._in.streams.values()):
            stream.answerer.leave()
        if not self._in.streams:
            self._linger()

    def _linger(self) -> None:
        """Say that nothing more comes, and drop what the client still sends."""
        if self._transport is None or self._deaf:
            return
        self._deaf = True
        unread = self._transport.get_write_buffer_size() > 0
        self._until = time.monotonic() + (self._shared.limits.send_seconds if unread else LINGER_SECONDS)
        self._transport.resume_reading()
        self._transport.write_eof()

    def drop(self) -> None:
        """Close at once, whatever waits."""
        if self._transport is not None:
            self._transport.abort()

    def close_if_idle(self) -> None:
        """Close, behind the answers that are owed."""
        self._leave()

    def close_if_overdue(self, now: float) -> None:
        """End what takes too long: a frame or a body that does not arrive, an answer that is not read, a silence."""
        self._in.calm()
        if self._until is not None:
            if now >= self._until:
                self.drop()
            return
        limits = self._shared.limits
        if self._partial is not None and now - self._partial > limits.arrive_seconds:
            self._fail(ConnectionFault(Code.ENHANCE_YOUR_CALM, "expected a whole frame in time"))
            return
        for stream in self._out.overdue(now):
            self._in.cut(stream.id, Code.CANCEL)
        for stream in list(self._in.streams.values()):
            stream.answerer.expire(now)
        self._proceed()
        self._mind_silence(now)

    def _mind_silence(self, now: float) -> None:
        """Leave a client of which nothing is heard, or ask it for a sign where it may only be waiting."""
        limits = self._shared.limits
        if not self._in.streams:
            if now - self.since > limits.idle_seconds:
                self._leave()
        elif now - self._heard > limits.idle_seconds + limits.send_seconds:
            self.drop()
        elif now - self._heard > limits.idle_seconds:
            self._out.write(frames.frame(frames.PING, 0, 0, b"\0" * 8))


def _cost(one: Frame) -> int:
    """Return how much of a turn a frame takes."""
    kind, _, _, payload = one
    return 1 + len(payload) // _HEAVY if kind in (frames.HEADERS, frames.CONTINUATION) else 1
