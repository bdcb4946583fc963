"""One case: a rollout in which faults strike, and what must hold at every step and in the end.

The world checks the promises at every write. Here are the others: no request finds no pod, a version that loses its
trial has traffic no longer than its bound and never again, what is there in the end is what is there without any
fault, and then nothing is written any more. Time in which a version has no traffic, as others took its pods away before
it was judged, is no part of that bound.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from bench.faults.faulty_world import CHALLENGER, End, FaultyWorld, known
from bench.faults.kinds import Fault
from bench.faults.rollouts import BY_NAME, Rollout
from bench.faults.schedule import Case, Schedule
from podium.simulation.world.clients import NO_POD
from podium.simulation.world.world import Broken

_OVER: Final = timedelta(seconds=40)  # within which each rollout ends where nothing goes wrong
_LEASES: Final = 25.0  # seconds after which no operator is frozen, and one leads
_POLL: Final = 11.0  # seconds: longer than the registry is left alone


@dataclass(frozen=True)
class Reference:
    """The rollout without any fault."""

    end: End
    exposed: float  # seconds for which its version had traffic
    calls: tuple[tuple[Fault, ...], ...]  # what can strike at each


def reference(rollout: Rollout) -> Reference:
    """Play the rollout without any fault."""
    schedule = Schedule(Case(rollout.name))
    world = FaultyWorld(schedule)
    try:
        rollout.prepare(world)
        schedule.armed = True
        rollout.act(world, rollout)
        world.run(_OVER)
        return Reference(world.end_state(), world.exposed, tuple(schedule.calls))
    finally:
        world.end()


def play(schedule: Schedule, expected: Reference) -> str:
    """What was broken, with the whole log; "" where nothing was."""
    rollout = BY_NAME[schedule.case.rollout]
    world = FaultyWorld(schedule)
    try:
        rollout.prepare(world)
        schedule.armed = True
        rollout.act(world, rollout)
        world.ends(expected.end)
        schedule.armed = False
        _stays(world, expected)
    except Broken as broken:
        told = str(broken)
        missed = "" if world.broken else _difference(world, expected)
        return "\n".join(filter(None, [told, missed]))
    finally:
        world.end()
    return ""


def _stays(world: FaultyWorld, expected: Reference) -> None:
    world.clients.rate = 0.0
    world.rest(_LEASES)
    world.ends(expected.end)
    world.rest(_POLL)
    writes = world.writes
    world.rest(_POLL)
    wrong = [f"in the end: {what}" for what in _wrong(world, expected, writes)]
    if wrong:
        raise Broken("\n".join([*world.log, *wrong]))


def _wrong(world: FaultyWorld, expected: Reference, writes: int) -> Iterator[str]:
    faults = [fault for _, fault in world.schedule.case.faults]
    if world.writes != writes:
        yield f"{world.writes - writes} writes at rest"
    if difference := _difference(world, expected):
        yield difference
    if world.clients.failed[NO_POD] and not any(fault.harms for fault in faults):
        yield f"{world.clients.failed[NO_POD]} requests found no pod"
    bound = expected.exposed + sum(fault.delay for fault in faults)
    if BY_NAME[world.schedule.case.rollout].loses and world.exposed > bound:
        yield f"version {CHALLENGER} had traffic for {world.exposed:.1f} s, its bound is {bound:.1f} s"
    if world.regained and not any(fault.forgets or fault.succeeds for fault in faults):
        yield f"version {CHALLENGER} lost its trial, and then had traffic for {world.regained:.1f} s"


def _difference(world: FaultyWorld, expected: Reference) -> str:
    case = world.schedule.case
    wanted, found = known(expected.end, case), known(world.end_state(), case)
    told = [
        f"{name}: expected {each}, found {there}"
        for name, each in vars(wanted).items()
        if each != (there := getattr(found, name))
    ]
    return "; ".join(told)
