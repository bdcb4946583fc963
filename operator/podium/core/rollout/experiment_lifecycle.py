"""What is written as an experiment goes on: its arms are gathered, started, taken out, and the best one is named."""

from dataclasses import replace

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.evidence import ARM_SLOTS
from podium.api.v1alpha1.experiment import Arm, ExperimentProgress, Role
from podium.api.v1alpha1.spec.rollout import Step
from podium.api.v1alpha1.spec.spec import arms_of
from podium.api.v1alpha1.status import Outcome, Status, Trial, Verdict
from podium.core.analysis import suspicion
from podium.core.analysis.shared_outage import begin
from podium.core.experiment import judged, named_version, progress
from podium.core.facts import Facts
from podium.core.fingerprints import experiment_hash
from podium.core.rollout.arms import in_slot, view
from podium.core.rollout.desired import former_champion
from podium.core.rollout.experiment_checks import best_of, blamed_arm, lost_arm, metric_texts, shared_by
from podium.core.rollout.outcomes import rejected, with_entry
from podium.core.rollout.trial_terms import new_trial


def begun(facts: Facts) -> dict[str, object]:
    """What is written when the gates of the first arm are to be checked; nothing where the experiment is known."""
    versions = {arm.version for arm in arms_of(facts.spec)}
    named = named_version(facts.spec, facts.status)
    if len(versions) < 2 or named not in versions or progress(facts.spec, facts.status) is not None:  # noqa: PLR2004
        return {}
    return {"experiment": ExperimentProgress(experiment_hash=experiment_hash(facts.spec)), "arms": []}


def with_arm(facts: Facts) -> Status:
    """The version that has passed its gates is an arm: it gets a slot of its own."""
    subject = facts.subject
    assert subject is not None
    (place, asked) = next((at, arm) for at, arm in enumerate(arms_of(facts.spec)) if arm.version == subject.version)
    slot = ARM_SLOTS[place]
    arm = Arm(pinned=in_slot(subject, slot), slot=slot, weight=asked.weight)
    arms = sorted([*facts.status.arms, arm], key=lambda each: each.slot)
    return facts.status.model_copy(update={"challenger": None, "arms": arms})


def start(facts: Facts, verdict: Verdict) -> Status:
    """All arms start at once, on the terms of now."""
    known = facts.status.experiment
    assert known is not None, verdict
    if verdict.reason == reasons.EXPERIMENT_ENDED:  # there is no arm to start
        return facts.status
    started = known.model_copy(update={"started_at": facts.now, "routed_at": None})
    arms = [_started(facts, arm) for arm in facts.status.arms]
    return facts.status.model_copy(update={"experiment": started, "arms": arms, "trial": None, "weight": None})


def _started(facts: Facts, arm: Arm) -> Arm:
    champion = facts.status.champion
    assert champion is not None
    if not arm.judged:
        return arm  # before an outage of all it was out
    trial = _trial(facts, arm)
    limits = sorted({guard.latency_limit.total_seconds() for guard in trial.guards if guard.latency_limit is not None})
    made = {
        "latency_limits": tuple(limits),
        "trial_number": 1 + champion.trial_number,
        "template": facts.observed.template,
        "registry": facts.observed.registry.uri,
        "login": facts.spec.registry.secret_name,
    }
    update = {"pinned": arm.pinned.model_copy(update=made), "trial": trial, "out_at": None}
    return arm.model_copy(update=update)


def _trial(facts: Facts, arm: Arm) -> Trial:
    """Its terms. Guards that compare pairs have none in an experiment; its only step is its weight."""
    seen = view(facts, arm)
    trial, subject = new_trial(seen, arm.pinned), seen.subject
    assert subject is not None
    experiment = facts.spec.rollout.experiment
    assert experiment is not None
    update = {
        "steps": [Step(weight=arm.weight, duration=experiment.duration)],
        "guards": [guard for guard in trial.guards if guard.shadow is None],
        "previously_promoted": former_champion(seen, subject) is not None,
        "tries_template": False,
    }
    return trial.model_copy(update=update)


