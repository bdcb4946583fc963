"""The router that gives exact shares: an HTTPRoute of Podium's own, weighing the slots' two Services.

Both Services are always among the backends, and the weights sum to 100. Slots never change names, so a promotion flips
no backend: it is one more change of weights. Nothing here is particular to one gateway.

Going up waits until every parent has accepted this generation of the route. Going back waits for nothing; only the pods
that lose the traffic are kept until every parent has taken it away from them.
"""

import asyncio
from collections.abc import Mapping

from podium.adapters.kubernetes import names, read, render, route_rules
from podium.adapters.kubernetes.api import Api, Json
from podium.adapters.kubernetes.owned import OwnedObjects
from podium.adapters.kubernetes.subset import holds
from podium.adapters.routers.contests import Contests
from podium.adapters.routers.endpoints import endpoints_of, ready_pods
from podium.adapters.routers.routes import Rule, label, last_writer, own_rule, standing
from podium.adapters.routers.services import SlotServices, as_wanted
from podium.api import reasons
from podium.api.status import Slot
from podium.core.actions import NO_DETOURS, Detours
from podium.core.facts import SLOTS, Problem, SlotSeen, TrafficSeen
from podium.errors import Missing
from podium.ports import ModelDeploymentSeen


class RouteReader:
    """What a route that was found means for the traffic; the same for a route of Podium's own and an adopted one."""

    def __init__(self, api: Api, contests: Contests) -> None:
        self._api = api
        self._services = SlotServices(api)
        self._contests = contests

    async def traffic(
        self,
        seen: ModelDeploymentSeen,
        slots: Mapping[Slot, SlotSeen],
        route: Json,
        rule: Rule,
        *,
        detours: Detours = NO_DETOURS,
        intact: bool = True,
    ) -> TrafficSeen:
        """`intact` is whether the route is as it should be for its weights and these detours."""
        services, endpoints = await asyncio.gather(
            self._services.find(seen),
            endpoints_of(self._api, seen, *(names.slot_name(seen.key.name, slot) for slot in SLOTS)),
        )
        self._contests.found(label(route), rule.written, last_writer(route))
        stands, weights = standing(route), rule.weights
        asked = weights if intact and weights and as_wanted(seen, services, weights) else {}
        led = endpoints is not None and ready_pods(weights, slots) <= endpoints
        return TrafficSeen(
            asked=asked,
            in_force={slot: float(weight) for slot, weight in weights.items()} if stands.settled else {},
            current=bool(asked) and led and stands.settled and stands.problem is None,
            settling=not stands.settled,
            problem=self._contests.problem(label(route)) or stands.problem,
            detours=detours,
        )

    async def none(self, problem: Problem | None = None) -> TrafficSeen:
        """The traffic where there is no route: because there are no routes at all, or for the problem given."""
        try:
            await self._api.get(names.GATEWAY_API)
        except Missing:
            message = "the cluster has no HTTPRoutes: install the Gateway API (v1) and a gateway, or omit spec.traffic"
            return TrafficSeen(problem=Problem(reasons.NO_GATEWAY_API, message))
        return TrafficSeen(problem=problem)


class GatewayRouter:
    """Implements the port Router for spec.traffic.gateway."""

    def __init__(self, api: Api, contests: Contests) -> None:
        self._owned = OwnedObjects(api)
        self._services = SlotServices(api)
        self._reader = RouteReader(api, contests)
        self._contests = contests

    async def seen(self, seen: ModelDeploymentSeen, slots: Mapping[Slot, SlotSeen]) -> TrafficSeen:
        """Where requests go. A route that is not as Podium wrote it counts as none, and so is written again."""
        route = await self._owned.find(names.HTTP_ROUTES, seen.key.namespace, seen.key.name)
        if route is None:
            return await self._reader.none()
        rule = own_rule(route, seen.key.name)
        if rule is None or not read.owned(route, seen.uid):
            return TrafficSeen()
        assert seen.spec is not None
        detours = route_rules.detours_of(seen.spec.traffic, read.metadata_of(route)[1])
        intact = _intact(seen, route, rule, detours)
        return await self._reader.traffic(seen, slots, route, rule, detours=detours, intact=intact)

    async def route(
        self, seen: ModelDeploymentSeen, weights: Mapping[Slot, int], detours: Detours = NO_DETOURS
    ) -> None:
        """The route first, since a way back must wait for nothing else; where there is none yet, its Services."""
        assert seen.spec is not None
        wanted = render.http_route(read.owner_of(seen), seen.spec, weights, detours)
        found = await self._owned.find(names.HTTP_ROUTES, seen.key.namespace, seen.key.name)
        if found is None:
            await self._services.apply(seen, weights)
        await self._owned.replace(names.HTTP_ROUTES, found, wanted)
        self._contests.wrote(str(seen.key), weights)
        await self._services.apply(seen, weights)

    async def release(self, seen: ModelDeploymentSeen) -> None:
        """Route and Services belong to the ModelDeployment, and go with it."""
        self._contests.forget(str(seen.key))


def _intact(seen: ModelDeploymentSeen, route: Json, rule: Rule, detours: Detours) -> bool:
    """Whether the route is as Podium would write it for these. What the API server fills in is no drift."""
    assert seen.spec is not None
    wanted = render.http_route(read.owner_of(seen), seen.spec, rule.written, detours)
    return holds(route, wanted) and not _added(route["spec"], wanted["spec"])


def _added(live: Json, ours: Json) -> bool:
    """Whether somebody has added a gateway, host, match, filter, timeout or backend: that would be another route."""
    lists = [(live.get(part) or [], ours.get(part, [])) for part in ("parentRefs", "hostnames")]
    for rule, our_rule in zip(live["rules"], ours["rules"], strict=True):
        lists += [(rule.get(part) or [], our_rule.get(part, [])) for part in ("filters", "timeouts", "backendRefs")]
        lists += [(rule.get("matches") or [], our_rule.get("matches") or [{}])]  # one is always filled in
        refs = zip(rule["backendRefs"], our_rule["backendRefs"], strict=False)  # more of them are found above
        lists += [(ref.get("filters") or [], our_ref.get("filters", [])) for ref, our_ref in refs]
    return any(len(found) > len(wanted) for found, wanted in lists)
