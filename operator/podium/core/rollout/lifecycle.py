"""What is written when a phase is entered: the status changes as verbs, one for each phase that needs one."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.evidence import Slot
from podium.api.v1alpha1.outage import SharedOutage
from podium.api.v1alpha1.reload import ReloadResult
from podium.api.v1alpha1.skipped import SkippedSteps
from podium.api.v1alpha1.status import (
    Outcome,
    Phase,
    Pinned,
    Status,
    Trial,
    Verdict,
)
from podium.core.analysis import suspicion
from podium.core.analysis.shared_outage import begin
from podium.core.facts import SLOTS, Facts, other_than
from podium.core.rollout import alias, experiment_lifecycle, restored
from podium.core.rollout.circumstances import next_hold
from podium.core.rollout.degraded import former_pinned
from podium.core.rollout.desired import resolve_desired
from podium.core.rollout.experiment_checks import lost_arm
from podium.core.rollout.outcomes import decided, rejected, with_entry, with_evidence
from podium.core.rollout.reload_checks import in_the_free_slot, needs_new_pods
from podium.core.rollout.steering import skipped, skipped_text
from podium.core.rollout.templates import judges_template
from podium.core.rollout.transitions import Move
from podium.core.rollout.trial_terms import new_trial
from podium.core.traffic.draining import losing

Verb = Callable[[Facts, Verdict], Status]


def enter(facts: Facts, move: Move) -> Status:
    """The status after a move."""
    status = VERBS[move.target](facts, move.verdict)
    status = status.model_copy(update={"phase": move.target, "phase_since": facts.now})
    goes_on = losing(replace(facts, status=status)) == losing(facts)
    return status if goes_on else status.model_copy(update={"draining": None})


def pin(facts: Facts, verdict: Verdict) -> Status:
    """Resolve the desired version to version, run and digest, once, and give it the free slot."""
    version, champion = resolve_desired(facts), facts.status.champion
    assert version is not None, verdict
    free: Slot = other_than(champion.slot) if champion is not None else SLOTS[0]
    challenger = Pinned(
        registry=facts.observed.registry.uri,
        model=facts.spec.model.name,
        login=facts.spec.registry.secret_name,
        version=version.version,
        digest=version.digest,
        slot=free,
    )
    update = {"challenger": challenger, "trial": None, "weight": None, **experiment_lifecycle.begun(facts)}
    return facts.status.model_copy(update=update)


def begin_trial(facts: Facts, verdict: Verdict) -> Status:
    """Freeze the terms: what is edited from now on restarts the trial, not the step."""
    recovers = verdict.reason == reasons.CHAMPION_DEGRADED
    free = former_pinned(facts) if recovers else _in_free_slot(facts)
    subject = in_the_free_slot(facts, facts.subject) if facts.subject is not None and not recovers else free
    assert subject is not None, verdict
    trial = new_trial(facts, subject)
    limits = sorted({guard.latency_limit.total_seconds() for guard in trial.guards if guard.latency_limit is not None})
    source = {"registry": facts.observed.registry.uri, "login": facts.spec.registry.secret_name}
    beside = facts.status.champion
    number = 1 + (beside.trial_number if beside is not None else 0)
    made = {"latency_limits": tuple(limits), "trial_number": number, "template": facts.observed.template, **source}
    challenger = subject.model_copy(update=made)
    reload = _not_in_place(facts, subject, verdict)
    status = facts.status.model_copy(update={"challenger": challenger, "trial": trial, "reload": reload})
    return restored.begun(status) if recovers else status


def begin_reload(facts: Facts, verdict: Verdict) -> Status:
    """The champion's pods are to load the version, as they are."""
    subject, champion = facts.subject, facts.status.champion
    assert subject is not None, verdict
    assert champion is not None, verdict
    challenger = champion.model_copy(update={"version": subject.version, "digest": subject.digest})
    return facts.status.model_copy(update={"challenger": challenger, "trial": new_trial(facts, subject)})


def _not_in_place(facts: Facts, subject: Pinned, verdict: Verdict) -> ReloadResult | None:
    """Why a version is started in new pods where the spec asks for another way."""
    if facts.spec.serving.reload != "InPlace":
        return None
    if facts.status.phase is Phase.RELOADING:
        return _reload(subject, verdict.reason, verdict.message)
    found = needs_new_pods(facts, subject)
    return _reload(subject, found.reason, found.message) if found is not None else facts.status.reload


def _reload(subject: Pinned, reason: str, message: str) -> ReloadResult:
    return ReloadResult(version=subject.version, digest=subject.digest, reason=reason, message=message)


def _in_free_slot(facts: Facts) -> Pinned | None:
    """The champion's version, for a trial of another template."""
    champion = facts.status.champion
    return champion.model_copy(update={"slot": other_than(champion.slot)}) if champion is not None else None


def take_step(facts: Facts, verdict: Verdict) -> Status:
    """Set the first weight, or the next one. Its clock starts once the traffic has it."""
    trial = facts.status.trial
    assert trial is not None
    before = [0] if facts.status.phase is Phase.STARTING else [trial.step + 1]
    step = 0 if facts.status.phase is Phase.STARTING else trial.step + 1
    return _at_step(facts, step, skipped(facts, verdict, before))


