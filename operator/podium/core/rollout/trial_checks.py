"""Checks of a trial: whether it is ready to go on, has enough evidence, failed or ended."""

from datetime import timedelta

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.spec.rollout import Step
from podium.api.v1alpha1.spec.spec import Spec
from podium.api.v1alpha1.status import Pinned, Trial, Verdict
from podium.api.v1alpha1.values.base import format_duration
from podium.core.analysis import guards
from podium.core.analysis.measures import ERRORS, ONLY_CHALLENGER_BAD
from podium.core.analysis.shared_outage import NOT_REJECTED
from podium.core.facts import ALL, Facts, Problem
from podium.core.rollout.circumstances import circumstance, held
from podium.core.rollout.hindrances import down, hindrances
from podium.core.rollout.templates import judges_template, on_trial
from podium.core.traffic.draining import drained
from podium.core.traffic.shares import step_pods, step_text

HEARING = timedelta(seconds=15)  # for pods that are late to say why: what still waits for the registry is not rejected


def startup_timeout(facts: Facts) -> Verdict | None:
    """Too few pods were verified for too long. A pause, in which they all are, is no part of it, however long."""
    limit, subject, trial = facts.spec.rollout.startup_timeout, facts.subject, facts.status.trial
    if subject is None or trial is None or trial.starting_since is None:
        return None
    late = facts.now - trial.starting_since - limit
    if late < timedelta(0):
        return None
    message = f"version {subject.version} was not ready within {format_duration(limit)} (startupTimeout)"
    if (found := circumstance(facts, subject)) is not None:
        return held(found, message)
    if late < HEARING and _unheard(facts, subject):
        return None
    why = hindrances(facts, subject)
    return Verdict(reason=reasons.STARTUP_TIMEOUT, message=": ".join([message, *why[:3]]), rejects=True)


def _unheard(facts: Facts, subject: Pinned) -> bool:
    """Whether a pod of the version runs, and could not be asked just now what it does."""
    pods = facts.observed.slot(subject.slot).pods
    return any(pod.made_for(subject) and pod.runs and pod.counters is None for pod in pods)


def verified(facts: Facts, pods: int) -> bool:
    """Whether so many pods of the version on trial are ready, and have proved what they serve."""
    subject = facts.subject
    return subject is not None and facts.observed.slot(subject.slot).verified(subject) >= pods


def unopposed(facts: Facts) -> bool:
    """A former champion with a trusted template, or a version that has no champion to be tried against.

    That is the first one; and the champion's own with another template, where the champion is down.
    """
    trial, fallback = facts.status.trial, facts.fallback
    if fallback is None or (trial is not None and trial.skips_steps):
        return True
    return on_trial(facts.status) and down(facts.observed.slot(fallback.slot), fallback)


def ready_without_trial(facts: Facts) -> Verdict | None:
    """Ready for all traffic at once."""
    if not unopposed(facts) or not verified(facts, facts.spec.serving.size):
        return None
    return Verdict(reason=reasons.CHALLENGER_READY, message="ready; moving all traffic to it")


def challenger_ready(facts: Facts) -> Verdict | None:
    """Its pods are ready and verified, and testers have had their time."""
    trial = facts.status.trial
    if trial is None or unopposed(facts):
        return None
    step = trial.steps[0]
    if not verified(facts, step_pods(step, facts.spec)) or in_phase(facts) < testing(facts):
        return None
    return Verdict(reason=reasons.CHALLENGER_READY, message=f"ready; {begins(step, facts.spec)}")


def begins(step: Step, spec: Spec) -> str:
    """What a trial's first step does."""
    what = "sending copies to it" if step.shadow is not None else "moving traffic to it"
    return f"{what}: {step_text(step, spec)}"


def guard_failed(facts: Facts) -> Verdict | None:
    """A guard is proved to have failed, and there is a version to go back to."""
    trial = facts.status.trial
    if trial is None or facts.fallback is None:
        return None  # without a version to return to, a verdict would only take the service down
    broken = [judged for judged in guards.judged(facts) if judged.state == "Failed"]
    if not broken:
        return None
    message = "; ".join(judged.message for judged in broken)
    if all(judged.everywhere for judged in broken):
        message = f"{message}; champion {facts.fallback.version} fails the same guard; {NOT_REJECTED}"
        return Verdict(reason=reasons.SHARED_OUTAGE, message=message)
    own = any(judged.own for judged in broken) or judges_template(facts.status)  # a template's trial is decided at once
    return Verdict(reason=reasons.GUARD_FAILED, message=message, rejects=own, suspects=not own)


def step_passed(facts: Facts) -> Verdict | None:
    """The step's time has passed, with enough answers to detect a bad version."""
    trial = facts.status.trial
    if trial is None or is_last(facts) or not _held(facts):
        return None
    if not _exposed(facts) and not _inconclusive_passes(facts):
        return None
    following = step_text(trial.steps[trial.step + 1], facts.spec)
    message = f"step {trial.step + 1} of {len(trial.steps)} passed, {following} is next"
    return Verdict(reason=reasons.STEP_PASSED, message=f"{message}; {evidence_text(facts)}")


