"""Whether the policies of its namespace grant what a ModelDeployment asks for: one check an aspect, all are asked."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from podium.api.v1alpha1.policy import GatewayGrant, PodiumPolicySpec
from podium.api.v1alpha1.spec.annotations import HOSTNAMES, loosening
from podium.api.v1alpha1.spec.spec import Spec
from podium.core.permissions.asked_queries import asked_of_prometheus
from podium.core.permissions.patterns import address_of, matches, matches_host, matches_registry
from podium.core.permissions.pod_fields import refused_fields
from podium.core.permissions.queries import confined
from podium.core.permissions.signatures import refused_keys
from podium.core.quantity import amount
from podium.core.refusal import Refusal

_NO_POLICY: Final = "no PodiumPolicy matches this namespace"
_NAMESPACE: Final = "{{namespace}}"
_GATEWAY: Final = ("Gateway", "gateway.networking.k8s.io")
_SHOWN: Final = 200  # characters of what is asked for
Policies = Sequence[PodiumPolicySpec]


@dataclass(frozen=True)
class Asked:
    """What is asked for, and what is granted."""

    spec: Spec
    namespace: str
    policies: Policies  # those that match the namespace
    own_registry: str  # the operator's; "" where it has none

    @property
    def of_own_registry(self) -> bool:
        """Whether it asks the operator's own registry. Another spelling of its address is another registry."""
        return self.spec.registry.uri in {None, self.own_registry}


Check = Callable[[Asked], Iterator[Refusal]]


def permitted(spec: Spec, namespace: str, policies: Policies, own_registry: str) -> tuple[Refusal, ...]:
    """What the spec asks for and these policies, which match its namespace, do not grant; none where all is granted."""
    asked = Asked(spec, namespace, policies, own_registry)
    found = [refusal for check in CHECKS for refusal in check(asked)]
    if found and not policies:
        return tuple(Refusal(each.field, each.found, f"{_NO_POLICY}; {each.ask}") for each in found)
    return tuple(found)


def unsafe(spec: Spec) -> tuple[Refusal, ...]:
    """What no policy grants, and is refused where there are none as well."""
    key = "spec.serving.annotations"
    ask = "no PodiumPolicy grants it, as it loosens the sandbox of pods: remove it"
    return tuple(Refusal(f"{key}[{name}]", "this annotation", ask) for name in loosening(spec.serving.annotations))


def granted_networks(policies: Policies) -> tuple[str, ...]:
    """Networks beside the public one that may be connected to for what tenants name."""
    return tuple(dict.fromkeys(network for policy in policies for network in policy.networks))


# --- the checks -------------------------------------------------------------------------------------------------------


def _registry(asked: Asked) -> Iterator[Refusal]:
    registry, model = asked.spec.registry, asked.spec.model
    if not asked.of_own_registry:
        yield from _other_registry(asked, registry.uri or "")
        return
    if registry.secret_name is not None and _is_granted(asked, asked.own_registry):
        return
    aliases = [alias for alias in (model.alias, registry.aliases.champion) if alias is not None]
    grants = [policy.operator_login for policy in asked.policies if policy.operator_login is not None]
    of_model = [grant for grant in grants if matches(model.name, grant.models)]
    if not of_model:
        found = f"registered model {_quoted(model.name)} of the operator's own registry"
        yield Refusal("spec.model.name", found, f"ask for operatorLogin.models: [{_quoted(model.name)}]")
        return
    for field, alias in (
        ("spec.model.alias", model.alias),
        ("spec.registry.aliases.champion", registry.aliases.champion),
    ):
        if alias is not None and not any(matches(alias, grant.aliases) for grant in of_model):
            found = f"alias {_quoted(alias)} of {_quoted(model.name)}"
            yield Refusal(field, found, f"ask for operatorLogin.aliases: [{_quoted(alias)}]")
            return
    if not any(all(matches(alias, grant.aliases) for alias in aliases) for grant in of_model):
        named = ", ".join(map(_quoted, aliases))
        yield Refusal(
            "spec.registry.aliases.champion", f"{named} of one model by two policies", "ask for one that has both"
        )


def _other_registry(asked: Asked, uri: str) -> Iterator[Refusal]:
    address = address_of(uri)
    if address is None:
        yield Refusal("spec.registry.uri", _quoted(uri), "write it as https://host[:port][/path]")
    elif address.extra:
        yield Refusal("spec.registry.uri", f"{_quoted(uri)} with a query or fragment", "leave these out")
    elif not _is_granted(asked, uri):
        yield Refusal("spec.registry.uri", _quoted(uri), f"ask for registries: [{_quoted(uri)}]")


