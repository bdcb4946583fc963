"""The demo's clients: a steady rate, kept connections, and every failure counted."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from demo.clients import KEPT, PER_CONNECTION, Clients, parse_head
from demo.ledger import Answer, Ledger

ANSWER = "HTTP/1.1 {status} X\r\nX-Podium-Version: 7\r\nContent-Length: 2\r\n{more}\r\nok"


@dataclass
class Served:
    """A server that says the same to all, and remembers."""

    status: int = 200
    more: str = ""
    delay: float = 0
    crowd: int = 1  # nobody is answered before so many have asked
    full: asyncio.Event = field(default_factory=asyncio.Event)
    connections: int = 0
    bodies: list[bytes] = field(default_factory=list)
    port: int = 0

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                _, headers = parse_head(b"HTTP/1.1 200 \r\n" + await _headers(reader))
                self.bodies.append(await reader.readexactly(int(headers["content-length"])))
                if len(self.bodies) >= self.crowd:
                    self.full.set()
                await self.full.wait()
                await asyncio.sleep(self.delay)
                writer.write(ANSWER.format(status=self.status, more=self.more).encode())
                if "close" in self.more:
                    break
        except asyncio.IncompleteReadError:
            pass  # the client has gone
        finally:
            writer.close()


async def _headers(reader: asyncio.StreamReader) -> bytes:
    return (await reader.readuntil(b"\r\n\r\n")).partition(b"\r\n")[2]


@asynccontextmanager
async def served(said: Served) -> AsyncIterator[Clients]:
    async with await asyncio.start_server(said.talk, "127.0.0.1", 0) as server:
        said.port = server.sockets[0].getsockname()[1]
        yield Clients("127.0.0.1", said.port, [b"one", b"two"], 500.0, time.monotonic)


class Awaited(Ledger):
    """A ledger that tells when so many answers are in it."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count, self.full = count, asyncio.Event()

    def add(self, answer: Answer) -> None:
        super().add(answer)
        if self.requests >= self.count:
            self.full.set()


async def _send(clients: Clients, count: int) -> None:
    """Let the clients work until so many answers are there."""
    clients.ledger = awaited = Awaited(count)
    async with asyncio.timeout(30):
        await clients.run(awaited.full)


async def test_every_answer_is_recorded_with_its_version() -> None:
    async with served(Served()) as clients:
        await _send(clients, 20)
    assert not clients.ledger.failures
    assert set(clients.ledger.by_version()) == {"7"}


async def test_bodies_are_sent_one_after_another() -> None:
    said = Served()
    async with served(said) as clients:
        await _send(clients, 4)
    assert set(said.bodies) == {b"one", b"two"}


async def test_connections_are_kept_and_given_up_after_some_requests() -> None:
    said = Served()
    async with served(said) as clients:
        await _send(clients, 300)
    fewest = len(said.bodies) / PER_CONNECTION
    assert fewest <= said.connections <= fewest + 2 * KEPT


async def test_each_request_can_have_a_connection_of_its_own() -> None:
    said = Served()
    async with served(said) as clients:
        clients.per_connection = 1
        await _send(clients, 50)
    assert said.connections == len(said.bodies) == clients.ledger.requests


async def test_what_is_sent_can_be_changed_under_way() -> None:
    said = Served()
    async with served(said) as clients:
        await _send(clients, 4)
        clients.bodies = [b"three"]
        before = len(said.bodies)
        await _send(clients, 4)
    assert set(said.bodies[before:]) == {b"three"}


async def test_a_connection_that_the_server_ends_is_not_used_again() -> None:
    said = Served(more="Connection: close\r\n")
    async with served(said) as clients:
        await _send(clients, 20)
    assert not clients.ledger.failures
    assert said.connections == len(said.bodies)


async def test_a_slow_server_gets_no_less_to_do() -> None:
    said = Served(crowd=21)
    async with served(said) as clients:
        await _send(clients, 1)
    assert len(said.bodies) > 20


async def test_a_request_that_is_late_counts_from_when_it_was_due() -> None:
    late = iter([0.0])  # at its first look the clock says the beginning, and then it is 50 ms later
    async with served(Served()) as clients:
        began = time.monotonic()
        clients.clock = lambda: began + next(late, time.monotonic() - began + 0.05)
        await _send(clients, 50)
    answers = sorted(clients.ledger.answers, key=lambda answer: answer.sent)
    assert [each.sent - began for each in answers] == pytest.approx([n / clients.rate for n in range(len(answers))])
    assert answers[0].at - answers[0].sent >= 0.05


async def test_what_is_under_way_can_be_waited_for() -> None:
    said = Served(delay=0.2)
    async with served(said) as clients:
        clients.ledger = awaited = Awaited(1)
        stop = asyncio.Event()
        sending = asyncio.create_task(clients.run(stop))
        await awaited.full.wait()
        while clients.ledger.requests == len(said.bodies):  # noqa: ASYNC110  all, where the machine stood still
            await asyncio.sleep(0.001)
        sent = len(said.bodies)
        await clients.answered()
        assert clients.ledger.requests >= sent
        stop.set()
        await sending


async def test_an_error_of_the_server_is_a_failure_of_that_version() -> None:
    async with served(Served(status=500)) as clients:
        await _send(clients, 5)
    assert all(answer.failed and answer.version == "7" for answer in clients.ledger.answers)


async def test_a_server_that_is_not_there_is_a_failure_of_nobody() -> None:
    clients = Clients("127.0.0.1", 1, [b"one"], 500.0, time.monotonic)
    await _send(clients, 3)
    assert all(answer.failed and answer.version == "" and answer.trouble for answer in clients.ledger.answers)


async def test_a_server_is_reached_once_it_answers() -> None:
    async with served(Served()) as clients:
        assert await clients.reached(within=30)
        assert not clients.ledger.requests


async def test_a_server_that_is_not_there_is_not_reached() -> None:
    assert not await Clients("127.0.0.1", 1, [b"one"], 500.0, time.monotonic).reached(within=0.01)


def test_what_is_not_http_is_refused() -> None:
    with pytest.raises(ValueError, match="HTTP/1"):
        parse_head(b"SSH-2.0-OpenSSH\r\n\r\n")
