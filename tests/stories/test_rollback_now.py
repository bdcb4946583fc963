"""`podium rollback --now` as YAML: the champion before is named, no pause is, and promote lets it skip its steps."""

from typing import Any

import pytest

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.spec.spec import Spec
from podium.api.v1alpha1.status import Phase
from podium.errors import Unavailable
from podium.simulation.world.world import World
from tests.stories.simulator import NO_POD, SECOND, Simulation, spec_of

SLOW: dict[str, Any] = {"steps": [{"weight": 10, "duration": "1h"}, {"weight": 50, "duration": "1h"}], "soak": "10s"}
NOW = {"version": "1", "full": True, "by": "alice", "reason": "orders are wrong"}
LOUD: dict[str, Any] = {"replicas": 2, "env": [{"name": "LEVEL", "value": "debug"}]}
SOON = 20 * SECOND  # pods need a few seconds to start


def spec(version: str, promote: dict[str, Any] | None = None, **parts: Any) -> Spec:
    rollout = {**SLOW, **({"promote": promote} if promote else {})}
    return spec_of(version, **{"serving": {"replicas": 2}, "rollout": rollout, **parts})


def second_champion() -> Simulation:
    """Version 2 is champion, and nothing is left of version 1 but the history."""
    sim = Simulation(spec("1"))
    sim.register("1")
    sim.settle("1")
    sim.register("2")
    sim.register("3")
    sim.commit(spec("2", {"version": "2", "full": True}), "version 2")
    sim.settle("2")
    sim.commit(spec("2"), "nothing left over")
    sim.run(3 * SECOND)
    return sim


def returned(sim: World) -> bool:
    return sim.champion() == "1" and sim.weights == {"a": 100, "b": 0}


def test_the_champion_before_has_all_traffic_once_its_pods_are_ready() -> None:
    sim = second_champion()
    sim.commit(spec("1", NOW), "rollback --now")
    sim.until(returned, within=SOON)
    assert NO_POD not in sim.clients.failed


@pytest.mark.parametrize("phase", [Phase.STARTING, Phase.CANARY])
def test_a_version_on_trial_loses_its_traffic_first(phase: Phase) -> None:
    sim = second_champion()
    sim.commit(spec("3"), "version 3")
    sim.reach(phase, at_once=True)
    sim.commit(spec("1", NOW), "rollback --now")
    sim.until(returned, within=SOON)
    assert sim.status.rejected == []


def test_while_the_former_champion_is_warm_the_traffic_is_back_in_a_moment() -> None:
    sim = Simulation(spec("1"))
    sim.register("1")
    sim.settle("1")
    sim.register("2")
    sim.commit(spec("2", {"version": "2", "full": True}), "version 2")
    sim.reach(Phase.SOAKING, at_once=True)
    sim.run(SECOND)
    sim.commit(spec("1", NOW), "rollback --now")
    sim.until(returned, within=2 * SECOND)


def test_neither_a_registry_that_is_down_nor_a_champion_that_fails_holds_it() -> None:
    """The third version found a shared outage by the champion's own failures, for which its trial would wait."""
    sim = second_champion()
    sim.commit(spec("3", {"version": "3", "skipSteps": 1}), "version 3")
    sim.reach(Phase.CANARY, at_once=True)
    for version in "23":
        sim.behaviour(version).bad_share = 1.0
    sim.until(lambda s: s.status.shared_outage is not None or s.status.suspected is not None)
    sim.registry.failure = Unavailable("MLflow does not answer", reason=reasons.REGISTRY_UNREACHABLE)
    sim.commit(spec("1", NOW), "rollback --now")
    sim.until(returned, within=SOON)


def test_a_pod_template_that_no_one_has_tried_holds_it_only_without_the_word() -> None:
    sim = second_champion()
    sim.commit(spec("1", serving=LOUD), "back to version 1, with another template")
    sim.reach(Phase.CANARY, at_once=True)
    sim.run(60 * SECOND)
    assert sim.champion() == "2", "it has steps"
    sim.commit(spec("1", NOW, serving=LOUD), "rollback --now")
    sim.until(returned, within=SOON)
    assert "skipped by alice: orders are wrong" in sim.status.history[-1].message


def test_a_failed_guard_holds_it_all_the_same() -> None:
    sim = second_champion()
    sim.commit(spec("1", serving=LOUD), "back to version 1, with another template")
    sim.reach(Phase.CANARY, at_once=True)
    sim.behaviour("1").bad_share = 0.5
    sim.commit(spec("1", NOW, serving=LOUD, paused=True), "rollback --now, and paused")
    sim.run(20 * SECOND)
    sim.commit(spec("1", NOW, serving=LOUD), "rollback --now")
    sim.run(60 * SECOND)
    assert sim.champion() == "2"
