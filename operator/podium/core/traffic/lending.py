"""Lending: while the champion has no ready pod, the other slot answers for it, and gives that back afterwards.

In a trial and after it, the other slot is the challenger's: it keeps the traffic, or behind a gateway has all of it. In
a soak it is the former champion's, which stays warm for that. Who lends is neither blamed nor cleared by it: tripwires
and guards judge it as before, and what it answered itself is all that counts for it.
"""

from podium.api.v1alpha1.status import Pinned
from podium.core.facts import ALL, Facts, PodState, other_than
from podium.core.identity import Identity


def champion_down(facts: Facts) -> bool:
    """Whether there is a champion without a ready pod."""
    champion = facts.status.champion
    return champion is not None and not facts.observed.slot(champion.slot).ready(champion)


def lent(facts: Facts) -> bool:
    """Whether the other slot has all the traffic, because the champion has no ready pod."""
    champion = facts.status.champion
    weights = facts.observed.traffic.desired
    return champion is not None and champion_down(facts) and weights.get(other_than(champion.slot)) == ALL


def former_helps(facts: Facts) -> bool:
    """Whether the former champion, which is still warm, has a ready pod, and the new one has none.

    A pod of it that could not be asked may help; with one that says another digest, no traffic goes there.
    """
    former = facts.status.former
    if former is None or not champion_down(facts):
        return False
    seen = facts.observed.slot(former.slot)
    return seen.ready(former) > 0 and not any(contradicts(pod, former) for pod in seen.pods)


def contradicts(pod: PodState, pinned: Pinned) -> bool:
    """Whether a pod for this version has said that it serves anything else. One that is silent says nothing."""
    return pod.made_for(pinned) and pod.identity not in {None, Identity(pinned.version, pinned.digest)}


def abandoned(facts: Facts) -> bool:
    """Whether requests go to a version on trial that has no ready pod, while the champion has one.

    A gateway sends that version its share all the same. A Service does so only where it leads to that version alone.
    """
    subject, fallback, world = facts.subject, facts.fallback, facts.observed
    if subject is None or fallback is None:
        return False
    leads = facts.spec.traffic.exact or world.traffic.desired.get(subject.slot) == ALL
    return leads and not world.slot(subject.slot).ready(subject) and world.slot(fallback.slot).ready(fallback) > 0


def lent_text(facts: Facts) -> str:
    """Why a gateway gives the challenger more than the step's weight."""
    champion = facts.status.champion
    return f" ({ALL} % while version {champion.version} has no ready pod)" if champion and lent(facts) else ""
