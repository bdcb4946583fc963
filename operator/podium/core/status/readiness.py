"""Whether the desired state of this generation serves: the checks behind Ready, Reconciling and Stalled.

The rules:

1. The first check that speaks decides. Where none does, Ready is True.
2. Exactly one of Ready, Reconciling and Stalled is True, so that a tool of kstatus always knows what to do: go on, wait
   or give up.
3. A generation becomes ready only once everything that it asks for has been seen. It stays ready while the registry is
   silent, endpoints follow or a pod is replaced: those are no news about the generation.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.status import Condition, Phase, Pinned, Status, TemplateRejection
from podium.core.facts import ALL, Facts, Problem, other_than
from podium.core.rollout.circumstances import standing_hold
from podium.core.rollout.desired import is_desired, standing_rejection
from podium.core.rollout.hindrances import hindrances
from podium.core.rollout.steering import standing_abort
from podium.core.rollout.templates import behind_git, on_trial_by_operator, template_waits
from podium.core.rollout.version_checks import newer_waits
from podium.core.status.overdue import overdue
from podium.core.traffic.lending import champion_down as down

SERVING_PHASES = frozenset({Phase.SOAKING, Phase.STABLE})
IN_TRIAL = frozenset(
    {Phase.RELOADING, Phase.STARTING, Phase.CANARY, Phase.EXPERIMENTING, Phase.PROMOTING, Phase.ROLLING_BACK}
)
ANSWER_EXPECTED = frozenset(Phase) - IN_TRIAL
# The challenger may serve before it is the champion.
_HANDED_OVER = frozenset({Phase.PROMOTING, Phase.RELOADING})
_MOVING = frozenset({Phase.CANARY, Phase.PROMOTING})
# What ends by itself in the registry.
PASSING = frozenset({reasons.DIGEST_PENDING, reasons.VERSION_NOT_READY, reasons.REGISTRY_QUEUED})
# Phases in which only a person helps a version on.
_ENDS = {
    Phase.REJECTED: reasons.VERSION_REJECTED,
    Phase.BLOCKED: reasons.GATES_FAILED,
    Phase.ABORTED: reasons.ABORTED,
}
# A template that only a person lets in again.
_KEPT_OUT = frozenset({reasons.TEMPLATE_REJECTED, reasons.ABORTED})
# What says nothing of the desired state.
UNDECIDED = frozenset({reasons.PAUSED, reasons.SHARED_OUTAGE})


@dataclass(frozen=True)
class NotReady:
    """Why Ready is not True."""

    status: Literal["False", "Unknown"]
    reason: str
    why: str = ""  # what the status's message does not say


Check = Callable[[Facts], NotReady | None]


def not_ready(facts: Facts) -> NotReady | None:
    """The first reason why what this generation wants is not what serves, or None where it is."""
    return next((found for check in CHECKS if (found := check(facts)) is not None), None)


def stall(facts: Facts) -> Problem | None:
    """A problem that only a person can fix."""
    if facts.observed.refusals and facts.status.phase is not Phase.ROLLING_BACK:
        return Problem(reasons.NOT_PERMITTED, facts.status.message)
    if facts.observed.alias_conflict is not None:
        return Problem(reasons.ALIAS_CONFLICT, facts.status.message)
    if facts.status.phase in _ENDS and not awaits_registry(facts):
        of_template = facts.status.phase is Phase.REJECTED and isinstance(standing_rejection(facts), TemplateRejection)
        reason = reasons.TEMPLATE_REJECTED if of_template else _ENDS[facts.status.phase]
        return Problem(reason, facts.status.message)
    champion, template = facts.status.champion, template_waits(facts)
    if champion is not None and template is not None and template.reason in _KEPT_OUT:
        return template if behind_git(facts, champion) else None
    if (problem := _not_moved(facts)) is not None:
        return problem
    return overdue(facts)


def _not_moved(facts: Facts) -> Problem | None:
    """What has kept a trial's traffic from being moved for longer than pods may take to start: a refused Service."""
    trial, problem, limit = facts.status.trial, facts.observed.traffic.problem, facts.spec.rollout.startup_timeout
    if problem is None or problem.reason == reasons.IN_PROGRESS or facts.status.phase not in _MOVING or trial is None:
        return None
    since = trial.step_started_at if trial.weight_reached_at is None else None
    return problem if since is not None and facts.now - since >= limit else None


