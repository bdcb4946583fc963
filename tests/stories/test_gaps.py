"""A status that has lost a part, as after a restore from a backup: nothing is stuck, and the champion serves."""

from collections.abc import Callable
from datetime import datetime
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


def empty(sim: Simulation) -> None:
    sim.cluster.empty_status(sim.md().key)


def trial_is_lost(sim: Simulation) -> None:
    lose(sim, trial=None)


@pytest.mark.parametrize("harm", [empty, trial_is_lost])
def test_a_soak_of_which_the_record_is_lost_lasts_for_its_full_time_again(harm: Callable[[Simulation], None]) -> None:
    """It ended at once, and the former champion was stopped."""
    sim = in_phase(Phase.SOAKING)
    sim.run(20 * SECOND)
    harm(sim)
    sim.run(SECOND)
    assert (sim.champion(), sim.status.phase) == ("2", Phase.SOAKING)
    assert "version 1 stays warm until" in sim.status.message
    sim.until(lambda s: s.status.phase is not Phase.SOAKING, within=40 * SECOND)
    assert sim.status.phase is Phase.STABLE
    assert sim.now - lost_at(sim) >= 30 * SECOND
    assert sim.champion() == "2"


def lost_at(sim: Simulation) -> datetime:
    """When the soak began again."""
    return max(status.phase_since for _, status in sim.statuses if status.phase is Phase.SOAKING and status.phase_since)


@pytest.mark.parametrize("harm", [empty, trial_is_lost])
def test_a_version_that_turns_bad_in_a_soak_of_which_the_record_was_lost_gives_way_to_the_former_champion(
    harm: Callable[[Simulation], None],
) -> None:
    sim = in_phase(Phase.SOAKING)
    sim.run(20 * SECOND)
    harm(sim)
    sim.run(5 * SECOND)
    sim.behaviour("2").bad_share = 0.5
    sim.reach(Phase.REJECTED)
    assert sim.champion() == "1"


def test_the_former_champion_is_not_stopped_while_it_is_not_known_which_version_is_champion() -> None:
    """Its pods could not be scraped when the status was read. It was stopped, and version 2 started once more."""
    sim = in_phase(Phase.SOAKING)
    sim.pod_metrics.unreachable = True
    empty(sim)
    sim.run(10 * SECOND)
    assert [sim.runs(slot).version for slot in ("a", "b") if sim.size(slot)] == ["1", "2"]  # type: ignore[union-attr]
    assert "becomes champion once its pods say which one it is" in sim.status.message
    sim.pod_metrics.unreachable = False
    sim.run(SECOND)
    assert (sim.champion(), sim.status.phase) == ("2", Phase.SOAKING)
    sim.settle("2")


def test_a_soak_that_lost_its_champion_goes_back_to_the_former_one_and_tries_again() -> None:
    sim = in_phase(Phase.SOAKING, bad_share=0.9)
    lose(sim, champion=None)
    sim.run(5 * SECOND)
    assert sim.champion() == "1"
    sim.until(lambda s: bool(s.status.rejected), within=120 * SECOND)
    assert sim.champion() == "1"
