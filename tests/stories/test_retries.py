"""A pod that ends takes its unanswered requests with it: behind a gateway with retries, no user notices."""

from dataclasses import replace
from typing import Any

import pytest

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.status import Phase
from podium.core.status.readiness import condition_of
from tests.stories.simulator import SECOND, Simulation, spec_of, tried

QUICK = {"steps": [{"weight": 50, "duration": "30s"}], "soak": "1m"}
GATEWAY = {"gateway": {"name": "public", "namespace": "infra"}}
ADOPTED = {"httpRouteRef": {"name": "theirs"}}
TRIAL = [Phase.STARTING, Phase.CANARY, Phase.PROMOTING, Phase.SOAKING]


def trial(phase: Phase, traffic: dict[str, Any] | None = None, **parts: Any) -> Simulation:
    sim = tried(phase, rollout=QUICK, serving={"replicas": 4}, traffic=traffic or GATEWAY, **parts)
    sim.clients.failed.clear()
    sim.clients.saved.clear()
    return sim


def hit(sim: Simulation) -> int:
    """Users who got a failure."""
    return sum(sim.clients.failed.values()) - sum(sim.clients.saved.values())


def crash(sim: Simulation, version: str = "2") -> None:
    """One pod of the version ends at its next answer, with five more requests in flight."""
    pod = sim.ready_pods("b" if version == "2" else "a")[0]
    pod.behaviour = replace(pod.behaviour, in_flight=5, crash_after_answers=pod.answered.answers + 1)
    sim.until(lambda world: world.clients.failed[version] >= 5, within=30 * SECOND)


def told(sim: Simulation) -> tuple[str, str, str]:
    found = condition_of(sim.status, "RetriesInSync")
    return (found.status, found.reason, found.message) if found is not None else ("", "", "")


@pytest.mark.parametrize("traffic", [GATEWAY, ADOPTED], ids=["gateway", "httpRouteRef"])
@pytest.mark.parametrize("phase", TRIAL)
def test_the_gateway_retries_for_as_long_as_two_versions_run(phase: Phase, traffic: dict[str, Any]) -> None:
    sim = trial(phase, traffic)
    assert sim.router.retries(sim.md())
    assert told(sim)[:2] == ("True", reasons.IN_SYNC)
    sim.settle("2")
    sim.run(5 * SECOND)
    assert not sim.router.retries(sim.md())
    assert told(sim) == ("", "", "")


def test_requests_in_flight_at_a_crash_reach_another_pod_and_the_version_is_taken_back() -> None:
    sim = trial(Phase.CANARY)
    crash(sim)
    sim.until(lambda world: world.status.phase is Phase.REJECTED, within=60 * SECOND)
    assert sim.clients.failed["2"] >= 5
    assert hit(sim) == 0
    sim.run(10 * SECOND)
    assert not sim.router.retries(sim.md())


@pytest.mark.parametrize(
    ("has_retries", "parts"),
    [(False, GATEWAY), (True, {**GATEWAY, "retries": {"enabled": False}}), (True, {})],
    ids=["a gateway without retries", "turned off", "a Service"],
)
def test_without_retries_they_are_lost(has_retries: bool, parts: dict[str, Any]) -> None:
    sim = Simulation(spec_of("1", rollout=QUICK, traffic=parts))
    sim.router.has_retries = has_retries
    sim.register("1")
    sim.settle("1")
    sim.register("2")
    sim.commit(spec_of("2", rollout=QUICK, traffic=parts), "version 2")
    sim.reach(Phase.CANARY, at_once=True)
    sim.run(SECOND)
    assert told(sim) == ("", "", "")
    sim.clients.failed.clear()
    crash(sim)
    assert hit(sim) >= 5


def test_they_are_there_before_the_first_request_reaches_the_challenger() -> None:
    sim = trial(Phase.STARTING)
    assert sim.weights == {"a": 100, "b": 0}
    assert sim.router.retries(sim.md())


def test_they_stay_until_the_version_that_lost_has_drained() -> None:
    sim = trial(Phase.CANARY)
    sim.commit(spec_of("1", rollout=QUICK, serving={"replicas": 4}, traffic=GATEWAY), "back")
    sim.until(lambda world: world.weights == {"a": 100, "b": 0}, within=30 * SECOND)
    assert sim.size("b") > 0
    assert sim.router.retries(sim.md())
    sim.until(lambda world: world.size("b") == 0, within=120 * SECOND)
    sim.run(5 * SECOND)
    assert not sim.router.retries(sim.md())


def test_a_first_version_has_none() -> None:
    sim = Simulation(spec_of("1", rollout=QUICK, traffic=GATEWAY))
    sim.register("1")
    sim.reach(Phase.STARTING, at_once=True)
    sim.run(SECOND)
    assert not sim.router.retries(sim.md())
    sim.settle("1")
    assert [write for write in sim.cluster.writes if write.startswith("retries")] == []


def test_a_policy_of_another_owner_is_left_alone_and_said_once_while_it_is_there() -> None:
    sim = trial(Phase.CANARY)
    sim.router.policy_of_others = "BackendTrafficPolicy ml/theirs"
    sim.run(5 * SECOND)
    assert not sim.router.retries(sim.md())
    assert told(sim)[:2] == ("False", reasons.RETRIES_LEFT_ALONE)
    assert "BackendTrafficPolicy ml/theirs" in told(sim)[2]
    events = [event for _, event in sim.cluster.events if event.reason == reasons.RETRIES_LEFT_ALONE]
    assert len(events) == 1
    sim.router.policy_of_others = ""
    sim.run(5 * SECOND)
    assert sim.router.retries(sim.md())
    assert told(sim)[:2] == ("True", reasons.IN_SYNC)


@pytest.mark.parametrize("pods", [1, 4])
def test_users_who_stay_on_their_side_are_retried_on_that_side_only(pods: int) -> None:
    traffic = {**GATEWAY, "sessionAffinity": {"cookieName": "podium"}}
    sim = tried(Phase.CANARY, rollout=QUICK, serving={"replicas": pods}, traffic=traffic)
    crash(sim)
    assert sim.clients.saved["2"] == (0 if pods == 1 else 5)
