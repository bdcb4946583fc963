"""The desired traffic: the weights of the phase target that pods can carry, and the overrides.

Up only to pods that are ready and have verified what they serve; back to whatever champion is ready.
"""

from collections.abc import Iterator, Mapping

from podium.api.v1alpha1.evidence import Slot
from podium.api.v1alpha1.status import Pinned, Status, Trial
from podium.core.actions import RouteOverrides, SetTraffic, TrialAffinity
from podium.core.facts import ALL, Facts, SlotState, other_than
from podium.core.fingerprints import trial_id
from podium.core.traffic.arms import arm_weights
from podium.core.traffic.lending import abandoned, champion_down, former_helps
from podium.core.traffic.phase_targets import PHASE_TARGETS, Traffic
from podium.core.traffic.shares import step_pods


def routes(facts: Facts) -> Iterator[SetTraffic]:
    """The route to be written, where it is not as it should be."""
    seen = facts.observed.traffic
    weights = _weights(facts) or seen.desired
    overrides = RouteOverrides(_preview(facts, weights), _session_affinity(facts, weights))
    trial = _trial(facts)
    outdated = seen.trial is not None and seen.trial != trial
    if weights and (outdated or (weights, overrides) != (seen.desired, seen.overrides)):
        shares = ", ".join(f"{weight} % to slot {slot}" for slot, weight in sorted(weights.items()))
        of = " of users" if overrides.session_affinity else ""
        testers = f", testers to slot {overrides.preview}" if overrides.preview else ""
        yield SetTraffic(weights, f"{facts.status.phase}: {shares}{of}{testers}", overrides, trial)


def _trial(facts: Facts) -> str:
    """The trial that goes on.

    A route is written when a trial begins, and when it ends, even where the weights stay as they are: so that it has
    another revision, and weights that were decided in the trial, and are still on their way, are refused.
    """
    subject, trial = facts.subject, facts.status.trial
    if subject is None or trial is None or PHASE_TARGETS[facts.status.phase].rests:
        return ""
    return trial_id(subject, trial)


def _weights(facts: Facts) -> Mapping[Slot, int] | None:
    """The weights to ask for, or None to leave the traffic where it is."""
    if PHASE_TARGETS[facts.status.phase].arms:
        return arm_weights(facts)
    traffic, up = PHASE_TARGETS[facts.status.phase].traffic, _up(facts)
    if up is not None:
        return up
    if traffic is not Traffic.CHAMPION and facts.observed.traffic.desired and not abandoned(facts):
        return None  # the last step goes on until the next one can be carried
    return _back(facts)


def _up(facts: Facts) -> Mapping[Slot, int] | None:
    """What the phase gives the challenger, or all where it alone can answer; None with too few verified pods."""
    traffic, challenger, trial = PHASE_TARGETS[facts.status.phase].traffic, facts.status.challenger, facts.status.trial
    if challenger is None or trial is None or traffic is Traffic.CHAMPION:
        return None
    verified = facts.observed.slot(challenger.slot).verified(challenger)
    if (verified and _alone(facts)) or (traffic is Traffic.CHALLENGER and verified >= facts.spec.serving.size):
        return _to(challenger, ALL)
    if traffic is Traffic.CHALLENGER:
        return None
    weight, carried = _step_weight(facts, challenger, trial), step_pods(trial.steps[trial.step], facts.spec)
    lent = facts.observed.traffic.desired.get(challenger.slot, 0) > weight and not abandoned(facts)
    return _to(challenger, weight) if verified >= carried or lent else None


def _alone(facts: Facts) -> bool:
    """Whether the champion's share would go to no pod. A Service that leads to both leaves it out by itself."""
    champion, desired = facts.status.champion, facts.observed.traffic.desired
    leads = facts.spec.traffic.exact or (champion is not None and desired.get(champion.slot) == ALL)
    return leads and champion_down(facts)


