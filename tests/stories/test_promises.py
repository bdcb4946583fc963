"""The promises hold at every write, whatever fails, is lost, answers late or dies on the way.

The world checks them at each write of the real operator; here a few hundred seeds are played, and the ends compared.
"""

from datetime import timedelta

import pytest

from bench.promises.scenario import play
from podium.api.v1alpha1.status import Phase
from tests.stories.simulator import NO_POD, SECOND, Simulation, spec_of

QUICK = {"steps": [{"weight": 25, "duration": "5s"}, {"weight": 50, "duration": "5s"}], "soak": "20s"}
SERVING = {"replicas": 2}
HOUR = timedelta(hours=1)


def settled(seed: int, chaos: float) -> Simulation:
    sim = Simulation(spec_of("1", rollout=QUICK, serving=SERVING), seed=seed, chaos=chaos)
    sim.register("1")
    sim.settle("1")
    return sim


def wants(sim: Simulation, version: str) -> None:
    sim.commit(spec_of(version, rollout=QUICK, serving=SERVING), f"version {version}")


def quiet(sim: Simulation) -> None:
    """Time in which nothing is lost: what is still owed gets done."""
    sim.disorder.share = 0
    sim.run(timedelta(seconds=70))  # longer than the slowest look at rest


@pytest.mark.parametrize("seed", range(80))
def test_a_good_version_is_promoted_while_calls_fail_and_operators_die(seed: int) -> None:
    sim = settled(seed, chaos=0.3)
    sim.register("2")
    wants(sim, "2")
    sim.until(lambda s: s.champion() == "2", within=HOUR)
    quiet(sim)
    assert sim.champion() == "2"
    assert sim.alias == "2"
    assert sim.weights == {"a": 0, "b": 100}
    assert [sim.size("a"), sim.size("b")] == [0, 2]
    assert sim.recorded("2") == "promoted"
    assert NO_POD not in sim.clients.failed, "no request found nobody to answer it"


@pytest.mark.parametrize("seed", range(80))
def test_a_bad_version_is_taken_back_while_calls_fail_and_operators_die(seed: int) -> None:
    sim = settled(seed, chaos=0.3)
    sim.register("2", bad_share=0.3)
    wants(sim, "2")
    sim.until(lambda s: s.status.phase is Phase.REJECTED, within=HOUR)
    quiet(sim)
    assert sim.champion() == "1"
    assert sim.alias == "1"
    assert sim.weights == {"a": 100, "b": 0}
    assert [sim.size("a"), sim.size("b")] == [2, 0]
    assert sim.recorded("2") == "rejected"
    assert sim.status.phase is Phase.REJECTED
    assert NO_POD not in sim.clients.failed


@pytest.mark.parametrize(
    "seed",
    [
        *range(150),
        6126,
    ],  # 6126: a version was blamed for what its slot's pods still crashed by after the version before
)
def test_whatever_people_do_and_whatever_fails_the_end_is_what_git_says(seed: int) -> None:
    """Commits, restarts, evictions and outages at random moments; `make bench-promises` plays thousands of them."""
    assert play(seed) == ""


@pytest.mark.parametrize("phase", [Phase.STABLE, Phase.REJECTED, Phase.BLOCKED, Phase.GATING])
def test_at_rest_nothing_is_written(phase: Phase) -> None:
    sim = settled(seed=1, chaos=0)
    sim.register("2", metrics={"auc": 0.5}, bad_share=0.5)
    if phase is Phase.REJECTED:
        wants(sim, "2")
    if phase is Phase.BLOCKED:
        gate = [{"name": "accurate", "metric": {"key": "auc", "atLeast": 0.7}}]
        sim.commit(spec_of("2", rollout=QUICK, serving=SERVING, gates=gate), "version 2, gated")
    if phase is Phase.GATING:
        gate = [{"name": "signed", "approval": {}}, {"name": "review", "webhook": {"url": "http://review.ml"}}]
        sim.commit(spec_of("2", rollout=QUICK, serving=SERVING, gates=gate), "version 2, to be signed")
    sim.reach(phase)
    sim.run(10 * SECOND)
    before = sim.writes
    sim.run(HOUR)
    assert sim.writes == before


@pytest.mark.parametrize("seed", range(20))
def test_traffic_goes_to_the_healthier_side_when_the_champion_is_down_too(seed: int) -> None:
    sim = settled(seed, chaos=0)
    sim.register("2", bad_share=0.3)
    sim.commit(spec_of("2", rollout={**QUICK, "guards": []}, serving=SERVING), "version 2, without guards")
    sim.reach(Phase.CANARY)
    sim.behaviour("1").ready = False
    sim.commit(spec_of("1", rollout=QUICK, serving=SERVING), "back to version 1")
    sim.run(10 * SECOND)
    assert sim.status.phase is Phase.ROLLING_BACK
    assert sim.in_force()["b"] == 100, "the champion has no ready pod: what can answer goes on answering"
    assert "no ready pod" in sim.status.message
    sim.behaviour("1").ready = True
    sim.settle("1")
    assert sim.weights == {"a": 100, "b": 0}


GATEWAY = {"gateway": {"name": "public"}}


@pytest.mark.parametrize("seed", range(40))
def test_a_bad_version_is_taken_back_through_a_gateway_that_stops_at_random(seed: int) -> None:
    parts = {"rollout": QUICK, "serving": {"replicas": 3}, "traffic": GATEWAY}
    sim = Simulation(spec_of("1", **parts), seed=seed, chaos=0.2)
    sim.register("1")
    sim.settle("1")
    sim.register("2", bad_share=0.3)
    sim.commit(spec_of("2", **parts), "version 2")
    sim.until(lambda s: s.taken.get("b", 0) > 0, within=HOUR)
    sim.stop_gateway()
    sim.until(lambda s: s.weights == {"a": 100, "b": 0}, within=HOUR)
    assert sim.ready_pods("b"), "the gateway still sends requests there"
    sim.start_gateway()
    sim.reach(Phase.REJECTED)
    quiet(sim)
    assert sim.taken == {"a": 100, "b": 0}
    assert not sim.ready_pods("b")
    assert not sim.router.retries(sim.md())
    assert NO_POD not in sim.clients.failed
