"""A client that asks at a constant rate, whatever the server does, over connections that stay open.

Latency counts from the moment at which a request was due, not from when it could be sent: a client that waits for slow
answers before it asks again would hide the very time in which others wait (coordinated omission).
"""

import asyncio
import time
from array import array
from collections import deque
from dataclasses import dataclass, field
from typing import Self, cast

TICK_SECONDS = 0.001  # between looks at what is due


@dataclass
class Record:
    """What became of the requests of one stretch of time. Times in seconds."""

    due: "array[float]" = field(default_factory=lambda: array("d"))  # of each answer: when it was due
    latency: "array[float]" = field(default_factory=lambda: array("d"))  # of each answer, from when it was due
    sent: int = 0
    unsent: int = 0  # due, while every connection waited for an answer to the very end
    answered: int = 0  # 200
    refused: int = 0  # 503 with Retry-After
    wrong: int = 0  # any other answer
    broken: int = 0  # the connection ended before the answer

    @property
    def lost(self) -> int:
        """Requests that were sent and never answered."""
        return self.sent - self.answered - self.refused


class Connection(asyncio.Protocol):
    """One connection, with one request at a time."""

    def __init__(self, client: "Client") -> None:
        self._client = client
        self._transport: asyncio.Transport | None = None
        self._received = b""
        self._asked: tuple[Record, float] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def ask(self, record: Record, due: float) -> None:
        assert self._transport is not None
        record.sent += 1
        self._asked = record, due
        self._transport.write(self._client.request)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        if not end or self._asked is None:
            return
        size = head.partition(b"content-length: ")[2].partition(b"\r\n")[0]
        if len(body) < int(size):
            return
        (record, due), self._asked, self._received = self._asked, None, b""
        status = head[9:12]
        if status == b"200":
            record.answered += 1
            record.due.append(due)
            record.latency.append(time.monotonic() - due)
        elif status == b"503" and b"\r\nretry-after: " in head:
            record.refused += 1
        else:
            record.wrong += 1
        self._client.free(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  asyncio's signature
        if self._asked is not None:
            self._asked[0].broken += 1
        self._client.gone()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


class Client:
    """So many connections to one server, all asking the same."""

    def __init__(self, host: str, port: int, path: str, body: bytes) -> None:
        head = f"POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
        self.request = head.encode() + b"\r\n\r\n" + body
        self._address = host, port
        self._connections: list[Connection] = []
        self._idle: deque[Connection] = deque()
        self._waiting: deque[tuple[Record, float]] = deque()
        self.lost_connections = 0

    async def connect(self, connections: int) -> Self:
        """Open this many connections."""
        loop = asyncio.get_running_loop()
        for _ in range(connections):
            _, connection = await loop.create_connection(lambda: Connection(self), *self._address)
            self._connections.append(connection)
        self._idle.extend(self._connections)
        return self

    def close(self) -> None:
        """Close all connections."""
        for connection in self._connections:
            connection.close()

    def free(self, connection: Connection) -> None:
        """A connection has its answer: it takes the next request that waits."""
        if self._waiting:
            connection.ask(*self._waiting.popleft())
        else:
            self._idle.append(connection)

    def gone(self) -> None:
        """Count a connection that the server has closed."""
        self.lost_connections += 1

    async def saturate(self, seconds: float) -> Record:
        """Ask on every connection as soon as it is free: a closed loop, which finds what the server can do."""
        record = Record()
        until = time.monotonic() + seconds
        while (now := time.monotonic()) < until:
            while len(self._waiting) < len(self._connections):
                self._submit(record, now)
            await asyncio.sleep(TICK_SECONDS)
        self.give_up(record)
        return record

    async def offer(self, rate: float, seconds: float) -> Record:
        """Ask so many times a second for so long. What is still waiting for a connection then, stays so."""
        record = Record()
        start = time.monotonic()
        for number in range(round(rate * seconds)):
            due = start + number / rate
            if (early := due - time.monotonic()) > 0:
                await asyncio.sleep(early)
            self._submit(record, due)
            if number % 64 == 0:
                await asyncio.sleep(0)  # behind its time, answers must still be read
        return record

    def give_up(self, record: Record) -> None:
        """Forget what could not be sent."""
        record.unsent += sum(each is record for each, _ in self._waiting)
        self._waiting = deque((each, due) for each, due in self._waiting if each is not record)

    async def settle(self, record: Record, seconds: float) -> None:
        """Wait until all that was sent is answered, for so long."""
        until = time.monotonic() + seconds
        while record.sent > record.answered + record.refused + record.wrong + record.broken:
            if time.monotonic() > until:
                return
            await asyncio.sleep(TICK_SECONDS)

    def _submit(self, record: Record, due: float) -> None:
        if self._idle:
            self._idle.popleft().ask(record, due)
        else:
            self._waiting.append((record, due))
