"""Taking the traffic back is immediate; whether the version is rejected is decided by the champion's own answers."""

from datetime import timedelta

import pytest

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.status import Phase
from podium.core.analysis import suspicion
from podium.simulation.world.world import World
from tests.stories.simulator import SECOND, Simulation, holds
from tests.stories.test_stories import MINUTE, QUICK, serving, wants

LOW = 2  # requests a second
LONG: dict[str, object] = {
    "steps": [{"weight": 25, "duration": "10s"}, {"weight": 50, "duration": "10m"}],
    "soak": "1m",
}


def low_traffic(seed: int = 1, rollout: dict[str, object] | None = None) -> Simulation:
    """Version 2 is on trial beside version 1, and few requests come."""
    sim = serving(seed=seed, rate=LOW)
    sim.register("2")
    sim.register("3")
    wants(sim, "2", rollout or LONG)
    sim.reach(Phase.CANARY)
    sim.run(20 * SECOND)
    return sim


def suspected(sim: World) -> bool:
    return sim.status.suspected is not None


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("share", [0.3, 1.0])
def test_a_shared_outage_at_low_traffic_rejects_no_version(seed: int, share: float) -> None:
    """It rejected 8 of 12: the challenger's proof came before the champion's."""
    sim = low_traffic(seed)
    sim.clients.outage = share
    sim.until(lambda s: s.in_force().get("b", 0) == 0, within=3 * MINUTE)
    lost_at = sim.now
    sim.run(2 * MINUTE)
    assert sim.status.rejected == []
    assert sim.status.shared_outage is not None
    assert sim.status.shared_outage.since <= lost_at, "it is the same one still: no trial began meanwhile"
    sim.clients.outage = 0.0
    sim.until(lambda s: s.status.phase is Phase.CANARY, within=30 * MINUTE)


@pytest.mark.parametrize("share", [0.2, 1.0])
def test_a_bad_version_is_rejected_at_low_traffic_once_the_champion_is_seen_to_answer_well(share: float) -> None:
    sim = low_traffic()
    sim.behaviour("2").bad_share = share
    sim.until(suspected, within=3 * MINUTE)
    assert sim.weights == {"a": 100, "b": 0}
    sim.until(lambda s: s.status.phase is Phase.PENDING, within=MINUTE)
    assert "the champion's own answers decide whether it is rejected" in sim.status.message
    assert sim.size("b") == 0
    assert not holds("Stalled", sim.status, 2)
    sim.until(lambda s: s.status.phase is Phase.REJECTED, within=5 * MINUTE)
    (lost,) = sim.status.rejected
    assert lost.reason == reasons.GUARD_FAILED
    assert [entry.outcome for entry in sim.status.history] == ["Promoted", "Rejected"]
    assert "champion 1 gave 0 bad of" in lost.message
    sim.run(MINUTE)
    assert sim.recorded("2") == "rejected"


def test_a_newer_commit_does_not_wait_for_the_champions_answers() -> None:
    sim = low_traffic()
    sim.behaviour("2").bad_share = 1.0
    sim.until(suspected, within=3 * MINUTE)
    sim.clients.rate = 0
    wants(sim, "3", {**QUICK, "onInconclusive": "Proceed", "stepTimeout": "1m"})
    sim.until(lambda s: s.status.phase is Phase.CANARY, within=MINUTE)
    assert sim.status.suspected is None
    assert sim.status.rejected == []
    sim.settle("3")


def test_a_pause_is_nothing_new_about_the_version_and_does_not_lift_a_suspicion() -> None:
    sim = low_traffic()
    sim.behaviour("2").bad_share = 1.0
    sim.until(suspected, within=3 * MINUTE)
    sim.commit(sim.spec.model_copy(update={"paused": True}), "paused")
    sim.run(5 * SECOND)
    assert suspected(sim)
    sim.until(lambda s: s.status.phase is Phase.REJECTED, within=5 * MINUTE)


def test_a_revert_during_a_suspicion_settles_at_once_and_the_version_may_be_tried_again() -> None:
    sim = low_traffic()
    sim.behaviour("2").bad_share = 1.0
    sim.until(suspected, within=3 * MINUTE)
    sim.clients.rate = 0
    wants(sim, "1", LONG)
    sim.settle("1")
    assert sim.status.suspected is None
    wants(sim, "2", LONG)
    sim.until(lambda s: s.status.phase is Phase.CANARY, within=MINUTE)


def test_evidence_that_cannot_be_evaluated_any_more_holds_the_version_after_the_step_timeout(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sim = low_traffic(rollout={**LONG, "stepTimeout": "5m"})
    sim.behaviour("2").bad_share = 1.0
    sim.until(lambda s: suspected(s) and s.status.phase is Phase.PENDING, within=3 * MINUTE)
    monkeypatch.setattr(suspicion, "accumulate", _raises)
    sim.until(lambda s: s.status.held is not None, within=6 * MINUTE)
    assert sim.status.rejected == []


def _raises(*_: object) -> None:
    raise ArithmeticError("expected a number")


def test_a_former_champion_that_was_suspected_gets_a_trial_and_not_all_the_traffic_at_once() -> None:
    sim = low_traffic(rollout={**LONG, "stepTimeout": "5m", "soak": "10m"})
    sim.settle("2")
    wants(sim, "1", {**LONG, "stepTimeout": "5m", "soak": "10m"})
    sim.reach(Phase.SOAKING)  # without a trial: it was champion before
    sim.behaviour("1").bad_share = 1.0
    sim.until(suspected, within=3 * MINUTE)
    sim.clients.rate = 0
    sim.until(lambda s: s.status.held is not None, within=6 * MINUTE)
    sim.until(lambda s: s.status.phase is Phase.CANARY, within=2 * MINUTE)


def test_without_answers_of_the_champion_the_version_is_held_after_the_step_timeout_and_tried_again() -> None:
    sim = low_traffic(rollout={**LONG, "stepTimeout": "5m"})
    sim.behaviour("2").bad_share = 1.0
    sim.until(suspected, within=3 * MINUTE)
    sim.clients.rate = 0
    sim.behaviour("2").bad_share = 0.0
    sim.until(lambda s: s.status.held is not None, within=6 * MINUTE)
    assert sim.status.suspected is None
    assert sim.status.held is not None
    assert sim.status.held.reason == reasons.CHAMPION_INCONCLUSIVE
    assert sim.status.rejected == []
    ready = next(each for each in sim.status.conditions if each.type == "Ready")
    assert (ready.status, ready.reason) == ("False", reasons.CHAMPION_INCONCLUSIVE)
    sim.until(lambda s: s.status.phase is Phase.CANARY, within=2 * MINUTE)


def test_a_restart_loses_no_suspicion() -> None:
    sim = low_traffic()
    sim.behaviour("2").bad_share = 1.0
    sim.until(suspected, within=3 * MINUTE)
    sim.restart()
    sim.until(lambda s: s.status.phase is Phase.REJECTED, within=5 * MINUTE)
    assert sim.champion() == "1"


def test_a_suspicion_is_not_reconciled_more_often_than_a_rollout_that_waits() -> None:
    sim = low_traffic()
    sim.behaviour("2").bad_share = 1.0
    sim.until(lambda s: suspected(s) and s.status.phase is Phase.PENDING, within=3 * MINUTE)
    sim.clients.rate = 0
    before = len(sim.statuses)
    sim.run(MINUTE)
    assert len(sim.statuses) - before <= timedelta(minutes=1) / (5 * SECOND) + 1
