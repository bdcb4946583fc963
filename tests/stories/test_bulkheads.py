"""Registries of one tenant that do not answer: what others do takes as long as without them."""

import asyncio
from collections import Counter
from datetime import timedelta

import pytest

from podium.api.v1alpha1 import reasons
from podium.core.facts import Key, RegistryState
from podium.errors import Unavailable
from podium.ports import RegistryLogin, RegistryQuery
from tests.stories.simulator import SECOND, Simulation, spec_of

QUICK = {"steps": [{"weight": 25, "duration": "5s"}, {"weight": 50, "duration": "5s"}], "soak": "20s"}
_GIVEN_UP = 8.0  # seconds


def silent(sim: Simulation, count: int) -> Counter[str]:
    """So many ModelDeployments of another tenant, each with a registry of its own. Counts what those are asked."""
    asked = Counter[str]()
    query, revisions = sim.registry.query, sim.registry.revisions

    async def nothing(login: RegistryLogin) -> None:
        if ".silent" in login.uri:
            asked[login.uri] += 1
            await asyncio.sleep(_GIVEN_UP)
            raise Unavailable(f"{login.uri} does not answer", reason=reasons.REGISTRY_UNREACHABLE)

    async def silent_query(about: RegistryQuery) -> RegistryState:
        await nothing(about.login)
        return await query(about)

    async def silent_revisions(login: RegistryLogin, models: frozenset[str]) -> object:
        await nothing(login)
        return await revisions(login, models)

    sim.registry.query = silent_query  # type: ignore[method-assign, assignment]
    sim.registry.revisions = silent_revisions  # type: ignore[method-assign, assignment]
    for number in range(count):
        key = Key("theirs", f"slow-{number}")
        sim.commit(spec_of("1", registry={"uri": f"http://{number}.silent:5000"}), key=key)
    return asked


def promoted(count: int) -> tuple[timedelta, Counter[str], Simulation]:
    """How long version 2 takes from its commit until it is promoted and has soaked."""
    sim = Simulation(spec_of("1", rollout=QUICK))
    sim.register("1")
    sim.settle("1")
    asked = silent(sim, count)
    sim.run(30 * SECOND)
    sim.register("2")
    began = sim.now
    sim.commit(spec_of("2", rollout=QUICK), "version 2")
    sim.settle("2")
    return sim.now - began, asked, sim


@pytest.mark.parametrize("count", [4, 40])
def test_silent_registries_of_a_tenant_delay_no_promotion_of_another(count: int) -> None:
    alone, _, _ = promoted(0)
    beside, _, _ = promoted(count)
    assert beside <= alone + SECOND


def test_a_registry_that_stays_silent_is_asked_twice_a_minute_and_heard_once_it_is_back() -> None:
    _, asked, sim = promoted(4)
    sim.run(timedelta(minutes=5))
    before = asked.copy()
    sim.run(timedelta(minutes=10))
    for uri in before:
        assert asked[uri] - before[uri] <= 20
    del sim.registry.query, sim.registry.revisions
    sim.run(timedelta(minutes=1))
    states = [sim.cluster.now(Key("theirs", f"slow-{number}")) for number in range(4)]
    assert all(md is not None and md.status.champion is not None for md in states)
