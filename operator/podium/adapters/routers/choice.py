"""Which router a ModelDeployment has: spec.traffic says it. What the one before leaves behind is cleared away."""

import logging
from collections.abc import Mapping
from dataclasses import replace

from podium.adapters.kubernetes import names, read
from podium.adapters.kubernetes.api import Api, Json
from podium.adapters.kubernetes.owned import OwnedObjects
from podium.adapters.routers.adopted import AdoptedRouter
from podium.adapters.routers.contests import Contests
from podium.adapters.routers.gateway import GatewayRouter
from podium.adapters.routers.replicas import ReplicasRouter
from podium.api import reasons
from podium.api.status import Slot
from podium.core.actions import NO_DETOURS, Detours
from podium.core.facts import Key, Problem, SlotSeen, TrafficSeen
from podium.errors import Missing, Permanent, PodiumError, Temporary
from podium.ports import Clock, ModelDeploymentSeen, Router

_log = logging.getLogger(__name__)


class Routers:
    """Implements the port Router for every ModelDeployment."""

    def __init__(self, api: Api, clock: Clock) -> None:
        self._api = api
        self._owned = OwnedObjects(api)
        contests = Contests(clock)
        self._replicas = ReplicasRouter(api)
        self._gateway = GatewayRouter(api, contests)
        self._adopted = AdoptedRouter(api, contests)
        self._refusals: dict[Key, Problem] = {}
        self._clean: dict[Key, tuple[str, int]] = {}  # uid and generation for which no own route was left over

    async def seen(self, seen: ModelDeploymentSeen, slots: Mapping[Slot, SlotSeen]) -> TrafficSeen:
        traffic = await self._router(seen).seen(seen, slots)
        if await self._leftover(seen) is not None:
            traffic = replace(traffic, asked={}, current=False)  # what is asked is asked of another router too
        if traffic.current:
            self._refusals.pop(seen.key, None)
        return replace(traffic, problem=traffic.problem or self._refusals.get(seen.key))

    async def route(
        self, seen: ModelDeploymentSeen, weights: Mapping[Slot, int], detours: Detours = NO_DETOURS
    ) -> None:
        """Raises what the router raises; what was in the way is shown with the traffic until it is out of it."""
        if seen.spec is None:
            raise Missing(f"{seen.key}: nothing can be routed, {seen.flaw}")
        try:
            await self._router(seen).route(seen, weights, detours)
        except Permanent as error:
            self._refusals[seen.key] = Problem(error.reason or reasons.ROUTE_REFUSED, str(error))
            raise
        except Temporary as error:
            message = f"the weights could not be written yet, trying again: {error}"
            self._refusals[seen.key] = Problem(reasons.IN_PROGRESS, message)
            raise
        self._refusals.pop(seen.key, None)
        await self._clear(seen)

    async def release(self, seen: ModelDeploymentSeen) -> None:
        """The ModelDeployment goes. What is not Podium's stays, and is left as it should be."""
        for known in (self._refusals, self._clean):
            known.pop(seen.key, None)
        await self._router(seen).release(seen)

    def _router(self, seen: ModelDeploymentSeen) -> Router:
        traffic = seen.spec.traffic if seen.spec else None
        if traffic is not None and traffic.gateway is not None:
            return self._gateway
        return self._adopted if traffic is not None and traffic.route is not None else self._replicas

    async def _leftover(self, seen: ModelDeploymentSeen) -> Json | None:
        """A route of Podium's own that spec.traffic does not ask for any more: looked for once a generation."""
        known = (seen.uid, seen.generation)
        if self._router(seen) is self._gateway or self._clean.get(seen.key) == known:
            return None
        try:
            found = await self._owned.find(names.HTTP_ROUTES, seen.key.namespace, seen.key.name)
        except PodiumError as error:
            _log.warning("%s: whether an HTTPRoute is left over cannot be seen: %s", seen.key, error)
            return None
        if found is None or not read.owned(found, seen.uid):
            self._clean[seen.key] = known
            return None
        return found

    async def _clear(self, seen: ModelDeploymentSeen) -> None:
        found = await self._leftover(seen)
        if found is not None:
            path = names.path(names.HTTP_ROUTES, seen.key.namespace, seen.key.name)
            await self._api.delete(path, found["metadata"]["uid"])