def awaits_registry(facts: Facts) -> bool:
    """Whether the desired version is another one since the last rollout: the registry has to be queried first."""
    if facts.status.phase is Phase.STABLE:
        return not serves_desired(facts)
    if facts.status.phase is Phase.REJECTED:
        return standing_rejection(facts) is None and not _held_before("Stalled", facts)
    if facts.status.phase is Phase.ABORTED:
        return standing_abort(facts) is None and not _held_before("Stalled", facts)
    unknown = facts.observed.registry.desired is None
    return facts.status.phase is Phase.BLOCKED and unknown and not _held_before("Stalled", facts)


def serves_desired(facts: Facts) -> bool:
    """Whether the champion is the desired version. While an alias cannot be resolved, the last condition stands."""
    champion = facts.status.champion
    desired = is_desired(facts, champion) if champion is not None else False
    return _held_before("Ready", facts) if desired is None else desired


def condition_of(status: Status, kind: str) -> Condition | None:
    """The condition of this type; None where there is none."""
    return next((condition for condition in status.conditions if condition.type == kind), None)


# --- the checks -------------------------------------------------------------------------------------------------------


def champion_down(facts: Facts) -> NotReady | None:
    """Why it is not ready, where the champion has no ready pod."""
    champion = facts.status.champion
    if champion is None or not down(facts) or facts.status.phase in _HANDED_OVER or _same_version_answers(facts):
        return None
    why = "; ".join([f"champion {champion.version} has no ready pod", *hindrances(facts, champion)[:2]])
    return NotReady("False", reasons.CHAMPION_UNAVAILABLE, why)


def _same_version_answers(facts: Facts) -> bool:
    """Whether the champion's own version answers from the other slot, as Git names it: the operator alone differs."""
    champion = facts.status.champion
    if champion is None or not on_trial_by_operator(facts.status):
        return False
    slot = other_than(champion.slot)
    beside, traffic = facts.observed.slot(slot), facts.observed.traffic
    reached = traffic.desired.get(slot, 0) > 0 and traffic.current.get(slot, 0) > 0
    return down(facts) and reached and beside.ready(beside.runs) > 0


def stalled(facts: Facts) -> NotReady | None:
    """Why it is not ready, where the rollout is stalled."""
    problem, late = stall(facts), overdue(facts)
    if problem is None:
        return None
    return NotReady("False", problem.reason, late.message if problem == late else "")


def unresolved(facts: Facts) -> NotReady | None:
    """The registry's problem keeps the desired version from being known."""
    problem = facts.observed.registry.problem
    if problem is None or facts.status.phase not in ANSWER_EXPECTED or serves_desired(facts):
        return None
    return NotReady("Unknown" if problem.reason in PASSING else "False", problem.reason)


def under_way(facts: Facts) -> NotReady | None:
    """Another version than the desired one is champion, or its rollout has not ended."""
    serves = facts.status.phase in SERVING_PHASES or on_trial_by_operator(facts.status)
    if serves and serves_desired(facts):
        return None
    if facts.status.shared_outage is not None:
        return NotReady("Unknown", reasons.SHARED_OUTAGE)
    if facts.status.suspected is not None:
        return NotReady("Unknown", reasons.AWAITING_CHAMPION)
    if (hold := standing_hold(facts)) is not None and facts.status.phase not in IN_TRIAL:
        return NotReady("False", hold.reason)
    if why := newer_waits(facts):
        return NotReady("Unknown", reasons.NEWER_VERSION_WAITS, why)
    return NotReady("Unknown", _going_on(facts))


