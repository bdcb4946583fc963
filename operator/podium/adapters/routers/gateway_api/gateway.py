"""The router that gives exact shares: an HTTPRoute of Podium's own, weighing the slots' two Services.

Both Services are always among the backends, and the weights sum to 100. Slots never change names, so a promotion flips
no backend: it is one more change of weights. Nothing here is particular to one gateway.

Going up waits until every parent has accepted this generation of the route. Going back waits for nothing; only the pods
that lose the traffic are kept until every parent has taken it away from them.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from podium.adapters.kubernetes import names, read
from podium.adapters.kubernetes.api import Api, Json
from podium.adapters.kubernetes.owned import OwnedObjects, revision_of
from podium.adapters.kubernetes.subset import holds
from podium.adapters.routers.gateway_api import route_rules
from podium.adapters.routers.gateway_api.conflicts import RouteConflicts
from podium.adapters.routers.gateway_api.http_route import http_route
from podium.adapters.routers.gateway_api.retries import GatewayRetries
from podium.adapters.routers.gateway_api.routes import Rule, label, last_writer, own_rule, standing
from podium.adapters.routers.service.endpoints import endpoints_of, ready_pods
from podium.adapters.routers.service.services import SlotServices, as_desired
from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.evidence import Slot
from podium.core.actions import NO_OVERRIDES, RouteOverrides
from podium.core.facts import SLOTS, Problem, SlotState, TrafficState
from podium.errors import NotFound
from podium.ports import ModelDeployment


class RouteReader:
    """What a route that was found means for the traffic; the same for a route of Podium's own and an adopted one."""

    def __init__(self, api: Api, conflicts: RouteConflicts, retries: GatewayRetries) -> None:
        self._api = api
        self._services = SlotServices(api)
        self._conflicts = conflicts
        self._retries = retries

    async def traffic(
        self,
        md: ModelDeployment,
        slots: Mapping[Slot, SlotState],
        route: Json,
        rule: Rule,
        *,
        overrides: RouteOverrides = NO_OVERRIDES,
        intact: bool = True,
    ) -> TrafficState:
        """`intact` is whether the route is as it should be for its weights and these overrides."""
        services, endpoints, retries = await asyncio.gather(
            self._services.find(md),
            endpoints_of(self._api, md, *(names.slot_name(md.key.name, slot) for slot in {*SLOTS, *rule.written})),
            self._retries.observe(md, route, rule),
        )
        self._conflicts.found(label(route), rule.written, last_writer(route))
        stands, weights = standing(route), rule.weights
        desired = weights if intact and weights and as_desired(md, services, weights) else {}
        led = endpoints is not None and ready_pods(weights, slots) <= endpoints
        return TrafficState(
            desired=desired,
            current={slot: float(weight) for slot, weight in weights.items()} if stands.settled else {},
            in_sync=bool(desired) and led and stands.settled and stands.problem is None,
            settling=not stands.settled,
            problem=self._conflicts.problem(label(route)) or stands.problem,
            overrides=overrides,
            retries=retries,
            revision=revision_of(route),
        )

    async def none(self, problem: Problem | None = None) -> TrafficState:
        """The traffic where there is no route: because there are no routes at all, or for the problem given."""
        try:
            await self._api.get(names.GATEWAY_API)
        except NotFound:
            message = "the cluster has no HTTPRoutes: install the Gateway API (v1) and a gateway, or omit spec.traffic"
            return TrafficState(problem=Problem(reasons.NO_GATEWAY_API, message))
        return TrafficState(problem=problem)


class GatewayRouter:
    """Implements the port Router for spec.traffic.gateway."""

    def __init__(self, api: Api, conflicts: RouteConflicts, retries: GatewayRetries) -> None:
        self._owned = OwnedObjects(api)
        self._services = SlotServices(api)
        self._reader = RouteReader(api, conflicts, retries)
        self._conflicts = conflicts
        self._retries = retries

    async def observe(self, md: ModelDeployment, slots: Mapping[Slot, SlotState]) -> TrafficState:
        """Where requests go. A route that is not as Podium wrote it counts as none, and so is written again."""
        route = await self._owned.find(names.HTTP_ROUTES, md.key.namespace, md.key.name)
        if route is None:
            return await self._reader.none()
        rule = own_rule(route, md.key.name)
        if rule is None or not read.owned(route, md.uid):
            return TrafficState(revision=revision_of(route))
        assert md.spec is not None
        overrides = route_rules.overrides_of(md.spec.traffic, read.metadata_of(route)[1])
        intact = _intact(md, route, rule, overrides)
        traffic = await self._reader.traffic(md, slots, route, rule, overrides=overrides, intact=intact)
        return replace(traffic, trial=_trial(route))

    async def route(
        self,
        md: ModelDeployment,
        weights: Mapping[Slot, int],
        overrides: RouteOverrides = NO_OVERRIDES,
        trial: str = "",
        revision: str | None = None,
    ) -> None:
        """The route first, since a way back must wait for nothing else; where there is none yet, its Services."""
        assert md.spec is not None
        desired = http_route(read.owner_of(md), md.spec, weights, overrides, trial)
        found, services = await asyncio.gather(
            self._owned.find(names.HTTP_ROUTES, md.key.namespace, md.key.name), self._services.read(md, weights)
        )
        if found is None:
            await self._services.apply(md, weights, services)
        await self._owned.replace(names.HTTP_ROUTES, found, desired, revision)
        self._conflicts.wrote(str(md.key), weights)
        if found is not None:
            await self._services.apply(md, weights, services)

    async def add_retries(self, md: ModelDeployment) -> None:
        """Raises NotFound without the route, and what the policy's write raises."""
        route = await self._owned.find(names.HTTP_ROUTES, md.key.namespace, md.key.name)
        rule = own_rule(route, md.key.name) if route is not None else None
        if route is None or rule is None:
            raise NotFound(f"HTTPRoute {md.key} is not there yet, or was changed: no retries for it")
        await self._retries.add(md, route, rule)

    async def remove_retries(self, md: ModelDeployment) -> None:
        """The policy goes, and the route stays as it is."""
        await self._retries.remove(md)

    async def release(self, md: ModelDeployment) -> None:
        """SetTraffic and Services belong to the ModelDeployment, and go with it."""
        self._conflicts.forget(str(md.key))


def _intact(md: ModelDeployment, route: Json, rule: Rule, overrides: RouteOverrides) -> bool:
    """Whether the route is as Podium would write it for these. What the API server fills in is no drift."""
    assert md.spec is not None
    desired = http_route(read.owner_of(md), md.spec, rule.written, overrides, _trial(route))
    return holds(route, desired) and not _added(route["spec"], desired["spec"])


def _trial(route: Json) -> str:
    return read.metadata_of(route)[1].get(names.TRIAL, "")


def _added(live: Json, ours: Json) -> bool:
    """Whether another client added a gateway, host, match, filter, timeout or backend: that would be another route."""
    lists = [(live.get(part) or [], ours.get(part, [])) for part in ("parentRefs", "hostnames")]
    for rule, our_rule in zip(live["rules"], ours["rules"], strict=True):
        lists += [(rule.get(part) or [], our_rule.get(part, [])) for part in ("filters", "timeouts", "backendRefs")]
        lists += [(rule.get("matches") or [], our_rule.get("matches") or [{}])]  # one is always filled in
        refs = zip(rule["backendRefs"], our_rule["backendRefs"], strict=False)  # more of them are found above
        lists += [(ref.get("filters") or [], our_ref.get("filters", [])) for ref, our_ref in refs]
    return any(len(found) > len(desired) for found, desired in lists)
