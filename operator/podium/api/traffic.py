"""How clients reach the model: the Service that always leads to the versions in service, and gateways before it."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import Field

from podium.api.base import Value
from podium.api.gateway import (
    FiltersPart,
    Hostname,
    MatchesPart,
    Name,
    Namespace,
    ParentRefsPart,
    Port,
    SectionName,
    TimeoutsPart,
)
from podium.api.pod import Annotations
from podium.api.rules import Rule

ServiceType = Literal["ClusterIP", "NodePort", "LoadBalancer"]
Return = Literal["immediate", "gradual"]


class MainService(Value):
    """The Service that clients use, with the fields of the Service API. Which pods it leads to is Podium's part."""

    RULES = (
        Rule(
            "!has(self.nodePort) || has(self.type) && self.type != 'ClusterIP'",
            "needs type NodePort or LoadBalancer: a ClusterIP Service has no port on the nodes",
            lambda it: it.node_port is None or it.type != "ClusterIP",
            field=".nodePort",
        ),
    )

    type: ServiceType = Field("ClusterIP", description="Type of the Service, as in a Service.")
    port: int = Field(80, ge=1, le=65535, description="Port of the Service.")
    node_port: int | None = Field(
        None, ge=1, le=65535, description="Port on every node, as in a Service. Default: Kubernetes picks one."
    )
    annotations: Annotations = Field({}, description="Annotations of the Service, for load balancers and the like.")


def _prefix_to_replace(gateway: "Gateway") -> bool:
    """A rewritten prefix is that of the one path that the route is for."""
    paths = [(one.get("urlRewrite") or {}).get("path") or {} for one in gateway.filters]
    if not any("replacePrefixMatch" in path for path in paths):
        return True
    if len(gateway.matches) > 1:
        return False
    kinds = [(match.get("path") or {}).get("type", "PathPrefix") for match in gateway.matches]
    return kinds in ([], ["PathPrefix"])


class Gateway(Value):
    """An HTTPRoute of the Gateway API, which Podium owns: it gives exact shares of the requests that come this way."""

    RULES = (
        Rule(
            "has(self.name) != has(self.parentRefs)",
            "exactly one of name and parentRefs is needed",
            lambda it: (it.name is None) != (not it.parent_refs),
        ),
        Rule(
            "!has(self.parentRefs) || !has(self.__namespace__) && !has(self.sectionName) && !has(self.port)",
            "namespace, sectionName and port go with name; beside parentRefs, write them there",
            lambda it: not it.parent_refs or (it.namespace, it.section_name, it.port) == (None, None, None),
            field=".parentRefs",
        ),
        Rule(
            "!has(self.filters) || !self.filters.exists(one, has(one.urlRewrite) && has(one.urlRewrite.path) && "
            "has(one.urlRewrite.path.replacePrefixMatch)) || !has(self.matches) || self.matches.size() == 0 || "
            "self.matches.size() == 1 && (!has(self.matches[0].path) || !has(self.matches[0].path.type) || "
            "self.matches[0].path.type == 'PathPrefix')",
            "replacePrefixMatch needs one match at the most, of a PathPrefix: that is what it replaces",
            _prefix_to_replace,
            field=".filters",
        ),
    )

    name: Name | None = Field(None, description="Name of the Gateway.", examples=["public"])
    namespace: Namespace | None = Field(None, description="Namespace of the Gateway. Without it: the same one.")
    section_name: SectionName | None = Field(None, description="One of its listeners. Without it: all that admit it.")
    port: Port | None = Field(None, description="Port of the listeners. Without it: every port.")
    parent_refs: ParentRefsPart | None = Field(
        None, description="Several Gateways, or listeners, in place of name; as in an HTTPRoute."
    )
    hostnames: list[Hostname] = Field(
        [], max_length=16, description="Host names that the route is for. Without them: the listener's."
    )
    matches: MatchesPart = Field(
        [], description="Requests that the route is for, as in an HTTPRoute. Without it: all of these hosts."
    )
    filters: FiltersPart = Field([], description="What is done to requests on their way, as in an HTTPRoute.")
    timeouts: TimeoutsPart = Field({}, description="How long a request may take, as in an HTTPRoute.")

    @property
    def parents(self) -> Sequence[Mapping[str, Any]]:
        """What the route is attached to, as an HTTPRoute has it."""
        if self.parent_refs:
            return self.parent_refs
        ref = {"name": self.name, "namespace": self.namespace, "sectionName": self.section_name, "port": self.port}
        return [{field: value for field, value in ref.items() if value is not None}]


class AdoptedRoute(Value):
    """A rule of an HTTPRoute that somebody else owns. Podium writes the weights of its two backends, nothing else."""

    name: Name = Field(description="Name of the HTTPRoute, in the same namespace.", examples=["churn"])
    rule: SectionName | None = Field(
        None, description="Name of the rule. Without it: the only one that has both Services as backends."
    )


class Traffic(Value):
    """How clients reach the model."""

    RULES = (
        Rule(
            "!has(self.gateway) || !has(self.route)",
            "gateway and route exclude each other: the HTTPRoute is Podium's, or it is yours",
            lambda it: it.gateway is None or it.route is None,
        ),
    )

    service: MainService = Field(
        MainService(),
        description="The Service that clients use, of the same name. Beside a gateway it leads to the champion.",
    )
    gateway: Gateway | None = Field(
        None, description="Share the traffic by an HTTPRoute of Podium's own. Default: by the numbers of pods."
    )
    route: AdoptedRoute | None = Field(None, description="Share the traffic by an HTTPRoute that is kept elsewhere.")
    rollback: Return = Field(
        "immediate",
        description="How traffic goes back to a champion with fewer ready pods than it should have: all of it at once "
        "(immediate), or as much as the ready ones stand for, and the rest once they are more (gradual).",
    )

    @property
    def exact(self) -> bool:
        """Whether shares are of requests, whatever the numbers of pods."""
        return self.gateway is not None or self.route is not None
