"""What PodiumPolicies grant, in CEL: a ValidatingAdmissionPolicy with a PodiumPolicy as its parameter.

`podium.core.permissions` decides; this says the same earlier, as far as CEL can: of one policy, without addresses. A
test asks both about the same objects.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from podium.api.v1alpha1.manifest import GROUP, PLURAL, VERSION_NAME
from podium.api.v1alpha1.policy import POLICY_KIND
from podium.api.v1alpha1.spec.annotations import HOSTNAMES, LOOSENING
from podium.api.v1alpha1.spec.model import Aliases
from podium.api.v1alpha1.spec.volumes import KINDS

NAME: Final = "podium-policy"


@dataclass(frozen=True)
class Grant:
    """One rule: what must hold of the ModelDeployment, its field, and what to ask for."""

    field: str
    ask: str
    cel: str


def _fits(text: str, pattern: str, any_text: str = ".*", end: str = "") -> str:
    r"""Whether the text fits a pattern with *; RE2 takes what is between \\Q and \\E as it is."""
    return rf"{text}.matches('(?s)^\\Q' + {pattern}.replace('*', '\\E{any_text}\\Q') + '\\E{end}$')"


def _one_of(patterns: str, text: str) -> str:
    return f"{patterns}.exists(one, {_fits(text, 'one')})"


def _or(path: str, otherwise: str, root: str = "object.spec") -> str:
    """The value at the path; where a part of it is not there, something else."""
    parts = path.split(".")
    there = " && ".join(f"has({'.'.join([root, *parts[: count + 1]])})" for count in range(len(parts)))
    return f"({there} ? {root}.{path} : {otherwise})"


def _granted(path: str, otherwise: str) -> str:
    return _or(path, otherwise, "params.spec")


_ALL: Final = "['*']"
_CLUSTER_IP: Final = "'ClusterIP'"
_URI: Final = "object.spec.registry.uri"


def _host(url: str, *, port: bool) -> str:
    """Its host, as patterns name it: an IPv6 address in brackets; with its port where that is not its scheme's own."""
    name = f"{url}.getHostname().lowerAscii()"
    plain = f"({name}.contains(':') ? '[' + {name} + ']' : {name})"
    usual = f"({url}.getScheme() + {url}.getPort()) in ['https443', 'http80']"
    return f"({usual} ? {plain} : {url}.getHost().lowerAscii())" if port else plain


_REGISTRY: Final = (
    f"(url({_URI}).getScheme() + '://' + {_host(f'url({_URI})', port=True)} + url({_URI}).getEscapedPath())"
)
_UNSLASHED: Final = "(one.endsWith('/') ? one.substring(0, one.size() - 1) : one)"
# What the rules speak of, by name.
VARIABLES: Final[Mapping[str, str]] = {
    "own": "!(has(object.spec.registry) && has(object.spec.registry.uri))",
    "models": _granted("operatorLogin.models", "[]"),
    "aliases": f"has(params.spec.operatorLogin) ? {_granted('operatorLogin.aliases', _ALL)} : []",
    "champion": _or("registry.aliases.champion", f"'{Aliases().champion}'"),
    "gates": _or("gates", "[]"),
    "guards": _or("rollout.guards", "[]"),
    "hosts": _granted("webhooks.hosts", "[]"),
    "images": _granted("images", "[]"),
    "gateways": _granted("traffic.gateways", "[]"),
    "hostnames": _granted("traffic.hostnames", "[]"),
    "gateway": "has(object.spec.traffic) && has(object.spec.traffic.gateway) ? [object.spec.traffic.gateway] : []",
    # The Gateways of a route, however they are written
    "parents": "variables.gateway.map(it, has(it.parentRefs) && it.parentRefs.size() > 0 ? it.parentRefs : [it])",
}


def _attached(ref: str) -> str:
    """Whether a grant is for the Gateway that `ref` names."""
    own = "request.namespace"
    place = f"(has({ref}.namespace) ? {ref}.namespace : {own})"
    within = f"(has(grant.namespace) ? {_fits(place, 'grant.namespace')} : {place} == {own})"
    return f"variables.gateways.exists(grant, {_fits(f'{ref}.name', 'grant.name')} && {within})"


