"""Checks of what a person says of one version: spec.rollout.abort and spec.rollout.promote."""

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.spec.steering import Promote
from podium.api.v1alpha1.status import Phase, Verdict
from podium.core.analysis import guards
from podium.core.facts import Facts
from podium.core.rollout.desired import standing_rejection
from podium.core.rollout.steering import abort_of, promote_of, signed, standing_abort, unanswered
from podium.core.rollout.templates import described, on_trial
from podium.core.rollout.trial_checks import begins, evidence_text, is_last, unopposed, verified
from podium.core.traffic.shares import step_pods, step_text


def aborted(facts: Facts) -> Verdict | None:
    """A person takes the version on trial out of traffic. The only one that answers is kept: see `message`."""
    subject = facts.subject
    abort = abort_of(facts, subject) if subject is not None else None
    if subject is None or abort is None or unanswered(facts) or _is_over(facts):
        return None
    beside = f" with {described(subject.template)}" if on_trial(facts.status) else ""
    message = f"version {subject.version}{beside} is aborted{signed(abort)}"
    return Verdict(reason=reasons.ABORTED, message=message)


def _is_over(facts: Facts) -> bool:
    """Whether nothing is left of the trial: a soak without a former champion."""
    return facts.status.phase is Phase.SOAKING and facts.fallback is None


def kept_out(facts: Facts) -> Verdict | None:
    """The desired version is aborted, and neither on trial nor rejected."""
    abort = standing_abort(facts)
    if abort is None or facts.status.suspected is not None or standing_rejection(facts) is not None:
        return None
    return Verdict(reason=reasons.ABORTED, message=f"version {abort.version} is aborted{signed(abort)}")


def testing_skipped(facts: Facts) -> Verdict | None:
    """Its pods are ready and verified, and a person ends the testers' time."""
    trial, said = facts.status.trial, promote_of(facts)
    if trial is None or said is None or unopposed(facts):
        return None
    step = trial.steps[0]
    if not verified(facts, step_pods(step, facts.spec)):
        return None
    message = f"ready, and the testers' time is skipped{signed(said)}; {begins(step, facts.spec)}"
    return Verdict(reason=reasons.STEP_SKIPPED, message=message)


def step_skipped(facts: Facts) -> Verdict | None:
    """A person ends the step, and another one follows."""
    trial, said = facts.status.trial, _may_skip(facts)
    if trial is None or said is None or is_last(facts):
        return None
    following = step_text(trial.steps[trial.step + 1], facts.spec)
    message = f"step {trial.step + 1} of {len(trial.steps)} is skipped{signed(said)}; {following} is next"
    return Verdict(reason=reasons.STEP_SKIPPED, message=f"{message}; {evidence_text(facts)}")


def steps_skipped(facts: Facts) -> Verdict | None:
    """A person ends the last step, or all that are left."""
    trial, said = facts.status.trial, _may_skip(facts)
    if trial is None or said is None or not (said.full or is_last(facts)):
        return None
    first, last = trial.step + 1, len(trial.steps)
    what = f"step {last} of {last} is" if first == last else f"steps {first} to {last} of {last} are"
    return Verdict(reason=reasons.STEP_SKIPPED, message=f"{what} skipped{signed(said)}; {evidence_text(facts)}")


def _may_skip(facts: Facts) -> Promote | None:
    """What ends the present step; None where nothing does, and never over a guard that is Failed."""
    trial, said = facts.status.trial, promote_of(facts)
    if trial is None or said is None or any(judged.state == "Failed" for judged in guards.judged(facts)):
        return None
    return said if said.full or trial.step < (said.skip_steps or 0) else None
