"""What can go wrong with a call of the operator, as a table of kinds. A new kind is a row: which calls, what happens.

A kind is played instead of the call. It may carry the call out (`done`), before or after what goes wrong.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Protocol

from podium.api.v1alpha1.evidence import Slot
from podium.errors import Conflict, PodiumError, Rejected, Temporary, Unavailable

WRITES: Final[Mapping[str, frozenset[str]]] = {
    "cluster": frozenset({"write_status", "add_finalizer", "remove_finalizer", "run_slot", "stop_slot"}),
    "router": frozenset({"route", "add_retries", "remove_retries", "release"}),
    "registry": frozenset({"claim_alias", "release_alias", "move_alias", "write_tags", "write_record"}),
    "jobs": frozenset({"run"}),
}
_SLOW: Final = frozenset({"query", "claim_alias", "move_alias", "write_tags", "write_record", "route", "stop_slot"})
_LONGEST: Final = 3.0  # seconds that a slow answer takes


@dataclass(frozen=True)
class Call:
    """One call of a port's method."""

    port: str
    method: str
    arguments: tuple[Any, ...]
    late: bool = False  # its process was frozen between the last check whether it leads, and now

    @property
    def writes(self) -> bool:
        """Whether it changes anything outside."""
        return self.method in WRITES.get(self.port, ())


class SkewedClock(Protocol):
    """A wall clock, and by how much it is ahead."""

    skew: timedelta


class Others(Protocol):
    """What others can do to what is Podium's, at the moment of a call."""

    def empty_status(self) -> None: ...
    def delete_slot(self, slot: Slot) -> None: ...
    def scale_slot(self, slot: Slot) -> None: ...
    def edit_slot(self, slot: Slot) -> None: ...
    def edit_route(self) -> None: ...
    def replace_leader(self) -> None: ...
    def overlap(self) -> None: ...


class Caller(Protocol):
    """The process that calls, as far as a kind can harm it."""

    chance: random.Random
    others: Others

    @property
    def clock(self) -> SkewedClock: ...

    def die(self) -> None: ...
    async def freeze(self, seconds: float) -> None: ...
    def before(self, call: Call, now: Any) -> Any: ...  # what the call gave the last time


Done = Callable[[], Awaitable[Any]]
Play = Callable[[Caller, Call, Done], Awaitable[Any]]


@dataclass(frozen=True)
class Kind:
    """One kind of fault."""

    name: str
    strikes: Callable[[Call], bool]
    play: Play


def raises(error: type[PodiumError], says: str, *, done: bool = False) -> Play:
    """The call fails; it is carried out all the same where it is `done`."""

    async def play(caller: Caller, call: Call, do: Done) -> Any:
        del caller
        if done:
            await do()
        raise error(f"{call.port} {call.method}: {says}")

    return play


async def dies_before(caller: Caller, call: Call, done: Done) -> Any:
    """The process dies, and the call is never made."""
    del call, done
    caller.die()
    await asyncio.Future()


async def dies_after(caller: Caller, call: Call, done: Done) -> Any:
    """The call is carried out, and the process dies before it hears of it."""
    del call
    await done()
    caller.die()
    await asyncio.Future()


async def _slow(caller: Caller, call: Call, done: Done) -> Any:
    del call
    answer = await done()
    await asyncio.sleep(caller.chance.uniform(0.0, _LONGEST))
    return answer


async def stale(caller: Caller, call: Call, done: Done) -> Any:
    """An older answer instead of the one of now."""
    return caller.before(call, await done())


def writes(call: Call) -> bool:
    """All writes."""
    return call.writes


def on(port: str, *methods: str) -> Callable[[Call], bool]:
    """These methods of a port."""
    return lambda call: call.port == port and call.method in methods


STALE_READ: Final = Kind("an object is read as it was before", on("cluster", "get"), stale)

KINDS: Final[Sequence[Kind]] = (
    Kind("the operator dies before a write", writes, dies_before),
    Kind("the operator dies after a write", writes, dies_after),
    Kind("a write is refused", writes, raises(Rejected, "403: refused by a policy")),
    Kind("a write is throttled", writes, raises(Temporary, "429: too many requests")),
    Kind("a write fails", writes, raises(Unavailable, "500: the server failed")),
    Kind("a write is done, and its answer lost", writes, raises(Unavailable, "no answer in time", done=True)),
    Kind("another client wrote first", on("cluster", "write_status"), raises(Conflict, "409: modified")),
    Kind("slots cannot be read", on("cluster", "get", "slots"), raises(Unavailable, "no answer in time")),
    Kind("the route cannot be read", on("router", "observe"), raises(Unavailable, "no answer in time")),
    Kind("pods cannot be asked", on("pod_metrics", "ask"), raises(Unavailable, "no answer in time")),
    Kind(
        "the registry does not answer", on("registry", "query", "revisions"), raises(Unavailable, "no answer in time")
    ),
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

    def remembers(self, call: Call) -> bool:
        """Whether the answer is kept, so that it can be given again later."""
        return bool(self.share) and call.method == "get"

    def loses_watch(self) -> bool:
        """Whether the watches fail to tell of this change."""
        return bool(self.share) and self.chance.random() < self.share
