"""A process that was frozen, and has lost the leadership meanwhile, carries nothing out that it decided before."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from podium.api.v1alpha1.status import Phase, Status
from podium.controller.apply import apply
from podium.controller.observe import observe
from podium.controller.operator import Operator
from podium.core.actions import StopSlot
from podium.errors import Conflict
from podium.ports import ModelDeployment
from tests.unit.controller.stage import KEY, Stage, spec


class Freezing:
    """The cluster as one process has it: it is frozen for so long right after a write of this phase."""

    def __init__(self, world: Stage, phase: Phase, seconds: float) -> None:
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

    async def stop_slot(self, md: ModelDeployment, slot: Any, revision: Any = None) -> None:
        self.stopped.append(slot)
        await self._world.cluster.stop_slot(md, slot, revision)


@contextmanager
def beside(world: Stage, cluster: Any) -> Iterator[Operator]:
    """A second process at work on the same objects, which takes itself for the leader."""
    ports, world.ports = world.ports, replace(world.ports, cluster=cluster)
    with world.operator() as operator:
        world.ports = ports
        yield operator


def test_a_slot_that_was_to_be_stopped_before_the_freeze_is_the_champions_after_it() -> None:
    world = Stage()
    with world.operator():
        world.apply(spec("1"))
        world.wait_for(Phase.STABLE)
        world.apply(spec("2"))
        world.wait_for(Phase.SOAKING, requests=50)
    frozen = Freezing(world, Phase.STABLE, 300)
    with beside(world, frozen) as former:
        former.changed(KEY)
        world.wait_for(Phase.STABLE)
        assert frozen.froze
        with world.operator():
            world.apply(spec("3"))
            status = world.wait_for(Phase.STABLE, within=200, requests=50)
            assert status.champion is not None
            assert (status.champion.version, status.champion.slot) == ("3", "a")
            world.advance(300)
            assert frozen.stopped == []
            assert world.size("a") == 2


def test_what_was_decided_too_long_ago_is_not_carried_out() -> None:
    world = Stage()
    with world.operator() as operator:
        world.apply(spec("1"))
        world.wait_for(Phase.STABLE)
        late = world.clock.monotonic() - 1
        md, workers = world.md(), operator.workers
        seen = world.result(observe(md, world.ports, workers))
        with pytest.raises(Conflict, match="decided too long ago"):
            world.result(apply([StopSlot("a", "a test")], md, world.ports, workers, seen, until=late))
        assert world.size("a") == 2
