"""The promises hold at every moment, whatever is lost, repeated, reordered or restarted on the way.

The simulator checks them at each look; here many seeds are played, and the ends compared.
"""

import random
from datetime import timedelta

import pytest

from podium.api.v1alpha1.status import Phase
from tests.stories.simulator import SECOND, Simulation, spec_of

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
    sim.chaos = 0
    sim.run(timedelta(seconds=70))  # longer than the slowest look at rest


@pytest.mark.parametrize("seed", range(200))
def test_a_good_version_is_promoted_through_lost_repeated_and_reordered_actions(seed: int) -> None:
    sim = settled(seed, chaos=0.3)
    sim.register("2")
    wants(sim, "2")
    sim.until(lambda s: s.champion() == "2", within=HOUR)
    quiet(sim)
    assert sim.champion() == "2"
    assert sim.alias == "2"
    assert sim.weights == {"a": 0, "b": 100}
    assert [place.replicas for place in sim.places.values()] == [0, 2]
    assert sim.tags["2"]["podium.dev/decision"] == "promoted"
    assert "nobody" not in sim.failed, "no request found nobody to answer it"


@pytest.mark.parametrize("seed", range(200))
def test_a_bad_version_is_taken_back_through_lost_repeated_and_reordered_actions(seed: int) -> None:
    sim = settled(seed, chaos=0.3)
    sim.register("2", bad=0.3)
    wants(sim, "2")
    sim.until(lambda s: s.status.phase is Phase.REJECTED, within=HOUR)
    quiet(sim)
    assert sim.champion() == "1"
    assert sim.alias == "1"
    assert sim.weights == {"a": 100, "b": 0}
    assert [place.replicas for place in sim.places.values()] == [2, 0]
    assert sim.tags["2"]["podium.dev/decision"] == "rejected"
    assert sim.status.phase is Phase.REJECTED
    assert "nobody" not in sim.failed


@pytest.mark.parametrize("seed", range(200))
def test_whatever_people_do_the_end_is_what_git_says(seed: int) -> None:
    """Commits, restarts and outages at random moments, among good, bad and crashing versions."""
    sim = settled(seed, chaos=0.2)
    sim.register("2")
    sim.register("3", bad=0.4)
    sim.register("4", crash_after=30)
    people = random.Random(seed)
    for _ in range(8):
        sim.run(timedelta(seconds=people.randint(1, 40)))
        if people.random() < 0.3:
            sim.restart()
        wants(sim, people.choice("1234"))
    wants(sim, "2")
    sim.settle("2")
    quiet(sim)
    assert sim.champion() == sim.alias == "2"
    assert "nobody" not in sim.failed
    assert sum(place.replicas for place in sim.places.values()) == 2


@pytest.mark.parametrize("phase", [Phase.STABLE, Phase.REJECTED, Phase.BLOCKED, Phase.GATING])
def test_at_rest_nothing_is_written(phase: Phase) -> None:
    sim = settled(seed=1, chaos=0)
    sim.register("2", metrics={"auc": 0.5}, bad=0.5)
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
    sim.register("2", bad=0.3)
    sim.commit(spec_of("2", rollout={**QUICK, "guards": []}, serving=SERVING), "version 2, without guards")
    sim.reach(Phase.CANARY)
    sim.versions["1"].ready = False
    sim.commit(spec_of("1", rollout=QUICK, serving=SERVING), "back to version 1")
    sim.run(10 * SECOND)
    assert sim.status.phase is Phase.ROLLING_BACK
    assert sim.in_force()["b"] == 100, "the champion has no ready pod: what can answer goes on answering"
    assert "no ready pod" in sim.status.message
    sim.versions["1"].ready = True
    sim.settle("1")
    assert sim.weights == {"a": 100, "b": 0}


GATEWAY = {"gateway": {"name": "public"}}


@pytest.mark.parametrize("seed", range(60))
def test_a_bad_version_is_taken_back_through_a_gateway_that_stops_at_random(seed: int) -> None:
    parts = {"rollout": QUICK, "serving": {"replicas": 3}, "traffic": GATEWAY}
    sim = Simulation(spec_of("1", **parts), seed=seed, chaos=0.2)
    sim.register("1")
    sim.settle("1")
    sim.register("2", bad=0.3)
    sim.commit(spec_of("2", **parts), "version 2")
    sim.until(lambda s: s.taken.get("b", 0) > 0, within=HOUR)
    sim.stop_gateway()
    sim.until(lambda s: s.weights == {"a": 100, "b": 0}, within=HOUR)
    assert sim.places["b"].pods, "the gateway still sends requests there"
    sim.start_gateway()
    sim.reach(Phase.REJECTED)
    quiet(sim)
    assert sim.taken == {"a": 100, "b": 0}
    assert not sim.places["b"].pods
    assert "nobody" not in sim.failed
