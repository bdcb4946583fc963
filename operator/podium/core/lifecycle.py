"""What is written down when a phase is entered: the status changes as verbs, one for each phase that needs one."""

from collections.abc import Callable, Mapping
from datetime import datetime

from podium.api import reasons
from podium.api.status import (
    HISTORY_LIMIT,
    REJECTED_LIMIT,
    Environment,
    HistoryEntry,
    Outcome,
    Phase,
    Pinned,
    Rejection,
    Slot,
    Status,
    Trial,
    Verdict,
)
from podium.core import guards
from podium.core.environment import begun
from podium.core.facts import SLOTS, Facts, other_than
from podium.core.measures import ERRORS
from podium.core.questions import measures
from podium.core.rollout import Move
from podium.core.tally import baseline
from podium.core.terms import asked, terms
from podium.core.wishes import former_champion, wanted

Verb = Callable[[Facts, Verdict], Status]


def enter(facts: Facts, move: Move) -> Status:
    """The status after a move."""
    status = VERBS[move.target](facts, move.verdict)
    return status.model_copy(update={"phase": move.target, "phase_since": facts.now, "idle": None})


def pin(facts: Facts, verdict: Verdict) -> Status:
    """Resolve what Git wants to version, run and digest, once, and give it the free slot."""
    version, champion = wanted(facts), facts.status.champion
    assert version is not None, verdict
    free: Slot = other_than(champion.slot) if champion is not None else SLOTS[0]
    challenger = Pinned(version=version.version, run_id=version.run_id, digest=version.digest, slot=free)
    return facts.status.model_copy(update={"challenger": challenger, "trial": None, "weight": None})


def begin_trial(facts: Facts, verdict: Verdict) -> Status:
    """Freeze the terms: what is edited from now on restarts the trial, not the step."""
    spec, subject = facts.spec, facts.subject
    assert subject is not None, verdict
    trial = Trial(
        generation=facts.generation,
        began=facts.now,
        terms=terms(spec),
        trusted=former_champion(facts, subject) is not None,
        steps=spec.rollout.steps,
        guards=spec.rollout.guards,
        alpha=spec.rollout.alpha,
        beta=spec.rollout.beta,
        detect=spec.rollout.detect,
        failures_in_a_row=spec.rollout.failures_in_a_row,
        on_silence=spec.rollout.on_silence,
        patience=spec.rollout.patience,
        watch=spec.rollout.watch,
        warming_since=facts.now,
    )
    limits = sorted({guard.latency_limit.total_seconds() for guard in trial.guards if guard.latency_limit is not None})
    challenger = subject.model_copy(update={"latency_limits": tuple(limits)})
    evidence = baseline(trial.evidence, facts, measures(trial.guards, trial.evidence))
    return facts.status.model_copy(
        update={"challenger": challenger, "trial": trial.model_copy(update={"evidence": evidence})}
    )


def take_step(facts: Facts, _: Verdict) -> Status:
    """Ask for the first weight, or for the next one. Its clock starts once it is seen in force."""
    trial = facts.status.trial
    assert trial is not None
    step = 0 if facts.status.phase is Phase.WARMING else trial.step + 1
    return _with_trial(facts, trial, step=step, step_began=facts.now, in_force_since=None)


def go_all_in(facts: Facts, _: Verdict) -> Status:
    """Ask for all the traffic."""
    trial = facts.status.trial
    assert trial is not None
    return _with_trial(facts, trial, step_began=facts.now, in_force_since=None)


def promote(facts: Facts, verdict: Verdict) -> Status:
    """The challenger is champion; the former one stays warm."""
    status, new = facts.status, facts.status.challenger
    assert new is not None, verdict
    told = verdict.model_copy(update={"message": _with_evidence(verdict.message, status.trial)})
    return status.model_copy(
        update={
            "champion": new,
            "former": status.champion,
            "challenger": None,
            "history": _history(facts, new, "Promoted", told),
        }
    )


def turn_back(facts: Facts, verdict: Verdict) -> Status:
    """Give the subject up: roles are as they were before the trial, and a version that lost is written down."""
    subject, trial = facts.subject, facts.status.trial
    assert subject is not None, verdict
    assert trial is not None, verdict
    outcome: Outcome = "Rejected" if verdict.rejects else "Withdrawn"
    return facts.status.model_copy(
        update={
            "champion": facts.fallback,
            "challenger": subject,
            "former": None,
            "trial": trial.model_copy(update={"verdict": verdict}),
            "environment": _environment(facts, trial, verdict),
            "rejected": _rejected(facts, subject, verdict),
            "history": _history(facts, subject, outcome, verdict),
        }
    )


def rest(facts: Facts, _: Verdict) -> Status:
    """Nothing is on trial."""
    return facts.status.model_copy(update={"challenger": None, "former": None, "trial": None, "weight": None})


def go_on(facts: Facts, _: Verdict) -> Status:
    """Nothing but the phase changes."""
    return facts.status


VERBS: Mapping[Phase, Verb] = {
    Phase.PENDING: rest,
    Phase.GATING: pin,
    Phase.BLOCKED: go_on,
    Phase.WARMING: begin_trial,
    Phase.CANARY: take_step,
    Phase.PROMOTING: go_all_in,
    Phase.WATCHING: promote,
    Phase.ROLLING_BACK: turn_back,
    Phase.REJECTED: rest,
    Phase.SETTLED: rest,
}


def _with_trial(facts: Facts, trial: Trial, **update: int | datetime | None) -> Status:
    return facts.status.model_copy(update={"trial": trial.model_copy(update=update)})


def _environment(facts: Facts, trial: Trial, verdict: Verdict) -> Environment | None:
    if verdict.reason == reasons.ENVIRONMENT_DEGRADED:
        return begun(facts, trial, verdict)
    return facts.status.environment


def _rejected(facts: Facts, subject: Pinned, verdict: Verdict) -> list[Rejection]:
    if not verdict.rejects:
        return facts.status.rejected
    lost = Rejection(
        version=subject.version,
        digest=subject.digest,
        reason=verdict.reason,
        message=verdict.message,
        at=facts.now,
        generation=facts.generation,
        asked=asked(facts.spec),
    )
    others = [r for r in facts.status.rejected if (r.version, r.digest) != (lost.version, lost.digest)]
    return [*others, lost][-REJECTED_LIMIT:]


def _history(facts: Facts, pinned: Pinned, outcome: Outcome, verdict: Verdict) -> list[HistoryEntry]:
    trial = facts.status.trial
    tally = trial.evidence.measured(ERRORS.name).challenger if trial else None
    entry = HistoryEntry(
        version=pinned.version,
        run_id=pinned.run_id,
        digest=pinned.digest,
        outcome=outcome,
        reason=verdict.reason,
        message=verdict.message,
        at=facts.now,
        generation=facts.generation,
        answers=tally.answers if tally else 0,
        bad=tally.bad if tally else 0,
        guards=guards.records(trial) if trial else [],
    )
    return [*facts.status.history, entry][-HISTORY_LIMIT:]


def _with_evidence(message: str, trial: Trial | None) -> str:
    tally = trial.evidence.measured(ERRORS.name).challenger if trial else None
    if tally is None or not tally.answers:
        return message
    return f"{message} after {tally.answers} answers, {tally.bad} of them bad"
