"""Checks of an experiment: when it begins, which arm is out, and how it ends."""

from collections.abc import Sequence
from datetime import datetime

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.experiment import Arm
from podium.api.v1alpha1.status import Verdict
from podium.api.v1alpha1.values.base import format_duration, format_percent
from podium.core.analysis.measures import METRIC
from podium.core.analysis.sequential import best_arm, lower_bound
from podium.core.analysis.suspicion import blamed
from podium.core.experiment import gathers, judged, progress, ungated
from podium.core.facts import Facts
from podium.core.fingerprints import fingerprints
from podium.core.rollout.arms import view
from podium.core.rollout.degraded import former_pinned, returns, standing_failure
from podium.core.rollout.desired import former_champion, is_desired
from podium.core.rollout.gate_checks import gates_passed
from podium.core.rollout.steering_checks import aborted
from podium.core.rollout.suspicion_checks import rejection_message
from podium.core.rollout.templates import behind
from podium.core.rollout.trial_checks import guard_failed, startup_timeout
from podium.core.rollout.tripwires import tripped
from podium.core.rollout.version_checks import WAITS
from podium.core.traffic.arms import leaves
from podium.core.traffic.lending import champion_down


def arm_gated(facts: Facts) -> Verdict | None:
    """The version whose gates are checked is an arm, and has passed them, or is trusted."""
    subject = facts.subject
    if subject is None or not gathers(facts):
        return None
    trusted = former_champion(facts, subject) is not None
    passed = gates_passed(facts)
    if passed is None and not trusted:
        return None
    why = "was champion before" if trusted or passed is None else passed.message
    return Verdict(reason=reasons.ARM_GATED, message=f"version {subject.version} is an arm of the experiment: {why}")


def experiment_ready(facts: Facts) -> Verdict | None:
    """All arms have passed the gates, the champion is the one that they are compared with, and nothing else goes on."""
    known, champion = progress(facts.spec, facts.status), facts.status.champion
    if known is None or known.ended_at is not None or champion is None or not is_desired(facts, champion):
        return None
    if ungated(facts.spec, facts.status) or leaves(facts) or champion_down(facts) or behind(facts, champion):
        return None
    if any(waits(facts) for waits in WAITS):
        return None
    if not facts.status.arms:
        return Verdict(reason=reasons.EXPERIMENT_ENDED, message="every arm was rejected before, or is aborted")
    arms = ", ".join(f"version {arm.pinned.version} with {arm.weight} %" for arm in facts.status.arms)
    beside = f"beside champion {champion.version}"
    return Verdict(reason=reasons.EXPERIMENT_STARTED, message=f"the experiment starts {beside}: {arms}")


def experiment_void(facts: Facts) -> Verdict | None:
    """Git asks for another experiment, for none, or on other terms; or what all versions depend on is down."""
    arms, champion = judged(facts.status), facts.status.champion
    if progress(facts.spec, facts.status) is None:
        return Verdict(reason=reasons.SUPERSEDED, message="spec asks for another experiment, or for none")
    if facts.observed.refusals:
        return Verdict(reason=reasons.NOT_PERMITTED, message="no PodiumPolicy grants what the spec asks for any more")
    if champion is None or is_desired(facts, champion) is False:
        return Verdict(reason=reasons.SUPERSEDED, message="the champion is not the version of spec.model any more")
    if standing_failure(facts.status) is not None and former_pinned(facts) is not None and returns(facts):
        message = "the champion is degraded: the experiment makes way for the champion before it"
        return Verdict(reason=reasons.CHAMPION_DEGRADED, message=message)
    terms = fingerprints(facts).terms
    if any(arm.trial is not None and arm.trial.terms_hash != terms for arm in arms):
        message = "gates, steps or guards changed in the spec: the experiment restarts"
        return Verdict(reason=reasons.TERMS_CHANGED, message=message)
    shared = shared_by(facts)
    return verdict_of(shared, facts) if shared is not None else None


def shared_by(facts: Facts) -> Arm | None:
    """The first arm that fails by something which the champion fails by, too."""
    for arm in judged(facts.status):
        found = verdict_of(arm, facts)
        if found is not None and found.reason == reasons.SHARED_OUTAGE:
            return arm
    return None


def arm_lost(facts: Facts) -> Verdict | None:
    """An arm has failed: it alone leaves, and its share goes to the champion."""
    lost = lost_arm(facts)
    if lost is None:
        return None
    arm, verdict = lost
    message = verdict.message
    named = f"version {arm.pinned.version} " in message
    return verdict.model_copy(update={"message": message if named else f"version {arm.pinned.version} {message}"})


