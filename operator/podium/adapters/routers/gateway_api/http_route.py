"""The HTTPRoute that Podium owns, as spec.traffic.gateway wants it. Pure."""

from collections.abc import Mapping
from typing import Any

from podium.adapters.kubernetes import render
from podium.adapters.kubernetes.render import Owner
from podium.adapters.routers.gateway_api import route_rules
from podium.api.v1alpha1.evidence import Slot
from podium.api.v1alpha1.spec.spec import Spec
from podium.core.actions import NO_OVERRIDES, RouteOverrides

Json = dict[str, Any]


def http_route(
    owner: Owner,
    spec: Spec,
    weights: Mapping[Slot, int],
    overrides: RouteOverrides = NO_OVERRIDES,
    trial: str = "",
) -> Json:
    """The HTTPRoute of spec.traffic.gateway: both slots are always among its backends, an idle one with weight 0."""
    gateway = spec.traffic.gateway
    assert gateway is not None
    hosts = {"hostnames": gateway.hostnames} if gateway.hostnames else {}
    rules = route_rules.rules(owner.name, spec.traffic, weights, overrides)
    return render.owned_object(
        owner,
        owner.name,
        kind=("gateway.networking.k8s.io/v1", "HTTPRoute"),
        labels=render.labels_of(owner, spec),
        annotations={**route_rules.annotations(spec.traffic, overrides), **render.of_trial(trial)},
        spec={"parentRefs": [*gateway.parents], **hosts, "rules": rules},
    )
