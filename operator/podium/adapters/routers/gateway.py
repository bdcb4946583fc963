"""The router that gives exact shares: an HTTPRoute of Podium's own, weighing the slots' two Services.

Both Services are always among the backends, and the weights sum to 100. Slots never change names, so a promotion flips
no backend: it is one more change of weights. Nothing here is particular to one gateway.

Going up waits until every parent has accepted this generation of the route. Going back waits for nothing; only the pods
that lose the traffic are kept until every parent has taken it away from them.
"""

import asyncio
from collections.abc import Mapping

from podium.adapters.kubernetes import names, read, render
from podium.adapters.kubernetes.api import Api, Json
from podium.adapters.kubernetes.owned import OwnedObjects
from podium.adapters.kubernetes.subset import holds
from podium.adapters.routers.contests import Contests
from podium.adapters.routers.endpoints import endpoints_of, ready_pods
from podium.adapters.routers.routes import Rule, find_rule, label, last_writer, standing
from podium.adapters.routers.services import SlotServices, as_wanted
from podium.api import reasons
from podium.api.status import Slot
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
        self, seen: ModelDeploymentSeen, slots: Mapping[Slot, SlotSeen], route: Json, rule: Rule, *, intact: bool = True
    ) -> TrafficSeen:
        """`intact` is whether the route is in all but its weights as it should be."""
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
        rule = find_rule(route, None, seen.key.name)
        if not read.owned(route, seen.uid) or isinstance(rule, Problem):
            return TrafficSeen()
        return await self._reader.traffic(seen, slots, route, rule, intact=_intact(seen, route, rule))

    async def route(self, seen: ModelDeploymentSeen, weights: Mapping[Slot, int]) -> None:
        """The route first, since a way back must wait for nothing else; where there is none yet, its Services."""
        assert seen.spec is not None
        wanted = render.http_route(read.owner_of(seen), seen.spec, weights)
        found = await self._owned.find(names.HTTP_ROUTES, seen.key.namespace, seen.key.name)
        if found is None:
            await self._services.apply(seen, weights)
        await self._owned.replace(names.HTTP_ROUTES, found, wanted)
        self._contests.wrote(str(seen.key), weights)
        await self._services.apply(seen, weights)

    async def release(self, seen: ModelDeploymentSeen) -> None:
        """Route and Services belong to the ModelDeployment, and go with it."""
        self._contests.forget(str(seen.key))


def _intact(seen: ModelDeploymentSeen, route: Json, rule: Rule) -> bool:
    """Whether the route is as Podium would write it for its weights. What the API server fills in is no drift."""
    assert seen.spec is not None
    wanted = render.http_route(read.owner_of(seen), seen.spec, rule.written)
    return holds(route, wanted) and not _added(route["spec"], wanted["spec"])


def _added(live: Json, ours: Json) -> bool:
    """Whether somebody has added a gateway, host, match, filter or timeout: that would be another route."""
    lists = [(live.get(part) or [], ours.get(part, [])) for part in ("parentRefs", "hostnames")]
    rule, our_rule = live["rules"][0], ours["rules"][0]
    lists += [(rule.get(part) or [], our_rule.get(part, [])) for part in ("filters", "timeouts")]
    matches = len(rule.get("matches") or []) > max(1, len(our_rule.get("matches", [])))  # one is always filled in
    return matches or any(len(found) > len(wanted) for found, wanted in lists)
