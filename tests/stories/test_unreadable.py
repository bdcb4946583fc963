"""A spec or status that cannot be read, as after a downgrade: a bad version keeps no traffic, the champion serves."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.status import Phase
from podium.core.facts import Key
from podium.simulation.world.view import KEY
from tests.stories.simulator import SECOND, Simulation, holds, spec_of

QUICK = {"steps": [{"weight": 50, "duration": "10s"}], "soak": "30s"}
EITHER = pytest.mark.parametrize(
    "parts", [{}, {"traffic": {"gateway": {"name": "public"}}}], ids=["service", "gateway"]
)
NEWER: Mapping[str, Any] = {"model": {"name": "churn", "version": "2"}, "rollout": {"ofANewerRelease": True}}


def in_phase(phase: Phase, rollout: Mapping[str, object] = QUICK, **parts: Any) -> Simulation:
    sim = Simulation(spec_of("1", rollout=rollout, **parts))
    sim.register("1")
    sim.settle("1")
    sim.register("2")
    sim.commit(spec_of("2", rollout=rollout, **parts), "version 2")
    sim.reach(phase)
    return sim


def make_unreadable(sim: Simulation) -> None:
    sim.note("git: a spec of a newer release")
    sim.cluster.put(KEY, NEWER)
    sim.tell(KEY)


@pytest.mark.parametrize("phase", [Phase.CANARY, Phase.SOAKING])
@EITHER
def test_a_bad_version_is_taken_back_by_the_last_spec_that_could_be_read(phase: Phase, parts: dict[str, Any]) -> None:
    """It kept 50 % for as long as the spec could not be read."""
    sim = in_phase(phase, **parts)
    make_unreadable(sim)
    sim.behaviour("2").bad_share = 1.0
    sim.until(lambda world: world.in_force().get("b", 0) == 0, within=10 * SECOND)
    sim.until(lambda world: world.size("b") == 0, within=60 * SECOND)
    assert sim.champion() == "1"
    assert sim.size("a") > 0


def test_a_good_version_goes_no_further_and_the_status_says_why() -> None:
    sim = in_phase(Phase.CANARY)
    make_unreadable(sim)
    sim.run(120 * SECOND)
    assert sim.status.phase is Phase.CANARY
    assert holds("Stalled", sim.status, sim.md().generation)
    assert not holds("Ready", sim.status, sim.md().generation)
    assert {each.reason for each in sim.status.conditions if each.type in {"Ready", "Stalled"}} == {
        reasons.INVALID_SPEC
    }
    sim.commit(spec_of("2", rollout=QUICK), "a spec that can be read")
    sim.settle("2")


def test_at_rest_nothing_is_ready_that_nobody_can_read() -> None:
    sim = in_phase(Phase.STABLE)
    make_unreadable(sim)
    sim.run(5 * SECOND)
    assert not holds("Ready", sim.status, sim.md().generation)
    writes = sim.writes
    sim.run(120 * SECOND)
    assert sim.writes == writes


def change_reads(sim: Simulation, **parts: Any) -> None:
    """The object has these parts, for each operator that reads it from now on."""
    get = sim.cluster.get

    async def got(key: Key) -> object:
        md = await get(key)
        return md and replace(md, **parts)

    sim.cluster.get = got  # type: ignore[method-assign,assignment]
    sim.restart()


def test_of_a_status_that_cannot_be_read_the_champion_gets_the_traffic() -> None:
    """The version on trial kept its share, and no operator judged it."""
    sim = in_phase(Phase.CANARY)
    sim.behaviour("2").bad_share = 1.0
    change_reads(sim, flaw="status cannot be read", unreadable=True)
    sim.until(lambda world: world.in_force().get("b", 0) == 0, within=20 * SECOND)
    assert sim.status.phase is Phase.CANARY


def test_a_deletion_that_others_hold_leads_the_traffic_back_once_the_champion_is_ready() -> None:
    """It was tried once."""
    sim = in_phase(Phase.CANARY)
    sim.behaviour("1").ready = False
    change_reads(sim, deleting=True)
    sim.run(3 * SECOND)
    assert sim.weights["b"] > 0
    sim.behaviour("1").ready = True
    sim.until(lambda world: world.weights["b"] == 0, within=20 * SECOND)


def hold_deletion(sim: Simulation) -> None:
    sim.note("git: deleted, and a finalizer of others holds it")
    sim.cluster.hold_deletion(KEY)
    sim.tell(KEY)


@EITHER
@pytest.mark.parametrize("bad_share", [0.0, 1.0])
def test_a_deletion_that_others_hold_gives_a_soak_up(bad_share: float, parts: dict[str, Any]) -> None:
    """The new champion kept all the traffic, and no operator judged it: 10 minutes of nothing but bad answers."""
    sim = in_phase(Phase.SOAKING, **parts)
    hold_deletion(sim)
    sim.behaviour("2").bad_share = bad_share
    sim.until(lambda world: world.in_force().get("b", 0) == 0, within=3 * SECOND)
    sim.evict("a")
    sim.behaviour("1").ready = False
    sim.until(lambda world: world.weights["b"] == 100, within=3 * SECOND)  # it alone can answer
    sim.behaviour("1").ready = True
    sim.until(lambda world: world.weights["a"] == 100, within=3 * SECOND)


@EITHER
def test_a_deletion_that_others_hold_goes_on_with_a_rollback_that_found_no_champion(parts: dict[str, Any]) -> None:
    """The version that had failed kept all the traffic, though the champion was ready again."""
    rollout = {**QUICK, "startupTimeout": "1m"}
    sim = in_phase(Phase.CANARY, rollout, **parts)
    sim.behaviour("1").ready = False
    sim.run(2 * SECOND)
    sim.behaviour("2").bad_share = 0.3
    sim.reach(Phase.PENDING)
    sim.run(5 * SECOND)
    hold_deletion(sim)
    sim.run(2 * SECOND)
    assert sim.weights["b"] > 0
    sim.behaviour("1").ready = True
    sim.until(lambda world: world.weights["b"] == 0, within=3 * SECOND)


def test_a_deletion_that_others_hold_makes_no_route_again_that_went_first() -> None:
    """The garbage collector may remove what belongs to an object before the object itself."""
    sim = in_phase(Phase.STABLE)
    sim.settle("2")
    hold_deletion(sim)
    sim.router.drift(sim.md())
    sim.tell(KEY)
    sim.run(5 * SECOND)
    assert sim.weights == {}


ABORT = {"version": "2", "by": "alice", "reason": "the price list was wrong"}


def newer(version: str, **rollout: object) -> dict[str, Any]:
    return {"model": {"name": "churn", "version": version}, "rollout": {"ofANewerRelease": True, **rollout}}


@pytest.mark.parametrize(
    "spec",
    [
        newer("1"),
        newer("2", abort=ABORT),
        newer("2", abort={**ABORT, "ofANewerRelease": True, "by": ["alice"]}),
        {**newer("1"), "model": {"name": "churn", "version": "1", "ofANewerRelease": 1}},
    ],
    ids=["revert", "abort", "abort beside what cannot be read", "revert beside what cannot be read"],
)
@pytest.mark.parametrize("phase", [Phase.STARTING, Phase.CANARY, Phase.SOAKING])
def test_a_revert_and_an_abort_count_in_a_spec_that_cannot_be_read_as_a_whole(phase: Phase, spec: Any) -> None:
    """Version 2 kept its traffic for as long as the spec had a field of a newer release."""
    sim = in_phase(phase)
    sim.cluster.put(KEY, spec)
    sim.tell(KEY)
    sim.until(lambda world: world.weights.get("b", 0) == 0 and world.champion() == "1", within=10 * SECOND)
    sim.until(lambda world: world.size("b") == 0, within=60 * SECOND)
    assert sim.status.rejected == []


@pytest.mark.parametrize(
    "spec", [newer("3"), newer("2", abort={"version": "7"}), newer("2", abort=["2"]), newer("two")]
)
def test_nothing_new_begins_by_a_spec_that_cannot_be_read_as_a_whole(spec: Any) -> None:
    sim = in_phase(Phase.CANARY)
    sim.register("3")
    sim.cluster.put(KEY, spec)
    sim.tell(KEY)
    sim.run(120 * SECOND)
    assert sim.champion() == "1"
    assert not any("version 3 with" in line or "starts version 3" in line for line in sim.log)
    assert [runs.version for slot in ("a", "b") if sim.size(slot) and (runs := sim.runs(slot))] in (["1"], ["1", "2"])
