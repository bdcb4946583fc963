"""What pods need that load versions in place."""

from collections.abc import Iterator

from podium.api.v1alpha1.status import Pinned
from podium.core.actions import Action, RenewPods, TellPods
from podium.core.facts import Facts, PodState, SlotState
from podium.core.identity import Identity


def reloads(facts: Facts, pinned: Pinned, seen: SlotState) -> Iterator[Action]:
    """What pods need that serve another version than their slot is to run: to hear of it, or to be replaced."""
    expected, found = Identity(pinned.version, pinned.digest), others(pinned, seen)
    unable = [pod.name for pod in found if pod.reload is not None and pod.reload.given_up(pinned.digest)]
    unaware = tuple(pod.name for pod in found if pod.told != str(expected) and pod.name not in unable)
    what = f"load version {pinned.version} in place"
    if unaware:
        yield TellPods(pinned, unaware, f"{facts.status.phase}: {', '.join(unaware[:3])} are to {what}")
    if unable and seen.rolled_out:
        yield RenewPods(pinned, unable[0], f"{facts.status.phase}: {', '.join(unable[:3])} cannot {what}")


def others(pinned: Pinned, seen: SlotState) -> list[PodState]:
    """Pods that reload in place, and serve another version than their slot is to run."""
    expected = Identity(pinned.version, pinned.digest)
    return [pod for pod in seen.pods if pod.reloads and pod.identity is not None and pod.identity != expected]
