"""A process that was frozen, and has lost the leadership meanwhile, carries nothing out that it decided before."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from podium.api.v1alpha1.status import Phase, Status
from podium.controller.apply import apply
from podium.controller.operator import Operator
from podium.core.actions import StopSlot
from podium.errors import Conflict
from podium.ports import ModelDeployment
from tests.unit.controller.world import KEY, SETTINGS, World, spec


class Freezing:
    """The cluster as one process has it: it is frozen for so long right after a write of this phase."""

    def __init__(self, world: World, phase: Phase, seconds: float) -> None:
        self.stopped: list[str] = []
        self._world, self._phase, self._seconds = world, phase, seconds
        self.froze = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._world.cluster, name)

    async def write_status(self, md: ModelDeployment, status: Status) -> None:
        await self._world.cluster.write_status(md, status)
        if status.phase is self._phase and not self.froze:
            self.froze = True
            await self._world.clock.sleep(self._seconds)

    async def stop_slot(self, md: ModelDeployment, slot: Any) -> None:
        self.stopped.append(slot)
        await self._world.cluster.stop_slot(md, slot)


@asynccontextmanager
async def beside(world: World, cluster: Any) -> AsyncIterator[Operator]:
    """A second process at work on the same objects, which takes itself for the leader."""
    operator = Operator(replace(world.ports, cluster=cluster), SETTINGS)
    task = asyncio.create_task(operator.run())
    try:
        yield operator
    finally:
        task.cancel()
        await asyncio.wait({task})


async def test_a_slot_that_was_to_be_stopped_before_the_freeze_is_the_champions_after_it() -> None:
    world = World()
    async with world.operator() as first:
        world.apply(first, spec("1"))
        await world.until(Phase.STABLE)
        world.apply(first, spec("2"))
        await world.until(Phase.SOAKING, requests=50)
    frozen = Freezing(world, Phase.STABLE, 300)
    async with beside(world, frozen) as former:
        former.changed(KEY)
        await world.until(Phase.STABLE)
        assert frozen.froze
        async with world.operator() as leader:
            world.apply(leader, spec("3"))
            status = await world.until(Phase.STABLE, within=200, requests=50)
            assert status.champion is not None
            assert (status.champion.version, status.champion.slot) == ("3", "a")
            await world.clock.advance(300)
            assert frozen.stopped == []
            assert (await world.cluster.slots(await world.md()))["a"].replicas == 2


async def test_what_was_decided_too_long_ago_is_not_carried_out() -> None:
    world = World()
    async with world.operator() as operator:
        world.apply(operator, spec("1"))
        await world.until(Phase.STABLE)
        late = world.clock.monotonic() - 1
        with pytest.raises(Conflict, match="decided too long ago"):
            await apply([StopSlot("a", "a test")], await world.md(), world.ports, operator.workers, until=late)
        assert (await world.cluster.slots(await world.md()))["a"].replicas == 2