def promote_traffic(facts: Facts, verdict: Verdict) -> Status:
    """Set the weight to all the traffic."""
    trial = facts.status.trial
    assert trial is not None
    left = list(range(trial.step + 1, len(trial.steps) + 1))
    return _at_step(facts, trial.step, skipped(facts, verdict, left))


def promote(facts: Facts, verdict: Verdict) -> Status:
    """The challenger is champion; the former one stays warm, unless its own pods serve the new one."""
    status, new = facts.status, facts.status.challenger
    assert new is not None, verdict
    assert status.trial is not None, verdict
    in_place = status.phase is Phase.RELOADING
    told = verdict.model_copy(update={"message": with_evidence(verdict.message, status.trial)})
    if status.trial.skipped is not None:
        told = told.model_copy(update={"message": f"{told.message}; {skipped_text(status.trial.skipped)}"})
    return status.model_copy(
        update={
            "champion": new,
            "former": None if in_place else status.champion,
            "reload": _reload(new, verdict.reason, verdict.message) if in_place else status.reload,
            "challenger": None,
            "trial": status.trial.model_copy(update={"soaking_since": facts.now}),
            "held": None,
            "registry": alias.promoted(status, new),
            "history": with_entry(facts, new, "Promoted", told),
        }
    )


def begin_rollback(facts: Facts, verdict: Verdict) -> Status:
    """Give the subject up: roles are as they were before the trial, and a version that lost is written down."""
    if verdict.reason == reasons.FORMER_CHAMPION_RESTORED:
        return restored.taken_over(facts, verdict)
    subject, trial = facts.subject, facts.status.trial
    assert subject is not None, verdict
    assert trial is not None, verdict
    before = restored.given_up(facts.status, verdict) if trial.recovers is not None else facts.status
    outcome: Outcome = "Rejected" if verdict.rejects and not judges_template(facts.status) else "RolledBack"
    outcome = "Aborted" if verdict.reason == reasons.ABORTED else outcome
    return before.model_copy(
        update={
            "champion": facts.fallback,
            "challenger": subject,
            "former": None,
            "trial": trial.model_copy(update={"verdict": verdict, "recovers": None}),
            "shared_outage": _shared_outage(facts, trial, verdict),
            **rejected(facts, subject, verdict),
            "held": next_hold(facts, subject, verdict),
            "suspected": suspicion.begin(facts, trial, verdict) if verdict.suspects else None,
            "history": with_entry(facts, subject, outcome, verdict),
        }
    )


def rest(facts: Facts, verdict: Verdict) -> Status:
    """Nothing is on trial. What the champion's answers said of the last version that was is written down."""
    status = facts.status
    resting = status.model_copy(update={"challenger": None, "former": None, "trial": None, "weight": None})
    return resting if status.suspected is None else decided(replace(facts, status=resting), status.suspected, verdict)


def await_next(facts: Facts, verdict: Verdict) -> Status:
    """The same, after the gates of an arm, or an experiment: what became of that is written down."""
    if verdict.reason == reasons.ARM_GATED:
        return rest(replace(facts, status=experiment_lifecycle.with_arm(facts)), verdict)
    if facts.status.phase is Phase.EXPERIMENTING:
        return rest(replace(facts, status=experiment_lifecycle.ended(facts, verdict)), verdict)
    return rest(facts, verdict)


def experiment(facts: Facts, verdict: Verdict) -> Status:
    """The arms start, or one of them leaves."""
    if facts.status.phase is not Phase.EXPERIMENTING:
        return experiment_lifecycle.start(facts, verdict)
    leaves = lost_arm(facts) is not None
    verb = experiment_lifecycle.without_arm if leaves else experiment_lifecycle.reject_suspect
    return verb(facts, verdict)


def abort(facts: Facts, verdict: Verdict) -> Status:
    """Nothing is on trial, by a person's word. Before a pod was started there was no rollback that wrote it down."""
    subject, resting = facts.subject, rest(facts, verdict)
    if subject is None:
        return resting
    return resting.model_copy(update={"history": with_entry(facts, subject, "Aborted", verdict)})


def go_on(facts: Facts, _: Verdict) -> Status:
    """Nothing but the phase changes."""
    return facts.status


VERBS: Mapping[Phase, Verb] = {
    Phase.PENDING: await_next,
    Phase.GATING: pin,
    Phase.BLOCKED: go_on,
    Phase.RELOADING: begin_reload,
    Phase.STARTING: begin_trial,
    Phase.CANARY: take_step,
    Phase.EXPERIMENTING: experiment,
    Phase.PROMOTING: promote_traffic,
    Phase.SOAKING: promote,
    Phase.ROLLING_BACK: begin_rollback,
    Phase.REJECTED: rest,
    Phase.ABORTED: abort,
    Phase.STABLE: rest,
}


def _at_step(facts: Facts, step: int, by_hand: SkippedSteps | None) -> Status:
    trial = facts.status.trial
    assert trial is not None
    update = {"step": step, "step_started_at": facts.now, "weight_reached_at": None, "skipped": by_hand}
    return facts.status.model_copy(update={"trial": trial.model_copy(update=update)})


def _shared_outage(facts: Facts, trial: Trial, verdict: Verdict) -> SharedOutage | None:
    if verdict.reason == reasons.SHARED_OUTAGE:
        return begin(facts, trial, verdict)
    return facts.status.shared_outage
