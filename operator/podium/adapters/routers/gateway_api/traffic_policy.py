"""The BackendTrafficPolicy that Podium owns beside a route of Envoy Gateway, and those of others. Pure.

It says one thing: a request whose connection to a pod fails, or breaks before the first byte of an answer, is sent
again. Envoy Gateway puts the backends of a rule into one cluster of Envoy, and Envoy does not choose a pod again that a
request has met, as long as it finds another one: so of a dead challenger's requests, most go to the champion with the
first try. Answers are never sent again, whatever their status: those of 500 and above the model server deals with.

`mergeType` keeps what a policy of the Gateway says of other things; without it, all of that would be off for the route.
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
    """The first of these policies that targets the route, or this rule of it; "" where none does.

    Of two policies for one target Envoy Gateway takes the older one, and of a rule's and a route's the rule's: one of
    Podium's own would stand in for what a person wrote, or be of no effect.
    """
    for policy in policies:
        spec = policy.get("spec") or {}
        refs = [*(spec.get("targetRefs") or []), *([spec["targetRef"]] if spec.get("targetRef") else [])]
        named = any(_names(ref, route, rule) for ref in refs)
        if named or any(_selects(one, route) for one in spec.get("targetSelectors") or []):
            return f"{KIND} {label(policy)}"
    return ""


def _names(ref: Json, route: Json, rule: str | None) -> bool:
    section = ref.get("sectionName")
    same = (ref.get("kind"), ref.get("name")) == ("HTTPRoute", route["metadata"]["name"])
    return same and (section is None or rule is None or section == rule)


def _selects(selector: Json, route: Json) -> bool:
    """Whether it may select the route: expressions are taken to hold, so that no policy of a person is overlooked."""
    labels = route["metadata"].get("labels") or {}
    wanted = selector.get("matchLabels") or {}
    return selector.get("kind") == "HTTPRoute" and all(labels.get(name) == value for name, value in wanted.items())
