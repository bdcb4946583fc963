"""The BackendTrafficPolicy that Podium owns beside a route of Envoy Gateway, and those of others. Pure.

It says one thing: a request whose connection to a pod fails, or breaks before the first byte of an answer, is sent
again. Envoy Gateway puts the backends of a rule into one cluster of Envoy, and Envoy does not choose a pod again that a
request has met, as long as it finds another one: so of a dead challenger's requests, most go to the champion with the
first try. Answers are never sent again, whatever their status: those of 500 and above the model server deals with.

`mergeType` keeps what a policy of the Gateway says of other things; without it, all of that would be off for the route.
Its `retry` is a person's word on the same thing: beside that one, Podium has none.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from podium.adapters.kubernetes import render
from podium.adapters.kubernetes.render import Owner
from podium.adapters.routers.gateway_api.routes import label
from podium.api.v1alpha1.spec.spec import Spec

Json = Mapping[str, Any]
ENVOY_GATEWAY: Final = "gateway.envoyproxy.io/"  # how the names of its controllers begin
KIND: Final = "BackendTrafficPolicy"
_ROUTE: Final = {"group": "gateway.networking.k8s.io", "kind": "HTTPRoute"}
_QUOTED: Final = 300  # characters of what others say
# A wait is drawn between 0 and 50, 100, 200, 400 and 800 ms: until a pod is no endpoint any more takes a second or so.
RETRY: Final[Json] = {
    "numRetries": 5,
    "retryOn": {"triggers": ["connect-failure", "reset"]},
    "perRetry": {"backOff": {"baseInterval": "50ms", "maxInterval": "1s"}},
}


def traffic_policy(owner: Owner, spec: Spec, route: str, rule: str | None = None) -> dict[str, Any]:
    """The policy for the HTTPRoute of this name, or for its rule of that name alone."""
    section = {"sectionName": rule} if rule is not None else {}
    return render.owned_object(
        owner,
        owner.name,
        kind=("gateway.envoyproxy.io/v1alpha1", KIND),
        labels=render.labels_of(owner, spec),
        annotations={},
        spec={"targetRefs": [{**_ROUTE, "name": route, **section}], "mergeType": "StrategicMerge", "retry": RETRY},
    )


def of_envoy_gateway(route: Json) -> bool:
    """Whether every gateway that has looked at the route is Envoy Gateway's."""
    parents = (route.get("status") or {}).get("parents") or []
    return bool(parents) and all(str(one.get("controllerName", "")).startswith(ENVOY_GATEWAY) for one in parents)


def accepted(policy: Json) -> tuple[bool, str]:
    """Whether the gateways follow this generation of it; and what the first one says that does not."""
    found = list(_accepted(policy))
    refused = [one for one in found if one.get("status") != "True"]
    if refused:
        return False, f"{refused[0].get('reason', '')}: {refused[0].get('message', '')}"[:_QUOTED]
    return bool(found), ""


def _accepted(policy: Json) -> Iterator[Json]:
    generation = policy["metadata"].get("generation")
    for ancestor in (policy.get("status") or {}).get("ancestors") or []:
        for one in ancestor.get("conditions") or []:
            if one.get("type") == "Accepted" and one.get("observedGeneration") == generation:
                yield one


# --- what others say of the same requests -----------------------------------------------------------------------------


def of_others(policies: Iterable[Json], route: Json, rule: str | None) -> str:
    """The first of these policies that targets the route, or this rule of it, or says of its Gateway what is retried.

    Of two policies for one target Envoy Gateway takes the older one, and of a rule's and a route's the rule's: one of
    Podium's own would stand in for what a person wrote, or be of no effect. "" where there is none.
    """
    for policy in policies:
        if _of_route(policy, route, rule) or (policy["spec"].get("retry") and _of_gateway(policy, route)):
            return f"{KIND} {label(policy)}"
    return ""


def gateways_of(route: Json) -> set[tuple[str, str]]:
    """Namespace and name of the Gateways that the route is attached to."""
    namespace, refs = route["metadata"]["namespace"], route["spec"].get("parentRefs") or []
    named = [ref for ref in refs if ref.get("kind", "Gateway") == "Gateway"]
    return {(ref.get("namespace") or namespace, ref["name"]) for ref in named}


def _of_route(policy: Json, route: Json, rule: str | None) -> bool:
    """Whether it targets the route or this rule. Expressions are taken to hold: no policy of a person is overlooked."""
    if policy["metadata"]["namespace"] != route["metadata"]["namespace"]:
        return False
    labels = route["metadata"].get("labels") or {}
    selected = [
        all(labels.get(name) == value for name, value in (selector.get("matchLabels") or {}).items())
        for selector in _selectors(policy, "HTTPRoute")
    ]
    sections = [
        ref.get("sectionName") for ref in _refs(policy, "HTTPRoute") if ref["name"] == route["metadata"]["name"]
    ]
    return any(selected) or any(None in {section, rule} or section == rule for section in sections)


def _of_gateway(policy: Json, route: Json) -> bool:
    """Whether it targets a Gateway of the route, or may: a Gateway's labels are not read."""
    namespace, gateways = policy["metadata"]["namespace"], gateways_of(route)
    named = any((namespace, ref["name"]) in gateways for ref in _refs(policy, "Gateway"))
    return named or (namespace in {one for one, _ in gateways} and any(_selectors(policy, "Gateway")))


def _refs(policy: Json, kind: str) -> list[Json]:
    spec = policy["spec"]
    refs = [*(spec.get("targetRefs") or []), *([spec["targetRef"]] if spec.get("targetRef") else [])]
    return [ref for ref in refs if ref.get("kind") == kind]


def _selectors(policy: Json, kind: str) -> list[Json]:
    return [one for one in policy["spec"].get("targetSelectors") or [] if one.get("kind") == kind]
