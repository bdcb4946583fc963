"""What goes out on a connection: answers, as fast as the client's windows and its reading allow (RFC 9113, 5.2)."""

import asyncio
import time
from collections.abc import Callable

from podium.runtime.http2 import frames
from podium.runtime.http2.frames import Code, ConnectionFault, StreamFault, frame
from podium.runtime.http2.stream import WINDOW, Stream

DEFAULT_WINDOW = 65535  # of the protocol, until settings say another
HELD = 1024 * 1024  # bytes that wait for the client; above it, nothing more is answered


class Outgoing:
    """Implements stream.Outlet. `ended` is told of each stream that has been answered."""

    def __init__(self, send_seconds: float, ended: Callable[[Stream], None]) -> None:
        self._send_seconds = send_seconds
        self._ended = ended
        self.transport: asyncio.Transport | None = None
        self.writable = True
        self._window = self.initial = DEFAULT_WINDOW
        self._waiting: dict[int, Stream] = {}
        self._pending = 0  # bytes of those

    @property
    def blocked(self) -> bool:
        """Whether the client does not take its answers: nothing is answered until it does."""
        return not self.writable or self._pending > HELD

    def write(self, data: bytes) -> None:
        """Write frames that no window holds back."""
        if self.transport is not None:
            self.transport.write(data)

    def send(self, stream: Stream, head: bytes, data: bytes, last: bytes) -> None:
        """Send at once what the windows allow, and the rest when they do."""
        begin = frame(frames.HEADERS, frames.END_HEADERS, stream.id, head) if head else b""
        end = frame(frames.HEADERS, frames.END_HEADERS | frames.END_STREAM, stream.id, last) if last else b""
        size = len(data)
        if stream.pending is not None:
            stream.last = end
        elif size <= min(frames.FRAME_LIMIT, self._window, stream.window):
            self._take(stream, size)
            self.write(b"%b%b%b" % (begin, frame(frames.DATA, 0, stream.id, data) if data else b"", end))
            self._sent(stream, end)
        else:
            self.write(begin)
            stream.pending, stream.last = memoryview(data), end
            stream.until = time.monotonic() + self._send_seconds
            self._waiting[stream.id] = stream
            self._pending += size
            self._pump(stream)

    def _take(self, stream: Stream, size: int) -> None:
        self._window -= size
        stream.window -= size

    def _sent(self, stream: Stream, end: bytes) -> None:
        stream.answered = True
        if end:
            if not stream.whole:  # what the client still says is of no use (RFC 9113, 8.1)
                self.reset(stream.id, Code.NO_ERROR)
            self._ended(stream)

    def _pump(self, stream: Stream) -> None:
        """Send of what waits as much as the windows and the transport take."""
        assert stream.pending is not None
        while stream.pending and self.writable and self.transport is not None:
            size = min(len(stream.pending), frames.FRAME_LIMIT, self._window, stream.window)
            if size <= 0:
                return
            self._take(stream, size)
            self._pending -= size
            self.write(frame(frames.DATA, 0, stream.id, stream.pending[:size]))
            stream.pending = stream.pending[size:]
        if not stream.pending:
            self._taken(stream)

    def _taken(self, stream: Stream) -> None:
        del self._waiting[stream.id]
        stream.pending = stream.until = None
        self.write(stream.last)
        self._sent(stream, stream.last)
        if not stream.last:
            stream.answerer.sent()

    def pump(self) -> None:
        """Go on with what waits, the oldest first."""
        for stream in list(self._waiting.values()):
            if self._window <= 0 or not self.writable:
                return
            if stream.pending is not None:
                self._pump(stream)

    def forget(self, stream: Stream) -> None:
        """Drop what waits on a stream that has ended."""
        if self._waiting.pop(stream.id, None) is not None and stream.pending is not None:
            self._pending -= len(stream.pending)

    def reset(self, number: int, code: Code) -> None:
        """Write that a stream is over."""
        self.write(frame(frames.RST_STREAM, 0, number, code.to_bytes(4, "big")))

    def overdue(self, now: float) -> list[Stream]:
        """Return the streams whose client has not taken its answer in time."""
        return [each for each in self._waiting.values() if each.until is not None and now > each.until]

    # Windows

    def credit(self, stream: Stream, size: int) -> None:
        """Open a stream's window again, in large steps."""
        stream.owed += size
        if stream.owed >= WINDOW // 2 and not stream.whole:
            self.write(frames.window_update(stream.id, stream.owed))
            stream.room += stream.owed
            stream.owed = 0

    def widen_all(self, increment: int) -> None:
        """Send more in all. Raises ConnectionFault: no window is that large."""
        self._window += increment
        if self._window > frames.LARGEST:
            raise ConnectionFault(Code.FLOW_CONTROL_ERROR, "WINDOW_UPDATE: the window is too large")
        self.pump()

    def widen(self, stream: Stream, increment: int) -> None:
        """Send more on one stream. Raises StreamFault: no window is that large."""
        stream.window += increment
        if stream.window > frames.LARGEST:
            raise StreamFault(Code.FLOW_CONTROL_ERROR, "WINDOW_UPDATE: the window is too large")
        if stream.pending is not None:
            self._pump(stream)

    def resize(self, streams: list[Stream], initial: int) -> None:
        """Change the window that each stream begins with (RFC 9113, 6.9.2). Raises ConnectionFault: too large."""
        change, self.initial = initial - self.initial, initial
        for stream in streams:
            stream.window += change
            if stream.window > frames.LARGEST:
                raise ConnectionFault(Code.FLOW_CONTROL_ERROR, "SETTINGS: the window is too large")
        self.pump()
