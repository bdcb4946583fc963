"""The router for a route that is kept elsewhere, in Git say: only the weights of its two backends are ever written.

They are written by JSON Patch, with tests that the backends are still where they were seen.
"""

from collections.abc import Mapping

from podium.adapters.kubernetes import names
from podium.adapters.kubernetes.api import Api, Json
from podium.adapters.kubernetes.owned import OwnedObjects, refuse_other, revision_of
from podium.adapters.routers.gateway_api.conflicts import RouteConflicts
from podium.adapters.routers.gateway_api.gateway import RouteReader
from podium.adapters.routers.gateway_api.retries import GatewayRetries
from podium.adapters.routers.gateway_api.routes import Rule, find_rule, weights_patch
from podium.adapters.routers.service.services import ALL, SlotServices
from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.evidence import Slot
from podium.core.actions import NO_OVERRIDES, RouteOverrides
from podium.core.facts import SLOTS, Problem, SlotState, TrafficState
from podium.errors import NotFound, Rejected
from podium.ports import ModelDeployment


class AdoptedRouter:
    """Implements the port Router for spec.traffic.http_route_ref."""

    def __init__(self, api: Api, conflicts: RouteConflicts, retries: GatewayRetries) -> None:
        self._api = api
        self._owned = OwnedObjects(api)
        self._services = SlotServices(api)
        self._reader = RouteReader(api, conflicts, retries)
        self._conflicts = conflicts
        self._retries = retries

    async def observe(self, md: ModelDeployment, slots: Mapping[Slot, SlotState]) -> TrafficState:
        """Where requests go. A route or rule that cannot be used is a problem, and nothing is asked of it."""
        route = await self._find(md)
        if route is None:
            return await self._reader.none(_missing(md))
        rule = _rule(md, route)
        if isinstance(rule, Problem):
            return TrafficState(problem=rule, revision=revision_of(route))
        return await self._reader.traffic(md, slots, route, rule)

    async def route(
        self,
        md: ModelDeployment,
        weights: Mapping[Slot, int],
        overrides: RouteOverrides = NO_OVERRIDES,  # noqa: ARG002  spec.traffic asks for them beside a gateway only
        trial: str = "",  # noqa: ARG002  nothing but weights is written to a route of others
        revision: str | None = None,
    ) -> None:
        """Raises NotFound without the route, and Rejected where its rule lacks a backend."""
        services = await self._services.read(md, weights)
        await self._write(md, weights, revision)
        self._conflicts.wrote(f"{md.key.namespace}/{adopted_name(md)}", weights)
        await self._services.apply(md, weights, services)

    async def add_retries(self, md: ModelDeployment) -> None:
        """By a policy beside the route, for this rule of it alone. Raises as `route` does."""
        route, rule = _understood(md, await self._find(md))
        await self._retries.add(md, route, rule)

    async def remove_retries(self, md: ModelDeployment) -> None:
        """The policy goes; of the route nothing was touched."""
        await self._retries.remove(md)

    async def release(self, md: ModelDeployment) -> None:
        """Leave the route at 100 % champion: it stays behind when the ModelDeployment goes."""
        self._conflicts.forget(f"{md.key.namespace}/{adopted_name(md)}")
        trusted = md.status.trusted
        if trusted is not None and await self._find(md) is not None:
            await self._write(md, {slot: ALL if slot == trusted.slot else 0 for slot in SLOTS})

    async def _find(self, md: ModelDeployment) -> Json | None:
        return await self._owned.find(names.HTTP_ROUTES, md.key.namespace, adopted_name(md))

    async def _write(self, md: ModelDeployment, weights: Mapping[Slot, int], revision: str | None = None) -> None:
        route = await self._find(md)
        if revision is not None:
            refuse_other(route, revision, f"HTTPRoute {md.key.namespace}/{adopted_name(md)}")
        route, rule = _understood(md, route)
        if rule.weights != weights:
            path = names.path(names.HTTP_ROUTES, md.key.namespace, adopted_name(md))
            # With the revision that was read, the API server refuses (409) where another client wrote meanwhile.
            same = {"op": "replace", "path": "/metadata/resourceVersion", "value": route["metadata"]["resourceVersion"]}
            await self._api.patch(path, [same, *weights_patch(rule, md.key.name, weights)])


def adopted_name(md: ModelDeployment) -> str:
    """The name of the route that the ModelDeployment adopts."""
    assert md.spec is not None
    assert md.spec.traffic.http_route_ref is not None
    return md.spec.traffic.http_route_ref.name


def _rule(md: ModelDeployment, route: Json) -> Rule | Problem:
    assert md.spec is not None
    assert md.spec.traffic.http_route_ref is not None
    return find_rule(route, md.spec.traffic.http_route_ref.rule, md.key.name)


def _understood(md: ModelDeployment, route: Json | None) -> tuple[Json, Rule]:
    """The route and its rule. Raises NotFound without the route, and Rejected where its rule cannot be used."""
    if route is None:
        problem = _missing(md)
        raise NotFound(problem.message, reason=problem.reason)
    rule = _rule(md, route)
    if isinstance(rule, Problem):
        raise Rejected(rule.message, reason=rule.reason)
    return route, rule


def _missing(md: ModelDeployment) -> Problem:
    message = (
        f"HTTPRoute {md.key.namespace}/{adopted_name(md)} (spec.traffic.httpRouteRef) not found: apply it, "
        f"with {' and '.join(names.slot_name(md.key.name, slot) for slot in SLOTS)} as backends of one rule"
    )
    return Problem(reasons.ROUTE_NOT_FOUND, message)