def _step_weight(facts: Facts, challenger: Pinned, trial: Trial) -> int:
    """The step's weight. Beside a champion without a ready pod, the challenger keeps what it has already."""
    weight, known = trial.steps[trial.step].weight, facts.observed.traffic.desired.get(challenger.slot, 0)
    return max(weight, known) if champion_down(facts) else weight


def _back(facts: Facts) -> Mapping[Slot, int] | None:
    """All to the champion; but the healthier side keeps the traffic while only that has a ready pod.

    In a soak the former champion has lost the traffic, and takes it again for as long as the new one has no ready pod.
    On the gradual way back the champion gets no more than its ready pods stand for, and never less than it has.
    """
    champion = facts.status.champion
    if champion is None:
        return None
    if former_helps(facts):
        return _to(champion, 0)
    other = other_than(champion.slot)
    able = facts.observed.slot(champion.slot).ready(champion)
    other_seen, desired = facts.observed.slot(other), facts.observed.traffic.desired
    carried = desired.get(other, 0) > 0 and any(pod.ready for pod in other_seen.pods)  # a version before it, too
    if not carried:
        return _to(champion, ALL)
    if able and facts.spec.traffic.rollback == "Gradual":
        carries = ALL * able // facts.spec.serving.size
        return _to(champion, min(ALL, max(carries, desired.get(champion.slot, 0))))
    return _to(champion, ALL) if able else _to_the_other(facts, champion)


def _to_the_other(facts: Facts, champion: Pinned) -> Mapping[Slot, int] | None:
    """All to the side that alone has pods: a gateway would send the champion's share to none.

    A Service does so by itself, and leads back by itself, too.
    """
    other = facts.observed.slot(other_than(champion.slot))
    return _to(champion, 0) if facts.spec.traffic.exact and other.verified(other.runs) else None


def runs_beside(trusted: Slot, slots: Mapping[Slot, SlotState]) -> bool:
    """Whether any other version runs."""
    return any(seen.replicas for slot, seen in slots.items() if slot != trusted)


def to_trusted(status: Status, slots: Mapping[Slot, SlotState]) -> Mapping[Slot, int] | None:
    """All traffic to the version that is trusted, for a ModelDeployment that nothing judges any more; None: it cannot.

    A soak has not ended, and is given up as a trial is: the new champion is only the next best.
    """
    for pinned in (status.trusted, status.champion):
        if pinned is not None and slots[pinned.slot].ready(pinned):
            return _to(pinned, ALL)
    return None


def _preview(facts: Facts, weights: Mapping[Slot, int]) -> Slot | None:
    """Where testers go: to a challenger without all the traffic, from its first verified pod until none is ready."""
    challenger, traffic = facts.status.challenger, facts.observed.traffic
    if facts.spec.traffic.preview is None or not PHASE_TARGETS[facts.status.phase].preview:
        return None
    if challenger is None or facts.status.champion is None or weights.get(challenger.slot) == ALL:
        return None
    seen = facts.observed.slot(challenger.slot)
    # A pod that this reconcile could not scrape still is what it was verified to be: no reason for two writes.
    stays = traffic.overrides.preview == challenger.slot and seen.ready(challenger) > 0
    return challenger.slot if stays or seen.verified(challenger) > 0 else None


def _session_affinity(facts: Facts, weights: Mapping[Slot, int]) -> TrialAffinity | None:
    """How users stay on their side: while both sides get some, and the weight only rises."""
    challenger, trial = facts.status.challenger, facts.status.trial
    if facts.spec.traffic.session_affinity is None or PHASE_TARGETS[facts.status.phase].traffic is Traffic.CHAMPION:
        return None
    if challenger is None or trial is None or not 0 < weights.get(challenger.slot, 0) < ALL:
        return None
    now = weights[challenger.slot]
    earlier = [step.weight for step in trial.steps if 0 < step.weight < now]
    return TrialAffinity(trial_id(challenger, trial), challenger.slot, (*earlier, now))


def _to(pinned: Pinned, weight: int) -> Mapping[Slot, int]:
    return {pinned.slot: weight, other_than(pinned.slot): ALL - weight}
