"""A registry that takes writes and does not keep them: it is tried later and later, told, and stops no rollout."""

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta

import pytest

from podium.api.v1alpha1 import reasons
from podium.core.status.readiness import condition_of
from podium.ports import RegistryLogin
from tests.stories.simulator import SECOND, Simulation, spec_of

QUICK = {"steps": [{"weight": 50, "duration": "5s"}], "soak": "10s"}


def calls(sim: Simulation) -> Counter[str]:
    return sum((process.calls for process in sim.processes), Counter[str]())


def keeps_no_tags(sim: Simulation) -> None:
    async def lost(login: RegistryLogin, model: str, version: str, tags: Mapping[str, str]) -> None:
        del login, model, version, tags

    sim.registry.write_tags = lost  # type: ignore[method-assign]


def keeps_no_alias(sim: Simulation) -> None:
    async def lost(login: RegistryLogin, model: str, alias: str, version: str, owner: str = "") -> None:
        del login, model, alias, version, owner

    sim.registry.move_alias = lost  # type: ignore[method-assign]


LOSERS = {"tags": keeps_no_tags, "alias": keeps_no_alias}
WRITES = {"tags": "registry.write_tags", "alias": "registry.move_alias"}


def losing(what: str) -> Simulation:
    sim = Simulation(spec_of("1", rollout=QUICK))
    LOSERS[what](sim)
    sim.register("1")
    sim.settle("1")
    return sim


@pytest.mark.parametrize("what", LOSERS)
def test_what_is_lost_each_time_is_written_less_and_less_often(what: str) -> None:
    """It was written and looked at about four times a second, for ever."""
    sim = losing(what)
    sim.run(timedelta(minutes=10))
    before = calls(sim)
    sim._tick = 30.0
    sim.run(timedelta(hours=2))
    asked = calls(sim) - before
    assert 2 <= asked[WRITES[what]] <= 12
    assert asked["cluster.get"] <= 2 * 125


@pytest.mark.parametrize("what", LOSERS)
def test_it_is_said_in_a_condition_once_and_no_longer_when_it_is_kept(what: str) -> None:
    sim = losing(what)
    sim.run(timedelta(minutes=5))
    found = condition_of(sim.status, "RegistryInSync")
    assert found is not None
    assert (found.status, found.reason) == ("False", reasons.WRITE_NOT_KEPT)
    assert "version 1" in found.message
    ready = condition_of(sim.status, "Ready")
    assert ready is not None
    assert ready.status == "True"
    writes = sim.writes
    sim.run(timedelta(minutes=30))
    assert sim.writes == writes
    for name in ("write_tags", "move_alias"):
        vars(sim.registry).pop(name, None)
    sim._tick = 30.0
    sim.run(timedelta(hours=1))
    found = condition_of(sim.status, "RegistryInSync")
    assert found is not None
    assert found.status == "True"


@pytest.mark.parametrize("what", LOSERS)
def test_another_version_is_tried_and_recorded_all_the_same(what: str) -> None:
    sim = losing(what)
    sim.run(timedelta(minutes=10))
    sim.register("2")
    sim.commit(spec_of("2", rollout=QUICK), "version 2")
    sim.until(lambda s: s.champion() == "2", within=timedelta(minutes=2))
    sim.run(30 * SECOND)
    other = {"tags": sim.alias == "2", "alias": sim.recorded("2") != ""}
    assert other[what]