def _going_on(facts: Facts) -> str:
    """The reason of a rollout that is under way."""
    trial = facts.status.trial
    if trial is not None and trial.evidence.mismatch and facts.status.phase in _MOVING:
        return reasons.SAMPLE_RATIO_MISMATCH
    return reasons.PAUSED if facts.spec.paused else reasons.PROGRESSING


def another_template(facts: Facts) -> NotReady | None:
    """Git names the champion's pods to be made from another template: spec.serving has changed.

    A template that differs by the operator alone takes nothing away: what Git names serves.
    """
    champion = facts.status.champion
    assert champion is not None  # under_way speaks otherwise
    if not behind_git(facts, champion):
        return None
    found = template_waits(facts)
    if found is None or found.reason == reasons.IN_PROGRESS:
        return NotReady("Unknown", reasons.PROGRESSING, "another pod template is tried next")
    return NotReady("Unknown" if found.reason in UNDECIDED else "False", found.reason, found.message)


def not_starting(facts: Facts) -> NotReady | None:
    """Pods of the champion cannot start: an image, a quota, artifacts that have changed. Those that run go on."""
    champion = facts.status.champion
    assert champion is not None
    why = hindrances(facts, champion) if not _same_version_answers(facts) else []
    return NotReady("False", reasons.PODS_NOT_STARTING, "; ".join(why[:2])) if why else None


def rolling_out(facts: Facts) -> NotReady | None:
    """The champion's Deployment is not yet what this generation wants, in size above all."""
    champion = facts.status.champion
    assert champion is not None
    seen, size = facts.observed.slot(champion.slot), facts.spec.serving.size
    made = seen.runs == champion and seen.up_to_date and seen.rolled_out and seen.replicas == size
    if made and (seen.ready(champion) >= size or _held_before("Ready", facts) or _same_version_answers(facts)):
        return None
    return NotReady("Unknown", reasons.PROGRESSING, f"{min(seen.ready(champion), size)} of {size} pods are ready")


def not_routed(facts: Facts) -> NotReady | None:
    """Requests do not go to the champion, as this generation's spec.traffic wants it."""
    champion, traffic = facts.status.champion, facts.observed.traffic
    assert champion is not None
    if traffic.problem is not None and traffic.problem.reason != reasons.IN_PROGRESS:
        return NotReady("False", traffic.problem.reason, traffic.problem.message)
    settled = traffic.in_sync or _held_before("Ready", facts)
    if settled and _routed_to_desired(facts, champion):
        return None
    return NotReady("Unknown", reasons.PROGRESSING, f"requests do not all go to version {champion.version} yet")


def _routed_to_desired(facts: Facts, champion: Pinned) -> bool:
    """Whether all requests go to what Git names: in the trial of an operator's template that is in both slots."""
    weights = facts.observed.traffic.desired
    return (sum(weights.values()) if on_trial_by_operator(facts.status) else weights.get(champion.slot)) == ALL


def not_scaled(facts: Facts) -> NotReady | None:
    """The autoscaler is not as this generation wants it."""
    seen = facts.observed.autoscaler
    if facts.spec.serving.autoscaling is None or seen is None or seen.up_to_date:
        return None
    if seen.problem is not None:
        return NotReady("False", seen.problem.reason, seen.problem.message)
    return NotReady("Unknown", reasons.PROGRESSING, f"HorizontalPodAutoscaler {facts.key.name} is not up to date yet")


CHECKS: tuple[Check, ...] = (
    champion_down,
    stalled,
    unresolved,
    under_way,
    another_template,
    not_starting,
    rolling_out,
    not_routed,
    not_scaled,
)


def _held_before(kind: str, facts: Facts) -> bool:
    """Whether this condition held for this generation already, when the status was last written."""
    known = condition_of(facts.status, kind)
    return known is not None and known.status == "True" and known.observed_generation == facts.generation
