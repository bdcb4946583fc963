"""Several challengers beside the champion: each is judged against it, and the best is tried as any version is."""

from typing import Any

import pytest

from podium.api.v1alpha1.status import Phase
from podium.core.rollout.last_spec import recorded
from podium.core.status.explanation import explanation
from podium.simulation.world.hints import Watching
from podium.simulation.world.world import World
from tests.stories.simulator import SECOND, Simulation, spec_of
from tests.stories.test_stories import GATEWAY

ARMS = [{"version": "2", "weight": 10}, {"version": "3", "weight": 10}]
EXPERIMENT: dict[str, Any] = {"arms": ARMS, "duration": "2m"}
STEPS = [{"weight": 25, "duration": "20s"}, {"weight": 50, "duration": "20s"}]
ROLLOUT: dict[str, Any] = {"steps": STEPS, "soak": "30s", "experiment": EXPERIMENT}


def spec(version: str = "1", **rollout: Any) -> Any:
    return spec_of(version, rollout={**ROLLOUT, **rollout}, **GATEWAY)


def experiment(*, versions: int = 3, **rollout: Any) -> Simulation:
    """Version 1 is champion, and the arms have had traffic for a second."""
    sim = Simulation(spec_of("1", **GATEWAY), rate=200)
    sim.register("1")
    sim.settle("1")
    for version in range(2, versions + 1):
        sim.register(str(version))
    sim.commit(spec(**rollout), "an experiment")
    return sim


def running(**rollout: Any) -> Simulation:
    sim = experiment(**rollout)
    sim.until(lambda world: world.weights.get("arm-1", 0) > 0, within=120 * SECOND)
    sim.run(SECOND)
    return sim


def out(sim: Simulation) -> dict[str, str]:
    return {arm.pinned.version: arm.verdict.reason for arm in sim.status.arms if arm.verdict is not None}


def settle(sim: Simulation, version: str, seconds: float = 900) -> None:
    """As `sim.settle`, but not for hours."""
    sim.until(lambda world: world.status.phase is Phase.STABLE and world.champion() == version, within=seconds * SECOND)


def test_all_arms_get_their_weights_at_once_and_the_first_of_two_good_ones_is_promoted() -> None:
    sim = experiment()
    sim.reach(Phase.EXPERIMENTING, at_once=True)
    assert [(arm.pinned.version, arm.slot, arm.weight) for arm in sim.status.arms] == [
        ("2", "arm-1", 10),
        ("3", "arm-2", 10),
    ]
    sim.until(lambda world: world.weights.get("arm-1", 0) > 0, within=60 * SECOND)
    assert sim.weights == {"a": 80, "b": 0, "arm-1": 10, "arm-2": 10}
    sim.run(60 * SECOND)
    assert sim.clients.served["2"] > 600
    assert sim.clients.served["3"] > 600
    assert sim.champion() == "1"
    settle(sim, "2")
    assert sim.weights == {"a": 0, "b": 100}
    sim.until(lambda world: all(world.size(arm) == 0 for arm in ("arm-1", "arm-2")), within=120 * SECOND)
    assert sim.status.rejected == []
    assert "set spec.model.version to 2" in sim.status.message


@pytest.mark.parametrize("share", [1.0, 0.2])
def test_a_bad_arm_is_out_alone_and_the_other_one_is_promoted(share: float) -> None:
    sim = running()
    sim.behaviour("2").bad_share = share
    sim.until(lambda world: "arm-1" not in world.weights, within=15 * SECOND)
    assert sim.weights == {"a": 90, "b": 0, "arm-2": 10}
    assert sim.status.phase is Phase.EXPERIMENTING
    assert sim.clients.failed["2"] == sim.clients.saved["2"], "the champion answers instead"
    settle(sim, "3")
    assert [lost.version for lost in sim.status.rejected] == ["2"]
    assert sim.recorded("2") == "rejected"


def test_a_crash_takes_one_arm_out_within_a_second() -> None:
    sim = running()
    sim.behaviour("2").crash_after = 0.0
    sim.until(lambda world: "arm-1" not in world.weights, within=2 * SECOND)
    sim.run(30 * SECOND)
    assert out(sim) == {"2": "Crashed"}
    assert sim.size("arm-1") == 0
    assert sim.weights == {"a": 90, "b": 0, "arm-2": 10}


