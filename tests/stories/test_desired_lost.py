"""The desired version cannot be resolved any more: what was decided is written into the registry all the same."""

from datetime import timedelta
from typing import Any

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.status import Phase
from podium.core.status.readiness import condition_of
from tests.stories.simulator import SECOND, Simulation, spec_of

MINUTE = timedelta(minutes=1)
ROLLOUT = {"steps": [{"weight": 50, "duration": "10s"}], "soak": "1m"}


def on_trial(**behaviour: Any) -> Simulation:
    """Version 2, which alias next names, is on trial beside version 1."""
    sim = Simulation(spec_of("1", rollout=ROLLOUT))
    sim.register("1")
    sim.settle("1")
    sim.register("2", **behaviour)
    sim.registry.point("churn", "next", "2")
    sim.commit(spec_of("1", model={"name": "churn", "alias": "next"}, rollout=ROLLOUT))
    sim.reach(Phase.CANARY)
    return sim


def test_the_champion_alias_moves_though_the_desired_alias_was_removed_in_mid_trial() -> None:
    sim = on_trial()
    del sim.registry.models["churn"].aliases["next"]
    sim.run(5 * MINUTE)
    assert sim.champion() == "2"
    assert sim.alias == "2"
    assert sim.registered("2").tags
    said = condition_of(sim.status, "RegistryInSync")
    assert said is not None
    assert (said.status, said.reason) == ("False", reasons.ALIAS_NOT_FOUND)


def test_a_rejection_is_recorded_though_the_desired_alias_was_removed_in_mid_trial() -> None:
    sim = on_trial(bad_share=0.5)
    del sim.registry.models["churn"].aliases["next"]
    sim.run(5 * MINUTE)
    assert sim.champion() == sim.alias == "1"
    assert [lost.version for lost in sim.status.rejected] == ["2"]
    assert sim.registered("2").tags


def test_the_champion_alias_moves_to_a_version_whose_registration_failed_meanwhile() -> None:
    sim = on_trial()
    sim.registered("2").status = "FAILED_REGISTRATION"
    sim.run(5 * MINUTE)
    assert sim.champion() == sim.alias == "2"
    sim.run(5 * SECOND)
    assert sim.registered("2").tags
