"""Why pods of a version do not start, in the words of Kubernetes and of the pods themselves."""

from datetime import timedelta

from podium.api.v1alpha1.status import Pinned
from podium.core.facts import Facts, PodState, SlotState

CRASH_LOOP = "CrashLoopBackOff"  # says less than the end of the container before it
RECENT = timedelta(minutes=10)  # kubelet waits five minutes at the most between two starts


def hindrances(facts: Facts, pinned: Pinned) -> list[str]:
    """One sentence for each cause that keeps pods of the version's slot from being ready; none where none is known."""
    slot = facts.observed.slot(pinned.slot)
    return sorted({_hindrance(pod, facts) for pod in slot.pods} - {""}) + ([slot.stuck] if slot.stuck else [])


def down(seen: SlotState, pinned: Pinned) -> bool:
    """Whether none of its pods can take requests, or will be able to soon: one that was evicted is replaced."""
    pods = [pod for pod in seen.pods if pod.version == pinned.version]
    failing = bool(pods) and all(pod.waiting or pod.crash is not None for pod in pods)
    return not seen.ready(pinned) and (failing or bool(seen.stuck))


def _hindrance(pod: PodState, facts: Facts) -> str:
    if pod.ready:
        return ""
    if pod.crash is None or (pod.waiting and not pod.waiting.startswith(CRASH_LOOP)):
        return pod.waiting
    if not pod.waiting and facts.now - pod.crash.at > RECENT:
        return ""  # it ran since then
    return pod.crash.message or f"exit code {pod.crash.exit_code} ({pod.crash.reason})"
