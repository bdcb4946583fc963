"""What a person says of a version, on facts that whole rollouts seldom meet."""

from dataclasses import replace
from typing import Any

import pytest

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.status import Condition, Phase, PodTemplate, Status, Verdict
from podium.core.facts import Facts, ObservedState, PodState, SlotState, TrafficState
from podium.core.identity import Identity
from podium.core.rollout import steering_checks
from podium.core.rollout.lifecycle import take_step
from podium.core.rollout.steering import promote_of, standing_abort
from podium.core.rollout.steering_checks import aborted, kept_out, step_skipped
from podium.core.rollout.version_checks import challenger_found
from podium.core.status.messages import message
from tests.unit.core.factories import NOW, facts, pinned
from tests.unit.core.test_plan import TRIAL

OLD, NEW = pinned("1", "a"), pinned("2", "b").model_copy(update={"model": "churn"})
ABORT: dict[str, Any] = {"abort": {"version": "2"}}
FULL: dict[str, Any] = {"promote": {"version": "2", "full": True}}


def on_trial(phase: Phase, rollout: dict[str, Any], **parts: Any) -> Facts:
    status = Status(phase=phase, phase_since=NOW, champion=OLD, challenger=NEW, trial=TRIAL)
    return facts(status=status, rollout=rollout, **parts)


def serving(version: str) -> ObservedState:
    """One pod of this version has all the traffic."""
    slot = SlotState(
        pods=(PodState("u", "pod-u", version, ready=True, identity=Identity(version, f"sha256:{version}")),)
    )
    return ObservedState(slots={"b": slot}, traffic=TrafficState(desired={"a": 0, "b": 100}))


def test_a_first_version_that_answers_is_kept_and_one_that_does_not_is_not() -> None:
    alone = facts(phase=Phase.PROMOTING, challenger=NEW, world=serving("2"), rollout=ABORT)
    assert aborted(alone) is None
    assert aborted(replace(alone, observed=ObservedState())) is not None


def test_a_soak_without_a_former_champion_is_over() -> None:
    status = Status(phase=Phase.SOAKING, champion=NEW, trial=TRIAL)
    assert aborted(facts(status=status, rollout=ABORT)) is None


@pytest.mark.parametrize(
    ("abort", "found"),
    [
        ({"version": "2"}, True),
        ({"version": "2", "model": "churn"}, True),
        ({"version": "2", "model": "fraud"}, False),
        ({"version": "2", "template": "abc"}, False),
        ({"version": "3"}, False),
    ],
)
def test_the_desired_version_waits_where_its_abort_is_about_it(abort: dict[str, Any], found: bool) -> None:
    known = facts(champion=OLD, rollout={"abort": abort})
    assert (standing_abort(known) is not None) is found
    assert (kept_out(known) is not None) is found
    if found:
        assert challenger_found(known) is None


def test_a_template_without_a_revision_is_aborted_by_none() -> None:
    """Pods of an older Podium say nothing of theirs."""
    status = Status(phase=Phase.CANARY, champion=OLD, challenger=pinned("1", "b"), trial=TRIAL)
    for abort in ({"version": "1"}, {"version": "1", "template": "abc"}):
        assert aborted(facts(version="1", status=status, rollout={"abort": abort})) is None
    named = pinned("1", "b").model_copy(update={"template": PodTemplate(revision="abc", spec_hash="")})
    again = status.model_copy(update={"challenger": named})
    assert aborted(facts(version="1", status=again, rollout={"abort": {"version": "1", "template": "abc"}})) is not None


def test_the_message_stays_while_it_is_not_known_which_version_is_desired() -> None:
    stalled = Condition(
        type="Stalled", status="True", reason="Aborted", message="", observed_generation=1, last_transition_time=NOW
    )
    status = Status(phase=Phase.ABORTED, champion=OLD, message="version 2 is aborted", conditions=[stalled])
    assert message(facts(status=status, version="3")) == "version 2 is aborted"


def test_a_promotion_of_another_model_or_version_or_trial_lets_nothing_be_skipped() -> None:
    assert promote_of(on_trial(Phase.CANARY, FULL)) is not None
    for other in ({"model": "fraud"}, {"version": "3"}, {"trialStartedAt": "2020-01-01T00:00:00Z"}):
        assert promote_of(on_trial(Phase.CANARY, {"promote": {**FULL["promote"], **other}})) is None


def test_testers_keep_their_time_until_pods_are_verified() -> None:
    found = on_trial(Phase.STARTING, FULL)
    assert steering_checks.testing_skipped(found) is None
    assert steering_checks.testing_skipped(replace(found, observed=serving("2"))) is not None


def test_a_step_that_ended_by_itself_is_not_written_down_as_skipped() -> None:
    found = on_trial(Phase.STARTING, FULL)
    for reason, steps in ((reasons.CHALLENGER_READY, None), (reasons.STEP_SKIPPED, [0])):
        trial = take_step(found, Verdict(reason=reason, message="")).trial
        assert trial is not None
        assert (trial.skipped.steps if trial.skipped is not None else None) == steps


def test_without_a_word_nothing_is_skipped() -> None:
    assert step_skipped(on_trial(Phase.CANARY, {})) is None
