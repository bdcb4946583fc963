"""Frames from the client: what each means, and what it may not be (RFC 9113, 5 and 6).

Whatever a client can repeat is bounded: streams at a time, the bytes of a header block over all its frames
(CVE-2024-27316), requests that it takes back (CVE-2023-44487) or spoils (CVE-2025-8671) before they are answered, and
frames that bring no request any further (CVE-2019-9512, -9513, -9515, -9518).
"""

from collections import OrderedDict
from collections.abc import Callable

from podium.runtime.http2 import frames
from podium.runtime.http2.frames import Code, ConnectionFault, Frame, StreamFault, expect_size, unpadded
from podium.runtime.http2.headers import BLOCK_LIMIT, HEAD_LIMIT, Head, HeaderBlocks, check_fields
from podium.runtime.http2.outgoing import DEFAULT_WINDOW, Outgoing
from podium.runtime.http2.stream import ABSENT, WINDOW, Answerer, Stream

STREAMS = 256  # of one connection at a time
CANCELLED = 1000  # requests taken back or spoilt, beyond those that are answered
QUIET = 10_000  # frames in a row, within half a second, that bring no request any further
_CUT = 256  # streams that we ended and on which frames may be on their way
_PRIORITY = 5  # bytes
Opened = Callable[[Stream, Head], Answerer]

SETTINGS = {frames.MAX_STREAMS: STREAMS, frames.INITIAL_WINDOW: WINDOW, frames.MAX_HEAD: HEAD_LIMIT}