def arm_blamed(facts: Facts) -> Verdict | None:
    """The champion's own answers show that an arm which left has failed by itself."""
    arm = blamed_arm(facts)
    if arm is None or arm.suspected is None:
        return None
    known = arm.suspected
    message = f"version {known.version} is rejected: {rejection_message(known, facts)}"
    return Verdict(reason=known.reason, message=message, rejects=True)


def blamed_arm(facts: Facts) -> Arm | None:
    """The first arm that is rejected by now for what it was suspected of."""
    suspects = (arm for arm in facts.status.arms if arm.suspected is not None and facts.evaluable)
    return next((arm for arm in suspects if arm.suspected is not None and blamed(arm.suspected) == "Own"), None)


def lost_arm(facts: Facts) -> tuple[Arm, Verdict] | None:
    """The first arm that has failed, and why."""
    found = ((arm, verdict_of(arm, facts)) for arm in judged(facts.status))
    return next(((arm, verdict) for arm, verdict in found if verdict is not None), None)


def verdict_of(arm: Arm, facts: Facts) -> Verdict | None:
    """Why the arm is out, by the checks of an ordinary trial; None while nothing speaks against it."""
    seen = view(facts, arm)
    return next((found for check in _CHECKS if (found := check(seen)) is not None), None)


_CHECKS = (aborted, tripped, startup_timeout, guard_failed)


def experiment_ended(facts: Facts) -> Verdict | None:
    """No arm is left, or all that are have had their weights for long enough."""
    experiment, arms = facts.spec.rollout.experiment, judged(facts.status)
    if experiment is None:
        return None
    if not arms and any(_undecided(arm, facts) for arm in facts.status.arms):
        return None
    if not arms:
        return Verdict(reason=reasons.EXPERIMENT_ENDED, message="no arm is left: the champion stays")
    since = reached_at(arms)
    if facts.spec.paused or not facts.evaluable:
        return None  # which one is the best is progress; that a bad one leaves is not
    if since is None or facts.now - since < experiment.duration:
        return None
    best = best_of(facts)
    after = f"after {format_duration(experiment.duration)}"
    message = f"version {best.pinned.version} is the best of {len(arms)} arms {after}, and is tried next"
    return Verdict(reason=reasons.EXPERIMENT_ENDED, message=f"{message}: {'; '.join(metric_texts(facts))}")


def _undecided(arm: Arm, facts: Facts) -> bool:
    """Whether the champion's answers may still show that the arm is to be rejected."""
    known = arm.suspected
    return known is not None and facts.now < known.until and blamed(known) == "Unknown"


def reached_at(arms: Sequence[Arm]) -> datetime | None:
    """Since when all of them have had their weights; None while one has not."""
    moments = [arm.trial.weight_reached_at if arm.trial is not None else None for arm in arms]
    known = [moment for moment in moments if moment is not None]
    return max(known) if known and len(known) == len(moments) else None


def best_of(facts: Facts) -> Arm:
    """The arm of which the metric proves the most; without one, the first of those that are left."""
    arms = judged(facts.status)
    level = facts.spec.rollout.false_promotion_rate
    return arms[best_arm([_counted(arm) for arm in arms], level)]


def metric_texts(facts: Facts) -> list[str]:
    """What the metric says of each arm that is left, in words."""
    experiment, arms = facts.spec.rollout.experiment, judged(facts.status)
    if experiment is None or experiment.metric is None:
        return ["without a metric, the first in the spec is"]
    level = facts.spec.rollout.false_promotion_rate / len(arms)
    return [_text(arm, level) for arm in arms]


def _text(arm: Arm, level: float) -> str:
    good, other = _counted(arm)
    if not good + other:
        return f"version {arm.pinned.version}: nothing was counted"
    share, bound = good / (good + other), lower_bound(good, other, level)
    proved = f"at least {format_percent(round(bound, 4))} is proved"
    return f"version {arm.pinned.version}: {format_percent(round(share, 4))} of {good + other}, {proved}"


def _counted(arm: Arm) -> tuple[int, int]:
    """Good ones and others."""
    if arm.trial is None:
        return 0, 0
    counts = arm.trial.evidence.measured(METRIC.name).challenger
    return counts.bad, counts.answers - counts.bad
