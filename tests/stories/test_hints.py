"""What rests costs no request, and what the watches know can be late, out of order or lost: the ends are the same.

The promises are checked at every write, as in all stories.
"""

from collections import Counter
from datetime import timedelta

import pytest

from bench.promises.scenario import play
from podium.api.v1alpha1.status import Phase
from podium.core.facts import Key
from podium.simulation.world.hints import Watching
from podium.simulation.world.world import World
from tests.stories.simulator import SECOND, Simulation, spec_of

BAD = Watching(lag=30, loses=0.1)
GOOD = Watching()
HOUR = timedelta(hours=1)
QUICK = {"steps": [{"weight": 25, "duration": "5s"}, {"weight": 50, "duration": "5s"}], "soak": "20s"}
OBJECTS = 300
READS = ("cluster.get", "cluster.slots", "cluster.autoscaler", "router.observe", "jobs.observe")


def watched(monkeypatch: pytest.MonkeyPatch, watching: Watching) -> None:
    monkeypatch.setattr(World, "watching", watching)


def settled() -> Simulation:
    sim = Simulation(spec_of("1", rollout=QUICK, serving={"replicas": 2}))
    sim.register("1")
    sim.settle("1")
    sim.run(timedelta(minutes=2))
    return sim


def calls(sim: Simulation) -> Counter[str]:
    return sum((process.calls for process in sim.processes), Counter[str]())


@pytest.mark.parametrize("seed", range(60))
def test_whatever_the_watches_tell_late_or_never_the_end_is_what_git_says(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched(monkeypatch, BAD)
    assert play(seed) == ""


def test_three_hundred_at_rest_cost_a_list_of_each_kind_in_a_while_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    watched(monkeypatch, GOOD)
    sim = settled()
    keys = [Key("ml", f"churn-{number}") for number in range(OBJECTS - 1)]
    aliases = (f"champion-{number}" for number in range(OBJECTS))
    for key in keys:
        sim.cluster.put(key, spec_of("1", rollout=QUICK, registry={"aliases": {"champion": next(aliases)}}))
    sim._tick = 5.0  # quicker: nothing that is watched more closely happens from here on
    sim.until(lambda s: all(md is not None and md.status.phase is Phase.STABLE for md in map(s.cluster.now, keys)))
    sim.run(timedelta(minutes=3))
    before, writes = calls(sim), len(sim.cluster.writes)
    sim._tick = 30.0
    sim.run(HOUR)
    asked = calls(sim) - before
    assert {name: asked[name] for name in READS if asked[name]} == {}
    assert asked["cluster.list_all"] <= 13  # a comparison in each resync period
    assert len(sim.cluster.writes) == writes


def test_a_commit_is_heard_of_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    watched(monkeypatch, GOOD)
    sim = settled()
    sim.register("2")
    sim.commit(spec_of("2", rollout=QUICK, serving={"replicas": 2}), "version 2")
    sim.until(lambda s: s.status.phase is not Phase.STABLE, within=2 * SECOND)
    sim.settle("2")


def test_a_commit_that_no_watch_tells_of_is_found_by_the_next_comparison(monkeypatch: pytest.MonkeyPatch) -> None:
    watched(monkeypatch, Watching(loses=1.0))
    sim = settled()
    sim.register("2")
    sim.commit(spec_of("2", rollout=QUICK, serving={"replicas": 2}), "version 2")
    sim.until(lambda s: s.status.phase is not Phase.STABLE, within=timedelta(minutes=6))
    sim.settle("2")


def test_what_others_change_at_rest_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    watched(monkeypatch, GOOD)
    sim = settled()
    sim.cluster.drift(sim.md().key, "a")
    sim.until(lambda s: s.cluster.slots_now(s.md())["a"].up_to_date, within=5 * SECOND)
    sim.router.drift(sim.md())
    sim.until(lambda s: s.weights == {"a": 100, "b": 0}, within=5 * SECOND)


def test_a_pod_that_was_silent_at_rest_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """No watch tells that it answers again: who lost a status waited for an hour to have it back."""
    watched(monkeypatch, GOOD)
    sim = settled()
    sim.pod_metrics.unreachable = True
    sim.cluster.empty_status(sim.md().key)
    sim.run(timedelta(minutes=3))
    assert "becomes champion once its pods say which one it is" in sim.status.message
    sim.pod_metrics.unreachable = False
    sim.until(lambda s: s.champion() == "1", within=timedelta(minutes=1, seconds=5))


def test_a_hint_that_is_old_costs_a_look_and_writes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The watches say for ever that the champion's slot is empty."""
    watched(monkeypatch, GOOD)
    sim = settled()
    hints = sim.processes[0].hints
    assert hints is not None
    old = dict(hints._known["slots", sim.md().key])
    writes = len(sim.cluster.writes)
    hints._known["slots", sim.md().key] = {**old, "a": old["b"]}
    before = calls(sim)
    sim.processes[0].operator.changed(sim.md().key)
    sim.run(timedelta(minutes=1))
    assert (calls(sim) - before)["cluster.slots"] >= 1
    assert len(sim.cluster.writes) == writes


def test_a_trial_is_read_afresh_whatever_the_watches_say(monkeypatch: pytest.MonkeyPatch) -> None:
    """The watches know nothing of the trial: a bad version is rejected as soon as without them."""
    watched(monkeypatch, Watching(lag=30, loses=0.9))
    sim = settled()
    sim.register("2", bad_share=0.5)
    sim.commit(spec_of("2", rollout=QUICK, serving={"replicas": 2}), "version 2")
    sim.until(lambda s: s.status.phase is Phase.CANARY, within=timedelta(minutes=10))
    sim.until(lambda s: s.status.phase is Phase.REJECTED, within=timedelta(minutes=1))


def test_neither_start_nor_failover_nor_a_comparison_of_all_is_a_herd(monkeypatch: pytest.MonkeyPatch) -> None:
    """An operator begins again with a hundred at rest, and none of them is asked for at the API server."""
    watched(monkeypatch, GOOD)
    sim = settled()
    keys = [Key(f"team-{number % 20}", f"churn-{number}") for number in range(100)]
    for number, key in enumerate(keys):
        sim.cluster.put(key, spec_of("1", rollout=QUICK, registry={"aliases": {"champion": f"champion-{number}"}}))
    sim._tick = 5.0
    sim.until(lambda s: all(md is not None and md.status.phase is Phase.STABLE for md in map(s.cluster.now, keys)))
    sim.run(timedelta(minutes=3))
    sim.restart()
    sim._tick = 1.0
    most, before = 0, calls(sim)
    for _ in range(60):
        sim.tick()
        now = calls(sim)
        asked = now - before
        most = max(most, sum(asked[name] for name in READS))
        before = now
    assert most <= 20, f"{most} reads in a second"
