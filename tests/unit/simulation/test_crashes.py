"""Simulated pods that crash are started again by kubelet, and crash again: a crash loop, as in a real cluster."""

import pytest

from podium.core.facts import Key, PodState
from podium.simulation.world.clock import FakeClock
from podium.simulation.world.cluster import FakeCluster
from podium.simulation.world.pods import Behaviour
from tests.stories.simulator import spec_of
from tests.unit.core.factories import pinned

KEY = Key("ml", "churn")


class Stage:
    """One pod of version 1, and a clock."""

    def __init__(self, behaviour: Behaviour, *, start: float = 0.0, **serving: object) -> None:
        self.clock = FakeClock()
        self.clock.move(start)
        self.cluster = FakeCluster(self.clock)
        self.cluster.behave("1", behaviour)
        self.md = self.cluster.put(KEY, spec_of("1", serving={"replicas": 1, **serving}))

    async def begin(self) -> None:
        await self.cluster.run_slot(self.md, pinned("1"), 1)

    async def pod(self) -> PodState:
        return (await self.cluster.slots(self.md))["a"].pods[0]


async def test_each_start_ends_the_same_way_and_kubelet_waits_longer_before_the_next() -> None:
    stage = Stage(Behaviour(ready_after=0.5, crash_after=1.0, exit_code=4))
    await stage.begin()
    began, ends = stage.clock.now(), list[float]()
    for _ in range(200):
        stage.clock.move(0.5)
        crash = (await stage.pod()).crash
        if crash is not None and (at := (crash.at - began).total_seconds()) not in ends:
            ends.append(at)
    assert ends == [1.0, 3.0, 14.0, 35.0, 76.0]  # after 1, 10, 20 and 40 seconds it was started again


async def test_it_is_ready_between_two_crashes_and_its_last_end_is_still_told() -> None:
    stage = Stage(Behaviour(ready_after=0.5, crash_after=1.0))
    await stage.begin()
    stage.clock.move(1.5)
    ended = await stage.pod()
    stage.clock.move(1.0)
    again = await stage.pod()
    stage.clock.move(1.0)
    held = await stage.pod()
    assert (ended.ready, ended.waiting, again.ready) == (False, "", True)
    assert again.crash == ended.crash != held.crash
    assert (held.ready, held.waiting.partition(":")[0]) == (False, "CrashLoopBackOff")


@pytest.mark.parametrize("start", range(12))
async def test_a_pod_that_has_loaded_a_version_in_place_stays_ready(start: int) -> None:
    """At some moments it was not, by the rounding of a sum of seconds."""
    stage = Stage(Behaviour(ready_after=0.4), start=start, reload="InPlace")
    await stage.begin()
    stage.cluster.behave("2", Behaviour(ready_after=0.4))
    stage.clock.move(10.0)
    await stage.cluster.run_slot(stage.md, pinned("2"), 1)
    await stage.cluster.tell_pods(stage.md, pinned("2"), [(await stage.pod()).name])
    found = list[list[str]]()
    for _ in range(20):
        stage.clock.move(0.1)
        await stage.pod()
        found.append([each.pinned.version for each in stage.cluster.ready_pods(KEY, "a")])
    assert found[-1] == ["2"]
    assert all(found)