def test_where_every_arm_is_bad_the_champion_stays_and_none_is_tried_again() -> None:
    sim = running()
    sim.behaviour("2").bad_share = sim.behaviour("3").bad_share = 0.5
    settle(sim, "1", 60)
    assert {lost.version: lost.reason for lost in sim.status.rejected} == {"2": "GuardFailed", "3": "GuardFailed"}
    assert sim.weights == {"a": 100, "b": 0}
    assert "the experiment has ended: no arm is left" in sim.status.message
    sim.run(60 * SECOND)
    assert {sim.size("arm-1"), sim.size("arm-2"), sim.size("b")} == {0}
    sim.restart()
    sim.run(60 * SECOND)
    assert sim.status.phase is Phase.STABLE
    sim.commit(spec(retry="again"), "another try")
    sim.until(lambda world: world.status.phase is Phase.EXPERIMENTING, within=60 * SECOND)


METRIC = {
    "good": 'sum(orders{slot="{{slot}}"})',
    "total": 'sum(visits{slot="{{slot}}"})',
}


def count(sim: Simulation, shares: dict[str, float], seconds: int) -> None:
    """Prometheus counts what each arm serves, and this share of it as good."""
    for _ in range(seconds):
        for arm in sim.status.arms:
            served = sim.clients.served[arm.pinned.version]
            sim.metrics_store.put(f'sum(visits{{slot="{arm.slot}"}})', served)
            sim.metrics_store.put(f'sum(orders{{slot="{arm.slot}"}})', round(served * shares[arm.pinned.version]))
        sim.run(SECOND)


def test_the_arm_of_which_the_metric_proves_the_most_is_promoted() -> None:
    sim = experiment(experiment={**EXPERIMENT, "metric": METRIC})
    sim.reach(Phase.EXPERIMENTING)
    count(sim, {"2": 0.05, "3": 0.15}, 130)
    assert sim.status.experiment is not None
    assert sim.status.experiment.winner == "3"
    assert "version 3: 15" in sim.status.experiment.message
    settle(sim, "3")
    beaten = [entry for entry in sim.status.history if entry.version == "2"]
    assert [entry.reason for entry in beaten] == ["NotTheBest"]
    assert sim.status.rejected == []


def test_without_counts_of_the_metric_the_first_arm_is_tried() -> None:
    sim = experiment(experiment={**EXPERIMENT, "duration": "30s", "metric": METRIC})
    settle(sim, "2")
    assert sim.status.experiment is not None
    assert "nothing was counted" in sim.status.experiment.message


def test_the_best_arm_that_fails_its_own_trial_is_rejected_as_ever() -> None:
    sim = running(experiment={**EXPERIMENT, "duration": "20s"})
    sim.reach(Phase.CANARY)
    sim.behaviour("2").bad_share = 1.0
    sim.reach(Phase.REJECTED)
    assert sim.champion() == "1"
    assert [lost.version for lost in sim.status.rejected] == ["2"]


def test_one_arm_is_tried_as_it_would_be_without_an_experiment() -> None:
    sim = experiment(experiment={"arms": ARMS[:1]})
    settle(sim, "2")
    assert sim.status.arms == []
    assert not any("Experimenting" in line for line in sim.log)


def test_an_arm_that_is_aborted_leaves_and_is_not_rejected() -> None:
    sim = running()
    sim.commit(spec(abort={"version": "2", "reason": "a wrong price list"}), "abort")
    sim.until(lambda world: "arm-1" not in world.weights, within=3 * SECOND)
    assert out(sim) == {"2": "Aborted"}
    assert sim.status.rejected == []
    settle(sim, "3")


def test_a_newer_version_ends_the_experiment_and_is_tried() -> None:
    sim = running()
    sim.register("4")
    sim.commit(spec_of("4", rollout={"steps": STEPS, "soak": "30s"}, **GATEWAY), "version 4")
    sim.until(lambda world: world.weights == {"a": 100, "b": 0}, within=3 * SECOND)
    settle(sim, "4")
    assert {sim.size("arm-1"), sim.size("arm-2")} == {0}
    assert sim.status.arms == []


def test_other_guards_begin_it_again() -> None:
    sim = running()
    sim.run(60 * SECOND)
    first = sim.status.arms[0].trial
    sim.commit(spec(guards=[{"name": "errors", "errorRate": {"atMost": "2%"}}]), "other guards")
    sim.until(lambda world: world.weights == {"a": 100, "b": 0}, within=3 * SECOND)
    sim.until(lambda world: world.weights.get("arm-1", 0) > 0, within=60 * SECOND)
    again = sim.status.arms[0].trial
    assert first is not None
    assert again is not None
    assert again.started_at > first.started_at
    settle(sim, "2")