def last_step_passed(facts: Facts) -> Verdict | None:
    """The last step's time has passed, and every guard has."""
    trial = facts.status.trial
    if trial is None or not is_last(facts) or not _held(facts):
        return None
    if any(judged.state != "Passed" for judged in guards.judging(facts)) and not _inconclusive_passes(facts):
        return None
    message = f"all {len(trial.steps)} steps passed; {evidence_text(facts)}"
    return Verdict(reason=reasons.STEPS_PASSED, message=message)


def evidence_timeout(facts: Facts) -> Verdict | None:
    """There was no verdict in time, and the spec says to roll back then.

    Where there are answers enough, and the weight is in force for too short a time yet, time is all that lacks.
    """
    trial, subject = facts.status.trial, facts.subject
    if trial is None or subject is None or trial.on_inconclusive != "RollBack" or not _out_of_patience(facts):
        return None
    if trial.weight_reached_at is not None and not _held(facts) and _exposed(facts):
        return None
    waited = format_duration(trial.step_timeout)
    if (cause := circumstance(facts, subject) or _mismatch(trial)) is not None:
        return held(cause, f"no verdict within {waited} (stepTimeout)")
    message = f"no verdict within {waited} (stepTimeout), too little traffic; {evidence_text(facts)}"
    return Verdict(reason=reasons.EVIDENCE_TIMEOUT, message=message, rejects=True)


def _mismatch(trial: Trial) -> Problem | None:
    """Why no comparison with the champion is fair."""
    found = trial.evidence.mismatch
    return Problem(reasons.SAMPLE_RATIO_MISMATCH, found) if found else None


def promoted(facts: Facts) -> Verdict | None:
    """All the traffic goes to it."""
    subject, traffic = facts.subject, facts.observed.traffic
    if subject is None or not traffic.in_sync or traffic.desired.get(subject.slot, 0) != ALL:
        return None
    return Verdict(reason=reasons.PROMOTED, message=f"version {subject.version} is champion and has all the traffic")


def soak_passed(facts: Facts) -> Verdict | None:
    """It has served alone for long enough, and could be judged all the time."""
    trial, former = facts.status.trial, facts.status.former
    if former is None:
        return Verdict(reason=reasons.SOAK_PASSED, message="no former champion to keep warm")
    if trial is None or trial.soaking_since is None or facts.now - trial.soaking_since < trial.soak:
        return None
    if not drained(facts, former.slot):
        return None
    message = f"soaked for {format_duration(trial.soak)} without a failed guard; {evidence_text(facts)}"
    return Verdict(reason=reasons.SOAK_PASSED, message=message)


def testing(facts: Facts) -> timedelta:
    """The minimum time for which only testers reach the challenger."""
    preview = facts.spec.traffic.preview
    return preview.duration if preview is not None else timedelta(0)


# --- time and evidence ------------------------------------------------------------------------------------------------


def in_phase(facts: Facts) -> timedelta:
    """How long the phase has lasted."""
    return facts.now - (facts.status.phase_since or facts.now)


def is_last(facts: Facts) -> bool:
    """Whether the trial is at its last step."""
    trial = facts.status.trial
    return trial is not None and trial.step == len(trial.steps) - 1


def _held(facts: Facts) -> bool:
    """The traffic has had the step's weight for the step's duration."""
    trial = facts.status.trial
    if trial is None or trial.weight_reached_at is None:
        return False
    return facts.now - trial.weight_reached_at >= trial.steps[trial.step].duration


def _exposed(facts: Facts) -> bool:
    """There are enough answers that a bad version would have been detected; of pairs, before users, enough to pass."""
    trial, judging = facts.status.trial, guards.judging(facts)
    if trial is not None and goal_of(trial) == "enough":
        return all(judged.state == "Passed" for judged in judging)
    return all(judged.exposed for judged in judging)


def goal_of(trial: Trial) -> guards.Goal:
    """What the step waits for: the last one, and the last one before users get answers, for guards that pass."""
    last = trial.step == len(trial.steps) - 1
    return "enough" if last or (trial.steps[trial.step].shadow is not None and _meets_users(trial)) else "exposed"


def _meets_users(trial: Trial) -> bool:
    return trial.steps[trial.step + 1].shadow is None


def _out_of_patience(facts: Facts) -> bool:
    trial = facts.status.trial
    return (
        trial is not None
        and trial.step_started_at is not None
        and facts.now - trial.step_started_at >= trial.step_timeout
    )


def _inconclusive_passes(facts: Facts) -> bool:
    trial = facts.status.trial
    return trial is not None and trial.on_inconclusive == "Proceed" and _out_of_patience(facts)


def evidence_text(facts: Facts) -> str:
    """What the version on trial has answered so far."""
    trial = facts.status.trial
    if trial is None:
        return "no answers"
    counts, pairs = (trial.evidence.measured(each.name).challenger for each in (ERRORS, ONLY_CHALLENGER_BAD))
    answers = f"{counts.answers} answers, {counts.bad} bad"
    if not pairs.answers:
        return answers
    paired = f"{pairs.answers} pairs, only the challenger bad in {pairs.bad}"
    return f"{answers}; {paired}" if counts.answers else paired
