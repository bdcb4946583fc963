"""What the pods are made from: a commit's image is on trial with its version, and does not reach the way back."""

import pytest

from podium.api.v1alpha1.evidence import Slot
from podium.api.v1alpha1.spec.spec import Spec
from podium.api.v1alpha1.status import Phase
from podium.core.facts import SlotState
from podium.simulation.world.view import KEY
from tests.stories.simulator import SECOND, Simulation, spec_of

QUICK = {"steps": [{"weight": 50, "duration": "5s"}], "soak": "10s"}
GOOD, BROKEN = "registry.test/runtime:1", "registry.test/runtmie:1"


def commit(version: str, image: str, replicas: int = 2) -> Spec:
    return spec_of(version, serving={"image": image, "replicas": replicas}, rollout=QUICK)


def settled() -> Simulation:
    """Version 1 is champion, of the good image."""
    sim = Simulation(commit("1", GOOD))
    sim.register("1")
    sim.reach(Phase.STABLE)
    sim.run(3 * SECOND)
    return sim


def slot(sim: Simulation, name: Slot) -> SlotState:
    return sim.cluster.slots_now(sim.md())[name]


def made_of(sim: Simulation, name: Slot, image: str) -> bool:
    """Whether the slot's Deployment is what the spec makes of this image."""
    return image in sim.cluster.template_now(sim.md(), name)


@pytest.mark.parametrize("phase", [Phase.STARTING, Phase.CANARY, Phase.SOAKING])
def test_one_commit_with_a_version_and_an_image_leaves_the_champion_as_it_is(phase: Phase) -> None:
    sim = settled()
    sim.register("2")
    sim.commit(commit("2", BROKEN))
    sim.reach(phase)
    assert made_of(sim, "a", GOOD)
    assert made_of(sim, "b", BROKEN)
    sim.settle("2")
    assert made_of(sim, "a", GOOD)


def test_a_version_that_is_rejected_with_its_image_leaves_the_champion_as_it_is() -> None:
    sim = settled()
    sim.register("2", ready=False)
    sim.commit(commit("2", BROKEN))
    sim.reach(Phase.REJECTED)
    sim.run(60 * SECOND)
    assert made_of(sim, "a", GOOD)
    assert slot(sim, "a").ready(sim.status.champion) == 2


def test_the_champion_is_scaled_and_healed_with_its_own_pods_while_another_version_is_on_trial() -> None:
    sim = settled()
    sim.register("2", ready=False)
    sim.commit(commit("2", BROKEN))
    sim.reach(Phase.STARTING)
    sim.commit(commit("2", BROKEN, replicas=3))
    sim.cluster.drift(KEY, "a")
    sim.run(10 * SECOND)
    assert slot(sim, "a").replicas == 3
    assert slot(sim, "a").up_to_date
    assert made_of(sim, "a", GOOD)


def test_a_new_operator_leaves_a_champion_as_it_is_until_the_trial_has_ended() -> None:
    sim = settled()
    sim.register("2")
    sim.commit(commit("2", GOOD))
    sim.reach(Phase.CANARY)
    sim.cluster.rendering = "of the next operator"
    sim.restart()
    sim.reach(Phase.SOAKING)
    assert "next operator" not in sim.cluster.template_now(sim.md(), "a")


def test_a_champion_whose_deployment_is_deleted_beside_a_trial_gets_the_pods_that_it_had() -> None:
    sim = settled()
    sim.register("2", ready=False)
    sim.commit(commit("2", BROKEN))
    sim.reach(Phase.STARTING)
    sim.cluster.delete_slot(KEY, "a")
    sim.run(10 * SECOND)
    assert made_of(sim, "a", GOOD)
    assert slot(sim, "a").ready(sim.status.champion) == 2