def test_a_restart_goes_on_where_it_was() -> None:
    sim = running()
    sim.run(60 * SECOND)
    before = sim.status.arms[0].trial
    sim.restart()
    sim.run(5 * SECOND)
    after = sim.status.arms[0].trial
    assert before is not None
    assert after is not None
    assert after.weight_reached_at is not None
    counted = [trial.evidence.measured("errors").challenger.answers for trial in (before, after)]
    assert counted[1] > counted[0] > 1000
    assert counted[1] <= sim.clients.served["2"]
    sim.until(lambda world: world.status.phase is not Phase.EXPERIMENTING, within=65 * SECOND)
    settle(sim, "2")


def test_a_status_that_is_emptied_gives_the_traffic_to_the_champion_and_begins_again() -> None:
    sim = running()
    sim.run(30 * SECOND)
    sim.cluster.empty_status(sim.md().key)
    sim.tell()
    sim.until(lambda world: world.weights == {"a": 100, "b": 0}, within=30 * SECOND)
    assert sim.champion() == "1"
    settle(sim, "2")


def test_a_status_that_is_emptied_after_the_promotion_keeps_the_winner() -> None:
    sim = running(experiment={**EXPERIMENT, "duration": "20s"})
    settle(sim, "2")
    sim.run(60 * SECOND)
    sim.cluster.empty_status(sim.md().key)
    sim.tell()
    sim.run(120 * SECOND)
    assert sim.champion() == "2"
    assert sim.weights == {"a": 0, "b": 100}
    assert sim.status.phase is Phase.STABLE


def test_a_status_that_is_emptied_while_the_winner_is_tried_keeps_the_champion() -> None:
    sim = running(experiment={**EXPERIMENT, "duration": "20s"})
    sim.reach(Phase.CANARY)
    sim.run(5 * SECOND)
    sim.cluster.empty_status(sim.md().key)
    sim.tell()
    sim.run(3 * SECOND)
    assert sim.champion() == "1"
    settle(sim, "2")


def test_a_gateway_that_takes_no_weights_chooses_no_arm_and_stops_none_that_it_may_reach() -> None:
    sim = running()
    sim.stop_gateway()
    sim.behaviour("2").bad_share = 1.0
    sim.run(60 * SECOND)
    assert sim.status.phase is Phase.EXPERIMENTING
    assert "arm-1" not in sim.weights
    assert sim.size("arm-1") == 1, "requests still reach it"
    assert sim.clients.failed["2"] == sim.clients.saved["2"]
    sim.run(300 * SECOND)
    assert sim.status.phase is Phase.EXPERIMENTING, "the weights were not in force"
    sim.start_gateway()
    sim.until(lambda world: world.size("arm-1") == 0, within=60 * SECOND)
    settle(sim, "3")


def test_an_arm_that_is_never_ready_holds_the_others_up_no_longer_than_the_timeout() -> None:
    sim = experiment(startupTimeout="30s")
    sim.behaviour("2").ready = False
    sim.run(20 * SECOND)
    assert sim.weights == {"a": 100, "b": 0}
    sim.until(lambda world: world.weights.get("arm-2", 0) > 0, within=60 * SECOND)
    assert out(sim) == {"2": "StartupTimeout"}
    settle(sim, "3")


def test_a_pause_chooses_no_arm_and_keeps_no_bad_one() -> None:
    sim = running()
    sim.commit(spec_of("1", rollout=ROLLOUT, paused=True, **GATEWAY), "a pause")
    sim.behaviour("2").bad_share = 1.0
    sim.until(lambda world: "arm-1" not in world.weights, within=5 * SECOND)
    sim.run(200 * SECOND)
    assert sim.status.phase is Phase.EXPERIMENTING
    sim.commit(spec(), "no pause")
    settle(sim, "3")


def test_a_deletion_that_is_held_leads_the_traffic_back() -> None:
    sim = running()
    sim.cluster.hold_deletion(sim.md().key)
    sim.tell()
    sim.until(lambda world: world.weights == {"a": 100, "b": 0}, within=5 * SECOND)


