"""What is committed counts as ready only once it serves: commits that the stories do not make.

The simulator checks at each reconcile of each story that Ready says so, and that exactly one of Ready, Reconciling and
Stalled is True.
"""

from typing import Any

import pytest

from podium.api.v1alpha1.spec.spec import Spec
from podium.api.v1alpha1.status import Phase
from podium.core.facts import Crash
from podium.errors import Unavailable
from tests.stories.simulator import SECOND, Simulation, holds, spec_of

QUICK = {"steps": [{"weight": 50, "duration": "5s"}], "soak": "10s"}


def champion() -> Simulation:
    """Version 1 is champion."""
    sim = Simulation(spec_of("1", rollout=QUICK))
    sim.register("1")
    sim.settle("1")
    sim.register("2")
    sim.register("3", bad_share=0.5)
    return sim


def desired(version: str, **parts: object) -> Spec:
    return spec_of(version, rollout=QUICK, **parts)


def test_a_version_that_does_not_exist_is_never_ready() -> None:
    sim = champion()
    sim.commit(desired("99"), "version 99")
    sim.run(120 * SECOND)
    assert not any(holds("Ready", status, 2) for generation, status in sim.statuses if generation == 2)
    assert "version 99 of churn (spec.model.version) not found" in sim.status.message


def test_a_commit_is_not_ready_while_it_is_paused() -> None:
    sim = champion()
    sim.commit(desired("2", paused=True), "version 2, paused")
    sim.run(120 * SECOND)
    assert sim.status.phase is Phase.STABLE
    assert holds("Reconciling", sim.status, 2)
    sim.commit(desired("2"), "version 2")
    sim.settle("2")
    assert holds("Ready", sim.status, 3)


@pytest.mark.parametrize("then", ["1", "2", "99"])
def test_after_a_rejection_the_next_commit_is_not_told_the_old_verdict(then: str) -> None:
    sim = champion()
    sim.commit(desired("3"), "version 3")
    sim.reach(Phase.REJECTED)
    assert holds("Stalled", sim.status, 2)
    sim.registry.failure = Unavailable("MLflow does not answer")
    sim.commit(desired(then), f"version {then}")
    sim.run(60 * SECOND)
    told = [status for generation, status in sim.statuses if generation == 3]
    assert told
    assert not any(holds("Stalled", status, 3) or "version 3" in status.message for status in told)


def test_the_soak_is_ready_from_its_first_moment() -> None:
    sim = champion()
    sim.commit(desired("2"), "version 2")
    sim.reach(Phase.SOAKING)
    assert holds("Ready", sim.status, 2)


def test_a_promotion_without_room_for_its_pods_is_stalled_and_goes_on_once_there_is() -> None:
    """It waited for ever, and said nothing: two of three pods of the new version had no node."""
    sim = champion()
    parts = {"serving": {"replicas": 3}, "rollout": {"steps": [{"weight": 25, "duration": "5s"}], "soak": "10s"}}
    sim.commit(spec_of("1", **parts), "three pods")
    sim.run(30 * SECOND)
    sim.cluster.capacity = 5
    sim.commit(spec_of("2", **parts), "version 2")
    sim.reach(Phase.PROMOTING)
    sim.run(60 * SECOND)
    assert holds("Reconciling", sim.status, 3)
    sim.run(600 * SECOND)
    assert sim.status.phase is Phase.PROMOTING
    assert holds("Stalled", sim.status, 3)
    goes_on_once_there_is_room(sim, "2 of 3 pods of version 2 are ready", room=6)


def goes_on_once_there_is_room(sim: Simulation, told: str, room: int) -> None:
    """It is Stalled, says so once and why, the champion serves, and version 2 is promoted with room for its pods."""
    (stalled,) = [each for each in sim.status.conditions if each.type == "Stalled"]
    assert stalled.reason == "PodsNotStarting"
    assert f"{told} and verified; Unschedulable: 0/3 nodes are available" in stalled.message
    assert [event.reason for _, event in sim.cluster.events].count("PodsNotStarting") == 1
    assert sim.champion() == "1"
    sim.cluster.capacity = room
    sim.settle("2")
    assert holds("Ready", sim.status, 3)


STEPS = {"steps": [{"weight": 25, "duration": "5s"}, {"weight": 50, "duration": "5s"}], "soak": "10s"}


