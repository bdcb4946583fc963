"""A Gateway, and the parts of an HTTPRoute that pass through a ModelDeployment, as the Gateway API's own v1 has them.

As with the parts of a Pod, a mistake is refused where it was written, and what reaches the HTTPRoute is what was
written. A test holds fields, words and limits against the Gateway API's own schema.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from podium.api.v1alpha1.spec.pod import AsIn
from podium.api.v1alpha1.spec.route_filters import FiltersPart
from podium.api.v1alpha1.spec.route_values import (
    Group,
    HeaderName,
    Hostname,
    Kind,
    Name,
    Namespace,
    Port,
    RouteDuration,
    SectionName,
)
from podium.api.v1alpha1.values.base import Value, parse_duration
from podium.api.v1alpha1.values.rules import KeyedBy, Rule

_PATH: Final = r"^/(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|[%][0-9a-fA-F]{2})*$"
_NOT_IN_PATH: Final = ("//", "/./", "/../", "%2f", "%2F")


class ParentRef(Value):
    """What a route is attached to: a Gateway, or one of its listeners."""

    group: Group | None = Field(None, description="API group of the parent. Without it: gateway.networking.k8s.io.")
    kind: Kind | None = Field(None, description="Kind of the parent. Without it: Gateway.")
    name: Name = Field(description="Name of the Gateway.", examples=["public"])
    namespace: Namespace | None = Field(None, description="Its namespace. Without it: the ModelDeployment's own.")
    section_name: SectionName | None = Field(None, description="One of its listeners. Without it: all that admit it.")
    port: Port | None = Field(None, description="Port of the listeners. Without it: every port.")


def _good_path(path: Any) -> bool:
    text = path.value
    if path.type == "RegularExpression" or text is None:
        return True
    clean = not any(part in text for part in _NOT_IN_PATH) and not text.endswith(("/.", "/.."))
    return clean and re.fullmatch(_PATH, text) is not None


class PathMatch(Value):
    """Which paths match."""

    RULES = (
        Rule(
            "has(self.type) && self.type == 'RegularExpression' || !has(self.value) || "
            f"self.value.matches(r'''{_PATH}''') && "
            + " && ".join(f"!self.value.contains('{part}')" for part in _NOT_IN_PATH)
            + " && !self.value.endsWith('/.') && !self.value.endsWith('/..')",
            "must be an absolute path, without //, /./, /../ and %2f",
            _good_path,
            field=".value",
        ),
    )

    type: Literal["Exact", "PathPrefix", "RegularExpression"] | None = Field(
        None, description="How the path is compared. Without it: PathPrefix."
    )
    value: str | None = Field(None, max_length=1024, description="The path. Without it: /.", examples=["/churn"])


class HeaderMatch(Value):
    """A header that matches."""

    type: Literal["Exact", "RegularExpression"] | None = Field(
        None, description="How the value is compared. Without it: Exact."
    )
    name: HeaderName = Field(description="Name of the header.")
    value: str = Field(min_length=1, max_length=4096, description="Value of the header.")


class QueryParamMatch(Value):
    """A parameter of the query that matches."""

    type: Literal["Exact", "RegularExpression"] | None = Field(
        None, description="How the value is compared. Without it: Exact."
    )
    name: HeaderName = Field(description="Name of the parameter.")
    value: str = Field(min_length=1, max_length=1024, description="Value of the parameter.")


class RouteMatch(Value):
    """Requests that the route is for: all that is said here must match."""

    path: PathMatch | None = Field(None, description="Which paths match. Without it: all.")
    headers: Annotated[list[HeaderMatch], KeyedBy("name")] = Field(
        [], max_length=16, description="Headers, all of which must match."
    )
    query_params: Annotated[list[QueryParamMatch], KeyedBy("name")] = Field(
        [], max_length=16, description="Parameters of the query, all of which must match."
    )
    method: Literal["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"] | None = Field(
        None, description="Method of the request."
    )


class Timeouts(Value):
    """How long a request may take."""

    RULES = (
        Rule(
            "!has(self.request) || !has(self.backendRequest) || duration(self.request) == duration('0s') || "
            "duration(self.backendRequest) <= duration(self.request)",
            "must not be longer than request, which it is a part of",
            lambda it: _shorter(it.backend_request, it.request),
            field=".backendRequest",
        ),
    )

    request: RouteDuration | None = Field(None, description="For the whole request.", examples=["10s"])
    backend_request: RouteDuration | None = Field(None, description="For one try of the model server.")


def _shorter(part: str | None, whole: str | None) -> bool:
    if part is None or whole is None:
        return True
    limit, found = parse_duration(whole), parse_duration(part)
    return not limit or found <= limit  # type: ignore[operator]  # both are durations


def _apart(refs: list[Mapping[str, Any]]) -> bool:
    gateways = [(ref["name"], ref.get("namespace", "")) for ref in refs]
    listeners = [(*gateway, ref.get("sectionName")) for gateway, ref in zip(gateways, refs, strict=True)]
    return all(
        gateways.count(gateway) == 1 or (listener[-1] is not None and listeners.count(listener) == 1)
        for gateway, listener in zip(gateways, listeners, strict=True)
    )


_SAME = "other.name == one.name && (has(other.__namespace__) ? other.__namespace__ : '') == "
_SAME += "(has(one.__namespace__) ? one.__namespace__ : '')"
_APART_RULE = Rule(
    f"self.all(one, self.filter(other, {_SAME}).size() == 1 || has(one.sectionName) && "
    f"self.filter(other, {_SAME} && has(other.sectionName) && other.sectionName == one.sectionName).size() == 1)",
    "the same Gateway may be there twice only with a sectionName of its own each",
    _apart,
    reason="FieldValueDuplicate",
)


ParentRefsPart = Annotated[
    list[Annotated[dict[str, Any], AsIn(ParentRef)]], Field(min_length=1, max_length=8), _APART_RULE
]
MatchesPart = Annotated[list[Annotated[dict[str, Any], AsIn(RouteMatch)]], Field(max_length=16)]
TimeoutsPart = Annotated[dict[str, Any], AsIn(Timeouts)]


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
