"""The kinds of routers, one row each: which field of spec.traffic selects it, and what follows from that."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True)
class Resource:
    """A kind of Kubernetes object, as watches name it."""

    group: str
    version: str
    plural: str


@dataclass(frozen=True)
class RouterKind:
    """One kind of router."""

    name: str
    field: str | None  # of spec.traffic; None: where no other router is selected
    exact: bool = False  # shares are of requests, whatever the numbers of pods
    adopts: bool = False  # the object that it writes has another owner, and stays when the ModelDeployment goes
    # Objects that no label marks as a ModelDeployment's, and that change its traffic all the same.
    watched: Resource | None = None
    # Which one of them: from the ModelDeployment's name and the settings of the field.
    object_name: Callable[[str, Any], str] = lambda name, _: name

    def matches(self, traffic: Any) -> bool:
        """Whether these settings of spec.traffic select it."""
        return self.field is None or getattr(traffic, self.field) is not None


HTTP_ROUTES: Final = Resource("gateway.networking.k8s.io", "v1", "httproutes")

SERVICE: Final = RouterKind("service", None)
GATEWAY: Final = RouterKind("gateway", "gateway", exact=True, watched=HTTP_ROUTES)
HTTP_ROUTE_REF: Final = RouterKind(
    "httpRouteRef",
    "http_route_ref",
    exact=True,
    adopts=True,
    watched=HTTP_ROUTES,
    object_name=lambda _, ref: ref.name,
)

ROUTERS: Final = (GATEWAY, HTTP_ROUTE_REF, SERVICE)  # the first that matches is the one
