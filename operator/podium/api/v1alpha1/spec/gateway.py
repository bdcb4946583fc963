"""The parts of an HTTPRoute that pass through a ModelDeployment, with the fields of the Gateway API's own v1.

As with the parts of a Pod, a mistake is refused where it was written, and what reaches the HTTPRoute is what was
written. A test holds fields, words and limits against the Gateway API's own schema. Redirects are left out: a rule that
redirects has no backends.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from podium.api.v1alpha1.spec.pod import AsIn
from podium.api.v1alpha1.values.base import Value, parse_duration
from podium.api.v1alpha1.values.rules import KeyedBy, Rule

_DNS = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
_HEADER = r"^[A-Za-z0-9!#$%&'*+\-.^_\x60|~]+$"
_ORIGIN = r"(^\*$)|(^(http(s)?):\/\/(((\*\.)?([a-zA-Z0-9\-]+\.)*[a-zA-Z0-9-]+|\*)(:([0-9]{1,5}))?)$)"
_PATH: Final = r"^/(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|[%][0-9a-fA-F]{2})*$"
_NOT_IN_PATH: Final = ("//", "/./", "/../", "%2f", "%2F")

Name = Annotated[str, Field(min_length=1, max_length=253)]
Namespace = Annotated[str, Field(min_length=1, max_length=63, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")]
Group = Annotated[str, Field(max_length=253, pattern=f"^$|^{_DNS}$")]
Kind = Annotated[str, Field(min_length=1, max_length=63, pattern=r"^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$")]
SectionName = Annotated[str, Field(min_length=1, max_length=253, pattern=f"^{_DNS}$")]
Port = Annotated[int, Field(ge=1, le=65535)]
Hostname = Annotated[str, Field(min_length=1, max_length=253, pattern=rf"^(\*\.)?{_DNS}$")]
HeaderName = Annotated[str, Field(min_length=1, max_length=256, pattern=_HEADER)]
RouteDuration = Annotated[str, Field(pattern=r"^([0-9]{1,5}(h|m|s|ms)){1,4}$", max_length=24)]
Count = Annotated[int, Field(ge=0, le=2**31 - 1)]


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


class Header(Value):
    """A header and its value."""

    name: HeaderName = Field(description="Name of the header.")
    value: str = Field(min_length=1, max_length=4096, description="Value of the header.")


class HeaderModifier(Value):
    """Headers to change."""

    set: Annotated[list[Header], KeyedBy("name")] = Field([], max_length=16, description="Headers to overwrite.")
    add: Annotated[list[Header], KeyedBy("name")] = Field([], max_length=16, description="Headers to append to.")
    remove: list[Annotated[str, Field(max_length=256)]] = Field([], max_length=16, description="Headers to remove.")


class MirrorBackend(Value):
    """A Service that gets copies of requests."""

    RULES = (
        Rule(
            "has(self.port) || has(self.group) && self.group != '' || has(self.kind) && self.kind != 'Service'",
            "a Service needs a port",
            lambda it: it.port is not None or bool(it.group) or it.kind not in (None, "Service"),
            field=".port",
            reason="FieldValueRequired",
        ),
    )

    group: Group | None = Field(None, description="API group of the backend. Without it: core.")
    kind: Kind | None = Field(None, description="Kind of the backend. Without it: Service.")
    name: Name = Field(description="Name of the backend.")
    namespace: Namespace | None = Field(None, description="Its namespace. Another one needs a ReferenceGrant there.")
    port: Port | None = Field(None, description="Port of the Service.")


class Fraction(Value):
    """A part of the requests."""

    RULES = (
        Rule(
            "self.numerator <= (has(self.denominator) ? self.denominator : 100)",
            "numerator must not be above denominator",
            lambda it: it.numerator <= (100 if it.denominator is None else it.denominator),
        ),
    )

    numerator: Count = Field(description="So many …")
    denominator: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = Field(
        None, description="… of so many. Without it: 100."
    )


class RequestMirror(Value):
    """Copies of requests; the gateway ignores their answers."""

    RULES = (
        Rule(
            "!has(self.percent) || !has(self.fraction)",
            "percent and fraction exclude each other",
            lambda it: it.percent is None or it.fraction is None,
        ),
    )

    backend_ref: MirrorBackend = Field(description="Where the copies go.")
    percent: Annotated[int, Field(ge=0, le=100)] | None = Field(None, description="Percent of requests to copy.")
    fraction: Fraction | None = Field(None, description="Part of the requests to copy.")


class PathModifier(Value):
    """How a path is rewritten."""

    RULES = (
        Rule(
            "has(self.replaceFullPath) == (self.type == 'ReplaceFullPath') && "
            "has(self.replacePrefixMatch) == (self.type == 'ReplacePrefixMatch')",
            "needs the field that its type names, and no other",
            lambda it: (
                (it.replace_full_path is not None) == (it.type == "ReplaceFullPath")
                and (it.replace_prefix_match is not None) == (it.type == "ReplacePrefixMatch")
            ),
        ),
    )

    type: Literal["ReplaceFullPath", "ReplacePrefixMatch"] = Field(description="What is replaced.")
    replace_full_path: str | None = Field(None, max_length=1024, description="The whole new path.")
    replace_prefix_match: str | None = Field(None, max_length=1024, description="What replaces the matched prefix.")


class URLRewrite(Value):
    """How host and path are rewritten on the way to the model server."""

    hostname: Annotated[str, Field(min_length=1, max_length=253, pattern=f"^{_DNS}$")] | None = Field(
        None, description="The new Host header."
    )
    path: PathModifier | None = Field(None, description="The new path.")


class Cors(Value):
    """Cross-origin requests, from browsers."""

    allow_origins: list[Annotated[str, Field(min_length=1, max_length=253, pattern=_ORIGIN)]] = Field(
        [], max_length=64, description="Origins that may ask."
    )
    allow_credentials: bool | None = Field(None, description="Whether they may send credentials.")
    allow_methods: list[
        Literal["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "*"]
    ] = Field([], max_length=9, description="Methods that they may use.")
    allow_headers: list[HeaderName] = Field([], max_length=64, description="Headers that they may send.")
    expose_headers: list[HeaderName] = Field([], max_length=64, description="Headers that they may read.")
    max_age: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = Field(
        None, description="How long a browser may remember it, in seconds. Without it: 5."
    )


class ExtensionRef(Value):
    """A filter of the gateway's own."""

    group: Group = Field(description="API group of the filter.")
    kind: Kind = Field(description="Kind of the filter.")
    name: Name = Field(description="Name of the filter, in the same namespace.")


