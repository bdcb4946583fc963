"""What the arms of an experiment need: pods, and shares of the traffic."""

from collections.abc import Iterator, Mapping

from podium.api.v1alpha1.evidence import ARM_SLOTS, Slot
from podium.api.v1alpha1.experiment import Arm
from podium.api.v1alpha1.status import Pinned
from podium.core.experiment import judged
from podium.core.facts import ALL, Facts, other_than
from podium.core.traffic.lending import champion_down
from podium.core.traffic.shares import share_pods


def arm_pods(facts: Facts) -> Iterator[tuple[Pinned, int]]:
    """Every arm that is to run, with its number of pods."""
    yield from ((arm.pinned, share_pods(arm.weight, facts.spec)) for arm in judged(facts.status))


def ready_arms(facts: Facts) -> bool:
    """Whether all pods of all arms are ready, and have proved what they serve."""
    arms = judged(facts.status)
    return bool(arms) and all(_complete(arm, facts) for arm in arms)


def arm_weights(facts: Facts) -> Mapping[Slot, int] | None:
    """Each arm's weight, from when all were ready once; the champion has the rest.

    An arm that has lost its last ready pod hands its share to the champion meanwhile. Beside a champion without a ready
    pod, the first arm that has one answers for it: a gateway would send the champion's share to none.
    """
    champion, known = facts.status.champion, facts.status.experiment
    if champion is None:
        return None
    routed = known is not None and known.routed_at is not None
    shares = {arm.slot: arm.weight for arm in judged(facts.status) if routed and _carries(arm, facts)}
    rest = ALL - sum(shares.values())
    if shares and champion_down(facts):
        first = next(iter(shares))
        shares[first], rest = shares[first] + rest, 0
    return {champion.slot: rest, other_than(champion.slot): 0, **shares}


def leaving_arms(facts: Facts) -> Iterator[Slot]:
    """The slots of arms that are to be stopped: no request can reach them, and none has for the drain time."""
    stay = {arm.slot for arm in judged(facts.status)}
    for slot in ARM_SLOTS:
        if slot not in stay and facts.observed.slot(slot).replicas and _drained(slot, facts):
            yield slot


def leaves(facts: Facts) -> bool:
    """Whether an arm runs that is to be stopped."""
    stay = {arm.slot for arm in judged(facts.status)}
    return any(facts.observed.slot(slot).replicas for slot in ARM_SLOTS if slot not in stay)


def _complete(arm: Arm, facts: Facts) -> bool:
    return facts.observed.slot(arm.slot).verified(arm.pinned) >= share_pods(arm.weight, facts.spec)


def _carries(arm: Arm, facts: Facts) -> bool:
    """Up only to pods that have proved what they serve; it keeps what it has while one of them is ready."""
    has = facts.observed.traffic.desired.get(arm.slot, 0) > 0
    return _complete(arm, facts) or (has and facts.observed.slot(arm.slot).ready(arm.pinned) > 0)


def _drained(slot: Slot, facts: Facts) -> bool:
    if facts.observed.traffic.may_reach(slot):
        return False
    since = next((arm.out_at for arm in facts.status.arms if arm.slot == slot), None)
    return since is None or not facts.observed.slot(slot).pods or facts.now - since >= facts.spec.serving.drain
