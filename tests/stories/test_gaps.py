"""A status that has lost a part, as after a restore from a backup: nothing is stuck, and the champion serves."""

from typing import Any

import pytest

from podium.api.v1alpha1.status import Phase
from tests.stories.simulator import SECOND, Simulation, spec_of

QUICK = {"steps": [{"weight": 50, "duration": "10s"}], "soak": "30s"}


def in_phase(phase: Phase, bad_share: float = 0.0) -> Simulation:
    """Version 1 is champion, and version 2 is in this phase."""
    sim = Simulation(spec_of("1", rollout=QUICK))
    sim.register("1")
    sim.settle("1")
    sim.register("2")
    sim.commit(spec_of("2", rollout=QUICK), "version 2")
    sim.reach(phase)
    sim.behaviour("2").bad_share = bad_share
    return sim


def lose(sim: Simulation, **parts: Any) -> None:
    stored = sim.cluster._stored[sim.md().key]
    stored.status = stored.status.model_copy(update=parts)


@pytest.mark.parametrize("part", ["trial", "challenger"])
@pytest.mark.parametrize("phase", [Phase.STARTING, Phase.CANARY])
def test_a_trial_that_lost_a_part_begins_again(phase: Phase, part: str) -> None:
    sim = in_phase(phase)
    lose(sim, **{part: None})
    sim.settle("2")


@pytest.mark.parametrize("part", ["trial", "challenger"])
def test_a_bad_version_whose_trial_lost_a_part_is_rejected(part: str) -> None:
    """It kept its traffic, and every reconcile failed."""
    sim = in_phase(Phase.CANARY, bad_share=0.9)
    lose(sim, **{part: None})
    sim.reach(Phase.REJECTED)
    assert sim.champion() == "1"


def test_a_soak_that_lost_its_trial_ends() -> None:
    sim = in_phase(Phase.SOAKING)
    lose(sim, trial=None)
    sim.settle("2")


def test_a_soak_that_lost_its_champion_goes_back_to_the_former_one_and_tries_again() -> None:
    sim = in_phase(Phase.SOAKING, bad_share=0.9)
    lose(sim, champion=None)
    sim.run(5 * SECOND)
    assert sim.champion() == "1"
    sim.until(lambda s: bool(s.status.rejected), within=120 * SECOND)
    assert sim.champion() == "1"