def without_arm(facts: Facts, verdict: Verdict) -> Status:
    """The arm leaves. What it failed for is written down as at the end of an ordinary trial."""
    lost = lost_arm(facts)
    assert lost is not None, verdict
    arm, why = lost
    seen, suspected = view(facts, arm), None
    if why.suspects and seen.status.trial is not None:
        suspected = suspicion.begin(seen, seen.status.trial, why)
    out = arm.model_copy(update={"role": "Out", "verdict": why, "out_at": facts.now, "suspected": suspected})
    outcome: Outcome = "Rejected" if why.rejects else "RolledBack"
    return _written(facts, arm, out, "Aborted" if why.reason == reasons.ABORTED else outcome, verdict)


def reject_suspect(facts: Facts, verdict: Verdict) -> Status:
    """The champion does better in the same time: the arm that failed is rejected."""
    arm = blamed_arm(facts)
    assert arm is not None, verdict
    assert arm.suspected is not None, verdict
    since = arm.suspected.since
    update = {"outcome": "Rejected", "message": verdict.message, "recorded": False}
    history = [
        entry.model_copy(update=update) if (entry.at, entry.version) == (since, arm.pinned.version) else entry
        for entry in facts.status.history
    ]
    cleared = arm.model_copy(update={"suspected": None})
    arms = [cleared if each.slot == arm.slot else each for each in facts.status.arms]
    lost = rejected(view(facts, arm), arm.pinned, verdict)
    return facts.status.model_copy(update={"arms": arms, "history": history, **lost})


def ended(facts: Facts, verdict: Verdict) -> Status:
    """No arm runs any more: because the best one is known, none is left, or Git asks for something else."""
    known, champion = facts.status.experiment, facts.status.champion
    if verdict.reason == reasons.SHARED_OUTAGE:
        return _outage(facts, verdict)
    left = judged(facts.status)
    if verdict.reason != reasons.EXPERIMENT_ENDED or known is None or champion is None:
        arms = [_role(facts, arm, arm.role if arm.role == "Out" else "Beaten") for arm in facts.status.arms]
        return facts.status.model_copy(update={"experiment": None, "arms": arms})
    best = best_of(facts) if left else None
    status = facts.status
    for arm, text in zip(left, _texts(facts), strict=True):
        if best is None or arm.slot == best.slot:
            continue
        beaten = Verdict(reason=reasons.NOT_THE_BEST, message=f"{text}; {verdict.message}")
        seen = view(replace(facts, status=status), arm)
        status = status.model_copy(update={"history": with_entry(seen, arm.pinned, "RolledBack", beaten)})
    winner = best.pinned.version if best is not None else ""
    update = {"ended_at": facts.now, "winner": winner, "message": verdict.message}
    arms = [_role(facts, arm, _final(arm, best)) for arm in facts.status.arms]
    return status.model_copy(update={"experiment": known.model_copy(update=update), "arms": arms})


def _texts(facts: Facts) -> list[str]:
    left, texts = judged(facts.status), metric_texts(facts)
    return texts if len(texts) == len(left) else [f"version {arm.pinned.version}" for arm in left]


def _final(arm: Arm, best: Arm | None) -> Role:
    if arm.role == "Out":
        return "Out"
    return "Best" if best is not None and arm.slot == best.slot else "Beaten"


def _role(facts: Facts, arm: Arm, role: Role) -> Arm:
    """The arm as it is remembered: its counts are worth nothing once it has no traffic."""
    return arm.model_copy(update={"role": role, "trial": None, "suspected": None, "out_at": arm.out_at or facts.now})


def _outage(facts: Facts, verdict: Verdict) -> Status:
    """What all versions depend on is down: the experiment begins again once the champion has recovered."""
    known, arm = facts.status.experiment, shared_by(facts)
    assert known is not None
    assert arm is not None, verdict
    seen = view(facts, arm)
    assert seen.status.trial is not None
    arms = [each.model_copy(update={"trial": None, "out_at": facts.now}) for each in facts.status.arms]
    again = known.model_copy(update={"started_at": None, "routed_at": None})
    outage = begin(seen, seen.status.trial, verdict)
    return facts.status.model_copy(update={"experiment": again, "arms": arms, "shared_outage": outage})


def _written(facts: Facts, arm: Arm, out: Arm, outcome: Outcome, verdict: Verdict) -> Status:
    seen = view(facts, arm)
    others = [out if each.slot == arm.slot else each for each in facts.status.arms]
    lost = rejected(seen, arm.pinned, verdict)
    history = with_entry(seen, arm.pinned, outcome, verdict)
    return facts.status.model_copy(update={"arms": others, "history": history, **lost})
