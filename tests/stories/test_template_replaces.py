"""Beside a champion without a ready pod, another template takes the slot of the pods that keep the traffic."""

from typing import Any

import pytest

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.spec.spec import Spec
from podium.api.v1alpha1.status import Phase
from podium.simulation.world.pods import Behaviour
from tests.stories.simulator import SECOND, Simulation, spec_of
from tests.stories.test_template_trials import BAD, BETTER, FAILING, GOOD, WITHOUT_IMAGE, serves

ROLLOUT = {
    "steps": [{"weight": 50, "duration": "3s"}],
    "soak": "5s",
    "startupTimeout": "20s",
    "guards": [{"name": "errors", "errorRate": {"atMost": "20%"}}],
}
ROUTERS: list[dict[str, Any]] = [{}, {"gateway": {"name": "public"}}]
DOWN = Behaviour(ready=False)


def desired(image: str, version: str = "1", **given: Any) -> Spec:
    serving = {"replicas": 1, "image": image, "drain": "1s"}
    return spec_of(version, serving=serving, rollout={**ROLLOUT, **given.pop("rollout", {})}, **given)


def settled(traffic: dict[str, Any]) -> Simulation:
    sim = Simulation(desired(GOOD, traffic=traffic))
    sim.register("1")
    sim.settle("1")
    sim.run(3 * SECOND)
    return sim


def lost_alone(traffic: dict[str, Any]) -> Simulation:
    """The champion has no ready pod; its version with a bad template has lost its trial and keeps the traffic."""
    sim = settled(traffic)
    sim.cluster.behave("1", DOWN)
    sim.run(5 * SECOND)
    sim.cluster.behave_image(BAD, FAILING)
    sim.commit(desired(BAD, traffic=traffic))
    sim.until(lambda world: world.status.rejected_template is not None and world.status.phase is Phase.STABLE)
    assert sim.weights["b"] > 0
    return sim


@pytest.mark.parametrize("traffic", ROUTERS)
def test_a_mended_template_begins_at_once_where_the_rejected_one_keeps_the_traffic(traffic: dict[str, Any]) -> None:
    sim = lost_alone(traffic)
    sim.cluster.behave_image(BETTER, Behaviour())
    sim.commit(desired(BETTER, traffic=traffic))
    sim.until(serves(BETTER), within=30 * SECOND)
    assert sim.weights == {"a": 0, "b": 100}


@pytest.mark.parametrize("traffic", ROUTERS)
def test_pods_of_the_rejected_template_prove_nothing_of_the_next_one(traffic: dict[str, Any]) -> None:
    sim = lost_alone(traffic)
    sim.cluster.behave_image(BETTER, WITHOUT_IMAGE)
    sim.commit(desired(BETTER, traffic=traffic))
    sim.reach(Phase.STARTING)
    sim.until(lambda world: world.status.held is not None and world.status.phase is Phase.STABLE)
    assert [entry.reason for entry in sim.status.history[-2:]] == [reasons.GUARD_FAILED, reasons.IMAGE_UNAVAILABLE]
    assert sim.status.champion is not None
    assert sim.status.champion.template is not None
    assert sim.status.champion.template.image == GOOD


@pytest.mark.parametrize("traffic", ROUTERS)
def test_pods_of_the_same_version_prove_nothing_of_another_image(traffic: dict[str, Any]) -> None:
    sim = settled(traffic)
    sim.register("2", bad_share=0.9)
    sim.commit(desired(GOOD, "2", traffic=traffic))
    sim.reach(Phase.CANARY)
    sim.cluster.behave("1", DOWN)
    sim.run(40 * SECOND)
    sim.behaviour("2").bad_share = 0.0
    sim.cluster.behave_image(BETTER, WITHOUT_IMAGE)
    sim.commit(desired(BETTER, "2", traffic=traffic, rollout={"retry": "again"}))
    sim.until(lambda world: world.status.held is not None)
    assert sim.champion() == sim.alias == "1"