def _is_granted(asked: Asked, uri: str) -> bool:
    address = address_of(uri)
    return address is not None and any(matches_registry(address, policy.registries) for policy in asked.policies)


def _webhooks(asked: Asked) -> Iterator[Refusal]:
    hosts = granted_hosts(asked.policies)
    for gate in asked.spec.gates:
        if gate.webhook is not None and (refused := refused_host(gate.webhook.url, hosts)) is not None:
            yield Refusal(f"spec.gates[{gate.name}].webhook.url", *refused)


def granted_hosts(policies: Policies) -> list[str]:
    """Patterns of the hosts that may be called."""
    return [host for policy in policies if policy.webhooks is not None for host in policy.webhooks.hosts]


def refused_host(url: str, hosts: Sequence[str]) -> tuple[str, str] | None:
    """What is not granted of this URL, and what to ask for; None where its host is."""
    address = address_of(url)
    if address is None:
        return "its host", "write it as https://host[:port]/path"
    if matches_host(address, hosts):
        return None
    return f"host {_quoted(address.host)}", f"ask for webhooks.hosts: [{_quoted(address.host)}]"


def _jobs(asked: Asked) -> Iterator[Refusal]:
    if any(policy.jobs.enabled for policy in asked.policies):
        return
    for gate in asked.spec.gates:
        if gate.job is not None:
            yield Refusal(f"spec.gates[{gate.name}].job", "a gate of kind job", "ask for jobs: {enabled: true}")


def _images(asked: Asked) -> Iterator[Refusal]:
    granted = [image for policy in asked.policies for image in policy.images]
    jobs = ((f"spec.gates[{gate.name}].job.image", gate.job.image) for gate in asked.spec.gates if gate.job is not None)
    for field, image in (("spec.serving.image", asked.spec.serving.image), *jobs):
        if image is not None and not matches(image, granted):
            yield Refusal(field, _quoted(image), f"ask for images: [{_quoted(image)}]")


def _service(asked: Asked) -> Iterator[Refusal]:
    kind = asked.spec.traffic.service.type
    if kind == "ClusterIP" or any(kind in policy.traffic.service_types for policy in asked.policies):
        return
    yield Refusal("spec.traffic.service.type", kind, f"ask for traffic.serviceTypes: [{kind}]")


def _gateways(asked: Asked) -> Iterator[Refusal]:
    """Each policy's Gateways go with its host names, so that two of them do not open one another's Gateway."""
    gateway, field = asked.spec.traffic.gateway, "spec.traffic.gateway"
    if gateway is None:
        return
    hostnames = [*gateway.hostnames] or ["*"]
    for ref in gateway.parents:
        namespace, name = str(ref.get("namespace") or asked.namespace), str(ref["name"])
        kind, group = (str(ref.get(part) or usual) for part, usual in zip(("kind", "group"), _GATEWAY, strict=True))
        if (kind, group) != _GATEWAY:  # such as a Service, of a mesh
            yield Refusal(field, f"{_quoted(f'{kind} of {group}')} as a parent", "attach the route to a Gateway")
            continue
        of_it = [
            policy.traffic
            for policy in asked.policies
            if any(_attaches(grant, namespace, name, asked.namespace) for grant in policy.traffic.gateways)
        ]
        if not of_it:
            ask = f"ask for traffic.gateways: [{{namespace: {namespace}, name: {name}}}]"
            yield Refusal(field, f"Gateway {namespace}/{name}", ask)
            continue
        for hostname in hostnames:
            if not any(matches(hostname, grant.hostnames) for grant in of_it):
                found = _quoted(hostname) if gateway.hostnames else "a route without host names, which takes every one,"
                yield Refusal(f"{field}.hostnames", found, f"ask for traffic.hostnames: [{_quoted(hostname)}]")


def _records(asked: Asked) -> Iterator[Refusal]:
    """Host names that DNS is to have for a Service or a pod: they need the grant that a route's names need."""
    granted = [name for policy in asked.policies for name in policy.traffic.hostnames]
    service, serving = asked.spec.traffic.service, asked.spec.serving
    given = (("spec.traffic.service", service.annotations), ("spec.serving", serving.annotations))
    for field, annotations in given:
        for key in HOSTNAMES:
            for name in (part.strip() for part in annotations.get(key, "").split(",")):
                if name and not matches(name.lower(), granted):
                    ask = f"ask for traffic.hostnames: [{_quoted(name)}]"
                    yield Refusal(f"{field}.annotations[{key}]", _quoted(name), ask)


