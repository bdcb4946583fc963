"""The criteria that move a rollout: each `Facts -> Verdict | None`, each about one thing.

A check that returns a verdict gives the reason (a constant of `podium.api.v1alpha1.reasons`) and a message that a
person can act on. Which check runs in which phase, and in which order, is in `podium.core.rollout.transitions`.
"""

from collections.abc import Callable
from datetime import timedelta

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.status import Verdict
from podium.api.v1alpha1.values.base import format_duration
from podium.core import gates
from podium.core.analysis import guards
from podium.core.analysis.measures import ERRORS
from podium.core.analysis.shared_outage import NOT_REJECTED
from podium.core.facts import ALL, Facts
from podium.core.fingerprints import terms_hash
from podium.core.rollout.desired import (
    desired_version,
    former_champion,
    is_desired,
    resolve_desired,
    standing_rejection,
)
from podium.core.rollout.hindrances import hindrances
from podium.core.traffic.draining import drained
from podium.core.traffic.shares import share_pods

Check = Callable[[Facts], Verdict | None]

# --- desired version --------------------------------------------------------------------------------------------------


def challenger_found(facts: Facts) -> Verdict | None:
    version, champion = resolve_desired(facts), facts.status.champion
    if version is None or facts.observed.alias_conflict is not None or standing_rejection(facts) is not None:
        return None
    if champion is not None and is_desired(facts, champion):
        return None
    if facts.status.shared_outage is not None:
        return None  # the champion has to recover before a version is tried beside it
    return Verdict(
        reason=reasons.CHALLENGER_FOUND,
        message=f"spec.model selects version {version.version} of {facts.spec.model.name}",
    )


def known_rejected(facts: Facts) -> Verdict | None:
    found = standing_rejection(facts)
    if found is None or (facts.status.champion is not None and is_desired(facts, facts.status.champion)):
        return None
    message = f"version {found.version} stays rejected: {found.message}"
    return Verdict(reason=reasons.VERSION_REJECTED, message=message)


def already_champion(facts: Facts) -> Verdict | None:
    champion = facts.status.champion
    if champion is None or not is_desired(facts, champion):
        return None
    return Verdict(reason=reasons.STABLE, message=f"version {champion.version} is champion already")


def superseded(facts: Facts) -> Verdict | None:
    subject, version = facts.subject, desired_version(facts) or "another one"
    if subject is None or is_desired(facts, subject) is not False:
        return None
    if facts.serves_alone and facts.observed.slot(subject.slot).ready(subject):
        return None  # it is promoted first: to give it up would stop the only version that answers
    now, then = f"version {version}", subject.version
    if not facts.of_source(subject):
        now, then = f"{now} of {facts.spec.model.name}", f"{then} of {subject.model}"
    return Verdict(reason=reasons.SUPERSEDED, message=f"spec.model selects {now} now, not {then}")


def artifacts_changed(facts: Facts) -> Verdict | None:
    """Before a pod was started, a version whose artifacts changed is pinned again."""
    version, subject = facts.observed.registry.desired, facts.subject
    if version is None or subject is None or version.digest == subject.digest:
        return None
    return Verdict(reason=reasons.ARTIFACTS_CHANGED, message=f"the artifacts of version {version.version} have changed")


def terms_changed(facts: Facts) -> Verdict | None:
    trial = facts.status.trial
    if trial is None or trial.terms_hash == terms_hash(facts.spec):
        return None
    return Verdict(
        reason=reasons.TERMS_CHANGED, message="gates, steps or guards changed in the spec: the trial restarts"
    )


# --- gates ------------------------------------------------------------------------------------------------------------


def previously_promoted(facts: Facts) -> Verdict | None:
    subject = facts.subject
    if subject is None or former_champion(facts, subject) is None:
        return None
    message = f"version {subject.version} was champion before with the same digest: it skips gates and steps"
    return Verdict(reason=reasons.PREVIOUSLY_PROMOTED, message=message)


