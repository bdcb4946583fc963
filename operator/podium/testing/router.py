"""A router in memory: what was asked for is in force at once, for the pods that are ready.

Shares are made of pods, or are exact where spec.traffic has a gateway: then as soon as the gateway has taken them.
"""

from collections.abc import Mapping

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.status import Slot
from podium.core.actions import NO_OVERRIDES, RouteOverrides
from podium.core.facts import Key, Problem, SlotState, TrafficState
from podium.errors import PodiumError, Rejected
from podium.ports import ModelDeployment
from podium.testing.cluster import FakeCluster


class FakeRouter:
    """Implements the port Router."""

    def __init__(self, cluster: FakeCluster) -> None:
        self.failure: PodiumError | None = None  # raised by `route` while it is set
        self.gateway_stopped = False  # it goes on as it was, and takes no new weights
        self.released: list[Key] = []
        self._cluster = cluster
        self._weights: dict[tuple[Key, str], dict[Slot, int]] = {}  # by ModelDeployment and its uid
        self._detours: dict[tuple[Key, str], RouteOverrides] = {}
        self._taken: dict[tuple[Key, str], tuple[dict[Slot, int], RouteOverrides]] = {}  # by gateways

    async def observe(self, md: ModelDeployment, slots: Mapping[Slot, SlotState]) -> TrafficState:
        weights = self._weights.get((md.key, md.uid))
        if weights is None:
            return TrafficState()
        if md.spec is not None and md.spec.traffic.exact:
            return self._of_gateway(md, weights)
        ready = {slot: len(self.endpoints(md, slot)) for slot in slots}
        total = sum(ready.values())
        shares: Mapping[Slot, float] = {slot: 100 * count / total for slot, count in ready.items()} if total else {}
        return TrafficState(desired=weights, current=shares, in_sync=True)

    async def route(
        self, md: ModelDeployment, weights: Mapping[Slot, int], overrides: RouteOverrides = NO_OVERRIDES
    ) -> None:
        if self.failure is not None:
            raise self.failure
        if (md.key.namespace, md.key.name) in self._cluster.strangers:
            raise Rejected(f"Service {md.key} belongs to another owner", reason=reasons.NAME_CONFLICT)
        place = (md.key, md.uid)
        if (self._weights.get(place), self._detours.get(place)) != (weights, overrides):  # nor do the real ones write
            self._weights[place], self._detours[place] = dict(weights), overrides
            self._cluster.writes.append(f"route {md.key}: {weights}")

    async def release(self, md: ModelDeployment) -> None:
        if self.failure is not None:
            raise self.failure
        self.released.append(md.key)

    def _of_gateway(self, md: ModelDeployment, weights: Mapping[Slot, int]) -> TrafficState:
        place = (md.key, md.uid)
        overrides = self._detours.get(place, NO_OVERRIDES)
        if not self.gateway_stopped:
            self._taken[place] = dict(weights), overrides
        if self._taken.get(place) != (weights, overrides):
            problem = Problem(reasons.IN_PROGRESS, "the gateway has not taken the route yet")
            return TrafficState(desired=weights, settling=True, problem=problem, overrides=overrides)
        shares: Mapping[Slot, float] = {slot: float(weight) for slot, weight in weights.items()}
        return TrafficState(desired=weights, current=shares, in_sync=True, overrides=overrides)

    def drift(self, md: ModelDeployment) -> None:
        """Change the route by hand: it is no longer Podium's."""
        self._weights.pop((md.key, md.uid), None)

    def endpoints(self, md: ModelDeployment, slot: Slot) -> list[str]:
        """Uids of the slot's pods that get traffic now."""
        if self._weights.get((md.key, md.uid), {}).get(slot, 0) == 0:
            return []
        return [pod.uid for pod in self._cluster.slots_now(md)[slot].pods if pod.ready]