class Incoming:
    """The client's side of one connection. `opened` says who answers a request."""

    def __init__(self, outgoing: Outgoing, opened: Opened) -> None:
        self._outgoing = outgoing
        self._opened = opened
        self._blocks = HeaderBlocks()
        self.streams: dict[int, Stream] = {}
        self.last = 0  # the newest stream that the client opened
        self.closing = False  # the client has been told that no other stream is answered
        self._room, self._owed = WINDOW, 0
        self._greeted = False
        self._heading: tuple[int, int] | None = None  # stream and flags of a header block that goes on
        self._block = bytearray()
        self._cost = 0  # of that
        self._cut: OrderedDict[int, None] = OrderedDict()
        self._cancelled = 0
        self._quiet = 0

    def greet(self) -> None:
        """Send our half of the connection's preface."""
        self._outgoing.write(frames.settings(SETTINGS) + frames.window_update(0, WINDOW - DEFAULT_WINDOW))

    @property
    def heading(self) -> bool:
        """Whether a header block goes on: no other frame may come before its end."""
        return self._heading is not None

    def calm(self) -> None:
        """Begin to count quiet frames from nothing."""
        self._quiet = 0

    def handle(self, one: Frame) -> None:
        """Do what a frame says. Raises ConnectionFault: it ends the connection."""
        kind, flags, number, payload = one
        if self._heading is not None and kind != frames.CONTINUATION:
            raise ConnectionFault(Code.PROTOCOL_ERROR, "expected CONTINUATION")
        if not self._greeted:
            self._greeted = True
            if kind != frames.SETTINGS or flags & frames.ACK:
                raise ConnectionFault(Code.PROTOCOL_ERROR, "expected SETTINGS first")
        self._quiet += 1
        if self._quiet > QUIET:
            raise ConnectionFault(Code.ENHANCE_YOUR_CALM, "too many frames that bring no request any further")
        if kind >= len(self._HANDLERS):
            return  # a frame of an unknown kind is passed over (RFC 9113, 4.1)
        try:
            self._HANDLERS[kind](self, flags, number, payload)
        except StreamFault as fault:
            self.cut(number, fault.code)
            self._count_cancelled()

    # Streams

    def ended(self, stream: Stream) -> None:
        """A stream has been answered."""
        self._count_answered()
        if not stream.whole:
            self._remember_cut(stream.id)
        self._remove(stream)

    def cut(self, number: int, code: Code) -> None:
        """End a stream without an answer."""
        self._outgoing.reset(number, code)
        self._remember_cut(number)
        if (stream := self.streams.get(number)) is not None:
            self._lose(stream)

    def _remember_cut(self, number: int) -> None:
        self._cut[number] = None
        if len(self._cut) > _CUT:
            self._cut.popitem(last=False)

    def lose_all(self) -> None:
        """Forget the streams of a client that is gone."""
        for stream in list(self.streams.values()):
            self._lose(stream)

    def _lose(self, stream: Stream) -> None:
        answerer = stream.answerer
        self._remove(stream)
        answerer.lost()

    def _remove(self, stream: Stream) -> None:
        stream.ended = True
        stream.answerer = ABSENT  # a stream and its call would hold each other, and all that is theirs
        self.streams.pop(stream.id, None)
        self._outgoing.forget(stream)

    def _count_answered(self) -> None:
        self._cancelled = max(0, self._cancelled - 1)

    def _count_cancelled(self) -> None:
        self._cancelled += 1
        if self._cancelled > CANCELLED:
            raise ConnectionFault(Code.ENHANCE_YOUR_CALM, "too many requests were taken back")

    def _known(self, number: int, name: str) -> Stream | None:
        """Return a stream, or None where it has ended. Raises ConnectionFault: it never began."""
        if number == 0 or number > self.last or number % 2 == 0:
            raise ConnectionFault(Code.PROTOCOL_ERROR, f"{name}: expected a stream that was opened")
        return self.streams.get(number)

    # Frames, by their kinds

    def _data(self, flags: int, number: int, payload: bytes) -> None:
        stream = self._known(number, "DATA")
        size = len(payload)
        self._count_data(size)
        if stream is None:
            self._expect_cut(number)
            return
        if stream.whole:
            raise StreamFault(Code.STREAM_CLOSED, "DATA behind the end")
        stream.room -= size
        if stream.room < 0:
            raise StreamFault(Code.FLOW_CONTROL_ERROR, "DATA: more than the window")
        data = unpadded(flags, payload)
        if len(data) < size:
            stream.credit(size - len(data))
        if data:
            self._quiet = 0
            stream.received += len(data)
            stream.answerer.received(data)
        if flags & frames.END_STREAM:
            self._complete(stream)

    def _count_data(self, size: int) -> None:
        """Count what came for all streams, and let the client go on: what is held is bounded by streams."""
        self._room -= size
        if self._room < 0:
            raise ConnectionFault(Code.FLOW_CONTROL_ERROR, "DATA: more than the connection's window")
        self._owed += size
        if self._owed >= WINDOW // 2:
            self._outgoing.write(frames.window_update(0, self._owed))
            self._room += self._owed
            self._owed = 0

    def _complete(self, stream: Stream) -> None:
        stream.whole = True
        if stream.ended:
            return
        if stream.expected is not None and stream.expected != stream.received:
            raise StreamFault(Code.PROTOCOL_ERROR, "content-length: expected the length of the body")
        stream.answerer.completed()

    def _expect_cut(self, number: int) -> None:
        if number not in self._cut and not self.closing:
            raise ConnectionFault(Code.STREAM_CLOSED, "a frame behind the end of its stream")

    def _headers(self, flags: int, number: int, payload: bytes) -> None:
        if number % 2 == 0:
            raise ConnectionFault(Code.PROTOCOL_ERROR, "HEADERS: expected an odd stream")
        payload = unpadded(flags, payload)
        if flags & frames.PRIORITIZED:
            if len(payload) < _PRIORITY:
                raise ConnectionFault(Code.FRAME_SIZE_ERROR, "HEADERS: expected a priority")
            payload = payload[_PRIORITY:]
        if flags & frames.END_HEADERS:
            self._headed(number, flags, payload)
            return
        self._heading = number, flags
        self._block[:] = payload
        self._cost = len(payload)

    def _continuation(self, flags: int, number: int, payload: bytes) -> None:
        if self._heading is None or number != self._heading[0]:
            raise ConnectionFault(Code.PROTOCOL_ERROR, "CONTINUATION: expected HEADERS of its stream before it")
        self._cost += len(payload) + 9  # a frame costs, too, where it is empty
        if self._cost > BLOCK_LIMIT:
            raise ConnectionFault(Code.ENHANCE_YOUR_CALM, f"headers: expected a block of at most {BLOCK_LIMIT} bytes")
        self._block += payload
        if flags & frames.END_HEADERS:
            (number, begun), self._heading = self._heading, None
            self._headed(number, begun, bytes(self._block))
            self._block.clear()

    def _headed(self, number: int, flags: int, block: bytes) -> None:
        """A header block is whole: it begins a request, or ends a body. It is read in any case, for the table."""
        if number > self.last:
            self.last = number
            head = self._blocks.head(block)
            if not self.closing:
                self._open(number, head, flags)
            return
        fields = self._blocks.fields(block)
        stream = self.streams.get(number)
        if stream is None:
            self._expect_cut(number)
        elif stream.whole:
            raise StreamFault(Code.STREAM_CLOSED, "HEADERS behind the end")
        else:
            if not flags & frames.END_STREAM or any(name[:1] == b":" for name, _ in fields):
                raise StreamFault(Code.PROTOCOL_ERROR, "expected trailers, which end the stream")
            check_fields(fields)
            self._complete(stream)

    def _open(self, number: int, head: Head, flags: int) -> None:
        if len(self.streams) >= STREAMS:
            raise StreamFault(Code.REFUSED_STREAM, f"expected at most {STREAMS} streams at a time")
        stream = Stream(number, head, self._outgoing, self._outgoing.initial)
        length = head.named.get(b"content-length")
        if length is not None:
            if not length.isdigit():
                raise StreamFault(Code.PROTOCOL_ERROR, "content-length: expected digits")
            stream.expected = int(length[:20])
        self._quiet = 0
        self.streams[number] = stream
        answerer = self._opened(stream, head)
        if not stream.ended:
            stream.answerer = answerer
        if flags & frames.END_STREAM:
            self._complete(stream)

    def _priority(self, flags: int, number: int, payload: bytes) -> None:  # noqa: ARG002  all are called alike
        if number == 0:
            raise ConnectionFault(Code.PROTOCOL_ERROR, "PRIORITY: expected a stream")
        expect_size(payload, _PRIORITY, "PRIORITY")

    def _rst_stream(self, flags: int, number: int, payload: bytes) -> None:  # noqa: ARG002
        expect_size(payload, 4, "RST_STREAM")
        stream = self._known(number, "RST_STREAM")
        if stream is None:
            return
        taken_back = stream.answerer.working or not stream.answered
        self._lose(stream)
        if stream.answered:
            self._count_answered()
        if taken_back:
            self._count_cancelled()

    def _settings(self, flags: int, number: int, payload: bytes) -> None:
        if number != 0:
            raise ConnectionFault(Code.PROTOCOL_ERROR, "SETTINGS: expected stream 0")
        if flags & frames.ACK:
            expect_size(payload, 0, "SETTINGS with ACK")
            return
        found = frames.read_settings(payload)
        self._outgoing.write(frames.frame(frames.SETTINGS, frames.ACK, 0))
        if frames.INITIAL_WINDOW in found:
            self._quiet += len(self.streams)  # each has its window changed
            self._outgoing.resize(list(self.streams.values()), found[frames.INITIAL_WINDOW])

    def _push_promise(self, flags: int, number: int, payload: bytes) -> None:  # noqa: ARG002
        raise ConnectionFault(Code.PROTOCOL_ERROR, "PUSH_PROMISE: a client has none")

    def _ping(self, flags: int, number: int, payload: bytes) -> None:
        if number != 0:
            raise ConnectionFault(Code.PROTOCOL_ERROR, "PING: expected stream 0")
        expect_size(payload, 8, "PING")
        if not flags & frames.ACK:
            self._outgoing.write(frames.frame(frames.PING, frames.ACK, 0, payload))

    def _goaway(self, flags: int, number: int, payload: bytes) -> None:  # noqa: ARG002
        """The client leaves when its streams have ended."""
        if number != 0:
            raise ConnectionFault(Code.PROTOCOL_ERROR, "GOAWAY: expected stream 0")

    def _window_update(self, flags: int, number: int, payload: bytes) -> None:  # noqa: ARG002
        expect_size(payload, 4, "WINDOW_UPDATE")
        increment = int.from_bytes(payload, "big") & frames.LARGEST
        if number == 0:
            if increment == 0:
                raise ConnectionFault(Code.PROTOCOL_ERROR, "WINDOW_UPDATE: expected an increment")
            self._outgoing.widen_all(increment)
        elif (stream := self._known(number, "WINDOW_UPDATE")) is not None:
            if increment == 0:
                raise StreamFault(Code.PROTOCOL_ERROR, "WINDOW_UPDATE: expected an increment")
            self._outgoing.widen(stream, increment)

    _HANDLERS = (
        _data, _headers, _priority, _rst_stream, _settings, _push_promise, _ping, _goaway, _window_update,
        _continuation,
    )  # fmt: skip
