"""Which router a ModelDeployment has: spec.traffic says it. What the one before leaves behind is cleared away."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from podium.adapters.kubernetes import names, read
from podium.adapters.kubernetes.api import Api, Json
from podium.adapters.kubernetes.owned import OwnedObjects
from podium.adapters.routers.gateway_api.adopted import AdoptedRouter
from podium.adapters.routers.gateway_api.conflicts import RouteConflicts
from podium.adapters.routers.gateway_api.gateway import GatewayRouter
from podium.adapters.routers.gateway_api.retries import GatewayRetries
from podium.adapters.routers.service.replicas import ReplicasRouter
from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.evidence import Slot
from podium.api.v1alpha1.spec.routers import GATEWAY, HTTP_ROUTE_REF, SERVICE, RouterKind
from podium.core.actions import NO_OVERRIDES, RouteOverrides
from podium.core.facts import Key, Problem, SlotState, TrafficState
from podium.errors import Conflict, NotFound, Permanent, PodiumError, Temporary
from podium.ports import Clock, ModelDeployment, Router

# What each router may find that another one has left behind; a policy beside a Service has nothing to be for.
_LEFT_BY: Final[Mapping[RouterKind, tuple[str, ...]]] = {
    HTTP_ROUTE_REF: (names.HTTP_ROUTES,),
    SERVICE: (names.HTTP_ROUTES, names.TRAFFIC_POLICIES),
}
_log = logging.getLogger(__name__)


class Routers:
    """Implements the port Router for every ModelDeployment."""

    def __init__(self, api: Api, clock: Clock) -> None:
        self._api = api
        self._owned = OwnedObjects(api)
        conflicts, self._retries = RouteConflicts(clock), GatewayRetries(api)
        self._routers: Mapping[RouterKind, Router] = {
            SERVICE: ReplicasRouter(api),
            GATEWAY: GatewayRouter(api, conflicts, self._retries),
            HTTP_ROUTE_REF: AdoptedRouter(api, conflicts, self._retries),
        }
        self._refusals: dict[Key, Problem] = {}
        self._clean: dict[Key, tuple[str, int]] = {}  # uid and generation for which no own route was left over

    async def observe(self, md: ModelDeployment, slots: Mapping[Slot, SlotState]) -> TrafficState:
        traffic = await self._router(md).observe(md, slots)
        if await self._leftovers(md):
            traffic = replace(traffic, desired={}, in_sync=False)  # what is asked is asked of another router too
        if traffic.in_sync:
            self._refusals.pop(md.key, None)
        return replace(traffic, problem=traffic.problem or self._refusals.get(md.key))

    async def route(
        self,
        md: ModelDeployment,
        weights: Mapping[Slot, int],
        overrides: RouteOverrides = NO_OVERRIDES,
        trial: str = "",
        revision: str | None = None,
    ) -> None:
        """Raises what the router raises; what was in the way is shown with the traffic until it is out of it."""
        if md.spec is None:
            raise NotFound(f"{md.key}: cannot route traffic, {md.flaw}")
        try:
            await self._router(md).route(md, weights, overrides, trial, revision)
        except Conflict:
            raise  # nothing is in the way: it is decided again at once
        except Permanent as error:
            self._refusals[md.key] = Problem(error.reason or reasons.ROUTE_REJECTED, str(error))
            raise
        except Temporary as error:
            message = f"could not write the weights yet, retrying: {error}"
            self._refusals[md.key] = Problem(reasons.IN_PROGRESS, message)
            raise
        self._refusals.pop(md.key, None)
        await self._clear(md)

    async def add_retries(self, md: ModelDeployment) -> None:
        """Raises what the router raises; what was in the way is shown with the retries."""
        await self._router(md).add_retries(md)

    async def remove_retries(self, md: ModelDeployment) -> None:
        """Raises what the router raises."""
        await self._router(md).remove_retries(md)

    async def release(self, md: ModelDeployment) -> None:
        """The ModelDeployment goes. What is not Podium's stays, and is left as it should be."""
        self.forget(md.key)
        await self._router(md).release(md)

    def forget(self, key: Key) -> None:
        """Keep nothing of a ModelDeployment that is gone."""
        self._refusals.pop(key, None)
        self._clean.pop(key, None)
        self._retries.forget(key)

    def _router(self, md: ModelDeployment) -> Router:
        return self._routers[_kind(md)]

    async def _leftovers(self, md: ModelDeployment) -> list[tuple[str, Json]]:
        """What Podium made for a router that spec.traffic had before: paths and objects, sought once a generation."""
        known = (md.uid, md.generation)
        if _kind(md) is GATEWAY or self._clean.get(md.key) == known:
            return []
        left = []
        for collection in _LEFT_BY[_kind(md)]:
            try:
                found = await self._owned.find(collection, md.key.namespace, md.key.name)
            except PodiumError as error:
                _log.warning("%s: could not read whether objects of another router are left over: %s", md.key, error)
                return []
            if found is not None and read.owned(found, md.uid):
                left.append((names.path(collection, md.key.namespace, md.key.name), found))
        if not left:
            self._clean[md.key] = known
        return left

    async def _clear(self, md: ModelDeployment) -> None:
        for path, found in await self._leftovers(md):
            await self._api.delete(path, found["metadata"]["uid"])


def _kind(md: ModelDeployment) -> RouterKind:
    return md.spec.traffic.router if md.spec is not None else SERVICE
