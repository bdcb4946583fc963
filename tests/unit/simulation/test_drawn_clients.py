"""Requests that are drawn in bulk reach the pods as the router shares them, and each pod counts its own."""

import random

import pytest

from podium.api.v1alpha1.evidence import Slot
from podium.api.v1alpha1.status import Pinned
from podium.core.facts import Key
from podium.ports import ModelDeployment
from podium.simulation.answers import Answers, Chances
from podium.simulation.drawn_clients import DrawnClients
from podium.simulation.world.clock import FakeClock
from podium.simulation.world.cluster import FakeCluster
from podium.simulation.world.pods import Behaviour
from podium.simulation.world.router import FakeRouter
from tests.stories.simulator import spec_of

KEY = Key("ml", "churn")
CHANCES = {"1": Chances(errors=0.01), "2": Chances(errors=0.5)}


async def served(
    sizes: dict[Slot, int], weights: dict[Slot, int], **traffic: object
) -> tuple[DrawnClients, FakeRouter]:
    cluster = FakeCluster(FakeClock())
    router = FakeRouter(cluster)
    md = cluster.put(KEY, spec_of("2", traffic=traffic))
    for (slot, pods), version in zip(sizes.items(), ("1", "2"), strict=False):
        cluster.behave(version, Behaviour(ready_after=0.0))
        await cluster.run_slot(md, Pinned(version=version, digest=f"sha256:{version}", slot=slot), pods)
    await router.route(md, weights)
    clients = DrawnClients(router, random.Random(1), rate=100, chances=CHANCES, consecutive_failures=10)
    clients.ask(_md(cluster), 100)
    return clients, router


def _md(cluster: FakeCluster) -> ModelDeployment:
    found = cluster.now(KEY)
    assert found is not None
    return found


async def test_by_pods_each_gets_its_part() -> None:
    clients, router = await served({"a": 3, "b": 1}, {"a": 95, "b": 5})
    assert clients.total("2").answers == pytest.approx(2500, abs=200)
    assert clients.total("1").answers + clients.total("2").answers == 10_000
    for pod in router.pods(_md(router._cluster), "a"):
        assert clients.counters(pod).answers == pytest.approx(2500, abs=200)


async def test_exact_shares_do_not_depend_on_pods() -> None:
    clients, _ = await served({"a": 3, "b": 1}, {"a": 95, "b": 5}, gateway={"name": "public"})
    assert clients.total("2").answers == pytest.approx(500, abs=100)


async def test_a_slot_without_a_weight_gets_nothing() -> None:
    clients, _ = await served({"a": 1, "b": 1}, {"a": 100, "b": 0})
    assert (clients.total("1").answers, clients.total("2").answers) == (10_000, 0)


def test_what_pods_count_adds_up_figure_by_figure() -> None:
    some = Answers(Chances(), random.Random(1), answers=10, bad=1, slow=[2, 1], counts={"g": 1})
    some.add(Answers(Chances(), random.Random(1), answers=5, bad=2, invalid=1, slow=[1, 1], counts={"g": 2}))
    assert (some.answers, some.bad, some.invalid, some.slow, some.counts) == (15, 3, 1, [3, 2], {"g": 3})
