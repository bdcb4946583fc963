"""What strikes at a call of the operator, as a table. A new kind is a row."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from podium.errors import Conflict, Rejected, Temporary, Unavailable
from podium.simulation.world.faults import (
    Call,
    Caller,
    Done,
    Kind,
    Others,
    Play,
    dies_after,
    dies_before,
    on,
    raises,
    stale,
    writes,
)

_FROZEN: Final = 12.0  # seconds: longer than the Lease claims
_HOUR: Final = timedelta(hours=1)
_TAKES_OVER: Final = 12.0  # seconds until another operator leads: it returns, and the Lease has to expire
_REFUSED: Final = 15.0  # seconds for which no status can be written: a rollback waits for no record
_LATE: Final = frozenset({"write_tags", "write_record"})
_READS: Final[Mapping[str, tuple[str, ...]]] = {
    "cluster": ("get", "slots", "list_all", "autoscaler"),
    "router": ("observe",),
    "pod_metrics": ("ask",),
    "registry": ("query", "revisions"),
    "jobs": ("observe",),
}


@dataclass(frozen=True)
class Fault:
    """A kind of fault, and what it excuses."""

    kind: Kind
    delay: float = 1.0  # seconds by which a rollback may be later
    harms: bool = False  # others took away pods or traffic: requests that find no pod are not Podium's
    forgets: bool = False  # the trial starts over
    succeeds: bool = False  # another process decides from then on, or beside it: it knows what the status says
    lasts: float = 0.0  # seconds for which it strikes at each such call

    @property
    def name(self) -> str:
        """Its name in a case, as 12.write-refused."""
        return self.kind.name


def reads(call: Call) -> bool:
    """The reads that a decision is made of."""
    return call.method in _READS.get(call.port, ())


def _wakes(call: Call) -> bool:
    """Where the world changes between two calls: before each write, and before the first reads of a reconcile."""
    return writes(call) or call.method in {"get", "slots"}


def _by_others(what: Callable[[Others], None]) -> Play:
    async def play(caller: Caller, call: Call, done: Done) -> Any:
        del call
        what(caller.others)
        return await done()

    return play


def _jumps(by: timedelta) -> Play:
    async def play(caller: Caller, call: Call, done: Done) -> Any:
        del call
        caller.clock.skew += by
        return await done()

    return play


async def _freezes(caller: Caller, call: Call, done: Done) -> Any:
    """It has checked that it leads, stands still for longer than its Lease, and the call arrives all the same."""
    del call
    caller.others.replace_leader()
    await caller.freeze(_FROZEN)
    return await done()


def _failing(name: str, play: Play) -> Fault:
    return Fault(Kind(name, writes, play))


def _harm(name: str, what: Callable[[Others], None], *, delay: float = 6.0, forgets: bool = False) -> Fault:
    return Fault(Kind(name, _wakes, _by_others(what)), delay=delay, harms=True, forgets=forgets)


FAULTS: Final = (
    Fault(Kind("dies-before-a-write", writes, dies_before), delay=_TAKES_OVER, succeeds=True),
    Fault(Kind("dies-after-a-write", writes, dies_after), delay=_TAKES_OVER, succeeds=True),
    _failing("write-409", raises(Conflict, "409: modified")),
    _failing("write-429", raises(Temporary, "429: too many requests")),
    _failing("write-500", raises(Unavailable, "500: the server failed")),
    _failing("write-403", raises(Rejected, "403: refused by a policy")),
    _failing("write-done-answer-lost", raises(Unavailable, "no answer in time", done=True)),
    Fault(Kind("status-refused", on("cluster", "write_status"), raises(Rejected, "403: refused")), lasts=_REFUSED),
    Fault(Kind("read-fails", reads, raises(Unavailable, "no answer in time"))),
    Fault(Kind("read-is-older", reads, stale)),
    # A registry knows of no preconditions: a tag or a record on its way says for good what was decided before.
    Fault(
        Kind("frozen-leader", lambda call: writes(call) and call.method not in _LATE, _freezes),
        delay=_TAKES_OVER,
        succeeds=True,
    ),
    Fault(Kind("two-leaders", _wakes, _by_others(lambda others: others.overlap())), succeeds=True),
    Fault(Kind("clock-an-hour-ahead", on("cluster", "get"), _jumps(_HOUR))),
    Fault(Kind("clock-an-hour-behind", on("cluster", "get"), _jumps(-_HOUR))),
    _harm("status-emptied", lambda others: others.empty_status(), delay=60.0, forgets=True),
    _harm("slot-a-deleted", lambda others: others.delete_slot("a")),
    _harm("slot-b-deleted", lambda others: others.delete_slot("b")),
    _harm("slot-a-scaled-down", lambda others: others.scale_slot("a")),
    _harm("slot-b-scaled-down", lambda others: others.scale_slot("b")),
    _harm("slot-a-edited", lambda others: others.edit_slot("a")),
    _harm("slot-b-edited", lambda others: others.edit_slot("b")),
    _harm("route-edited", lambda others: others.edit_route()),
)
BY_NAME: Final = {fault.name: fault for fault in FAULTS}


def striking(call: Call) -> tuple[Fault, ...]:
    """The faults that can strike at this call."""
    place = (call.port, call.method)
    if place not in _STRIKING:
        _STRIKING[place] = tuple(fault for fault in FAULTS if fault.kind.strikes(call))
    return _STRIKING[place]


_STRIKING: Final[dict[tuple[str, str], tuple[Fault, ...]]] = {}
