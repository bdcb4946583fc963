"""Retries as a gateway offers them: of Envoy Gateway, by a policy beside the route that goes with the trial.

An HTTPRoute's own `retry` says which status to retry, and leaves broken connections to the gateway. Envoy Gateway then
retries on 503, and not on a reset, so that is not used (docs/decisions).
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

from podium.adapters.kubernetes import names, read
from podium.adapters.kubernetes.api import Api, Json
from podium.adapters.kubernetes.owned import OwnedObjects
from podium.adapters.kubernetes.subset import holds
from podium.adapters.routers.gateway_api.routes import Rule, label
from podium.adapters.routers.gateway_api.traffic_policy import (
    KIND,
    accepted,
    gateways_of,
    of_envoy_gateway,
    of_others,
    traffic_policy,
)
from podium.core.facts import Key
from podium.core.retry_state import RetryState
from podium.errors import NotFound, Permanent, PodiumError
from podium.ports import ModelDeployment

_WITHIN: Final = 2.0  # seconds that the policies of a namespace may take: a rollback waits for what is observed
_SAYS_ALREADY: Final = (
    "says how these requests are sent again, so Podium leaves it alone and adds nothing: let it retry on "
    "connect-failure and reset, or a pod that ends takes its requests with it"
)
_log = logging.getLogger(__name__)


class GatewayRetries:
    """Looks for the policies of a namespace, and makes Podium's own and takes it away."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._owned = OwnedObjects(api)
        self._refusals: dict[Key, str] = {}
        self._clean: dict[Key, tuple[str, int]] = {}  # uid and generation at rest without a policy: it is not sought

    async def observe(self, md: ModelDeployment, route: Json, rule: Rule) -> RetryState | None:
        """The gateway's retries for this route; None where it has none that Podium knows, or they cannot be read."""
        rests, known = md.status.challenger is None and md.status.former is None, (md.uid, md.generation)
        state = RetryState(f"{KIND} {md.key}")
        if not of_envoy_gateway(route):
            return None
        if rests and self._clean.get(md.key) == known:
            return state
        elsewhere = sorted({namespace for namespace, _ in gateways_of(route)} - {md.key.namespace})
        listed = await asyncio.gather(*(self._listed(namespace) for namespace in (md.key.namespace, *elsewhere)))
        if listed[0] is None:
            return None
        found = [each for policies in listed for each in policies or []]
        own = [each for each in found if read.owned(each, md.uid)]
        if rests and not own:
            self._clean[md.key] = known
        return self._state(md, route, rule, own, [each for each in found if each not in own])

    async def _listed(self, namespace: str) -> Sequence[Json] | None:
        """The policies of a namespace; None where there are none of that kind, or they cannot be read."""
        try:
            return await self._api.list(names.path(names.TRAFFIC_POLICIES, namespace), within=_WITHIN)
        except NotFound:
            return None
        except PodiumError as error:
            _log.warning("could not read BackendTrafficPolicies of namespace %s: %s", namespace, error)
            return None

    def _state(
        self, md: ModelDeployment, route: Json, rule: Rule, own: Sequence[Json], others: Sequence[Json]
    ) -> RetryState:
        assert md.spec is not None
        name, section = f"{KIND} {md.key}", _section(md, route, rule)
        obstacle = _obstacle(md, route, rule, of_others(others, route, section))
        if not own:
            return RetryState(name, obstacle=obstacle, refusal=self._refusals.get(md.key, ""))
        desired = traffic_policy(read.owner_of(md), md.spec, route["metadata"]["name"], section)
        followed, refusal = accepted(own[0])
        return RetryState(name, True, holds(own[0], desired), followed, obstacle, refusal)

    async def add(self, md: ModelDeployment, route: Json, rule: Rule) -> None:
        """Raises Rejected where a policy of another owner has the name, and where the API server does not take ours."""
        assert md.spec is not None
        try:
            section = _section(md, route, rule)
            desired = traffic_policy(read.owner_of(md), md.spec, route["metadata"]["name"], section)
            await self._owned.apply(names.TRAFFIC_POLICIES, desired)
        except Permanent as error:
            self._refusals[md.key] = str(error)
            raise
        self._refusals.pop(md.key, None)
        self._clean.pop(md.key, None)

    async def remove(self, md: ModelDeployment) -> None:
        """Delete the policy, if it is the ModelDeployment's own."""
        found = await self._owned.find(names.TRAFFIC_POLICIES, md.key.namespace, md.key.name)
        if found is not None and read.owned(found, md.uid):
            path = names.path(names.TRAFFIC_POLICIES, md.key.namespace, md.key.name)
            await self._api.delete(path, found["metadata"]["uid"])

    def forget(self, key: Key) -> None:
        """Forget what is remembered of a ModelDeployment that is gone."""
        for known in (self._refusals, self._clean):
            known.pop(key, None)


def _section(md: ModelDeployment, route: Json, rule: Rule) -> str | None:
    """The name of the rule that the policy is for: of a route of others, no other rule may be touched."""
    return _name_of(route, rule) if _adopts(md) else None


def _obstacle(md: ModelDeployment, route: Json, rule: Rule, policy: str) -> str:
    """What is in the way, with what a person can do; "" where nothing is."""
    rules, name = route["spec"]["rules"], label(route)
    if policy:
        return f"{policy} {_SAYS_ALREADY}"
    if rules[rule.index].get("retry"):
        return f"the field retry of rule {rule.index} of HTTPRoute {name} {_SAYS_ALREADY}"
    if _adopts(md) and _name_of(route, rule) is None and len(rules) > 1:
        return (
            f"rule {rule.index} of HTTPRoute {name} has no name, so a policy would be for the other rules, too: give "
            f"it one, or a pod that ends takes its requests with it"
        )
    return ""


def _adopts(md: ModelDeployment) -> bool:
    return md.spec is not None and md.spec.traffic.router.adopts


def _name_of(route: Json, rule: Rule) -> str | None:
    name: str | None = route["spec"]["rules"][rule.index].get("name")
    return name
