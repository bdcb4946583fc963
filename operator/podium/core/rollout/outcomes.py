"""What a verdict leaves in the status: rejections, the history, and the end of a suspicion."""

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.outage import Suspicion
from podium.api.v1alpha1.status import (
    HISTORY_LIMIT,
    REJECTED_LIMIT,
    REJECTED_TEMPLATES_LIMIT,
    HistoryEntry,
    Outcome,
    Pinned,
    Rejection,
    Status,
    TemplateRejection,
    Trial,
    Verdict,
)
from podium.core.analysis import guards
from podium.core.analysis.measures import ERRORS
from podium.core.analysis.shared_outage import after
from podium.core.facts import Facts
from podium.core.fingerprints import rejection_hash
from podium.core.rollout.circumstances import CIRCUMSTANCES, next_hold
from podium.core.rollout.desired import former_champion
from podium.core.rollout.suspicion_checks import rejection_message
from podium.core.rollout.templates import judges_template, on_trial


def decided(facts: Facts, known: Suspicion, verdict: Verdict) -> Status:
    """The suspicion is over where the verdict is about it: a rejection, a shared outage, or a hold."""
    status = facts.status
    shared, hold = verdict.reason == reasons.SHARED_OUTAGE, next_hold(facts, known, verdict)
    if not (verdict.rejects or shared or hold):
        return status
    if verdict.rejects:  # the record says why it lost, not only that it did
        verdict = verdict.model_copy(update={"reason": known.reason, "message": rejection_message(known, facts)})
    return status.model_copy(
        update={
            "suspected": None,
            "shared_outage": after(known, facts, verdict.message) if shared else status.shared_outage,
            "held": hold or status.held,
            **rejected(facts, known, verdict),
            "history": _history_with(verdict, known, facts),
        }
    )


def _history_with(verdict: Verdict, known: Suspicion, facts: Facts) -> list[HistoryEntry]:
    """The history, in which the entry of the suspicion's trial says what became of it."""
    history = facts.status.history
    if not history or (history[-1].at, history[-1].version) != (known.since, known.version):
        return history
    outcome: Outcome = "Rejected" if verdict.rejects else "RolledBack"
    update = {"outcome": outcome, "reason": verdict.reason, "message": verdict.message, "at": facts.now}
    entry = history[-1].model_copy(update=update)
    return [*_without_a_repeat(history[:-1], entry), entry]


def rejected(facts: Facts, subject: Pinned | Suspicion, verdict: Verdict) -> dict[str, object]:
    """What a lost trial rejects: the version, or the template where that was on trial with a trusted version."""
    if not verdict.rejects:
        return {}
    lost = Rejection(
        **subject.identity,
        reason=verdict.reason,
        message=verdict.message,
        at=facts.now,
        generation=facts.generation,
        rejection_hash=rejection_hash(facts.spec, verdict.reason),
    )
    if judges_template(facts.status) and isinstance(subject, Pinned) and subject.template is not None:
        return _with_template(facts.status, TemplateRejection(**dict(lost), template=subject.template))
    others = [each for each in facts.status.rejected if not each.same_version(lost)]
    return {"rejected": [*others, lost][-REJECTED_LIMIT:]}


def _with_template(status: Status, lost: TemplateRejection) -> dict[str, object]:
    earlier = [each for each in status.rejected_templates if not each.is_about(lost, lost.template)]
    return {"rejected_template": lost, "earlier_rejected_templates": earlier[:REJECTED_TEMPLATES_LIMIT]}


def with_entry(facts: Facts, pinned: Pinned, outcome: Outcome, verdict: Verdict) -> list[HistoryEntry]:
    """The history with this decision."""
    trial = facts.status.trial
    counts = trial.evidence.measured(ERRORS.name).challenger if trial else None
    entry = HistoryEntry(
        **pinned.identity,
        outcome=outcome,
        reason=verdict.reason,
        message=verdict.message,
        at=facts.now,
        generation=facts.generation,
        answers=counts.answers if counts else 0,
        bad=counts.bad if counts else 0,
        guards=guards.records(facts),
        template=pinned.template if _about_template(facts, outcome) else None,
        template_spec_hash=pinned.template.spec_hash if pinned.template else "",
        previously_promoted=trial.previously_promoted if trial else former_champion(facts, pinned) is not None,
    )
    return [*_without_a_repeat(facts.status.history, entry), entry][-HISTORY_LIMIT:]


def _about_template(facts: Facts, outcome: Outcome) -> bool:
    """Whether the version itself wins or loses nothing. A former champion that is promoted is champion again."""
    return on_trial(facts.status) or (judges_template(facts.status) and outcome != "Promoted")


def _without_a_repeat(history: list[HistoryEntry], entry: HistoryEntry) -> list[HistoryEntry]:
    """A circumstance that lasts for days is one entry: many would push out by what a version is trusted."""
    if not history or entry.reason not in CIRCUMSTANCES:
        return history
    last = history[-1]
    same = all(getattr(last, name) == getattr(entry, name) for name in ("model", "version", "digest", "reason"))
    return history[:-1] if same else history


def with_evidence(message: str, trial: Trial | None) -> str:
    """The message, and what it is based on."""
    counts = trial.evidence.measured(ERRORS.name).challenger if trial else None
    if counts is None or not counts.answers:
        return message
    return f"{message} after {counts.answers} answers, {counts.bad} of them bad"
