"""Clients who stay: what their connections do to a trial, and requests that are shared otherwise than asked."""

from datetime import timedelta

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.status import Phase
from podium.core.facts import Counters
from podium.simulation.world.pods import Pod
from tests.stories.simulator import Simulation, resting, spec_of

COMPARED = [{"name": "errors", "errorRate": {"maxAboveChampion": "0.5%"}}]
STEPS = [{"weight": 50, "duration": "10m"}]
GATEWAY = {"gateway": {"name": "public"}}


def trial(*, traffic: dict[str, object] | None = None, factor: float = 1.0, **rollout: object) -> Simulation:
    """Version 2 is tried, and the pods tell what they received; of the challenger's, only this part arrives."""

    def told(pod: Pod) -> Counters:
        counters = pod.answered.counters()
        part = factor if pod.pinned.version == "2" else 1.0
        received = round(counters.answers * part)
        return Counters(**{**vars(counters), "received": received})

    rollout = {"steps": STEPS, "guards": COMPARED, **rollout}
    sim = resting(spec_of("1", traffic=traffic or GATEWAY, rollout=rollout))
    sim.pod_metrics.counters_of = told
    sim.register("2")
    sim.commit(spec_of("2", traffic=traffic or GATEWAY, rollout=rollout))
    sim.until(lambda world: world.status.phase is Phase.CANARY)
    return sim


def mismatch(sim: Simulation) -> str:
    assert sim.status.trial is not None
    return sim.status.trial.evidence.mismatch


def ready(sim: Simulation) -> tuple[str, str]:
    found = next(each for each in sim.status.conditions if each.type == "Ready")
    return found.status, found.reason


def test_requests_that_do_not_follow_the_weight_are_told_and_roll_nothing_back() -> None:
    sim = trial(factor=0.6)
    sim.run(minutes(5))
    assert "reached the challenger, expected: 50 %" in mismatch(sim)
    assert ready(sim) == ("Unknown", reasons.SAMPLE_RATIO_MISMATCH)
    assert "comparisons with the champion wait: " in sim.status.message
    assert "likely causes: sticky sessions" in sim.status.message
    assert (sim.status.phase, sim.status.rejected) == (Phase.CANARY, [])


def test_a_comparison_waits_meanwhile_although_the_version_is_bad_and_a_limit_of_its_own_does_not() -> None:
    sim = trial(factor=0.6)
    sim.run(minutes(2))
    sim.behaviour("2").bad_share = 0.2
    sim.run(minutes(5))
    assert sim.status.phase is Phase.CANARY
    limited = [{"name": "errors", "errorRate": {"maxAboveChampion": "0.5%", "atMost": "1%"}}]
    sim = trial(factor=0.6, guards=limited)
    sim.run(minutes(2))
    sim.behaviour("2").bad_share = 0.2
    sim.run(minutes(1))
    assert [lost.version for lost in sim.status.rejected] == ["2"]


def test_where_inconclusive_evidence_rolls_back_the_version_is_held_and_not_rejected() -> None:
    sim = trial(factor=0.6, stepTimeout="12m", onInconclusive="RollBack")
    sim.run(minutes(14))
    assert sim.status.rejected == []
    assert sim.status.held is not None
    assert sim.status.held.reason == reasons.SAMPLE_RATIO_MISMATCH


def test_requests_that_follow_the_weights_raise_no_alarm_while_pods_come_one_by_one() -> None:
    steps = [{"weight": weight, "duration": "40s"} for weight in (20, 34, 50)]
    sim = trial(traffic={"service": {}}, steps=steps)
    for _ in range(240):
        sim.run(timedelta(seconds=1))
        if sim.status.phase is not Phase.CANARY:
            break
        assert mismatch(sim) == ""


def test_pods_are_told_to_close_connections_in_a_canary_behind_a_service_alone() -> None:
    sim = trial(traffic={"service": {"requestsPerConnection": 7}})
    sim.run(timedelta(seconds=2))
    assert sim.pod_metrics.per_connection == 7
    sim = trial()
    sim.run(timedelta(seconds=2))
    assert sim.pod_metrics.per_connection is None
    sim = resting(spec_of("1"))
    assert sim.pod_metrics.per_connection is None


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)
