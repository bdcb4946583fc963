"""The router that needs nothing installed: one Service, whose selector names slot a, slot b or both.

The share is the ratio of pods, which the plan chooses; here is only who is selected. Every switch is one patch.
kube-proxy balances connections, not requests, and a kept-alive connection stays with a pod that has left the Service:
so on the way back the pods that lost are stopped too, and say `Connection: close` while they drain.
"""

from collections.abc import Mapping
from dataclasses import replace

from podium.adapters.kubernetes import names, read, render
from podium.adapters.kubernetes.api import Api, Json
from podium.adapters.kubernetes.owned import OwnedObjects, revision_of
from podium.adapters.kubernetes.subset import holds
from podium.adapters.routers.service.endpoints import endpoints_of, ready_pods
from podium.api.v1alpha1.evidence import Slot
from podium.core.actions import NO_OVERRIDES, RouteOverrides
from podium.core.facts import SLOTS, SlotState, TrafficState
from podium.errors import NotFound, Rejected
from podium.ports import ModelDeployment


class ReplicasRouter:
    """Implements the port Router."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._owned = OwnedObjects(api)

    async def observe(self, md: ModelDeployment, slots: Mapping[Slot, SlotState]) -> TrafficState:
        """Where requests go. A Service that is not as Podium wrote it counts as no route, and so is written again."""
        service = await self._owned.find(names.SERVICES, md.key.namespace, md.key.name)
        if service is None or not read.owned(service, md.uid) or md.spec is None:
            return TrafficState(revision=revision_of(service))
        annotations = read.metadata_of(service)[1]
        weights, trial = parse_weights(annotations.get(names.WEIGHTS, "")), annotations.get(names.TRIAL, "")
        found = TrafficState(trial=trial, revision=revision_of(service))
        endpoints = await endpoints_of(self._api, md, md.key.name)
        if endpoints is None:
            return replace(found, desired=weights if self._as_desired(md, service, weights, trial) else {})
        shares = in_force(endpoints, slots)
        if not self._as_desired(md, service, weights, trial):
            return replace(found, current=shares)
        return replace(found, desired=weights, current=shares, in_sync=endpoints == ready_pods(weights, slots))

    async def route(
        self,
        md: ModelDeployment,
        weights: Mapping[Slot, int],
        overrides: RouteOverrides = NO_OVERRIDES,  # noqa: ARG002  spec.traffic asks for them beside a gateway only
        trial: str = "",
        revision: str | None = None,
    ) -> None:
        if md.spec is None:
            raise NotFound(f"{md.key}: cannot route traffic, {md.flaw}")
        made = render.main_service(read.owner_of(md), md.spec, weights, trial)
        await self._owned.apply(names.SERVICES, made, revision)

    async def add_retries(self, md: ModelDeployment) -> None:
        """Raises Rejected: a Service knows connections, and no requests."""
        raise Rejected(f"{md.key}: a Service sends no request again, spec.traffic.gateway or httpRouteRef is needed")

    async def remove_retries(self, md: ModelDeployment) -> None:
        """A Service has none."""

    async def release(self, md: ModelDeployment) -> None:
        """The Service belongs to the ModelDeployment, and goes with it."""

    @staticmethod
    def _as_desired(md: ModelDeployment, service: Json, weights: Mapping[Slot, int], trial: str) -> bool:
        if md.spec is None or not weights:
            return False
        return holds(service, render.main_service(read.owner_of(md), md.spec, weights, trial)) and (
            service["spec"].get("selector") == render.selector_for(md.key.name, weights)
        )


def parse_weights(text: str) -> Mapping[Slot, int]:
    """The annotation `a=95,b=5` as weights; nothing where it holds another text."""
    found = dict(part.partition("=")[::2] for part in text.split(","))
    weights: dict[Slot, int] = {
        slot: int(found[slot]) for slot in SLOTS if found.get(slot, "").isascii() and found.get(slot, "").isdigit()
    }
    right = len(weights) == len(found) and sum(weights.values()) == 100  # noqa: PLR2004  percent
    return weights if right else {}


def in_force(endpoints: frozenset[str], slots: Mapping[Slot, SlotState]) -> Mapping[Slot, float]:
    """Each slot's share of the pods that get traffic, in percent; nothing where no pod does."""
    counts = {slot: sum(pod.uid in endpoints for pod in slots[slot].pods) for slot in SLOTS if slot in slots}
    total = sum(counts.values())
    return {slot: 100 * count / total for slot, count in counts.items()} if total else {}