def _attaches(grant: GatewayGrant, namespace: str, name: str, own: str) -> bool:
    within = namespace == own if grant.namespace is None else matches(namespace, [grant.namespace])
    return within and matches(name, [grant.name])


def _adopted(asked: Asked) -> Iterator[Refusal]:
    ref = asked.spec.traffic.http_route_ref
    if ref is not None and not any(policy.traffic.adopted_routes for policy in asked.policies):
        found = f"HTTPRoute {ref.name} of another owner"
        yield Refusal("spec.traffic.httpRouteRef", found, "ask for traffic: {adoptedRoutes: true}")


def _prometheus(asked: Asked) -> Iterator[Refusal]:
    for field, queries in asked_of_prometheus(asked.spec):
        if not any(policy.prometheus is not None for policy in asked.policies):
            yield Refusal(field, "a query of the operator's Prometheus", "ask for prometheus: {}")
            continue
        for name, query in queries.items():
            try:
                one_tenants(query, asked.policies, asked.namespace)
            except ValueError as error:
                yield Refusal(f"{field}.{name}", "a query that cannot be confined to a tenant", f"{error}")


def one_tenants(query: str, policies: Policies, namespace: str) -> str:
    """The query with the matcher that policies force into it.

    One policy that has none lets it go as it is; of several matchers, the first counts. Raises ValueError where no
    policy grants a query, and where it is not sure that the matcher confines it.
    """
    grants = [policy.prometheus for policy in policies if policy.prometheus is not None]
    if not grants:
        raise ValueError("no PodiumPolicy grants queries of the operator's Prometheus: ask for prometheus: {}")
    forced = [(grant.label, grant.value) for grant in grants if grant.label is not None and grant.value is not None]
    if not forced or len(forced) < len(grants):
        return query
    label, value = forced[0]
    return confined(query, label, value.replace(_NAMESPACE, namespace))


def _replicas(asked: Asked) -> Iterator[Refusal]:
    limits = [policy.pods.max_replicas for policy in asked.policies if policy.pods is not None]
    given = [limit for limit in limits if limit is not None]
    autoscaling = asked.spec.serving.autoscaling
    field = "spec.serving.replicas" if autoscaling is None else "spec.serving.autoscaling.maxReplicas"
    wanted = asked.spec.serving.replicas if autoscaling is None else autoscaling.max_replicas
    if given and wanted > max(given):
        yield Refusal(
            field, f"{wanted} pods, where at most {max(given)} are granted,", f"ask for pods.maxReplicas: {wanted}"
        )


def _resources(asked: Asked) -> Iterator[Refusal]:
    limits: dict[str, tuple[Decimal, object]] = {}
    for policy in asked.policies:
        for name, quantity in (policy.pods.max_resources if policy.pods is not None else {}).items():
            found = amount(quantity)
            if found is not None and (name not in limits or found > limits[name][0]):
                limits[name] = found, quantity
    jobs = ((f"spec.gates[{gate.name}].job.resources", gate.job.resources) for gate in asked.spec.gates if gate.job)
    for field, resources in (("spec.serving.resources", asked.spec.serving.resources), *jobs):
        for name, (most, written) in sorted(limits.items()):
            said = {part: (resources.get(part) or {}).get(name) for part in ("limits", "requests")}
            if (
                said["limits"] is None and "/" not in name
            ):  # extended ones, such as GPUs, are none where nothing is said
                ask = f"set {field}.limits.{name} to at most {written}"
                yield Refusal(f"{field}.limits.{name}", "no limit, where a policy has one,", ask)
            for part, value in said.items():
                if value is not None and ((found := amount(value)) is None or found > most):
                    ask = f"ask for pods.maxResources: {{{name}: {_quoted(str(value))}}}"
                    yield Refusal(f"{field}.{part}.{name}", f"{value}, where at most {written} is granted,", ask)


def _annotations(asked: Asked) -> Iterator[Refusal]:
    yield from unsafe(asked.spec)


CHECKS: Final[tuple[Check, ...]] = (
    _registry,
    _webhooks,
    _jobs,
    _images,
    _service,
    _gateways,
    _records,
    _adopted,
    _prometheus,
    _replicas,
    _resources,
    lambda asked: refused_fields(asked.spec, asked.policies),
    lambda asked: refused_keys(asked.spec, asked.policies),
    _annotations,
)


def _quoted(text: str) -> str:
    """What a person wrote, on one line and bounded."""
    shown = "".join(letter if letter.isprintable() else "?" for letter in text[:_SHOWN])
    return f'"{shown}"'
