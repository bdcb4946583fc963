"""The router for a route that is kept elsewhere, in Git say: only the weights of its two backends are ever written.

They are written by JSON Patch, with tests that the backends are still where they were seen.
"""

from collections.abc import Mapping

from podium.adapters.kubernetes import names
from podium.adapters.kubernetes.api import Api, Json
from podium.adapters.kubernetes.owned import OwnedObjects
from podium.adapters.routers.contests import Contests
from podium.adapters.routers.gateway import RouteReader
from podium.adapters.routers.routes import Rule, find_rule, weights_patch
from podium.adapters.routers.services import ALL, SlotServices
from podium.api import reasons
from podium.api.status import Slot
from podium.core.actions import NO_DETOURS, Detours
from podium.core.facts import SLOTS, Problem, SlotSeen, TrafficSeen
from podium.errors import Missing, Refused
from podium.ports import ModelDeploymentSeen


class AdoptedRouter:
    """Implements the port Router for spec.traffic.route."""

    def __init__(self, api: Api, contests: Contests) -> None:
        self._api = api
        self._owned = OwnedObjects(api)
        self._services = SlotServices(api)
        self._reader = RouteReader(api, contests)
        self._contests = contests

    async def seen(self, seen: ModelDeploymentSeen, slots: Mapping[Slot, SlotSeen]) -> TrafficSeen:
        """Where requests go. A route or rule that cannot be used is a problem, and nothing is asked of it."""
        route = await self._find(seen)
        if route is None:
            return await self._reader.none(_missing(seen))
        rule = _rule(seen, route)
        if isinstance(rule, Problem):
            return TrafficSeen(problem=rule)
        return await self._reader.traffic(seen, slots, route, rule)

    async def route(
        self,
        seen: ModelDeploymentSeen,
        weights: Mapping[Slot, int],
        detours: Detours = NO_DETOURS,  # noqa: ARG002  spec.traffic asks for them beside a gateway only
    ) -> None:
        """Raises Missing without the route, and Refused where its rule lacks a backend."""
        await self._write(seen, weights)
        self._contests.wrote(f"{seen.key.namespace}/{adopted_name(seen)}", weights)
        await self._services.apply(seen, weights)

    async def release(self, seen: ModelDeploymentSeen) -> None:
        """Leave the route at 100 % champion: it stays behind when the ModelDeployment goes."""
        self._contests.forget(f"{seen.key.namespace}/{adopted_name(seen)}")
        champion = seen.status.champion
        if champion is not None and await self._find(seen) is not None:
            await self._write(seen, {slot: ALL if slot == champion.slot else 0 for slot in SLOTS})

    async def _find(self, seen: ModelDeploymentSeen) -> Json | None:
        return await self._owned.find(names.HTTP_ROUTES, seen.key.namespace, adopted_name(seen))

    async def _write(self, seen: ModelDeploymentSeen, weights: Mapping[Slot, int]) -> None:
        route = await self._find(seen)
        if route is None:
            problem = _missing(seen)
            raise Missing(problem.message, reason=problem.reason)
        rule = _rule(seen, route)
        if isinstance(rule, Problem):
            raise Refused(rule.message, reason=rule.reason)
        if rule.weights != weights:
            path = names.path(names.HTTP_ROUTES, seen.key.namespace, adopted_name(seen))
            await self._api.patch(path, weights_patch(rule, seen.key.name, weights))


def adopted_name(seen: ModelDeploymentSeen) -> str:
    """The name of the route that the ModelDeployment adopts."""
    assert seen.spec is not None
    assert seen.spec.traffic.route is not None
    return seen.spec.traffic.route.name


def _rule(seen: ModelDeploymentSeen, route: Json) -> Rule | Problem:
    assert seen.spec is not None
    assert seen.spec.traffic.route is not None
    return find_rule(route, seen.spec.traffic.route.rule, seen.key.name)


def _missing(seen: ModelDeploymentSeen) -> Problem:
    message = (
        f"HTTPRoute {seen.key.namespace}/{adopted_name(seen)} is not there, which spec.traffic.route wants: apply it, "
        f"with {' and '.join(names.slot_name(seen.key.name, slot) for slot in SLOTS)} as backends of one rule"
    )
    return Problem(reasons.ROUTE_NOT_FOUND, message)
