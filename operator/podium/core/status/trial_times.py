"""Since when a trial stands as it does: what its steps, its start and its soak are measured from."""

from datetime import datetime, timedelta

from podium.api.v1alpha1.status import Phase, Trial
from podium.core.facts import Facts
from podium.core.traffic.shares import challenger_pods, share_pods

LOOKS = timedelta(seconds=30)  # between two looks at a soak, at the most, or so much of it:
PART = 20  # after more, it is not known what was between them
KEEP = timedelta(seconds=5)  # counts are written down this often at the most; a restart sees the rest as one block


def weight_reached_at(facts: Facts, trial: Trial) -> datetime | None:
    """Since when the traffic has had the step's weight without a break, or more while the champion has no ready pod."""
    subject, world = facts.subject, facts.observed
    if facts.status.phase is not Phase.CANARY or subject is None:
        return trial.weight_reached_at
    weight = trial.steps[trial.step].weight
    enough = world.slot(subject.slot).verified(subject) >= share_pods(weight, facts.spec)
    desired, champion = world.traffic.desired.get(subject.slot, 0), facts.status.champion
    lent = desired > weight and champion is not None and world.slot(champion.slot).ready(champion) > 0
    if not enough or not world.traffic.in_sync or desired < weight or lent:
        return None
    return trial.weight_reached_at or facts.now


def starting_since(facts: Facts, trial: Trial) -> datetime | None:
    """Since when too few pods are verified without a break; a pod evicted in a long pause gets the whole time again."""
    subject = facts.subject
    if facts.status.phase is not Phase.STARTING or subject is None:
        return trial.starting_since
    if facts.observed.slot(subject.slot).verified(subject) >= challenger_pods(facts):
        return None
    return trial.starting_since or facts.now


def longest_gap(trial: Trial) -> timedelta:
    """The longest time between two looks at a soak that counts."""
    return max(LOOKS, trial.soak / PART)


def soaking_since(facts: Facts, trial: Trial) -> datetime | None:
    """Since when it has served alone with a ready pod, without a break; without one it shows nothing of itself.

    Time in which no operator looked at it, or no pod could be scraped, does not count: the moment moves on by it.
    """
    subject, known = facts.subject, trial.soaking_since
    if facts.status.phase is not Phase.SOAKING or subject is None:
        return known
    seen = facts.observed.slot(subject.slot)
    if not seen.ready(subject) or known is None:
        return facts.now if seen.ready(subject) else None
    unseen = facts.now - (trial.evidence.observed_at or facts.now)
    return known + unseen if unseen > longest_gap(trial) or (unseen >= KEEP and not seen.verified(subject)) else known
