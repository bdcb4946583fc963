"""A shadow step: the challenger answers copies of requests, and no user gets an answer of it."""

from typing import Any

import pytest

from podium.api.v1alpha1.status import Phase
from tests.stories.simulator import SECOND, Simulation, spec_of, tried
from tests.stories.test_stories import GATEWAY

SHADOW = {"name": "pairs", "shadow": {"maxAboveChampion": "0.5%", "maxDisagreement": "5%"}}
ERRORS = {"name": "errors", "errorRate": {"atMost": "1%"}}
STEPS = [{"shadow": "20%", "duration": "30s"}, {"weight": 50, "duration": "30s"}]
ROLLOUT = {"steps": STEPS, "guards": [SHADOW, ERRORS], "soak": "1m"}
EITHER = pytest.mark.parametrize("parts", [{}, GATEWAY], ids=["service", "gateway"])


def trial(**parts: Any) -> Simulation:
    return tried(Phase.CANARY, **{"rollout": ROLLOUT, **parts})


def served(sim: Simulation, version: str) -> int:
    return sim.clients.served[version]


@EITHER
def test_a_good_version_meets_users_after_the_pairs_have_shown_it(parts: dict[str, Any]) -> None:
    sim = trial(**parts)
    sim.run(25 * SECOND)
    assert served(sim, "2") == 0
    assert sim.clients.copied["2"] > 100
    assert "shadow of 20%" in sim.status.message
    sim.until(lambda world: world.status.trial is not None and world.status.trial.step == 1, within=600 * SECOND)
    copied = sim.clients.copied["2"]
    sim.run(30 * SECOND)
    assert served(sim, "2") > 100
    assert sim.clients.copied["2"] <= copied + 200, "the copies end with the step"
    sim.settle("2")


@EITHER
@pytest.mark.parametrize("share", [0.05, 1.0])
def test_a_version_that_is_worse_in_pairs_is_rejected_and_no_user_met_it(parts: dict[str, Any], share: float) -> None:
    sim = trial(**parts)
    sim.behaviour("2").bad_share = share
    sim.until(lambda world: world.status.phase is Phase.REJECTED, within=600 * SECOND)
    assert served(sim, "2") == 0
    assert sim.champion() == "1"
    (lost,) = sim.status.rejected
    assert lost.reason == "GuardFailed"
    assert "only the challenger's answer is bad in" in lost.message


def test_one_whose_predictions_disagree_is_rejected() -> None:
    sim = trial()
    sim.behaviour("2").disagrees = 0.2
    sim.until(lambda world: world.status.phase is Phase.REJECTED, within=600 * SECOND)
    assert served(sim, "2") == 0
    assert "disagreements" in sim.status.rejected[0].message


ALONE = {"steps": STEPS, "guards": [{"name": "pairs", "shadow": {"maxDisagreement": "5%"}}, ERRORS], "soak": "1m"}


@pytest.mark.parametrize("share", [0.3, 1.0])
def test_a_limit_of_disagreements_alone_rejects_a_challenger_that_fails_what_the_champion_answers(share: float) -> None:
    """A pair with a failure is not compared: the step waited for pairs, while every copy failed."""
    sim = trial(rollout=ALONE)
    sim.behaviour("2").bad_share = share
    sim.until(lambda world: world.status.phase is Phase.REJECTED, within=600 * SECOND)
    assert served(sim, "2") == 0
    assert "failures or disagreements" in sim.status.rejected[0].message


def test_a_limit_of_disagreements_alone_counts_the_pairs_in_its_message() -> None:
    sim = trial(rollout=ALONE)
    sim.run(15 * SECOND)
    assert "shadow of 20%: 0 pairs" not in sim.status.message
    assert "pairs, only the challenger bad in 0" in sim.status.message
    sim.settle("2")


def test_hard_requests_that_both_fail_say_nothing_against_the_challenger() -> None:
    sim = trial()
    sim.clients.outage = 1.0
    sim.run(20 * SECOND)
    assert sim.status.phase is Phase.CANARY
    assert sim.status.rejected == []


def test_without_copies_the_step_waits_and_says_so() -> None:
    sim = trial()
    sim.clients.rate = 0
    sim.run(120 * SECOND)
    assert sim.status.trial is not None
    assert sim.status.trial.step == 0
    assert "more pairs" in sim.status.message


def test_pairs_of_an_earlier_trial_count_for_no_other_version() -> None:
    sim = trial()
    sim.behaviour("2").bad_share = 1.0
    sim.until(lambda world: world.status.phase is Phase.REJECTED, within=600 * SECOND)
    sim.register("3")
    sim.commit(spec_of("3", rollout=ROLLOUT), "version 3")
    sim.settle("3")
    assert [entry.version for entry in sim.status.rejected] == ["2"]


def test_a_restart_of_the_operator_in_a_shadow_step_loses_no_pair() -> None:
    sim = trial()
    sim.run(20 * SECOND)
    sim.restart()
    sim.run(20 * SECOND)
    trial_ = sim.status.trial
    assert trial_ is not None
    pairs = trial_.evidence.measured("pairs in which only the challenger's answer is bad").challenger
    assert pairs.answers > 0.15 * served(sim, "1") - 150


def test_another_template_with_the_champions_own_version_waits_for_no_pairs() -> None:
    """Its pods serve what the champion's do, so those send no copies: the step waited for an hour."""
    sim = Simulation(spec_of("1", rollout=ROLLOUT))
    sim.register("1")
    sim.settle("1")
    sim.commit(spec_of("1", rollout=ROLLOUT, serving={"image": "podium-runtime:2"}), "another image")
    sim.reach(Phase.CANARY)
    sim.until(lambda world: world.status.trial is not None and world.status.trial.step == 1, within=40 * SECOND)
    assert sim.clients.copied["1"] == 0
    sim.until(lambda world: world.status.phase is Phase.STABLE, within=600 * SECOND)
    assert sim.champion() == "1"
