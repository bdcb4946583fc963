"""Checks of the pod template that Git and the operator name now, beside the champion's and the one on trial."""

from typing import Final

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.status import Phase, Pinned, Verdict
from podium.core.facts import Facts
from podium.core.rollout.desired import is_desired
from podium.core.rollout.templates import behind, behind_git, described, template_waits

_PASSED: Final = frozenset({Phase.PROMOTING, Phase.SOAKING})


def template_changed(facts: Facts) -> Verdict | None:
    """The champion's pods would be made from another template now, and it may be tried with the same version."""
    champion = facts.status.champion
    if champion is None or not behind(facts, champion) or template_waits(facts) is not None:
        return None
    message = (
        f"version {champion.version} is tried with {described(facts.observed.template)}; the champion keeps "
        f"{described(champion.template)}"
    )
    return Verdict(reason=reasons.TEMPLATE_CHANGED, message=message)


def template_superseded(facts: Facts) -> Verdict | None:
    """Git names another template than the one on trial.

    A version that has passed its trial is promoted first, unless that is what it would return to. An operator
    alone supersedes nothing.
    """
    subject, fallback = facts.subject, facts.fallback
    if subject is None or not behind_git(facts, subject):
        return None
    if fallback is None and (facts.status.phase is Phase.SOAKING or _serves(facts, subject)):
        return None  # to give it up would stop the only version that answers
    returns = fallback is not None and is_desired(facts, fallback) and not behind(facts, fallback)
    if facts.status.phase in _PASSED and fallback is not None and not returns:
        return None
    message = f"version {subject.version} is to have {described(facts.observed.template)} now"
    return Verdict(reason=reasons.TEMPLATE_CHANGED, message=message)


def _serves(facts: Facts, subject: Pinned) -> bool:
    return facts.serves_alone and facts.observed.slot(subject.slot).ready(subject) > 0