def gate_failed(facts: Facts) -> Verdict | None:
    version = facts.observed.registry.desired
    problems = gates.messages("Failed", facts, version) if version is not None else []
    return Verdict(reason=reasons.GATES_FAILED, message="; ".join(problems)) if problems else None


def gates_pending(facts: Facts) -> Verdict | None:
    """No gate fails, and some wait for a person, a pod, a service or time."""
    version = facts.observed.registry.desired
    if version is None or gate_failed(facts) is not None:
        return None
    waiting = gates.messages("Pending", facts, version)
    return Verdict(reason=reasons.GATES_PENDING, message="; ".join(waiting)) if waiting else None


def gates_passed(facts: Facts) -> Verdict | None:
    version = facts.observed.registry.desired
    if version is None or any(checked.state != "Passed" for checked in gates.check(facts, version)):
        return None
    names = ", ".join(gate.name for gate in facts.spec.gates)
    return Verdict(
        reason=reasons.GATES_PASSED, message=f"all gates passed: {names}" if names else "the spec has no gates"
    )


# --- progress ---------------------------------------------------------------------------------------------------------


def startup_timeout(facts: Facts) -> Verdict | None:
    """Too few pods were verified for too long. A pause, in which they all are, is no part of it, however long."""
    limit, subject, trial = facts.spec.rollout.startup_timeout, facts.subject, facts.status.trial
    if subject is None or trial is None or trial.starting_since is None or facts.now - trial.starting_since < limit:
        return None
    why = hindrances(facts, subject)
    message = f"version {subject.version} was not ready within {format_duration(limit)} (startupTimeout)"
    return Verdict(reason=reasons.STARTUP_TIMEOUT, message=": ".join([message, *why[:3]]), rejects=True)


def _verified(facts: Facts, pods: int) -> bool:
    subject = facts.subject
    return subject is not None and facts.observed.slot(subject.slot).verified(subject) >= pods


def _unopposed(facts: Facts) -> bool:
    """A former champion, which is trusted, or the first version, which has no champion to be tried against."""
    trial = facts.status.trial
    return facts.fallback is None or (trial is not None and trial.previously_promoted)


def ready_without_trial(facts: Facts) -> Verdict | None:
    """Ready for all traffic at once."""
    if not _unopposed(facts) or not _verified(facts, facts.spec.serving.size):
        return None
    return Verdict(reason=reasons.CHALLENGER_READY, message="ready; moving all traffic to it")


def challenger_ready(facts: Facts) -> Verdict | None:
    trial = facts.status.trial
    if trial is None or _unopposed(facts):
        return None
    weight = trial.steps[0].weight
    if not _verified(facts, share_pods(weight, facts.spec)) or _in_phase(facts) < testing(facts):
        return None
    return Verdict(reason=reasons.CHALLENGER_READY, message=f"ready; moving {weight} % of the traffic to it")


def guard_failed(facts: Facts) -> Verdict | None:
    trial = facts.status.trial
    if trial is None or facts.fallback is None:
        return None  # without a version to return to, a verdict would only take the service down
    broken = [judged for judged in guards.judge(trial) if judged.state == "Failed"]
    if not broken:
        return None
    message = "; ".join(judged.message for judged in broken)
    if all(judged.everywhere for judged in broken):
        message = f"{message}; champion {facts.fallback.version} fails the same guard; {NOT_REJECTED}"
        return Verdict(reason=reasons.SHARED_OUTAGE, message=message)
    return Verdict(reason=reasons.GUARD_FAILED, message=message, rejects=True)


def step_passed(facts: Facts) -> Verdict | None:
    trial = facts.status.trial
    if trial is None or _is_last(facts) or not _held(facts):
        return None
    if not _exposed(facts) and not _inconclusive_passes(facts):
        return None
    message = f"step {trial.step + 1} of {len(trial.steps)} passed, {trial.steps[trial.step + 1].weight} % is next"
    return Verdict(reason=reasons.STEP_PASSED, message=f"{message}; {_evidence(facts)}")


