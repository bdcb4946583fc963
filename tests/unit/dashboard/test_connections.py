"""Who holds connections and asks nothing keeps no one out: each is closed in time, and makes room before that."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn

from podium.dashboard.app import app
from podium.dashboard.connections import BACKLOG, limited, most_connections
from podium.dashboard.server import listening
from tests.unit.dashboard.conftest import DOOR, keeping

SOON = 10.0  # seconds
HEAD = b"GET /static/live.js HTTP/1.1\r\nHost: 127.0.0.1:8910\r\n\r\n"
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Clients:
    """Connections to a page, which end with the test."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._writers: list[asyncio.StreamWriter] = []

    async def connect(self) -> Connection:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._writers.append(writer)
        return reader, writer

    async def close(self) -> None:
        for writer in self._writers:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for writer in self._writers), return_exceptions=True)


@asynccontextmanager
async def served(most: int, head: float) -> AsyncIterator[Clients]:
    """Clients of a page with these limits."""
    at: socket.socket = listening(0)
    settings = uvicorn.Config(
        app(keeping(), DOOR), log_level="error", access_log=False, lifespan="off", http=limited(most, head)
    )
    server = uvicorn.Server(settings)
    at.listen(BACKLOG)
    clients = Clients(at.getsockname()[1])
    running = asyncio.create_task(server.serve(sockets=[at]))
    try:
        yield clients
    finally:
        await clients.close()
        server.should_exit = True
        await running


async def answer(connection: Connection) -> bytes:
    """The first line of what is said to a question; empty where the connection was closed."""
    reader, writer = connection
    writer.write(HEAD)
    try:
        return await asyncio.wait_for(reader.readline(), SOON)
    except ConnectionError:
        return b""


async def closed(connection: Connection) -> bool:
    try:
        return await asyncio.wait_for(connection[0].read(1), SOON) == b""
    except ConnectionError:
        return True


def test_who_asks_is_answered_while_others_hold_all_connections() -> None:
    """1,100 idle connections turned the page off, and wrote a line into the log for each try to accept one more."""

    async def story() -> None:
        async with served(most=5, head=600) as clients:
            idle = [await clients.connect() for _ in range(20)]
            for _ in range(3):
                assert await answer(await clients.connect()) == b"HTTP/1.1 200 OK\r\n"
            assert await closed(idle[0])

    asyncio.run(story())


def test_a_head_that_does_not_come_ends_the_connection() -> None:
    async def story() -> None:
        async with served(most=100, head=0.2) as clients:
            silent, begun = await clients.connect(), await clients.connect()
            begun[1].write(HEAD[:20])
            assert await closed(silent)
            assert await closed(begun)
            again = await clients.connect()
            assert await answer(again) == b"HTTP/1.1 200 OK\r\n"

    asyncio.run(story())


def test_a_second_head_has_no_more_time_than_the_first() -> None:
    async def story() -> None:
        async with served(most=100, head=0.2) as clients:
            reader, writer = connection = await clients.connect()
            assert await answer(connection) == b"HTTP/1.1 200 OK\r\n"
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), SOON)
            length = int(head.lower().partition(b"content-length:")[2].split()[0])
            await asyncio.wait_for(reader.readexactly(length), SOON)
            writer.write(HEAD[:20])
            assert await closed(connection)

    asyncio.run(story())


def test_there_are_fewer_connections_than_files() -> None:
    assert 0 < most_connections() <= 700
