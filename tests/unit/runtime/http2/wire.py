"""Both ends of a connection without a network: the server's, and a client that writes and reads frames by hand."""

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hpack import Decoder, Encoder

from podium.runtime.exchange import Reply, Request, Response
from podium.runtime.faults import Fault
from podium.runtime.grpc.port import Door
from podium.runtime.http.refusals import refusal
from podium.runtime.http.shared import Limits, Shared
from podium.runtime.http2 import frames
from podium.runtime.http2.frames import Frame, Frames, frame
from podium.runtime.identity import Headers
from podium.runtime.turns import Turn

HIGH_WATER = 64 * 1024  # bytes, as uvloop has it
SERVICE = "/inference.GRPCInferenceService/"
INFER, STREAM, LIVE = f"{SERVICE}ModelInfer", f"{SERVICE}ModelStreamInfer", f"{SERVICE}ServerLive"


class Echo:
    """Answers a call with its own body, at once or when it is told to."""

    identity_block = b"x-podium-model: churn\r\nx-podium-version: 7\r\n"

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.refused: list[str] = []
        self.later: list[Callable[[], None]] | None = None
        self.answer: Callable[[Request], Response] = lambda request: Response(200, request.body)

    def call(self, request: Request, reply: Reply) -> None:
        self.requests.append(request)
        if self.later is None:
            reply(self.answer(request))
        else:
            self.later.append(lambda: reply(self.answer(request)))

    def handle(self, request: Request, reply: Reply) -> None:
        self.requests.append(request)
        reply(Response(200))

    def refuse(self, error: Exception, headers: Headers, turn: Turn | None) -> Response:
        assert isinstance(error, Fault), error
        self.refused.append(error.message)
        return refusal(error)


class Wire(asyncio.Transport):
    """A transport whose client takes nothing until `take`."""

    def __init__(self, connection: Any) -> None:
        super().__init__()
        self._connection = connection
        self.waiting = b""
        self.reading = True
        self.ended = ""
        connection.connection_made(self)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.ended, "nothing is written behind the end"
        before, self.waiting = len(self.waiting), self.waiting + bytes(data)
        if before <= HIGH_WATER < len(self.waiting):
            self._connection.pause_writing()

    def take(self) -> bytes:
        taken, self.waiting = self.waiting, b""
        if len(taken) > HIGH_WATER:
            self._connection.resume_writing()
        return taken

    def get_write_buffer_size(self) -> int:
        return len(self.waiting)

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def write_eof(self) -> None:
        self.ended = "half"

    def close(self) -> None:
        self.ended = "closed"

    def abort(self) -> None:
        self.ended = "aborted"


@dataclass
class Answer:
    """What came on one stream."""

    headers: dict[str, str] = field(default_factory=dict)
    data: bytes = b""
    trailers: dict[str, str] = field(default_factory=dict)
    reset: int | None = None

    @property
    def messages(self) -> list[bytes]:
        found, data = [], self.data
        while data:
            size = int.from_bytes(data[1:5], "big")
            found.append(data[5 : 5 + size])
            data = data[5 + size :]
        return found

    @property
    def status(self) -> tuple[int, str]:
        ended = self.trailers or self.headers
        return int(ended["grpc-status"]), ended.get("grpc-message", "")


class Peer:
    """A client, connected to a server of its own."""

    def __init__(self, shared: Shared | None = None, *, greet: bool = True, **limits: int) -> None:
        self.app = Echo()
        expected = {"body_bytes": 100_000, "buffered_bytes": 1_000_000, **limits}
        self.shared = shared or Shared(self.app, Limits(**expected, arrive_seconds=30, send_seconds=5, idle_seconds=75))
        self.door = Door(self.app, self.shared)  # type: ignore[arg-type]  # of the App, this is what it needs
        self.connection = self.door.connection()
        self.wire = Wire(self.connection)
        self.encoder, self._decoder, self._frames = Encoder(), Decoder(), Frames()
        self._numbers = itertools.count(1, 2)
        self.answers: dict[int, Answer] = {}
        self.control: list[Frame] = []
        if greet:
            self.send(frames.PREFACE + frames.settings({frames.INITIAL_WINDOW: 2**20}) + frames.window_update(0, 2**20))

    def send(self, data: bytes) -> None:
        self.connection.data_received(data)

    def block(self, path: str = INFER, **fields: str) -> bytes:
        named = {name.replace("_", "-"): value for name, value in fields.items()}
        own = {":method": "POST", ":scheme": "http", ":path": path, ":authority": "x"}
        encoded: bytes = self.encoder.encode([*own.items(), *{"content-type": "application/grpc", **named}.items()])
        return encoded

    def open(self, path: str = INFER, *, last: bool = False, **fields: str) -> int:
        number = next(self._numbers)
        flags = frames.END_HEADERS | (frames.END_STREAM if last else 0)
        self.send(frame(frames.HEADERS, flags, number, self.block(path, **fields)))
        return number

    def call(self, *bodies: bytes, path: str = INFER, raw: bool = False, **fields: str) -> int:
        """Send a call whose messages are these; `raw` are whole already."""
        number = self.open(path, last=False, **fields)
        data = b"".join(body if raw else message(body) for body in bodies)
        for start in range(0, len(data), frames.FRAME_LIMIT):
            self.send(frame(frames.DATA, 0, number, data[start : start + frames.FRAME_LIMIT]))
        self.send(frame(frames.DATA, frames.END_STREAM, number))
        return number

    def read(self) -> "Peer":
        """Take what the server has written."""
        self._frames.feed(self.wire.take())
        while (one := self._frames.cut()) is not None:
            kind, _, number, payload = one
            answer = self.answers.setdefault(number, Answer()) if number else Answer()
            if kind == frames.HEADERS:
                fields = {str(name): str(value) for name, value in self._decoder.decode(payload)}
                if answer.headers:
                    answer.trailers = fields
                else:
                    answer.headers = fields
            elif kind == frames.DATA:
                answer.data += payload
            elif kind == frames.RST_STREAM:
                answer.reset = int.from_bytes(payload, "big")
            else:
                self.control.append(one)
        return self

    async def status(self, number: int) -> tuple[int, str]:
        await settled()
        return self.read().answers[number].status

    @property
    def goaway(self) -> tuple[int, int] | None:
        """The last GOAWAY: the last stream, and the code."""
        self.read()
        found = [payload for kind, _, _, payload in self.control if kind == frames.GOAWAY]
        return (int.from_bytes(found[-1][:4], "big"), int.from_bytes(found[-1][4:8], "big")) if found else None


def message(body: bytes, flag: int = 0) -> bytes:
    return bytes((flag,)) + len(body).to_bytes(4, "big") + body


async def turned() -> None:
    """Let what was left to the next turn have it."""
    await asyncio.sleep(0)


async def settled() -> None:
    """Let everything run that needs nothing of the client."""
    for _ in range(300):
        await asyncio.sleep(0)
