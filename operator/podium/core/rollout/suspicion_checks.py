"""Checks of a suspicion: whose fault it was that a version failed its guard, by the champion's own answers."""

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.outage import Suspicion
from podium.api.v1alpha1.status import Verdict
from podium.api.v1alpha1.values.base import format_duration
from podium.core.analysis.shared_outage import NOT_REJECTED
from podium.core.analysis.suspicion import asked_of, blamed, champion_of
from podium.core.facts import Facts, Problem
from podium.core.rollout.circumstances import held


def own_fault(facts: Facts) -> Verdict | None:
    """The champion does better under the same circumstances: the version is rejected."""
    known = facts.status.suspected
    if known is None or not facts.evaluable or blamed(known) != "Own":
        return None
    message = f"version {known.version} is rejected: {rejection_message(known, facts)}"
    return Verdict(reason=reasons.VERSION_REJECTED, message=message, rejects=True)


def rejection_message(known: Suspicion, facts: Facts) -> str:
    """Why the version lost, and what the champion answered in the same time."""
    return f"{known.message}; {champion_answers(known, facts)}"


def not_its_own_fault(facts: Facts) -> Verdict | None:
    """The champion fails the same limit, or has answered too little to tell for too long: no rejection."""
    known = facts.status.suspected
    if known is None:
        return None
    if facts.evaluable and blamed(known) == "Shared":
        message = f"{known.message}; {champion_answers(known, facts)}, and fails the same guard; {NOT_REJECTED}"
        return Verdict(reason=reasons.SHARED_OUTAGE, message=message)
    if facts.now < known.until:
        return None
    waited = format_duration(known.until - known.since)
    problem = Problem(reasons.CHAMPION_INCONCLUSIVE, known.message)
    return held(problem, f"{champion_answers(known, facts)}, too few within {waited} (stepTimeout) to tell whose fault")


def champion_answers(known: Suspicion, facts: Facts) -> str:
    """What the champion has answered since the suspicion began."""
    asked, champion = asked_of(known.guards), facts.status.champion
    counts = [champion_of(known, one) for one in asked]
    worst = max(counts, key=lambda each: (each.bad, each.answers), default=None)
    name = f"champion {champion.version}" if champion is not None else "the champion"
    return f"{name} gave {worst.bad if worst else 0} bad of {worst.answers if worst else 0} answers"
