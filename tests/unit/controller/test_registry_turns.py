"""An operator that starts beside many that rest: what it asks the registry at first, and in which order."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from podium.api.v1alpha1.status import Phase, Pinned, Status
from podium.controller.workers.registry import RegistryWorker
from podium.controller.workers.registry_turns import AT_ONCE
from podium.core.facts import Key, RegistryState
from podium.ports import ModelDeployment, RegistryQuery
from podium.simulation.world.view import MODEL
from podium.testing import FakeClock, FakeCluster, FakeRegistry, settle
from tests.unit.controller.stage import SETTINGS, URI, spec

MANY = 30


class Slow(FakeRegistry):
    """Answers when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.answers = asyncio.Event()

    async def query(self, query: RegistryQuery) -> RegistryState:
        self.asked.append(query.champion_alias or "")
        await self.answers.wait()
        return await super().query(query)


class Stage:
    """Many that have settled, and an operator that has just begun to lead."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.cluster = FakeCluster(self.clock)
        self.registry = Slow()
        for _ in range(2):
            self.registry.publish(MODEL)
        self.worker = RegistryWorker(self.registry, self.cluster, self.clock, SETTINGS, notify=lambda _: None)

    def settled(self, number: int, version: str = "1") -> ModelDeployment:
        aliases = {"aliases": {"champion": f"of-{number}"}}
        md = self.cluster.put(Key("ml", f"churn-{number}"), spec(version, registry=aliases))
        pinned = Pinned(registry=URI, model=MODEL, version="1", digest=f"sha256:{64 * '0'}", slot="a")
        status = Status(phase=Phase.STABLE, champion=pinned, observed_generation=1 if version == "1" else 0)
        return replace(md, status=status)


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    made = Stage()
    yield made
    await made.worker.close()


async def test_what_rests_asks_a_few_at_a_time_and_each_at_last(stage: Stage) -> None:
    for number in range(MANY):
        stage.worker.latest(stage.settled(number))
    await settle()
    assert stage.registry.asked == [f"of-{number}" for number in range(AT_ONCE)]
    stage.registry.answers.set()
    await settle()
    assert sorted(stage.registry.asked) == sorted(f"of-{number}" for number in range(MANY))
    assert all(stage.worker.latest(stage.settled(number)).desired for number in range(MANY))


async def test_a_commit_waits_for_none_of_them(stage: Stage) -> None:
    for number in range(MANY):
        stage.worker.latest(stage.settled(number))
    await settle()
    stage.worker.latest(stage.settled(MANY - 1, version="2"))  # of one that waits
    stage.worker.latest(stage.settled(MANY, version="2"))  # of one that was not seen before
    await settle()
    assert stage.registry.asked[AT_ONCE:] == [f"of-{MANY - 1}", f"of-{MANY}"]


async def test_one_that_goes_leaves_its_turn_to_the_next(stage: Stage) -> None:
    for number in range(MANY):
        stage.worker.latest(stage.settled(number))
    await settle()
    for number in (0, AT_ONCE):  # one that asks, and one that waits
        stage.worker.forget(Key("ml", f"churn-{number}"))
    await settle()
    assert stage.registry.asked[AT_ONCE:] == [f"of-{AT_ONCE + 1}"]
