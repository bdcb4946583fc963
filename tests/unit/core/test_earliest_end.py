"""When a trial can be over at the earliest, as the fleet says it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from podium.api.v1alpha1.status import Phase
from podium.core.status.explained import Explanation, TrialProgress
from podium.core.status.explanation import explanation
from podium.core.status.summary import summary
from tests.unit.cli.conftest import saved

SECOND = timedelta(seconds=1)


def canary() -> tuple[Explanation, TrialProgress]:
    said = explanation(saved("second_step"))
    assert said.trial is not None
    return said, said.trial


def test_the_present_step_and_all_later_ones_are_still_to_come() -> None:
    said, trial = canary()
    assert trial.weight_reached_at is not None
    later = timedelta(seconds=sum(step.duration for step in trial.ladder[trial.step :]))
    certain = replace(said, guards=[])
    assert certain.earliest_end == trial.weight_reached_at + trial.duration * SECOND + later
    assert summary(saved("second_step")).earliest_end == said.earliest_end


def test_guards_that_need_more_answers_than_the_step_brings_move_it() -> None:
    said, trial = canary()
    guard = said.guards[0]
    slow = replace(guard, criteria=[replace(guard.criteria[0], more_seconds=7200.0)])
    end, observed = replace(said, guards=[slow]).earliest_end, trial.observed_at
    assert observed is not None
    later = timedelta(seconds=sum(step.duration for step in trial.ladder[trial.step :]))
    assert end == observed + 7200 * SECOND + later
    assert replace(said, guards=[slow], trial=replace(trial, observed_at=None)).earliest_end != end


def test_it_is_not_known_before_the_weight_is_in_force_nor_once_the_trial_has_ended_or_is_paused() -> None:
    said, trial = canary()
    assert replace(said, trial=replace(trial, weight_reached_at=None)).earliest_end is None
    assert replace(said, trial=replace(trial, ended="guard errors failed")).earliest_end is None
    assert replace(said, paused=True).earliest_end is None
    assert replace(said, phase=Phase.STARTING).earliest_end is None
    assert replace(said, trial=None).earliest_end is None


def test_a_soak_ends_when_its_time_has_passed_alone() -> None:
    said, trial = canary()
    began = datetime(2026, 1, 5, 10, tzinfo=UTC)
    soaking = replace(said, phase=Phase.SOAKING, trial=replace(trial, soak=60.0, soaking_since=began))
    assert soaking.earliest_end == began + 60 * SECOND
    assert replace(soaking, trial=replace(trial, soaking_since=None)).earliest_end is None


def test_what_cannot_be_read_has_a_name_and_a_problem() -> None:
    broken = saved("second_step")
    broken["status"]["phase"] = "Dancing"
    found = summary(broken)
    assert (found.namespace, found.name, found.ready) == ("ml", "churn", "Unknown")
    assert found.problem.startswith("status.phase: ")
