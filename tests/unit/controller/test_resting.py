"""When what rests is looked at by hints, and when afresh: the details that no story tells apart."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from podium.api.v1alpha1.status import Phase
from podium.controller.resting import AGAIN
from podium.core.facts import Key
from podium.simulation.world.hints import FakeHints, Watching
from podium.simulation.world.policies import EVERYTHING
from podium.simulation.world.view import KEY
from podium.simulation.world.world import World, end_worlds
from tests.stories.simulator import SECOND, Simulation, spec_of


@pytest.fixture
def sim(monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulation]:
    monkeypatch.setattr(World, "watching", Watching())
    world = Simulation(spec_of("1", serving={"replicas": 2}))
    world.register("1")
    world.settle("1")
    world.run(timedelta(minutes=2))
    yield world
    end_worlds()


def hints(sim: Simulation) -> FakeHints:
    found = sim.processes[0].hints
    assert found is not None
    return found


def looked_afresh(sim: Simulation, seconds: int = 2) -> bool:
    """Whether news of it made the operator read it afresh."""
    before = sim.processes[0].calls["cluster.get"]
    sim.processes[0].operator.changed(KEY)
    sim.run(seconds * SECOND)
    return sim.processes[0].calls["cluster.get"] > before


def permitted(sim: Simulation) -> str:
    return next(each.status for each in sim.status.conditions if each.type == "Permitted")


def test_what_rests_is_looked_at_without_a_request(sim: Simulation) -> None:
    asked = sim.processes[0].calls["pod_metrics.ask"]
    assert not looked_afresh(sim)
    assert sim.processes[0].calls["pod_metrics.ask"] == asked


def test_an_hour_passes_between_two_looks_and_its_pods_are_asked_again(sim: Simulation) -> None:
    sim._tick = 10.0
    before = sim.processes[0].calls.copy()
    sim.run(timedelta(seconds=AGAIN + 120))
    asked = sim.processes[0].calls - before
    assert asked["cluster.get"] == 0
    assert 1 <= asked["pod_metrics.ask"] <= 3


def test_a_pod_of_which_kubelet_says_something_else_is_asked_again(sim: Simulation) -> None:
    known, slot = hints(sim)._known, ("slots", KEY)
    first, *others = known[slot]["a"].pods
    changed = replace(first, ip="10.0.0.99")
    known[slot] = {**known[slot], "a": replace(known[slot]["a"], pods=(changed, *others))}
    asked = sim.processes[0].calls["pod_metrics.ask"]
    looked_afresh(sim)
    assert sim.processes[0].calls["pod_metrics.ask"] > asked


def test_a_hint_older_than_what_was_read_is_read_again(sim: Simulation) -> None:
    known = hints(sim)._known
    old = known["md", KEY]
    sim.commit(spec_of("1", serving={"replicas": 3}))
    sim.run(timedelta(minutes=2))
    known["md", KEY] = old
    assert looked_afresh(sim)


@pytest.mark.parametrize("what", ["flaw", "deleting", "unreadable"])
def test_what_is_not_sound_is_read_afresh(sim: Simulation, what: str) -> None:
    known = hints(sim)._known
    known["md", KEY] = replace(known["md", KEY], **{what: "a flaw" if what == "flaw" else True})
    assert looked_afresh(sim)


def test_what_the_watches_do_not_know_is_read_afresh(sim: Simulation) -> None:
    del hints(sim)._known["traffic", KEY]
    assert looked_afresh(sim)


def test_what_the_watches_say_is_gone_is_read_afresh(sim: Simulation) -> None:
    hints(sim)._known["md", KEY] = None
    assert looked_afresh(sim)
    assert sim.status.phase is Phase.STABLE


def test_an_alias_that_another_one_claims_is_verified_afresh(sim: Simulation) -> None:
    sim.cluster.put(Key("ml", "a-later-one"), spec_of("1"))
    sim.run(timedelta(minutes=1))
    later = Key("ml", "a-later-one")
    before = sim.processes[0].calls["cluster.get"]
    sim.processes[0].operator.changed(later)
    sim.run(2 * SECOND)
    assert sim.processes[0].calls["cluster.get"] > before


def test_what_no_policy_grants_rests_too_and_hears_of_a_policy_that_does(sim: Simulation) -> None:
    sim.policies.delete()
    sim.run(timedelta(minutes=2))
    assert permitted(sim) == "False"
    assert not looked_afresh(sim)
    sim.policies.apply("everything", **EVERYTHING)
    sim.run(timedelta(minutes=1))
    assert permitted(sim) == "True"


def test_a_restarted_operator_writes_nothing_of_what_rests(sim: Simulation) -> None:
    writes = len(sim.cluster.writes)
    sim.restart()
    sim.run(timedelta(minutes=2))
    assert len(sim.cluster.writes) == writes
    assert sim.processes[0].calls["cluster.slots"] == 0


def test_one_whose_model_is_missing_is_not_told_anything_else_by_a_restart(sim: Simulation) -> None:
    """It said that the registry was being asked, and then again that the model is missing."""
    missing = Key("ml", "missing")
    spec = spec_of("1", registry={"aliases": {"champion": "of-missing"}})
    sim.cluster.put(missing, spec.model_copy(update={"model": spec.model.model_copy(update={"name": "none"})}))
    sim.run(timedelta(minutes=2))
    writes = len(sim.cluster.writes)
    sim.restart()
    sim.run(timedelta(minutes=2))
    assert len(sim.cluster.writes) == writes