GRANTS: Final[tuple[Grant, ...]] = (
    Grant(
        "spec.model.name",
        "operatorLogin.models",
        f"!variables.own || {_one_of('variables.models', 'object.spec.model.name')}",
    ),
    Grant(
        "spec.registry.aliases.champion",
        "operatorLogin.aliases",
        f"!variables.own || {_one_of('variables.aliases', 'variables.champion')}",
    ),
    Grant(
        "spec.model.alias",
        "operatorLogin.aliases",
        f"!variables.own || !has(object.spec.model.alias) || {_one_of('variables.aliases', 'object.spec.model.alias')}",
    ),
    Grant(
        "spec.registry.uri",
        "registries",
        f"variables.own || isURL({_URI}) && url({_URI}).getQuery().size() == 0 && {_granted('registries', '[]')}"
        f".exists(one, {_fits(_REGISTRY, _UNSLASHED, '[^/]*', '/*')})",
    ),
    Grant(
        "spec.gates[].webhook.url",
        "webhooks.hosts",
        "variables.gates.all(gate, !has(gate.webhook) || isURL(gate.webhook.url) && variables.hosts.exists(one, "
        f"{_fits(_host('url(gate.webhook.url)', port=False), 'one')} || "
        f"{_fits('url(gate.webhook.url).getHost().lowerAscii()', 'one')}))",
    ),
    Grant(
        "spec.gates[].job",
        "jobs.enabled",
        f"variables.gates.all(gate, !has(gate.job)) || {_granted('jobs.enabled', 'false')}",
    ),
    Grant(
        "spec.gates[].job.image",
        "images",
        "variables.gates.all(gate, !has(gate.job) || !has(gate.job.image) || "
        f"{_one_of('variables.images', 'gate.job.image')})",
    ),
    Grant(
        "spec.serving.image",
        "images",
        f"!has(object.spec.serving) || !has(object.spec.serving.image) || "
        f"{_one_of('variables.images', 'object.spec.serving.image')}",
    ),
    Grant(
        "spec.traffic.service.type",
        "traffic.serviceTypes",
        f"{_or('traffic.service.type', _CLUSTER_IP)} in ['ClusterIP'] + {_granted('traffic.serviceTypes', '[]')}",
    ),
    Grant(
        "spec.traffic.gateway",
        "traffic.gateways",
        f"variables.parents.all(refs, refs.all(ref, (!has(ref.kind) || ref.kind == 'Gateway') && "
        f"(!has(ref.group) || ref.group == 'gateway.networking.k8s.io') && {_attached('ref')}))",
    ),
    Grant(
        "spec.traffic.gateway.hostnames",
        "traffic.hostnames",
        "variables.gateway.all(it, (has(it.hostnames) && it.hostnames.size() > 0 ? it.hostnames : ['*'])"
        f".all(name, {_one_of('variables.hostnames', 'name')}))",
    ),
    *(
        Grant(
            field,
            "traffic.hostnames",
            f"{[*HOSTNAMES]}.all(name, !(name in {_or(path, '{}')}) || "
            f"{_or(path, '{}')}[name].split(',').all(one, one.trim() == '' || "
            f"variables.hostnames.exists(pattern, {_fits('one.trim().lowerAscii()', 'pattern')})))",
        )
        for field, path in (
            ("spec.serving.annotations", "serving.annotations"),
            ("spec.traffic.service.annotations", "traffic.service.annotations"),
        )
    ),
    Grant(
        "spec.traffic.httpRouteRef",
        "traffic.adoptedRoutes",
        "!has(object.spec.traffic) || !has(object.spec.traffic.httpRouteRef) || "
        f"{_granted('traffic.adoptedRoutes', 'false')}",
    ),
    Grant(
        "spec.rollout.guards[].prometheus",
        "prometheus",
        "has(params.spec.prometheus) || variables.guards.all(guard, !has(guard.prometheus))",
    ),
    Grant(
        "spec.serving.replicas",
        "pods.maxReplicas",
        f"{_or('serving.autoscaling.maxReplicas', _or('serving.replicas', '1'))} <= "
        f"{_granted('pods.maxReplicas', '1000')}",
    ),
    Grant(
        "spec.serving.volumes",
        "podFields.volumes",
        f"{_or('serving.volumes', '[]')}.all(volume, "
        + " && ".join(f"(!has(volume.{kind}) || '{kind}' in {_granted('podFields.volumes', '[]')})" for kind in KINDS)
        + ")",
    ),
    *(
        Grant(
            f"spec.serving.{field}",
            f"podFields.{grant}",
            f"!has(object.spec.serving) || !has(object.spec.serving.{field}) || "
            f"{_one_of(_granted(f'podFields.{grant}', '[]'), f'object.spec.serving.{field}')}",
        )
        for field, grant in (
            ("serviceAccountName", "serviceAccounts"),
            ("runtimeClassName", "runtimeClasses"),
            ("priorityClassName", "priorityClasses"),
        )
    ),
    Grant(
        "spec.serving.verify.publicKeys",
        "verify.publicKeys",
        f"!has(params.spec.verify) || {_or('serving.verify.publicKeys', '[]')}"
        ".all(key, params.spec.verify.publicKeys.exists(one, one.trim() == key.trim()))",
    ),
    Grant(
        "spec.serving.annotations",
        "",
        f"{_or('serving.annotations', '{}')}.all(key, !key.matches('^({LOOSENING})'))",
    ),
)


def admission_policy() -> dict[str, Any]:
    """The ValidatingAdmissionPolicy. What serves is not stopped by it: a spec that stays as it is passes."""
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": NAME, "labels": {"app.kubernetes.io/name": "podium"}},
        "spec": {
            "failurePolicy": "Fail",
            "paramKind": {"apiVersion": f"{GROUP}/{VERSION_NAME}", "kind": POLICY_KIND},
            "matchConstraints": {
                "resourceRules": [
                    {
                        "apiGroups": [GROUP],
                        "apiVersions": [VERSION_NAME],
                        "operations": ["CREATE", "UPDATE"],
                        "resources": [PLURAL],
                    }
                ]
            },
            "matchConditions": [
                {
                    "name": "the-spec-changes",
                    "expression": "request.operation == 'CREATE' || object.spec != oldObject.spec",
                }
            ],
            "variables": [{"name": name, "expression": cel} for name, cel in VARIABLES.items()],
            "validations": [{"expression": grant.cel, "message": _message(grant)} for grant in GRANTS],
        },
    }


def _message(grant: Grant) -> str:
    if not grant.ask:
        return f"{grant.field}: one loosens the sandbox of pods, which no PodiumPolicy grants: remove it"
    return f"{grant.field} is not permitted: ask for {grant.ask} in the namespace's PodiumPolicy"
