"""Since when a trial stands as it does: what its steps, its start and its soak are measured from."""

from datetime import datetime, timedelta

from podium.api.v1alpha1.status import Phase, Trial
from podium.core.facts import Facts, other_than
from podium.core.traffic.lending import champion_down, contradicts
from podium.core.traffic.phase_targets import PHASE_TARGETS, Size
from podium.core.traffic.shares import pods_to_start, step_pods

COUNTED = frozenset({Phase.CANARY, Phase.PROMOTING, Phase.SOAKING})  # phases in which answers are evidence
LOOKS = timedelta(seconds=30)  # between two looks at a soak, at the most, or so much of it:
PART = 20  # after more, it is not known what was between them
KEEP = timedelta(seconds=5)  # counts are written down this often at the most; a restart sees the rest as one block


def weight_reached_at(facts: Facts, trial: Trial) -> datetime | None:
    """Since when the traffic has had the step's weight without a break, or more while the champion has no ready pod.

    Time in which too few of its ready pods could be scraped does not count: the moment moves on by it.
    """
    subject, world = facts.subject, facts.observed
    if facts.status.phase is not Phase.CANARY or subject is None:
        return trial.weight_reached_at
    step = trial.steps[trial.step]
    weight, needed, seen = step.weight, step_pods(step, facts.spec), world.slot(subject.slot)
    desired = world.traffic.desired.get(subject.slot, 0)
    right = desired == weight or (desired > weight and champion_down(facts))
    if not world.traffic.in_sync or not right:
        return None
    if seen.verified(subject) >= needed:
        return trial.weight_reached_at or facts.now
    known = trial.weight_reached_at
    # Pods that are ready, and could not be scraped just now, still are what they were
    ready = [pod for pod in seen.pods if pod.ready and pod.made_for(subject) and not contradicts(pod, subject)]
    if known is None or len(ready) < needed:
        return None
    gap = _unseen(facts, trial)
    return known + gap if gap >= KEEP else known


def _unseen(facts: Facts, trial: Trial) -> timedelta:
    """The time since the last look at a trial that was written down."""
    return facts.now - (trial.evidence.observed_at or facts.now)


def starting_since(facts: Facts, trial: Trial) -> datetime | None:
    """Since when too few pods are verified without a break; a pod evicted in a long pause gets the whole time again.

    In a soak, it is since when the former champion answers, or no version: what serves with fewer pods, serves.
    """
    subject, soaking = facts.subject, facts.status.phase is Phase.SOAKING
    if subject is None or (PHASE_TARGETS[facts.status.phase].challenger is Size.NONE and not soaking):
        return trial.starting_since
    enough = facts.observed.slot(subject.slot).verified(subject) >= pods_to_start(facts)
    lent = facts.observed.traffic.desired.get(other_than(subject.slot), 0) > 0
    if enough or (soaking and not champion_down(facts) and not lent):
        return None
    return trial.starting_since or facts.now


def longest_gap(trial: Trial) -> timedelta:
    """The longest time between two looks at a soak that counts."""
    return max(LOOKS, trial.soak / PART)


def soaking_since(facts: Facts, trial: Trial) -> datetime | None:
    """Since when it has served alone with a ready pod, without a break; without one it shows nothing of itself.

    Nor while the former champion answers for it: the time begins once no request can reach that one any more.
    Time in which no operator looked at it, or no pod could be scraped, does not count: the moment moves on by it.
    """
    subject, known = facts.subject, trial.soaking_since
    if facts.status.phase is not Phase.SOAKING or subject is None:
        return known
    seen, other = facts.observed.slot(subject.slot), other_than(subject.slot)
    if not seen.ready(subject) or facts.observed.traffic.desired.get(other, 0):
        return None
    if known is None:
        return None if facts.observed.traffic.may_reach(other) else facts.now
    gap = _unseen(facts, trial)
    return known + gap if gap > longest_gap(trial) or (gap >= KEEP and not seen.verified(subject)) else known
