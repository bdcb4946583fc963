"""Checks of the pod template that Git and the operator name now, beside the champion's and the one on trial."""

from typing import Final

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.status import Phase, Pinned, Verdict
from podium.core.facts import Facts
from podium.core.rollout.circumstances import circumstance
from podium.core.rollout.desired import is_desired
from podium.core.rollout.hindrances import down
from podium.core.rollout.templates import behind, behind_git, described, template_waits

_PASSED: Final = frozenset({Phase.PROMOTING, Phase.SOAKING})


def template_changed(facts: Facts) -> Verdict | None:
    """The champion's pods would be made from another template now, and it may be tried with the same version."""
    champion = facts.status.champion
    if champion is None or not behind(facts, champion) or template_waits(facts) is not None:
        return None
    moved = "" if facts.of_source(champion) else f", from the registry at {facts.observed.registry.uri}"
    message = (
        f"version {champion.version} is tried with {described(facts.observed.template)}{moved}; the champion keeps "
        f"{described(champion.template)}"
    )
    return Verdict(reason=reasons.TEMPLATE_CHANGED, message=message)


def template_superseded(facts: Facts) -> Verdict | None:
    """Git names another template than the one on trial.

    A version that has passed its trial is promoted first, unless that is what it would return to. An operator
    alone supersedes nothing. Neither holds where the trial could not end: pods cannot load from where the registry was.
    """
    subject, fallback = facts.subject, facts.fallback
    if subject is None:
        return None
    left = _left_behind(facts, subject)
    if not left and not behind_git(facts, subject):
        return None
    if fallback is None and (facts.status.phase is Phase.SOAKING or _serves(facts, subject)):
        return None  # to give it up would stop the only version that answers
    returns = fallback is not None and is_desired(facts, fallback) and not behind(facts, fallback)
    if facts.status.phase in _PASSED and fallback is not None and not returns and not left:
        return None
    message = f"version {subject.version} is to have {described(facts.observed.template)} now"
    if left:
        now = facts.observed.registry.uri
        message = f"{message}: its pods cannot load from {subject.registry}, the registry is at {now}"
    return Verdict(reason=reasons.TEMPLATE_CHANGED, message=message)


def _left_behind(facts: Facts, subject: Pinned) -> bool:
    """Whether the registry has moved, and the trial waits in vain for pods that cannot load from its old address."""
    trial, found = facts.status.trial, circumstance(facts, subject)
    if facts.of_source(subject) or trial is None or found is None or found.reason != reasons.MODEL_NOT_FETCHED:
        return False
    if facts.status.phase is Phase.SOAKING:
        return trial.soaking_since is None and down(facts.observed.slot(subject.slot), subject)
    since = trial.step_started_at if trial.weight_reached_at is None else None
    return since is not None and facts.now - since >= facts.spec.rollout.startup_timeout


def _serves(facts: Facts, subject: Pinned) -> bool:
    return facts.serves_alone and facts.observed.slot(subject.slot).ready(subject) > 0
