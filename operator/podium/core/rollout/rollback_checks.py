"""Checks of a rollback: whether the traffic is back, or cannot go back for now.

A rollback always ends. Where the champion has no ready pod, or a gateway takes no weights, the phase ends without them:
every later one leads the traffic to the champion as well, as soon as that is possible (podium.core.traffic.weights).
"""

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.status import Pinned, Verdict
from podium.api.v1alpha1.values.base import format_duration
from podium.core.facts import ALL, Facts
from podium.core.rollout.desired import is_desired
from podium.core.rollout.templates import described, judges_template, on_trial
from podium.core.traffic.draining import drained
from podium.core.traffic.lending import champion_down


def rolled_back(facts: Facts) -> Verdict | None:
    """The champion has all the traffic again and the challenger is drained; or that is not to be waited for."""
    champion, challenger = facts.status.champion, facts.status.challenger
    if challenger is None:
        return Verdict(reason=reasons.ROLLED_BACK, message="no challenger to roll back")
    if champion is None:
        gone = facts.observed.slot(challenger.slot).replicas == 0
        message = f"version {challenger.version} is stopped; there was no champion before it"
        return Verdict(reason=reasons.ROLLED_BACK, message=message) if gone else None
    back = facts.observed.traffic.desired.get(champion.slot) == ALL
    if back and drained(facts, challenger.slot):
        return Verdict(reason=reasons.ROLLED_BACK, message=f"version {champion.version} has all the traffic")
    return _not_waited_for(facts, champion, challenger)


def rejection_rolled_back(facts: Facts) -> Verdict | None:
    """The same, of a version that is rejected."""
    trial, challenger = facts.status.trial, facts.status.challenger
    lost, back = trial.verdict if trial is not None else None, rolled_back(facts)
    if back is None or lost is None or challenger is None or not lost.rejects:
        return None
    beside = f" with {described(challenger.template)}" if judges_template(facts.status) else ""
    message = f"version {challenger.version}{beside} is rejected: {lost.message}; {back.message}"
    return Verdict(reason=reasons.VERSION_REJECTED, message=message)


def template_rolled_back(facts: Facts) -> Verdict | None:
    """The same, of a template that was on trial with the champion's version: the version itself loses nothing."""
    return rolled_back(facts) if on_trial(facts.status) else None


def _not_waited_for(facts: Facts, champion: Pinned, challenger: Pinned) -> Verdict | None:
    """The traffic cannot go back: that holds no newer commit up, nor the end of the rollback for ever."""
    down, limit = champion_down(facts), facts.spec.rollout.startup_timeout
    third = is_desired(facts, challenger) is False and is_desired(facts, champion) is False
    if down and third:
        message = f"version {champion.version} has no ready pod, and spec.model selects a third version now"
        return Verdict(reason=reasons.SUPERSEDED, message=message)
    if facts.status.phase_since is None or facts.now - facts.status.phase_since < limit:
        return None
    cause = f"version {champion.version} has no ready pod" if down else "its traffic could not be taken away"
    message = f"{cause} within {format_duration(limit)} (startupTimeout); the traffic goes back once that is possible"
    return Verdict(reason=reasons.ROLLED_BACK, message=message)
