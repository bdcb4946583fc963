"""When a version that has lost its traffic may be stopped.

Where shares are of pods, a version's pods are stopped as soon as its Service leads elsewhere: only so do clients give
up the connections that they keep. Behind a gateway they are kept for a drain time in which they get no request.
"""

from datetime import timedelta
from typing import Final

from podium.api.v1alpha1.evidence import Slot
from podium.api.v1alpha1.status import Phase
from podium.api.v1alpha1.traffic import Draining
from podium.core.facts import Facts, other_than
from podium.core.traffic.phase_targets import PHASE_TARGETS

# Beyond the drain time, for a slot that answers without a weight: a client may call its own Service.
LONGEST: Final = timedelta(minutes=1)


def losing(facts: Facts) -> Slot | None:
    """The slot that loses the traffic and still runs: the former champion's; with no version on trial, the other one.

    It can outlast its rollback, where the champion had no ready pod to which the traffic could return.
    """
    status, target = facts.status, PHASE_TARGETS[facts.status.phase]
    if status.phase is Phase.SOAKING:
        return None if status.former is None else status.former.slot
    if not target.rests or status.champion is None:
        return None
    other = other_than(status.champion.slot)
    return other if facts.observed.slot(other).replicas else None


def draining(facts: Facts) -> Draining | None:
    """Since when the losing slot has had no weight and given no answer."""
    slot = losing(facts)
    if slot is None or not facts.spec.traffic.exact or facts.observed.traffic.may_reach(slot):
        return None
    answered = (pod.counters.answers for pod in facts.observed.slot(slot).pods if pod.counters is not None)
    answers, known = sum(answered), facts.status.draining
    if known is None:
        return Draining(weight_removed_at=facts.now, quiet_since=facts.now, answers=answers)
    return (
        known
        if answers <= known.answers
        else Draining(weight_removed_at=known.weight_removed_at, quiet_since=facts.now, answers=answers)
    )


def drained(facts: Facts, slot: Slot) -> bool:
    """Whether the slot has no traffic, and where it has just lost it, has been seen without it for long enough."""
    if facts.observed.traffic.may_reach(slot):
        return False
    if slot != losing(facts) or not facts.spec.traffic.exact or not facts.observed.slot(slot).pods:
        return True
    quiet, drain = facts.status.draining, facts.spec.serving.drain
    return quiet is not None and (
        facts.now - quiet.quiet_since >= drain or facts.now - quiet.weight_removed_at >= drain + LONGEST
    )
