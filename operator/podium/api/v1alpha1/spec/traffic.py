"""How clients reach the model: the Service that always leads to the versions in service, and gateways before it."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from podium.api.v1alpha1.spec.gateway import Gateway
from podium.api.v1alpha1.spec.pod import Annotations
from podium.api.v1alpha1.spec.route_values import HeaderName, Name, SectionName
from podium.api.v1alpha1.spec.routers import ROUTERS, RouterKind
from podium.api.v1alpha1.values.base import Duration, Value, duration_between
from podium.api.v1alpha1.values.rules import Rule

ServiceType = Literal["ClusterIP", "NodePort", "LoadBalancer"]
Return = Literal["Immediate", "Gradual"]


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
    requests_per_connection: int = Field(
        10,
        ge=1,
        le=100_000,
        description="After so many requests on a connection, a pod closes it: while a trial's pods share the traffic, "
        "so that each connection counts as one draw of a side. Not behind a gateway.",
    )


class HTTPRouteRef(Value):
    """A rule of an HTTPRoute with another owner. Podium writes the weights of its two backends, nothing else."""

    name: Name = Field(description="Name of the HTTPRoute, in the same namespace.", examples=["churn"])
    rule: SectionName | None = Field(
        None, description="Name of the rule. Without it: the only one that has both Services as backends."
    )


class Preview(Value):
    """Testers, who reach the challenger before all other users. Its answers to them are no evidence."""

    header: HeaderName = Field(
        description="Requests with this header reach the challenger as soon as one of its pods is ready and verified.",
        examples=["x-podium-preview"],
    )
    value: Annotated[str, Field(min_length=1, max_length=256, pattern=r"^[\x21-\x7e]+$")] | None = Field(
        None,
        description="The value that the header must have. Without it: any, if the gateway knows regular expressions.",
    )
    duration: Annotated[Duration, duration_between("0s", "168h")] = Field(
        timedelta(0),
        description="Minimum time for which only testers reach the challenger, from its start.",
    )


class SessionAffinity(Value):
    """Users who stay on their side of a trial."""

    RULES = (
        Rule(
            "has(self.cookieName) != has(self.header)",
            "exactly one of cookieName and header is needed",
            lambda it: (it.cookie_name is None) != (it.header is None),
        ),
        Rule(
            "!has(self.header)",
            "the Gateway API cannot share by a header's value so that equal values go the same way: use cookieName, "
            "which "
            "clients must keep and send back; or have what knows the users choose, and send them by preview's header",
            lambda it: it.header is None,
            field=".header",
            reason="FieldValueForbidden",
        ),
    )

    cookie_name: Annotated[str, Field(min_length=1, max_length=32, pattern=r"^[A-Za-z0-9_-]+$")] | None = Field(
        None,
        description="Name of a cookie that says on which side its user is, during a trial.",
        examples=["podium"],
    )
    header: HeaderName | None = Field(
        None, description="Name of a header that says who the user is. Refused: the Gateway API cannot share by it."
    )


class Fallback(Value):
    """The champion answers a request that the challenger fails."""

    enabled: bool = Field(
        True,
        description="Whether the champion answers what the challenger fails or has no room for; after a promotion, as "
        "long as it is kept, the former champion what the new one fails. The failure counts in full all the same.",
    )
    after: Annotated[Duration, duration_between("10ms", "60s")] | None = Field(
        None,
        description="Time without an answer after which the champion answers, too. Default: it waits as long as the "
        "model server does.",
        examples=["500ms"],
    )


class Retries(Value):
    """The gateway sends a request again whose connection broke before there was an answer."""

    enabled: bool = Field(
        True,
        description="Whether the gateway sends a request once more, to another pod, where the connection to the pod "
        "fails or breaks before the first byte of an answer: while two versions run. Behind Envoy Gateway.",
    )


_HEADERS: Final = 16  # of one match, as the Gateway API has it: one must be left for Podium's own
_COOKIE: Final = "cookie"
_SET_COOKIE: Final = "set-cookie"


def _headers_of(matches: Sequence[Mapping[str, Any]]) -> Iterator[list[str]]:
    """The names of the headers of each match, in lower case."""
    for match in matches:
        yield [header["name"].lower() for header in match.get("headers") or []]


def _can_match(traffic: "Traffic", header: str) -> bool:
    """Podium can add the header to every match of its own."""
    matches = traffic.gateway.matches if traffic.gateway is not None else []
    return all(header not in names and len(names) < _HEADERS for names in _headers_of(matches))


def _untouched(traffic: "Traffic", field: str, header: str, parts: Sequence[str]) -> bool:
    """No filter changes the header by these parts of its modifier."""
    filters = traffic.gateway.filters if traffic.gateway is not None else []
    for modifier in (one.get(field) or {} for one in filters):
        named = [one if isinstance(one, str) else one["name"] for part in parts for one in modifier.get(part) or []]
        if header in [name.lower() for name in named]:
            return False
    return True


def _can_match_in_cel(header: str) -> str:
    return (
        f"!has(self.gateway) || !has(self.gateway.matches) || self.gateway.matches.all(one, !has(one.headers) || "
        f"one.headers.size() < {_HEADERS} && one.headers.all(header, header.name.lowerAscii() != {header}))"
    )


def _untouched_in_cel(field: str, header: str, parts: Sequence[str]) -> str:
    modifier = f"one.{field}"
    names = {part: "it" if part == "remove" else "it.name" for part in parts}
    each = (
        f"(!has({modifier}.{part}) || {modifier}.{part}.all(it, {name}.lowerAscii() != {header}))"
        for part, name in names.items()
    )
    return (
        f"!has(self.gateway) || !has(self.gateway.filters) || self.gateway.filters.all(one, !has({modifier}) || "
        f"{' && '.join(each)})"
    )


_PREVIEWED: Final = "self.preview.header.lowerAscii()"


class Traffic(Value):
    """How clients reach the model."""

    RULES = (
        Rule(
            "!has(self.gateway) || !has(self.httpRouteRef)",
            "gateway and httpRouteRef exclude each other: the HTTPRoute is Podium's, or it is yours",
            lambda it: it.gateway is None or it.http_route_ref is None,
        ),
        Rule(
            "!has(self.preview) || has(self.gateway)",
            "preview needs gateway: pods behind a Service cannot be chosen by a header, and the rules of a route of "
            "yours are yours to write",
            lambda it: it.preview is None or it.gateway is not None,
            field=".preview",
        ),
        Rule(
            f"!has(self.preview) || {_can_match_in_cel(_PREVIEWED)}",
            f"preview's header is added to every match of the gateway: none may name it already, or have {_HEADERS}",
            lambda it: it.preview is None or _can_match(it, it.preview.header.lower()),
            field=".preview.header",
        ),
        Rule(
            f"!has(self.preview) || {_untouched_in_cel('requestHeaderModifier', _PREVIEWED, ('set', 'add', 'remove'))}",
            "preview's header must reach the model server as it was sent, or it would count: no filter may change it",
            lambda it: (
                it.preview is None
                or _untouched(it, "requestHeaderModifier", it.preview.header.lower(), ("set", "add", "remove"))
            ),
            field=".preview.header",
        ),
        Rule(
            "!has(self.sessionAffinity) || has(self.gateway)",
            "sessionAffinity needs gateway: a Service has no sides to stay on, and the rules of a route of yours are "
            "yours to "
            "write",
            lambda it: it.session_affinity is None or it.gateway is not None,
            field=".sessionAffinity",
        ),
        Rule(
            f"!has(self.sessionAffinity) || {_can_match_in_cel(repr(_COOKIE))}",
            f"sessionAffinity matches the header Cookie: no match of the gateway may name it too, or have "
            f"{_HEADERS} headers",
            lambda it: it.session_affinity is None or _can_match(it, _COOKIE),
            field=".sessionAffinity",
        ),
        Rule(
            "!has(self.sessionAffinity) || "
            f"{_untouched_in_cel('responseHeaderModifier', repr(_SET_COOKIE), ('set', 'remove'))}",
            "sessionAffinity needs Set-Cookie to reach the client as it was sent: no filter may set or remove it",
            lambda it: (
                it.session_affinity is None or _untouched(it, "responseHeaderModifier", _SET_COOKIE, ("set", "remove"))
            ),
            field=".sessionAffinity",
        ),
    )

    service: MainService = Field(
        MainService(),
        description="The Service that clients use, of the same name. Beside a gateway it leads to the champion.",
    )
    gateway: Gateway | None = Field(
        None, description="Share the traffic by an HTTPRoute of Podium's own. Default: by the numbers of pods."
    )
    http_route_ref: HTTPRouteRef | None = Field(
        None, description="Share the traffic by an HTTPRoute that is kept elsewhere."
    )
    preview: Preview | None = Field(
        None, description="Let testers reach the challenger by a header, from its start on. Needs gateway."
    )
    session_affinity: SessionAffinity | None = Field(
        None, description="Keep users on their side of a trial, so that they only ever move to the challenger."
    )
    fallback: Fallback = Field(
        Fallback(),
        description="Let the champion answer what the challenger fails, so that no user sees it. A change takes effect "
        "with the next version that is tried. Needs Podium's model server in both versions.",
    )
    retries: Retries = Field(
        Retries(),
        description="Let the gateway send requests again that a pod of either version takes with it when it ends.",
    )
    rollback: Return = Field(
        "Immediate",
        description="How traffic goes back to a champion with fewer ready pods than it should have: all of it at once "
        "(Immediate), or as much as the ready ones stand for, and the rest once they are more (Gradual).",
    )

    @property
    def router(self) -> RouterKind:
        """The kind of router that these settings select."""
        return next(kind for kind in ROUTERS if kind.matches(self))

    @property
    def exact(self) -> bool:
        """Whether shares are of requests, whatever the numbers of pods."""
        return self.router.exact

    def routing_object(self, name: str) -> str | None:
        """The watched object that shares the traffic of the ModelDeployment of this name; None where there is none."""
        router = self.router
        if router.watched is None:
            return None
        return router.object_name(name, getattr(self, router.field) if router.field else None)
