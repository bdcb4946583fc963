"""Clients that send requests at a steady rate, whatever becomes of the answers, over connections that they keep.

*Open loop*: the next request is sent when its time has come, not when the last answer is there, as by many independent
people. A slow server gets no less to do, and what it makes wait is seen. Connections are kept and used again, as by
real clients, and given up after some requests, as by real clients too: who keeps one for ever never meets a new pod.

How long an answer took counts from the moment at which its request was due. From when it could be sent, the very time
in which a busy machine made every client wait would not be seen (coordinated omission).
"""

import asyncio
import itertools
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from demo.ledger import OK, Answer, Ledger

PER_CONNECTION = 20  # requests until a client gives its connection up
KEPT = 10  # connections that are kept open; more are opened while all of them are in use, and closed afterwards
KNOCK = 0.1  # seconds between two tries to reach a server that is just coming
PATIENCE = 10.0  # seconds until a client gives up a request


@dataclass
class Connection:
    """One kept connection to the server."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    left: int  # requests until it is given up

    async def ask(self, head: bytes, body: bytes) -> tuple[int, dict[str, str], bool]:
        """Send a request and return status, headers, and whether the connection may be used again."""
        self.left -= 1
        self.writer.write(head + body)
        status, headers = parse_head(await self.reader.readuntil(b"\r\n\r\n"))
        await self.reader.readexactly(int(headers.get("content-length", "0")))
        return status, headers, headers.get("connection", "").lower() != "close" and self.left > 0

    @property
    def usable(self) -> bool:
        """Whether the server has not closed it meanwhile."""
        return not (self.reader.at_eof() or self.writer.is_closing())


@dataclass
class Clients:
    """All clients together, sending `rate` requests a second from now until `stop`."""

    host: str
    port: int
    bodies: Sequence[bytes]
    rate: float
    clock: Callable[[], float]
    ledger: Ledger = field(default_factory=Ledger)
    per_connection: int = PER_CONNECTION  # with 1, kube-proxy chooses a pod for every request
    name: str = ""  # of the host in requests, where it is not the address: behind a gateway hosts share one
    _idle: deque[Connection] = field(default_factory=deque)
    _open: int = 0
    _under_way: set["asyncio.Task[None]"] = field(default_factory=set)

    async def reached(self, within: float) -> bool:
        """Whether an answer came within so many seconds. What was asked until then is in no ledger."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                while True:
                    with suppress(OSError, EOFError):  # no server there yet
                        if (await self._ask(self.bodies[0]))[0] == OK:
                            self._hang_up()
                            return True
                    await asyncio.sleep(KNOCK)
        return False

    async def run(self, stop: asyncio.Event) -> None:
        """Send until told to stop, then wait for what is under way."""
        began = self.clock()
        for number in itertools.count():
            due = began + number / self.rate
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), max(0.0, due - self.clock()))
            if stop.is_set():
                break
            task = asyncio.create_task(self._one(due, self.bodies[number % len(self.bodies)]))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        await self.answered()
        self._hang_up()

    async def answered(self) -> None:
        """Wait until all that is under way now has been answered or given up, and is in the ledger."""
        await asyncio.gather(*self._under_way)

    async def _one(self, due: float, body: bytes) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                status, version, failed_by = await self._ask(body)
        except (OSError, EOFError, ValueError, asyncio.LimitOverrunError) as error:  # TimeoutError is an OSError
            self.ledger.add(Answer(due, self.clock(), "", 0, f"{type(error).__name__}: {error}"[:200]))
            return
        self.ledger.add(Answer(due, self.clock(), version, status, failed_by=failed_by))

    async def _ask(self, body: bytes) -> tuple[int, str, str]:
        head = (
            f"POST /invocations HTTP/1.1\r\nHost: {self.name or f'{self.host}:{self.port}'}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode()
        connection, kept = await self._connection(), False
        try:
            status, headers, kept = await connection.ask(head, body)
        finally:
            if kept and self._open <= KEPT:
                self._idle.append(connection)
            else:
                self._close(connection)
        return status, headers.get("x-podium-version", ""), headers.get("x-podium-fallback-from", "")

    async def _connection(self) -> Connection:
        """The connection that has been idle for longest, or a new one while few are open or all are in use."""
        while self._idle and self._open >= KEPT:
            connection = self._idle.popleft()
            if connection.usable:
                return connection
            self._close(connection)
        opened = Connection(*await asyncio.open_connection(self.host, self.port), left=self.per_connection)
        self._open += 1
        return opened

    def _hang_up(self) -> None:
        while self._idle:
            self._close(self._idle.popleft())

    def _close(self, connection: Connection) -> None:
        self._open -= 1
        connection.writer.close()


def parse_head(head: bytes) -> tuple[int, dict[str, str]]:
    """Return the status and the headers, names in lower case. Raises ValueError where it is not HTTP."""
    first, *lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    protocol, _, rest = first.partition(" ")
    if not protocol.startswith("HTTP/1."):
        raise ValueError(f"expected an answer in HTTP/1, found {first[:60]!r}")
    pairs = (line.partition(":") for line in lines)
    return int(rest[:3]), {name.strip().lower(): value.strip() for name, _, value in pairs}
