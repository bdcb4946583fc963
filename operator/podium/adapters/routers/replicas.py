"""The router that needs nothing installed: one Service, whose selector names slot a, slot b or both.

The share is the ratio of pods, which the plan chooses; here is only who is selected. Every switch is one patch.
kube-proxy balances connections, not requests, and a kept-alive connection stays with a pod that has left the Service:
so on the way back the pods that lost are stopped too, and say `Connection: close` while they drain.
"""

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from podium.adapters.kubernetes import names, read, render
from podium.adapters.kubernetes.api import Api, Json
from podium.adapters.kubernetes.owned import OwnedObjects
from podium.adapters.kubernetes.subset import holds
from podium.api.status import Slot
from podium.core.facts import SLOTS, SlotSeen, TrafficSeen
from podium.errors import Missing, PodiumError
from podium.ports import ModelDeploymentSeen

_log = logging.getLogger(__name__)


class ReplicasRouter:
    """Implements the port Router."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._owned = OwnedObjects(api)

    async def seen(self, seen: ModelDeploymentSeen, slots: Mapping[Slot, SlotSeen]) -> TrafficSeen:
        """Where requests go. A Service that is not as Podium wrote it counts as no route, and so is written again."""
        service = await self._owned.find(names.SERVICES, seen.key.namespace, seen.key.name)
        if service is None or not read.owned(service, seen.uid) or seen.spec is None:
            return TrafficSeen()
        weights = parse_weights(read.metadata_of(service)[1].get(names.WEIGHTS, ""))
        endpoints = await self._endpoints(seen)
        if endpoints is None:
            return TrafficSeen(asked=weights if self._as_asked(seen, service, weights) else {})
        shares = in_force(endpoints, slots)
        if not self._as_asked(seen, service, weights):
            return TrafficSeen(in_force=shares)
        return TrafficSeen(asked=weights, in_force=shares, current=endpoints == ready_pods(weights, slots))

    async def route(self, seen: ModelDeploymentSeen, weights: Mapping[Slot, int]) -> None:
        if seen.spec is None:
            raise Missing(f"{seen.key}: nothing can be routed, {seen.flaw}")
        await self._owned.apply(names.SERVICES, render.main_service(read.owner_of(seen), seen.spec, weights))

    @staticmethod
    def _as_asked(seen: ModelDeploymentSeen, service: Json, weights: Mapping[Slot, int]) -> bool:
        if seen.spec is None or not weights:
            return False
        return holds(service, render.main_service(read.owner_of(seen), seen.spec, weights)) and (
            service["spec"].get("selector") == render.selector_for(seen.key.name, weights)
        )

    async def _endpoints(self, seen: ModelDeploymentSeen) -> frozenset[str] | None:
        """Uids of the pods that get traffic now; None where that cannot be read: a way back must not wait for it."""
        path = names.path(names.ENDPOINT_SLICES, seen.key.namespace)
        try:
            slices = await self._api.list(path, selector=f"{names.SERVICE_NAME}={seen.key.name}", within=2.0)
        except PodiumError as error:
            _log.warning("endpoints of %s cannot be read, the share in force is unknown: %s", seen.key, error)
            return None
        return frozenset(_ready_uids(slices))


def parse_weights(text: str) -> Mapping[Slot, int]:
    """The annotation `a=95,b=5` as weights; nothing where anybody wrote something else there."""
    found = dict(part.partition("=")[::2] for part in text.split(","))
    weights: dict[Slot, int] = {
        slot: int(found[slot]) for slot in SLOTS if found.get(slot, "").isascii() and found.get(slot, "").isdigit()
    }
    right = len(weights) == len(found) and sum(weights.values()) == 100  # noqa: PLR2004  percent
    return weights if right else {}


def in_force(endpoints: frozenset[str], slots: Mapping[Slot, SlotSeen]) -> Mapping[Slot, float]:
    """Each slot's share of the pods that get traffic, in percent; nothing where no pod does."""
    counts = {slot: sum(pod.uid in endpoints for pod in slots[slot].pods) for slot in SLOTS if slot in slots}
    total = sum(counts.values())
    return {slot: 100 * count / total for slot, count in counts.items()} if total else {}


def ready_pods(weights: Mapping[Slot, int], slots: Mapping[Slot, SlotSeen]) -> frozenset[str]:
    """Uids of the pods that should get traffic: the ready ones of the slots with a share."""
    chosen = (slots[slot] for slot, weight in weights.items() if weight > 0 and slot in slots)
    return frozenset(pod.uid for slot in chosen for pod in slot.pods if pod.ready)


def _ready_uids(slices: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    for endpoint in (one for each in slices for one in each.get("endpoints") or []):
        # "ready" left out means ready, says the API's own documentation.
        if (endpoint.get("conditions") or {}).get("ready", True) is not False:
            yield (endpoint.get("targetRef") or {}).get("uid", "")