# The field that goes with each type.
_FIELD_OF: Final[Mapping[str, str]] = {
    "RequestHeaderModifier": "requestHeaderModifier",
    "ResponseHeaderModifier": "responseHeaderModifier",
    "RequestMirror": "requestMirror",
    "URLRewrite": "urlRewrite",
    "CORS": "cors",
    "ExtensionRef": "extensionRef",
}
ONCE: Final = ("RequestHeaderModifier", "ResponseHeaderModifier", "URLRewrite", "CORS")


class RouteFilter(Value):
    """What is done to requests and answers on their way."""

    RULES = (
        Rule(
            " && ".join(f"has(self.{field}) == (self.type == '{kind}')" for kind, field in _FIELD_OF.items()),
            "needs the field that its type names, and no other",
            lambda it: it.model_dump(by_alias=True, exclude_none=True).keys() - {"type"} == {_FIELD_OF[it.type]},
        ),
    )

    type: Literal[
        "RequestHeaderModifier", "ResponseHeaderModifier", "RequestMirror", "URLRewrite", "CORS", "ExtensionRef"
    ] = Field(description="What the filter does.")
    request_header_modifier: HeaderModifier | None = Field(None, description="Headers of requests to change.")
    response_header_modifier: HeaderModifier | None = Field(None, description="Headers of answers to change.")
    request_mirror: RequestMirror | None = Field(None, description="Where copies of requests go.")
    url_rewrite: URLRewrite | None = Field(None, description="How the URL is rewritten.")
    cors: Cors | None = Field(None, description="What browsers of other origins may do.")
    extension_ref: ExtensionRef | None = Field(None, description="A filter of the gateway's own.")


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


_ONCE_RULE = Rule(
    " && ".join(f"self.filter(one, one.type == '{kind}').size() <= 1" for kind in ONCE),
    f"only one filter each of {', '.join(ONCE)} is possible",
    lambda filters: all(sum(one["type"] == kind for one in filters) <= 1 for kind in ONCE),
    reason="FieldValueDuplicate",
)


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
FiltersPart = Annotated[list[Annotated[dict[str, Any], AsIn(RouteFilter)]], Field(max_length=16), _ONCE_RULE]
TimeoutsPart = Annotated[dict[str, Any], AsIn(Timeouts)]
