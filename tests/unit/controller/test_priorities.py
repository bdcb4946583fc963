"""What rests, and calls that hang, delay neither a trial nor a rollback: in virtual time, with the whole operator."""

import asyncio
from itertools import pairwise
from typing import Any

from podium.api.v1alpha1.status import Phase
from podium.core.facts import Key
from tests.unit.controller.stage import KEY, Stage, spec

RESTING = [Key("rest", f"churn-{number:03}") for number in range(200)]
BOUND = 1.2  # seconds between two reconciles of a trial: its own second, and what stands before it
CALL = 0.5  # seconds that reading the slots of what rests takes


def slow_slots(world: Stage, reconciled: list[tuple[float, Key]], hanging: set[Key]) -> None:
    """Reads of what rests are slow, and some never end; it is written down who is reconciled when."""
    real = world.cluster.slots

    async def slots(md: Any) -> Any:
        reconciled.append((world.clock.monotonic(), md.key))
        if md.key in hanging:
            await asyncio.Future()
        if md.key != KEY:
            await world.clock.sleep(CALL)
        return await real(md)

    world.cluster.slots = slots  # type: ignore[method-assign]


def test_two_hundred_resting_objects_and_eight_hanging_calls_do_not_delay_a_trial() -> None:
    world, reconciled = Stage(), list[tuple[float, Key]]()
    long = {"steps": [{"weight": 50, "duration": "600s"}]}
    with world.operator() as operator:
        world.apply(spec("1"))
        world.wait_for(Phase.STABLE)
        world.apply(spec("2", rollout=long))
        world.wait_for(Phase.CANARY)
    for key in RESTING:
        world.cluster.put(key, spec("1"))
    slow_slots(world, reconciled, set(RESTING[:8]))
    with world.operator() as operator:  # a new leader sweeps, and its watches tell of every object
        for key in RESTING:
            operator.changed(key)
        operator.changed(KEY)
        began = world.clock.monotonic()
        for _ in range(30):
            world.advance(1)
    moments = [began, *(when for when, key in reconciled if key == KEY)]
    assert max(later - earlier for earlier, later in pairwise(moments)) <= BOUND
    assert len(moments) > 20
    assert len({key for _, key in reconciled}) > 8


def test_a_sweep_spreads_what_rests_over_time() -> None:
    world, reconciled = Stage(), list[tuple[float, Key]]()
    for key in RESTING[:100]:
        world.cluster.put(key, spec("1"))
    slow_slots(world, reconciled, set())
    with world.operator():
        world.advance(2)
        early = {key for _, key in reconciled}
        world.advance(20)
    assert 0 < len(early) <= 41
    assert {key for _, key in reconciled} == set(RESTING[:100])
