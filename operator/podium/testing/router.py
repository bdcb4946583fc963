"""A router in memory: what was asked for is in force at once, for the pods that are ready."""

from collections.abc import Mapping

from podium.api import reasons
from podium.api.status import Slot
from podium.core.facts import Key, SlotSeen, TrafficSeen
from podium.errors import PodiumError, Refused
from podium.ports import ModelDeploymentSeen
from podium.testing.cluster import FakeCluster


class FakeRouter:
    """Implements the port Router, with shares made of pods, as the router `replicas` has them."""

    def __init__(self, cluster: FakeCluster) -> None:
        self.failure: PodiumError | None = None  # raised by `route` while it is set
        self._cluster = cluster
        self._weights: dict[tuple[Key, str], dict[Slot, int]] = {}  # by ModelDeployment and its uid

    async def seen(self, seen: ModelDeploymentSeen, slots: Mapping[Slot, SlotSeen]) -> TrafficSeen:
        weights = self._weights.get((seen.key, seen.uid))
        if weights is None:
            return TrafficSeen()
        ready = {slot: len(self.endpoints(seen, slot)) for slot in slots}
        total = sum(ready.values())
        shares: Mapping[Slot, float] = {slot: 100 * count / total for slot, count in ready.items()} if total else {}
        return TrafficSeen(asked=weights, in_force=shares, current=True)

    async def route(self, seen: ModelDeploymentSeen, weights: Mapping[Slot, int]) -> None:
        if self.failure is not None:
            raise self.failure
        if (seen.key.namespace, seen.key.name) in self._cluster.strangers:
            raise Refused(f"Service {seen.key} belongs to somebody else", reason=reasons.NAME_TAKEN)
        self._weights[seen.key, seen.uid] = dict(weights)
        self._cluster.writes.append(f"route {seen.key}: {weights}")

    def drift(self, seen: ModelDeploymentSeen) -> None:
        """Change the route by hand: it is no longer Podium's."""
        self._weights.pop((seen.key, seen.uid), None)

    def endpoints(self, seen: ModelDeploymentSeen, slot: Slot) -> list[str]:
        """Uids of the slot's pods that get traffic now."""
        if self._weights.get((seen.key, seen.uid), {}).get(slot, 0) == 0:
            return []
        return [pod.uid for pod in self._cluster.slots_now(seen)[slot].pods if pod.ready]
