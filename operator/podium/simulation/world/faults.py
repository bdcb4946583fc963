"""What can go wrong with a call of the operator, as a table of kinds. A new kind is a row: which calls, what happens.

A kind is played instead of the call. It may carry the call out (`done`), before or after what goes wrong.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from podium.errors import Conflict, PodiumError, Rejected, Temporary, Unavailable

WRITES: Final[Mapping[str, frozenset[str]]] = {
    "cluster": frozenset({"write_status", "add_finalizer", "remove_finalizer", "run_slot", "stop_slot"}),
    "router": frozenset({"route", "release"}),
    "registry": frozenset({"move_alias", "write_tags", "write_record"}),
    "jobs": frozenset({"run"}),
}
_SLOW: Final = frozenset({"query", "move_alias", "write_tags", "write_record", "route", "stop_slot"})
_LONGEST: Final = 3.0  # seconds that a slow answer takes


@dataclass(frozen=True)
class Call:
    """One call of a port's method."""

    port: str
    method: str
    arguments: tuple[Any, ...]

    @property
    def writes(self) -> bool:
        return self.method in WRITES.get(self.port, ())


class Caller(Protocol):
    """The process that calls, as far as a kind can harm it."""

    chance: random.Random

    def die(self) -> None: ...
    def before(self, call: Call, now: Any) -> Any: ...  # what the call gave the last time


Done = Callable[[], Awaitable[Any]]
Play = Callable[[Caller, Call, Done], Awaitable[Any]]


@dataclass(frozen=True)
class Kind:
    """One kind of fault."""

    name: str
    strikes: Callable[[Call], bool]
    play: Play


def _raises(error: type[PodiumError], says: str, *, done: bool = False) -> Play:
    async def play(caller: Caller, call: Call, do: Done) -> Any:
        del caller
        if done:
            await do()
        raise error(f"{call.port} {call.method}: {says}")

    return play


async def _dies_before(caller: Caller, call: Call, done: Done) -> Any:
    del call, done
    caller.die()
    await asyncio.Future()


async def _dies_after(caller: Caller, call: Call, done: Done) -> Any:
    del call
    await done()
    caller.die()
    await asyncio.Future()


async def _slow(caller: Caller, call: Call, done: Done) -> Any:
    del call
    answer = await done()
    await asyncio.sleep(caller.chance.uniform(0.0, _LONGEST))
    return answer


async def _stale(caller: Caller, call: Call, done: Done) -> Any:
    return caller.before(call, await done())


def _writes(call: Call) -> bool:
    return call.writes


def _on(port: str, *methods: str) -> Callable[[Call], bool]:
    return lambda call: call.port == port and call.method in methods


STALE_READ: Final = Kind("an object is read as it was before", _on("cluster", "get"), _stale)

KINDS: Final[Sequence[Kind]] = (
    Kind("the operator dies before a write", _writes, _dies_before),
    Kind("the operator dies after a write", _writes, _dies_after),
    Kind("a write is refused", _writes, _raises(Rejected, "403: refused by a policy")),
    Kind("a write is throttled", _writes, _raises(Temporary, "429: too many requests")),
    Kind("a write fails", _writes, _raises(Unavailable, "500: the server failed")),
    Kind("a write is done, and its answer lost", _writes, _raises(Unavailable, "no answer in time", done=True)),
    Kind("another client wrote first", _on("cluster", "write_status"), _raises(Conflict, "409: modified")),
    Kind("slots cannot be read", _on("cluster", "get", "slots"), _raises(Unavailable, "no answer in time")),
    Kind("the route cannot be read", _on("router", "observe"), _raises(Unavailable, "no answer in time")),
    Kind("pods cannot be asked", _on("pod_metrics", "ask"), _raises(Unavailable, "no answer in time")),
    Kind("the registry does not answer", _on("registry", "query"), _raises(Unavailable, "no answer in time")),
    Kind("an answer is slow", lambda call: call.method in _SLOW, _slow),
    STALE_READ,
)


class Disorder:
    """Draws faults: of so many calls each this share, and of watch events as many."""

    def __init__(self, share: float, seed: int, kinds: Sequence[Kind] = KINDS) -> None:
        self.share = share
        self.chance = random.Random(seed)  # noqa: S311 - not for secrets
        self.played: dict[str, int] = {}
        self._kinds = kinds
        self._by_call: dict[tuple[str, str], list[Kind]] = {}

    def draw(self, call: Call) -> Kind | None:
        """What goes wrong with this call; None where it goes well."""
        if not self.share or self.chance.random() >= self.share:
            return None
        place = (call.port, call.method)
        if place not in self._by_call:
            self._by_call[place] = [kind for kind in self._kinds if kind.strikes(call)]
        if not self._by_call[place]:
            return None
        kind = self.chance.choice(self._by_call[place])
        self.played[kind.name] = self.played.get(kind.name, 0) + 1
        return kind

    def loses_watch(self) -> bool:
        return bool(self.share) and self.chance.random() < self.share
