"""A router in memory: what was asked for is in force at once, for the pods that are ready.

Shares are made of pods, or are exact where spec.traffic has a gateway: then as soon as the gateway has taken them.
"""

from collections.abc import Mapping

from podium.api import reasons
from podium.api.status import Slot
from podium.core.actions import NO_DETOURS, Detours
from podium.core.facts import Key, Problem, SlotSeen, TrafficSeen
from podium.errors import PodiumError, Refused
from podium.ports import ModelDeploymentSeen
from podium.testing.cluster import FakeCluster


class FakeRouter:
    """Implements the port Router."""

    def __init__(self, cluster: FakeCluster) -> None:
        self.failure: PodiumError | None = None  # raised by `route` while it is set
        self.gateway_stopped = False  # it goes on as it was, and takes no new weights
        self.released: list[Key] = []
        self._cluster = cluster
        self._weights: dict[tuple[Key, str], dict[Slot, int]] = {}  # by ModelDeployment and its uid
        self._detours: dict[tuple[Key, str], Detours] = {}
        self._taken: dict[tuple[Key, str], tuple[dict[Slot, int], Detours]] = {}  # by gateways

    async def seen(self, seen: ModelDeploymentSeen, slots: Mapping[Slot, SlotSeen]) -> TrafficSeen:
        weights = self._weights.get((seen.key, seen.uid))
        if weights is None:
            return TrafficSeen()
        if seen.spec is not None and seen.spec.traffic.exact:
            return self._of_gateway(seen, weights)
        ready = {slot: len(self.endpoints(seen, slot)) for slot in slots}
        total = sum(ready.values())
        shares: Mapping[Slot, float] = {slot: 100 * count / total for slot, count in ready.items()} if total else {}
        return TrafficSeen(asked=weights, in_force=shares, current=True)

    async def route(
        self, seen: ModelDeploymentSeen, weights: Mapping[Slot, int], detours: Detours = NO_DETOURS
    ) -> None:
        if self.failure is not None:
            raise self.failure
        if (seen.key.namespace, seen.key.name) in self._cluster.strangers:
            raise Refused(f"Service {seen.key} belongs to somebody else", reason=reasons.NAME_TAKEN)
        place = (seen.key, seen.uid)
        if (self._weights.get(place), self._detours.get(place)) != (weights, detours):  # nor do the real ones write
            self._weights[place], self._detours[place] = dict(weights), detours
            self._cluster.writes.append(f"route {seen.key}: {weights}")

    async def release(self, seen: ModelDeploymentSeen) -> None:
        if self.failure is not None:
            raise self.failure
        self.released.append(seen.key)

    def _of_gateway(self, seen: ModelDeploymentSeen, weights: Mapping[Slot, int]) -> TrafficSeen:
        place = (seen.key, seen.uid)
        detours = self._detours.get(place, NO_DETOURS)
        if not self.gateway_stopped:
            self._taken[place] = dict(weights), detours
        if self._taken.get(place) != (weights, detours):
            problem = Problem(reasons.IN_PROGRESS, "the gateway has not taken the route yet")
            return TrafficSeen(asked=weights, settling=True, problem=problem, detours=detours)
        shares: Mapping[Slot, float] = {slot: float(weight) for slot, weight in weights.items()}
        return TrafficSeen(asked=weights, in_force=shares, current=True, detours=detours)

    def drift(self, seen: ModelDeploymentSeen) -> None:
        """Change the route by hand: it is no longer Podium's."""
        self._weights.pop((seen.key, seen.uid), None)

    def endpoints(self, seen: ModelDeploymentSeen, slot: Slot) -> list[str]:
        """Uids of the slot's pods that get traffic now."""
        if self._weights.get((seen.key, seen.uid), {}).get(slot, 0) == 0:
            return []
        return [pod.uid for pod in self._cluster.slots_now(seen)[slot].pods if pod.ready]
