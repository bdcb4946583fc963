"""A router in memory: what was asked for is in force at once, for the pods that are ready.

Shares are made of pods, or are exact where spec.traffic has a gateway: then as soon as the gateway has taken them.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.evidence import Slot
from podium.core.actions import NO_OVERRIDES, RouteOverrides
from podium.core.facts import SLOTS, Key, Problem, SlotState, TrafficState
from podium.core.retry_state import RetryState
from podium.errors import Conflict, PodiumError, Rejected
from podium.ports import ModelDeployment
from podium.simulation.world.cluster import FakeCluster
from podium.simulation.world.pods import Pod


class FakeRouter:
    """Implements the port Router."""

    def __init__(self, cluster: FakeCluster) -> None:
        self.failure: PodiumError | None = None  # raised by `route` while it is set
        self.released: list[Key] = []
        self.has_retries = True  # whether the gateway can be asked to send requests again
        self.policy_of_others = ""  # the name of another owner's policy for the route
        self._retrying: set[tuple[Key, str]] = set()
        self._cluster = cluster
        self._stopped = False
        self._weights: dict[tuple[Key, str], dict[Slot, int]] = {}  # by ModelDeployment and its uid
        self._overrides: dict[tuple[Key, str], RouteOverrides] = {}
        self._trials: dict[tuple[Key, str], str] = {}
        self._written = Counter[tuple[Key, str]]()  # writes of a route
        self._taken: dict[tuple[Key, str], tuple[dict[Slot, int], RouteOverrides]] = {}  # by gateways

    async def observe(self, md: ModelDeployment, slots: Mapping[Slot, SlotState]) -> TrafficState:
        del slots  # it sees the pods themselves
        return self.traffic_now(md)

    def traffic_now(self, md: ModelDeployment) -> TrafficState:
        """What is asked for and in force."""
        trial, revision = self._trials.get((md.key, md.uid)), self._revision(md)
        return replace(self._traffic(md), trial=trial, retries=self._retries(md), revision=revision)

    def _traffic(self, md: ModelDeployment) -> TrafficState:
        weights = self._weights.get((md.key, md.uid))
        if weights is None:
            return TrafficState()
        if md.spec is not None and md.spec.traffic.exact:
            return self._of_gateway(md, weights)
        return TrafficState(desired=weights, current=self.in_force(md), in_sync=True)

    async def route(
        self,
        md: ModelDeployment,
        weights: Mapping[Slot, int],
        overrides: RouteOverrides = NO_OVERRIDES,
        trial: str = "",
        revision: str | None = None,
    ) -> None:
        if self.failure is not None:
            raise self.failure
        if (md.key.namespace, md.key.name) in self._cluster.foreign_objects:
            raise Rejected(f"Service {md.key} belongs to another owner", reason=reasons.NAME_CONFLICT)
        if revision is not None and revision != self._revision(md):
            raise Conflict(f"the route of {md.key} was written since it was read")
        place = (md.key, md.uid)
        known = self._weights.get(place), self._overrides.get(place), self._trials.get(place)
        if known != (weights, overrides, trial):  # nor do the real ones write
            self._weights[place], self._overrides[place], self._trials[place] = dict(weights), overrides, trial
            self._written[place] += 1
            self._take(place)
            self._cluster.writes.append(f"route {md.key}: {weights}")

    async def add_retries(self, md: ModelDeployment) -> None:
        if self.failure is not None:
            raise self.failure
        if md.spec is None or not md.spec.traffic.exact:
            raise Rejected(f"{md.key}: a Service sends no request again")
        if (md.key, md.uid) not in self._retrying:
            self._retrying.add((md.key, md.uid))
            self._cluster.writes.append(f"retries {md.key}: added")

    async def remove_retries(self, md: ModelDeployment) -> None:
        if self.failure is not None:
            raise self.failure
        if (md.key, md.uid) in self._retrying:
            self._retrying.remove((md.key, md.uid))
            self._cluster.writes.append(f"retries {md.key}: removed")

    async def release(self, md: ModelDeployment) -> None:
        if self.failure is not None:
            raise self.failure
        self.released.append(md.key)

    def _of_gateway(self, md: ModelDeployment, weights: Mapping[Slot, int]) -> TrafficState:
        place = (md.key, md.uid)
        overrides = self._overrides.get(place, NO_OVERRIDES)
        if self._taken.get(place) != (weights, overrides):
            problem = Problem(reasons.IN_PROGRESS, "the gateway has not taken the route yet")
            return TrafficState(desired=weights, settling=True, problem=problem, overrides=overrides)
        return TrafficState(desired=weights, current=self.in_force(md), in_sync=True, overrides=overrides)

    def _retries(self, md: ModelDeployment) -> RetryState | None:
        if not self.has_retries or md.spec is None or not md.spec.traffic.exact:
            return None
        there = self.retries(md)
        obstacle = f"{self.policy_of_others} says how requests are sent again" if self.policy_of_others else ""
        return RetryState(f"policy {md.key}", there, there, accepted=there, obstacle=obstacle)

    def _revision(self, md: ModelDeployment) -> str:
        return str(self._written[md.key, md.uid])

    def _take(self, place: tuple[Key, str]) -> None:
        if not self._stopped:
            self._taken[place] = dict(self._weights[place]), self._overrides[place]

    # --- what a test does, and what clients find ----------------------------------------------------------------------

    @property
    def gateway_stopped(self) -> bool:
        """Whether it goes on as it was, and takes no new weights."""
        return self._stopped

    @gateway_stopped.setter
    def gateway_stopped(self, stopped: bool) -> None:
        self._stopped = stopped
        for place in self._weights:
            self._take(place)

    def weights(self, md: ModelDeployment) -> Mapping[Slot, int]:
        """As they are asked for."""
        return self._weights.get((md.key, md.uid), {})

    def overrides(self, md: ModelDeployment) -> RouteOverrides:
        """As they are asked for."""
        return self._overrides.get((md.key, md.uid), NO_OVERRIDES)

    def retries(self, md: ModelDeployment) -> bool:
        """Whether a request is sent again whose connection broke."""
        return (md.key, md.uid) in self._retrying

    def taken(self, md: ModelDeployment) -> tuple[Mapping[Slot, int], RouteOverrides]:
        """What is followed: a Service follows at once, a gateway that is stopped does not."""
        return self._taken.get((md.key, md.uid), ({}, NO_OVERRIDES))

    def in_force(self, md: ModelDeployment) -> Mapping[Slot, float]:
        """Shares as a gateway gives them, or a Service: by ready pods of the slots that have any weight."""
        if md.spec is not None and md.spec.traffic.exact:
            return {slot: float(weight) for slot, weight in self.taken(md)[0].items()}
        ready = {slot: len(self.pods(md, slot)) for slot in SLOTS}
        total = sum(ready.values())
        return {slot: 100 * count / total for slot, count in ready.items()} if total else {}

    def pods(self, md: ModelDeployment, slot: Slot) -> list[Pod]:
        """The slot's pods that get traffic now."""
        if self.taken(md)[0].get(slot, 0) == 0:
            return []
        return self._cluster.ready_pods(md.key, slot)

    def drift(self, md: ModelDeployment) -> None:
        """Change the route by hand: it is no longer Podium's."""
        self._weights.pop((md.key, md.uid), None)
        self._written[md.key, md.uid] += 1
        self._taken.pop((md.key, md.uid), None)

    def endpoints(self, md: ModelDeployment, slot: Slot) -> list[str]:
        """Uids of the slot's pods that get traffic now."""
        return [pod.uid for pod in self.pods(md, slot)]