def test_an_outage_of_all_rejects_no_arm_and_it_begins_again() -> None:
    sim = running()
    sim.run(20 * SECOND)
    sim.clients.outage = 0.6
    sim.until(lambda world: world.weights == {"a": 100, "b": 0}, within=60 * SECOND)
    sim.run(60 * SECOND)
    assert sim.status.rejected == []
    sim.clients.outage = 0.0
    sim.until(lambda world: world.weights.get("arm-1", 0) > 0, within=900 * SECOND)
    settle(sim, "2")
    assert sim.status.rejected == []


def test_a_spec_that_cannot_be_read_keeps_no_bad_arm() -> None:
    sim = running()
    body = {"model": {"name": "churn", "version": "1"}, "rollout": {"steps": "unreadable"}}
    sim.cluster.put(sim.md().key, body)
    sim.tell()
    sim.behaviour("2").bad_share = 1.0
    sim.until(lambda world: "arm-1" not in world.weights, within=10 * SECOND)
    assert sim.weights["a"] >= 90


def test_no_pod_of_an_arm_runs_before_all_arms_have_passed_the_gates() -> None:
    gates = [{"name": "auc", "metric": {"key": "auc", "atLeast": 0.8}}]
    sim = Simulation(spec_of("1", gates=gates, **GATEWAY), rate=200)
    sim.register("1")
    sim.settle("1")
    sim.register("2")
    sim.register("3", metrics={"auc": 0.5})
    sim.commit(spec_of("1", gates=gates, rollout=ROLLOUT, **GATEWAY), "an experiment")
    sim.reach(Phase.BLOCKED)
    sim.run(30 * SECOND)
    assert {sim.size("arm-1"), sim.size("arm-2"), sim.size("b")} == {0}
    assert "version 3 is blocked" in sim.status.message


def test_without_a_ready_pod_of_the_champion_an_arm_answers_for_it() -> None:
    sim = running()
    sim.behaviour("1").ready = False
    sim.until(lambda world: world.weights.get("a") == 0, within=5 * SECOND)
    assert sum(sim.weights.values()) == 100
    sim.behaviour("1").ready = True
    sim.until(lambda world: world.weights.get("a") == 80, within=30 * SECOND)


@pytest.mark.parametrize("seed", range(6))
def test_the_promises_hold_under_faults(seed: int) -> None:
    sim = Simulation(spec_of("1", **GATEWAY), rate=100, seed=seed, chaos=0.03)
    sim.register("1")
    sim.settle("1")
    sim.register("2")
    sim.register("3", bad_share=0.3 if seed % 2 else 0.0)
    sim.commit(spec(experiment={**EXPERIMENT, "duration": "40s"}), "an experiment")
    settle(sim, "2", 1800)
    sim.until(lambda world: world.size("arm-1") + world.size("arm-2") == 0, within=300 * SECOND)


@pytest.mark.parametrize("watching", [Watching(), Watching(lag=30, loses=0.1)], ids=["good", "bad"])
def test_what_the_watches_know_leaves_no_arm_behind(watching: Watching, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(World, "watching", watching)
    sim = running(experiment={**EXPERIMENT, "duration": "30s"})
    sim.behaviour("2").bad_share = 1.0
    settle(sim, "3")
    sim.until(lambda world: world.size("arm-1") + world.size("arm-2") == 0, within=300 * SECOND)
    assert [lost.version for lost in sim.status.rejected] == ["2"]


def test_an_evicted_pod_blames_no_arm() -> None:
    sim = running()
    sim.evict("arm-1")
    sim.until(lambda world: world.weights.get("arm-1", 0) == 0, within=5 * SECOND)
    sim.until(lambda world: world.weights.get("arm-1") == 10, within=30 * SECOND)
    assert out(sim) == {}


def test_what_the_status_says_of_an_arm_is_explained() -> None:
    sim = running(experiment={**EXPERIMENT, "metric": METRIC})
    count(sim, {"2": 0.05, "3": 0.15}, 20)
    value = {"metadata": {"name": "churn", "namespace": "ml"}, "spec": recorded(sim.spec)}
    found = explanation({**value, "status": sim.status.stored()})
    assert [(arm.version, arm.slot, arm.role, arm.weight) for arm in found.arms] == [
        ("2", "arm-1", "Challenger", 10),
        ("3", "arm-2", "Challenger", 10),
    ]
    assert all(arm.answers > 100 and arm.counted for arm in found.arms)
    assert found.desired == "1"
