"""Checks of the way back to the champion before, from one that failed a guard after its soak."""

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.status import Verdict
from podium.core.facts import ALL, Facts, other_than
from podium.core.rollout.degraded import former_pinned, returns, standing_failure
from podium.core.traffic.lending import champion_down


def champion_degraded(facts: Facts) -> Verdict | None:
    """The champion has failed, nothing is on trial, and the champion before it has a free slot to start in."""
    failure, champion, former = standing_failure(facts.status), facts.status.champion, former_pinned(facts)
    if failure is None or champion is None or former is None or not returns(facts) or not _free(facts):
        return None
    if facts.status.suspected is not None or facts.status.shared_outage is not None:
        return None  # what both versions depend on may be down: that is decided first
    message = (
        f"champion {champion.version} is degraded: {failure.message}; version {former.version}, the "
        f"champion before it, is started again by its pinned digest"
    )
    return Verdict(reason=reasons.CHAMPION_DEGRADED, message=message, suspects=True)


def makes_way(facts: Facts) -> Verdict | None:
    """The version on trial gives its slot to the champion before: users have waited long enough for a good answer."""
    subject, failure, former = facts.subject, standing_failure(facts.status), former_pinned(facts)
    if subject is None or failure is None or former is None or _recovers(facts) or not returns(facts):
        return None
    message = (
        f"version {subject.version} makes way for version {former.version}: the champion is degraded; it is tried "
        f"again afterwards"
    )
    return Verdict(reason=reasons.CHAMPION_DEGRADED, message=message)


def former_ready(facts: Facts) -> Verdict | None:
    """The champion before has all its pods, and they have proved what they serve."""
    subject = facts.subject
    if subject is None or not _recovers(facts):
        return None
    if facts.observed.slot(subject.slot).verified(subject) < facts.spec.serving.size:
        return None
    return Verdict(reason=reasons.CHALLENGER_READY, message="ready; moving all traffic to it")


def former_restored(facts: Facts) -> Verdict | None:
    """All the traffic goes to it. No soak follows: nothing leads back to a version that is degraded."""
    subject, traffic = facts.subject, facts.observed.traffic
    if subject is None or not _recovers(facts):
        return None
    if not traffic.in_sync or traffic.desired.get(subject.slot, 0) != ALL:
        return None
    message = f"version {subject.version} has all the traffic, and is champion again"
    return Verdict(reason=reasons.FORMER_CHAMPION_RESTORED, message=message)


def _recovers(facts: Facts) -> bool:
    trial = facts.status.trial
    return trial is not None and trial.recovers is not None


def _free(facts: Facts) -> bool:
    """Whether nothing is left in the other slot, and no request can reach it while the champion answers."""
    champion = facts.status.champion
    assert champion is not None
    free = other_than(champion.slot)
    seen = facts.observed.slot(free)
    if seen.replicas or seen.pods:
        return False
    return champion_down(facts) or not facts.observed.traffic.may_reach(free)
