"""A leader's clock may be wrong, and no operator may look for a while: only what operators saw pass has passed."""

from datetime import timedelta
from typing import Any

import pytest

from podium.api.v1alpha1.status import Phase
from podium.simulation.world import world as worlds
from tests.stories.simulator import SECOND, Simulation, spec_of

RIGHT, HOUR, MINUTE = timedelta(), timedelta(hours=1), timedelta(minutes=1)
GATEWAY: dict[str, Any] = {
    "serving": {"replicas": 2, "drain": "20s"},
    "traffic": {"gateway": {"name": "public"}},
}


def trial(
    phase: Phase,
    *,
    ahead: timedelta = RIGHT,
    step: str = "10s",
    starts_in: float = 2,
    parts: Any = None,
    **more: Any,
) -> Simulation:
    """Version 2 is in this phase beside champion 1, under a leader whose clock is ahead by so much."""
    given = {"rollout": {"steps": [{"weight": 50, "duration": step}], "soak": "1m", **more}, **(parts or {})}
    sim = Simulation(spec_of("1", **given))
    sim.register("1")
    sim.settle("1")
    sim.register("2", ready_after=starts_in)
    sim.register("3")
    led_by_another(sim, ahead)
    sim.run(3 * SECOND)
    sim.commit(spec_of("2", **given), "version 2")
    sim.reach(phase)
    return sim


def led_by_another(sim: Simulation, ahead: timedelta) -> None:
    """The leader dies, and the clock of the next one is ahead by so much."""
    sim.skew = ahead
    sim.restart()


def test_a_leader_ahead_of_the_last_one_gives_a_version_its_time_to_start() -> None:
    """The version was rejected 2 s after its pods were made: "was not ready within 10m"."""
    sim = trial(Phase.STARTING, starts_in=60)
    led_by_another(sim, 11 * MINUTE)
    sim.settle("2")
    assert not sim.status.rejected


def test_a_leader_ahead_of_the_last_one_does_not_end_a_step() -> None:
    """A step of 30 minutes ended after 80 s."""
    sim = trial(Phase.CANARY, step="30m")
    sim.run(MINUTE)
    led_by_another(sim, 31 * MINUTE)
    sim.run(25 * MINUTE)
    assert sim.status.phase is Phase.CANARY
    sim.until(lambda world: world.status.phase is Phase.SOAKING, within=6 * MINUTE)


def test_a_leader_ahead_of_the_last_one_ends_no_wait_for_evidence() -> None:
    """The version was rejected after 30 s of a canary with a stepTimeout of 10 minutes."""
    sim = trial(Phase.CANARY, step="5m", onInconclusive="RollBack", stepTimeout="10m")
    sim.clients.rate = 2
    sim.run(10 * SECOND)
    led_by_another(sim, 11 * MINUTE)
    sim.run(MINUTE)
    assert sim.status.phase is Phase.CANARY


@pytest.mark.parametrize("phase", [Phase.STARTING, Phase.CANARY, Phase.SOAKING])
def test_a_leader_behind_the_last_one_goes_on_from_where_that_one_was(phase: Phase) -> None:
    """A canary and a soak stood still for the hour by which the clock of the leader before was ahead."""
    sim = trial(phase, ahead=HOUR)
    led_by_another(sim, RIGHT)
    sim.until(lambda world: world.champion() == "2" and world.status.phase is Phase.STABLE, within=3 * MINUTE)


def test_a_leader_behind_the_last_one_waits_for_no_drain_of_an_hour() -> None:
    """A rollback behind a gateway took 3617 s, and the newer commit waited for it."""
    sim = trial(Phase.CANARY, ahead=HOUR, parts=GATEWAY)
    sim.run(5 * SECOND)
    sim.commit(spec_of("3", **GATEWAY), "version 3")
    sim.reach(Phase.ROLLING_BACK)
    sim.run(3 * SECOND)
    led_by_another(sim, RIGHT)
    sim.until(lambda world: world.status.phase is Phase.STARTING, within=MINUTE)


def test_time_without_an_operator_is_no_part_of_a_startup(monkeypatch: pytest.MonkeyPatch) -> None:
    """The version was rejected as not ready within 10m, though its pods were evicted just before."""
    sim = trial(Phase.STARTING, starts_in=60)
    sim.run(5 * SECOND)
    monkeypatch.setattr(worlds, "_RESTART", 11 * 60.0)
    sim.restart()
    sim.run(11 * MINUTE - SECOND)
    sim.evict("b")
    sim.settle("2")
    assert not sim.status.rejected


def test_what_has_passed_is_kept_through_changes_of_leaders() -> None:
    """A version that does not start is rejected in time all the same, whatever the leaders' clocks say."""
    sim = trial(Phase.STARTING, starts_in=3600, startupTimeout="2m")
    for ahead in (HOUR, RIGHT, -HOUR):
        sim.run(30 * SECOND)
        led_by_another(sim, ahead)
    sim.until(lambda world: world.status.phase is Phase.REJECTED, within=70 * SECOND)
    assert sim.status.rejected[-1].reason == "StartupTimeout"


def test_a_new_leader_with_another_clock_writes_nothing_at_rest() -> None:
    sim = Simulation(spec_of("1"))
    sim.register("1")
    sim.settle("1")
    sim.run(MINUTE)
    written = sim.status
    led_by_another(sim, HOUR)
    sim.run(MINUTE)
    assert sim.status == written
