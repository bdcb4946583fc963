"""The filters of an HTTPRoute that pass through a ModelDeployment, with the fields of the Gateway API's own v1.

Redirects are left out: a rule that redirects has no backends.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from podium.api.v1alpha1.spec.pod import AsIn
from podium.api.v1alpha1.spec.route_values import DNS, Count, Group, HeaderName, Kind, Name, Namespace, Port
from podium.api.v1alpha1.values.base import Value
from podium.api.v1alpha1.values.rules import KeyedBy, Rule

_ORIGIN = r"(^\*$)|(^(http(s)?):\/\/(((\*\.)?([a-zA-Z0-9\-]+\.)*[a-zA-Z0-9-]+|\*)(:([0-9]{1,5}))?)$)"


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

    hostname: Annotated[str, Field(min_length=1, max_length=253, pattern=f"^{DNS}$")] | None = Field(
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


_ONCE_RULE = Rule(
    " && ".join(f"self.filter(one, one.type == '{kind}').size() <= 1" for kind in ONCE),
    f"only one filter each of {', '.join(ONCE)} is possible",
    lambda filters: all(sum(one["type"] == kind for one in filters) <= 1 for kind in ONCE),
    reason="FieldValueDuplicate",
)

FiltersPart = Annotated[list[Annotated[dict[str, Any], AsIn(RouteFilter)]], Field(max_length=16), _ONCE_RULE]