@pytest.mark.parametrize("on_inconclusive", ["Wait", "Proceed"])
def test_a_step_without_room_for_its_pods_is_stalled_and_goes_on_once_there_is(on_inconclusive: str) -> None:
    """It waited for ever, and was Reconciling all the time."""
    sim = champion()
    parts: dict[str, Any] = {"serving": {"replicas": 2}, "rollout": {**STEPS, "onInconclusive": on_inconclusive}}
    sim.commit(spec_of("1", **parts), "two pods")
    sim.run(30 * SECOND)
    sim.cluster.capacity = 3
    sim.commit(spec_of("2", **parts), "version 2")
    sim.until(lambda world: world.status.trial is not None and world.status.trial.step == 1)
    sim.run(590 * SECOND)
    assert holds("Reconciling", sim.status, 3)
    sim.run(20 * SECOND)
    assert (sim.status.phase, holds("Stalled", sim.status, 3)) == (Phase.CANARY, True)
    goes_on_once_there_is_room(sim, "1 of 2 pods of version 2 are ready", room=4)


def test_a_pod_that_is_replaced_late_in_a_step_does_not_stall_it() -> None:
    """Only the time without enough pods counts, not that of the step."""
    sim = champion()
    parts: dict[str, Any] = {"rollout": {**STEPS, "steps": [{"weight": 50, "duration": "1h"}]}}
    sim.commit(spec_of("2", **parts), "version 2")
    sim.reach(Phase.CANARY)
    sim.run(1200 * SECOND)
    sim.evict("b")
    sim.behaviour("2").ready_after = 60.0
    sim.run(30 * SECOND)
    assert sim.status.phase is Phase.CANARY
    assert holds("Reconciling", sim.status, 2)


def first_version_in_promoting(**parts: object) -> Simulation:
    """It has all the traffic, and its gateway does not acknowledge that."""
    sim = Simulation(desired("1", **GATEWAY))
    sim.register("1")
    sim.register("2")
    sim.stop_gateway()
    sim.reach(Phase.PROMOTING)
    sim.run(2 * SECOND)
    assert sim.weights["a"] == 100
    if parts:
        sim.commit(desired("1", **GATEWAY, **parts), str(parts))
    return sim


GATEWAY: dict[str, object] = {"serving": {"replicas": 3}, "traffic": {"gateway": {"name": "public"}}}


@pytest.mark.parametrize("paused", [False, True])
def test_a_newer_version_that_waits_for_the_only_one_to_be_promoted_is_named(paused: bool) -> None:
    """Nothing said so: the message was about version 1 alone."""
    sim = first_version_in_promoting(paused=paused)
    sim.commit(desired("2", **GATEWAY, paused=paused), "version 2")
    sim.run(60 * SECOND)
    assert sim.status.phase is Phase.PROMOTING
    for kind in ("Ready", "Reconciling"):
        (found,) = [each for each in sim.status.conditions if each.type == kind]
        assert found.reason == "NewerVersionWaits"
        assert "version 2 of churn (spec.model) waits until version 1 is promoted" in found.message
        assert ("once spec.paused is false" in found.message) is paused
    sim.start_gateway()
    if paused:
        sim.run(60 * SECOND)
        assert sim.status.phase is Phase.PROMOTING
        sim.commit(desired("2", **GATEWAY), "paused: false")
    sim.settle("2")


def test_a_first_version_that_is_paused_in_its_promotion_is_not_stopped_by_a_pod_that_runs_out_of_memory() -> None:
    """One kill stopped all three pods."""
    sim = first_version_in_promoting(paused=True)
    sim.start_gateway()
    sim.run(5 * SECOND)
    assert sim.status.phase is Phase.PROMOTING
    pod = sim.ready_pods("a")[0]
    pod.lost = Crash(sim.now, 137, "OOMKilled")
    pod.back_at = sim.loop.time() + 5
    sim.run(2 * SECOND)
    assert len(sim.ready_pods("a")) == 2
    assert sim.status.phase is Phase.PROMOTING
    assert sim.status.rejected == []
    sim.run(60 * SECOND)
    assert sim.status.phase is Phase.PROMOTING
    sim.commit(desired("1", **GATEWAY), "paused: false")
    sim.settle("1")
    assert sim.size("a") == 3