def last_step_passed(facts: Facts) -> Verdict | None:
    trial = facts.status.trial
    if trial is None or not _is_last(facts) or not _held(facts):
        return None
    if any(judged.state != "Passed" for judged in guards.judge(trial)) and not _inconclusive_passes(facts):
        return None
    message = f"all {len(trial.steps)} steps passed; {_evidence(facts)}"
    return Verdict(reason=reasons.STEPS_PASSED, message=message)


def evidence_timeout(facts: Facts) -> Verdict | None:
    trial = facts.status.trial
    if trial is None or trial.on_inconclusive != "RollBack" or not _out_of_patience(facts):
        return None
    waited = format_duration(trial.step_timeout)
    message = f"no verdict within {waited} (stepTimeout), too little traffic; {_evidence(facts)}"
    return Verdict(reason=reasons.EVIDENCE_TIMEOUT, message=message, rejects=True)


def promoted(facts: Facts) -> Verdict | None:
    subject, traffic = facts.subject, facts.observed.traffic
    if subject is None or not traffic.in_sync or traffic.desired.get(subject.slot, 0) != ALL:
        return None
    return Verdict(reason=reasons.PROMOTED, message=f"version {subject.version} is champion and has all the traffic")


def soak_passed(facts: Facts) -> Verdict | None:
    trial, former = facts.status.trial, facts.status.former
    if former is None:
        return Verdict(reason=reasons.SOAK_PASSED, message="no former champion to keep warm")
    if trial is None or _in_phase(facts) < trial.soak or not drained(facts, former.slot):
        return None
    message = f"soaked for {format_duration(trial.soak)} without a failed guard; {_evidence(facts)}"
    return Verdict(reason=reasons.SOAK_PASSED, message=message)


def rolled_back(facts: Facts) -> Verdict | None:
    champion, challenger = facts.status.champion, facts.status.challenger
    if challenger is None:
        return Verdict(reason=reasons.ROLLED_BACK, message="no challenger to roll back")
    world = facts.observed
    if champion is None:
        gone = world.slot(challenger.slot).replicas == 0
        message = f"version {challenger.version} is stopped; there was no champion before it"
        return Verdict(reason=reasons.ROLLED_BACK, message=message) if gone else None
    back = world.traffic.desired.get(champion.slot) == ALL
    if not back or not drained(facts, challenger.slot):
        return None
    return Verdict(reason=reasons.ROLLED_BACK, message=f"version {champion.version} has all the traffic")


def rejection_rolled_back(facts: Facts) -> Verdict | None:
    trial, challenger = facts.status.trial, facts.status.challenger
    lost, back = trial.verdict if trial is not None else None, rolled_back(facts)
    if back is None or lost is None or challenger is None or not lost.rejects:
        return None
    message = f"version {challenger.version} is rejected: {lost.message}; {back.message}"
    return Verdict(reason=reasons.VERSION_REJECTED, message=message)


def testing(facts: Facts) -> timedelta:
    """The minimum time for which only testers reach the challenger."""
    preview = facts.spec.traffic.preview
    return preview.duration if preview is not None else timedelta(0)


# --- time and evidence ------------------------------------------------------------------------------------------------


def _in_phase(facts: Facts) -> timedelta:
    return facts.now - (facts.status.phase_since or facts.now)


def _is_last(facts: Facts) -> bool:
    trial = facts.status.trial
    return trial is not None and trial.step == len(trial.steps) - 1


def _held(facts: Facts) -> bool:
    """The traffic has had the step's weight for the step's duration."""
    trial = facts.status.trial
    if trial is None or trial.weight_reached_at is None:
        return False
    return facts.now - trial.weight_reached_at >= trial.steps[trial.step].duration


def _exposed(facts: Facts) -> bool:
    """There are enough answers that a bad version would have been detected."""
    trial = facts.status.trial
    assert trial is not None
    return all(judged.exposed for judged in guards.judge(trial))


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


def _evidence(facts: Facts) -> str:
    trial = facts.status.trial
    counts = trial.evidence.measured(ERRORS.name).challenger if trial else None
    return f"{counts.answers} answers, {counts.bad} bad" if counts else "no answers"
