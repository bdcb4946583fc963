"""How many pods a share of the traffic needs: to make the share, or under a gateway, to carry it."""

from math import ceil

from podium.api.v1alpha1.spec.rollout import Step
from podium.api.v1alpha1.spec.spec import Spec
from podium.api.v1alpha1.values.base import format_percent
from podium.core.facts import ALL, Facts
from podium.core.traffic.phase_targets import PHASE_TARGETS, Size

COARSE = 3  # percentage points that a share may differ from its weight before that is told


def pods_for(weight: int, champion: int) -> int:
    """Pods of the challenger beside `champion` pods so that its share is as near to `weight` percent as it can be.

    At least one, and never more than the champion has: the champion keeps its size all through a trial.
    """
    return min(range(1, champion + 1), key=lambda pods: (abs(pods / (pods + champion) - weight / ALL), pods))


def share_pods(weight: int, spec: Spec) -> int:
    """Pods that `weight` percent of the traffic needs. Where shares are exact, as many as carry it; at least one."""
    full = spec.serving.size
    return max(1, -(-full * weight // ALL)) if spec.traffic.exact else pods_for(weight, full)


def step_pods(step: Step, spec: Spec) -> int:
    """Pods that a step needs. Copies reach them by no route, so any share of them is exact."""
    if step.shadow is None:
        return share_pods(step.weight, spec)
    return max(1, ceil(spec.serving.size * step.shadow))


def share_in_force(weight: int, spec: Spec) -> float:
    """The fraction of the requests that a step's weight gives, with every pod ready."""
    if spec.traffic.exact or not weight:
        return weight / ALL
    pods, full = pods_for(weight, spec.serving.size), spec.serving.size
    return pods / (pods + full)


def coarse_share(weight: int, spec: Spec) -> str:
    """What a step's weight really gives where that is another share, with the pods that make it; "" where it is not."""
    share, pods = round(ALL * share_in_force(weight, spec)), pods_for(weight, spec.serving.size)
    if abs(share - weight) < COARSE:
        return ""
    return f"{share} % in force: {pods} of {pods + spec.serving.size} pods"


def weight_text(weight: int, spec: Spec) -> str:
    """A step's weight, and beside it the share that users get where that is another one."""
    coarse = coarse_share(weight, spec)
    return f"{weight} % ({coarse})" if coarse else f"{weight} %"


def step_text(step: Step, spec: Spec) -> str:
    """What a step gives the challenger: a share of the users, or of copies."""
    if step.shadow is None:
        return weight_text(step.weight, spec)
    return f"shadow of {format_percent(step.shadow)}"


def off_share(facts: Facts) -> str:
    """How the traffic is divided where that is not by the desired weights; "" where it is."""
    traffic, slot = facts.observed.traffic, (facts.subject or facts.status.champion)
    if slot is None:
        return ""
    desired, current = traffic.desired.get(slot.slot, 0), round(traffic.current.get(slot.slot, 0))
    if abs(desired - current) < COARSE:
        return ""
    return f"version {slot.version} has {current} % of the traffic, desired: {desired} %"


def challenger_pods(facts: Facts) -> int:
    """Pods for the step's weight; all of them at once where no steps lie ahead."""
    trial, full = facts.status.trial, facts.spec.serving.size
    if trial is None or trial.skips_steps or facts.status.champion is None:
        return full
    return step_pods(trial.steps[trial.step], facts.spec)


def pods_to_start(facts: Facts) -> int:
    """Pods of the version under judgement that its phase waits for."""
    target = PHASE_TARGETS[facts.status.phase]
    full = Size.FULL in {target.challenger, target.former}
    return facts.spec.serving.size if full else challenger_pods(facts)
