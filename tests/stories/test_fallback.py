"""What the challenger fails reaches no user: the champion answers, and the failure counts in full."""

from typing import Any

import pytest

from podium.api.v1alpha1.status import Phase
from tests.stories.simulator import NO_POD, SECOND, Simulation, spec_of, tried
from tests.stories.test_stories import GATEWAY

QUICK = {"steps": [{"weight": 50, "duration": "30s"}], "soak": "1m"}
EITHER = pytest.mark.parametrize("parts", [{}, GATEWAY], ids=["service", "gateway"])


def trial(phase: Phase, **parts: Any) -> Simulation:
    sim = tried(phase, **{"rollout": QUICK, **parts})
    sim.clients.failed.clear()
    return sim


def hit(sim: Simulation) -> int:
    """Users who got a failure."""
    return sum(sim.clients.failed.values()) - sum(sim.clients.saved.values())


@EITHER
@pytest.mark.parametrize("share", [0.2, 1.0])
@pytest.mark.parametrize("phase", [Phase.CANARY, Phase.SOAKING])
def test_a_bad_version_hits_no_user_and_is_taken_back_as_soon(
    parts: dict[str, Any], share: float, phase: Phase
) -> None:
    sim = trial(phase, **parts)
    sim.behaviour("2").bad_share = share
    sim.until(lambda world: world.in_force().get("b", 0) == 0, within=30 * SECOND)
    assert sim.clients.failed["2"] > 0
    assert hit(sim) == 0
    sim.until(lambda world: world.status.phase is Phase.REJECTED, within=60 * SECOND)
    assert sim.champion() == "1"


def test_without_it_the_users_are_hit() -> None:
    sim = trial(Phase.CANARY, traffic={"fallback": {"enabled": False}})
    sim.behaviour("2").bad_share = 1.0
    sim.until(lambda world: world.in_force().get("b", 0) == 0, within=30 * SECOND)
    assert hit(sim) > 0


def test_a_first_version_has_nothing_to_fall_back_to() -> None:
    sim = Simulation(spec_of("1", rollout=QUICK))
    sim.register("1")
    sim.settle("1")
    sim.behaviour("1").bad_share = 1.0
    sim.run(5 * SECOND)
    assert hit(sim) > 0


def test_the_champion_is_not_answered_for_by_the_challenger() -> None:
    sim = trial(Phase.CANARY)
    sim.behaviour("1").bad_share = 1.0
    sim.run(5 * SECOND)
    assert sim.clients.failed["1"] > 0
    assert sim.clients.saved["1"] == 0


def test_each_trial_has_a_number_above_the_champions() -> None:
    sim = trial(Phase.CANARY)
    assert sim.status.champion is not None
    assert sim.status.challenger is not None
    assert (sim.status.champion.trial_number, sim.status.challenger.trial_number) == (1, 2)
    sim.settle("2")
    sim.register("3")
    sim.commit(spec_of("3", rollout=QUICK), "version 3")
    sim.reach(Phase.CANARY, at_once=True)
    assert sim.status.challenger.trial_number == 3
    sim.commit(spec_of("2", rollout=QUICK), "Revert")
    sim.settle("2")
    assert sim.status.champion.trial_number == 2
    sim.commit(spec_of("1", rollout=QUICK), "Revert the other one, too")
    sim.settle("1")
    assert sim.status.champion.trial_number == 3
    assert NO_POD not in sim.clients.failed
