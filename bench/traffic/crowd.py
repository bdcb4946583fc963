"""The clients, in a process of their own: whoever waits for the API server beside them does not delay them.

Times are those of CLOCK_MONOTONIC, which all processes of a machine share.
"""

import asyncio
import multiprocessing
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from demo.clients import PATIENCE, Clients
from demo.ledger import Answer, Ledger

REACHED = 60.0  # seconds until the first answer
LEAVES = 2 * PATIENCE  # seconds that the process may take to wait for its last answers, and to end
Command = tuple[str, Sequence[bytes]]
SEND, TAKE, STOP = "send", "take", "stop"


@dataclass(frozen=True)
class Packed:
    """A ledger in few pieces: to send thousands of single answers would keep the clients from asking for a while."""

    sent: "array[float]"
    at: "array[float]"
    kinds: "array[int]"  # of each answer: which of those below
    of: Sequence[tuple[str, int, str, str]]  # version, status, trouble, failed_by

    @classmethod
    def pack(cls, ledger: Ledger) -> "Packed":
        """The ledger in arrays, which go through a pipe quickly."""
        kinds: dict[tuple[str, int, str, str], int] = {}
        each = ((a.version, a.status, a.trouble, a.failed_by) for a in ledger.answers)
        of = array("L", (kinds.setdefault(kind, len(kinds)) for kind in each))
        sent, at = (array("d", (getattr(a, field) for a in ledger.answers)) for field in ("sent", "at"))
        return cls(sent, at, of, list(kinds))

    def unpack(self) -> Ledger:
        """The ledger as it was."""
        each = zip(self.sent, self.at, self.kinds, strict=True)
        return Ledger([Answer(sent, at, *self.of[kind]) for sent, at, kind in each])


class Crowd:
    """What the clients are told, and what they have seen."""

    def __init__(self, pipe: "Connection[Any, Any]") -> None:
        self._pipe = pipe

    def send(self, bodies: Sequence[bytes]) -> None:
        """Ask with these bodies from now on, one after another."""
        self._pipe.send((SEND, list(bodies)))

    def take(self) -> Ledger:
        """All answers since the last time. What is under way is waited for; each answer is in one ledger only."""
        self._pipe.send((TAKE, []))
        packed: Packed = self._pipe.recv()
        return packed.unpack()


@contextmanager
def at_work(clients: Clients) -> Iterator[Crowd]:
    """The clients ask as long as the block runs. Raises RuntimeError where no server ever answers them."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, clients), name="clients", daemon=True)
    process.start()
    theirs.close()
    try:
        if not ours.recv():
            where = f"{clients.host}:{clients.port} for {clients.name or clients.host}"
            raise RuntimeError(f"no answer at {where} within {REACHED:g} s")
        yield Crowd(ours)
        ours.send((STOP, []))
        process.join(LEAVES)
    finally:
        ours.close()
        process.kill()
        process.join()


# --- in the other process ---------------------------------------------------------------------------------------------


def _work(pipe: "Connection[Any, Any]", clients: Clients) -> None:
    asyncio.run(_attend(pipe, clients))


async def _attend(pipe: "Connection[Any, Any]", clients: Clients) -> None:
    """Ask, and do as told, until told to stop or until whoever tells is gone."""
    reached = await clients.reached(REACHED)
    pipe.send(reached)
    if not reached:
        return
    told: asyncio.Queue[Command] = asyncio.Queue()
    asyncio.get_running_loop().add_reader(pipe.fileno(), lambda: told.put_nowait(_heard(pipe)))
    stop = asyncio.Event()
    asking = asyncio.create_task(clients.run(stop))
    while (command := await told.get())[0] != STOP:
        if command[0] == SEND:
            clients.bodies = command[1]
        else:
            await clients.answered()
            seen, clients.ledger = clients.ledger, Ledger()
            pipe.send(Packed.pack(seen))
    asyncio.get_running_loop().remove_reader(pipe.fileno())
    stop.set()
    await asking


def _heard(pipe: "Connection[Any, Any]") -> Command:
    try:
        command: Command = pipe.recv()
    except EOFError:
        return STOP, []
    return command
