"""A client that asks and does not read gets one buffer of answers, and then so many seconds."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest

from podium.runtime.exchange import Request, Response
from podium.runtime.http.connection import Connection, Limits, Shared

ASKED = b"GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n"
PAGE = b"x" * 10_000
HIGH = 64 * 1024  # bytes that a transport holds before it asks for a pause
SEND = 5.0


class App:
    """Answers at once."""

    identity_block = b""

    def __init__(self) -> None:
        self.answered = 0

    def handle(self, request: Request, done: Callable[[Response], None]) -> None:
        self.answered += 1
        done(Response(200, PAGE))

    def refuse(self, fault: Exception, headers: Any) -> Response:
        return Response(400, str(fault).encode())


class Transport:
    """A socket whose client reads when the test says so."""

    def __init__(self) -> None:
        self.held, self.reading, self.aborted = 0, True, False
        self.protocol: Connection | None = None

    def write(self, data: bytes) -> None:
        before, self.held = self.held, self.held + len(data)
        if before <= HIGH < self.held and self.protocol is not None:
            self.protocol.pause_writing()

    def taken(self) -> None:
        self.held = 0
        assert self.protocol is not None
        self.protocol.resume_writing()

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def abort(self) -> None:
        self.aborted = True

    def close(self) -> None:
        self.aborted = True


@pytest.fixture
def app() -> App:
    return App()


@pytest.fixture
def transport(app: App) -> Transport:
    limits = Limits(2**20, 2**24, arrive_seconds=30, send_seconds=SEND, idle_seconds=60)
    made = Transport()
    made.protocol = Connection(Shared(cast("Any", app), limits))
    made.protocol.connection_made(cast("asyncio.BaseTransport", made))
    return made


async def settle() -> None:
    for _ in range(200):
        await asyncio.sleep(0)


async def test_a_client_that_pipelines_and_never_reads_is_given_one_buffer_and_let_go(
    app: App, transport: Transport
) -> None:
    """It took 919 MiB in 7 s, and its connection was never ended."""
    connection = transport.protocol
    assert connection is not None
    connection.data_received(ASKED * 1000)
    await settle()
    assert transport.held < HIGH + 2 * len(PAGE)
    assert not transport.reading
    begun = asyncio.get_running_loop().time()
    connection.close_if_overdue(begun + SEND - 1)
    assert not transport.aborted
    connection.close_if_overdue(begun + SEND + 1)
    assert transport.aborted


async def test_a_client_that_reads_late_gets_every_answer(app: App, transport: Transport) -> None:
    connection = transport.protocol
    assert connection is not None
    connection.data_received(ASKED * 100)
    for _ in range(100):
        await settle()
        if transport.held > HIGH:
            transport.taken()
    assert app.answered == 100
    assert transport.reading
