"""Whether a cluster is fit for Podium: one check a question, each with what was found and what to do.

A check that the caller has no right to make is Unknown, and no failure: who may read ModelDeployments need not be an
administrator. Where nothing needs a part (a gateway, Prometheus), that it is not there is no failure either.
"""

import re
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from podium.adapters.kubernetes import names
from podium.adapters.kubernetes.api import Api
from podium.api.v1alpha1.manifest import GROUP, PLURAL
from podium.api.v1alpha1.policy import POLICY_PLURAL
from podium.api.v1alpha1.schema.alerting import PLURALS, alerting_definition
from podium.api.v1alpha1.schema.crd import definition
from podium.api.v1alpha1.schema.policy import policy_definition
from podium.cli.policies import policies_of_cluster
from podium.errors import NotFound, Permanent, PodiumError

State = Literal["Passed", "Failed", "Unknown"]
OPERATOR_NAMESPACE: Final = "podium-system"
OPERATOR: Final = "podium-operator"  # Deployment and service account of manifests/
OLDEST: Final = (1, 29)  # Kubernetes, as the chart says
_CRDS: Final = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_GATEWAY_CLASSES: Final = "/apis/gateway.networking.k8s.io/v1/gatewayclasses"
_REVIEW: Final = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
_SELF_REVIEW: Final = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_WITHIN: Final = 5.0  # seconds for what a Service answers
_SHOWN: Final = 200  # characters of an error
# What a rollout cannot do without; `manifests/rbac.yaml` has all.
OPERATORS: Final = (
    ("list", GROUP, PLURAL, ""),
    ("patch", GROUP, PLURAL, ""),
    ("update", GROUP, PLURAL, "status"),
    ("list", GROUP, "alerts", ""),
    ("list", GROUP, "providers", ""),
    ("list", GROUP, POLICY_PLURAL, ""),
    ("list", "", "namespaces", ""),
    ("patch", "apps", "deployments", ""),
    ("patch", "", "services", ""),
    ("list", "", "pods", ""),
    ("get", "", "secrets", ""),
    ("list", "discovery.k8s.io", "endpointslices", ""),
    ("create", "batch", "jobs", ""),
    ("create", "events.k8s.io", "events", ""),
    ("patch", "policy", "poddisruptionbudgets", ""),
    ("patch", "gateway.networking.k8s.io", "httproutes", ""),
)
_CALLERS: Final = (("get", GROUP, PLURAL, ""), ("watch", GROUP, PLURAL, ""), ("patch", GROUP, PLURAL, ""))
Right = tuple[str, str, str, str]  # verb, group, resource, subresource


@dataclass(frozen=True)
class Fitness:
    """The answer to one question."""

    check: str
    state: State
    found: str
    next: str = ""  # what to do; "" where nothing is


async def fitness(api: Api, namespace: str, operator_namespace: str) -> AsyncIterator[Fitness]:
    """All answers, in the order in which they matter."""
    yield await _known("kubernetes", _version(api))
    for plural, made in (
        (PLURAL, definition),
        *((plural, lambda kind=kind: alerting_definition(kind)) for kind, plural in PLURALS.items()),
        (POLICY_PLURAL, policy_definition),
    ):
        yield await _known(f"crd {plural}", _crd(api, plural, made))
    yield await _known("policies", _policies(api, namespace))
    yield await _known("rights of the caller", _rights(api, _CALLERS, namespace, None))
    found, deployment = await _operator(api, operator_namespace)
    yield found
    account = str(_pod(deployment).get("serviceAccountName") or OPERATOR)
    user = f"system:serviceaccount:{operator_namespace}:{account}"
    yield await _known("rights of the operator", _rights(api, OPERATORS, namespace, user))
    yield await _known("gateway api", _gateway(api))
    settings = _settings(deployment)
    for check, variable, path in (
        ("registry", "PODIUM_REGISTRY_URI", "/health"),
        ("prometheus", "PODIUM_PROMETHEUS_URI", "/-/ready"),
    ):
        yield await _known(check, _service(api, settings, variable, path))


async def _known(check: str, asked: Any) -> Fitness:
    """The answer; Unknown where the caller has no right to ask, and Failed where the API server does not answer."""
    try:
        state, found, advice = await asked
    except Permanent as error:
        return Fitness(check, "Unknown", str(error)[:_SHOWN], "ask someone with the right to read it")
    except PodiumError as error:
        return Fitness(check, "Failed", str(error)[:_SHOWN], "see whether the API server is well")
    return Fitness(check, state, found, advice)


async def _version(api: Api) -> tuple[State, str, str]:
    said = await api.get("/version")
    numbers = [re.sub(r"\D", "", str(said.get(part, ""))) or "0" for part in ("major", "minor")]
    version = tuple(map(int, numbers))
    wanted = ".".join(map(str, OLDEST))
    if version < OLDEST:
        return "Failed", f"{said.get('gitVersion')}, expected {wanted} or newer", "upgrade the cluster"
    return "Passed", str(said.get("gitVersion")), ""


async def _crd(api: Api, plural: str, made: Callable[[], Mapping[str, Any]]) -> tuple[State, str, str]:
    """Whether it is served, and the one of this version of Podium."""
    do = "kubectl apply --server-side --force-conflicts --kustomize crds"
    try:
        there = await api.get(f"{_CRDS}/{plural}.{GROUP}")
    except NotFound:
        return "Failed", "not installed", do
    except Permanent:
        return await _served(api, plural, do)
    conditions = {each["type"]: each["status"] for each in (there.get("status") or {}).get("conditions") or []}
    if conditions.get("Established") != "True":
        return "Failed", "installed, and not served", f"kubectl describe crd {plural}.{GROUP}"
    missing = _paths(made()["spec"]["versions"][0]["schema"]) - _paths(there["spec"]["versions"][0]["schema"])
    if missing:
        first = min(missing).removeprefix("openAPIV3Schema.")
        return "Failed", f"of another version: it has no {first} ({len(missing)} fields)", do
    return "Passed", "installed, with all fields of this version", ""


async def _served(api: Api, plural: str, do: str) -> tuple[State, str, str]:
    """The same for a caller who may not read CRDs, as far as discovery tells."""
    try:
        resources = (await api.get(names.OF_GROUP)).get("resources") or []
    except NotFound:
        return "Failed", "not installed", do
    if plural in {each.get("name") for each in resources}:
        return "Passed", "served; you may not read whether it is of this version", ""
    return "Failed", "not installed", do


def _paths(schema: Mapping[str, Any], above: str = "") -> set[str]:
    """The paths of all fields that a schema names."""
    found = set()
    for name, inner in schema.items():
        if isinstance(inner, Mapping):
            here = above if name in {"properties", "items"} else f"{above}.{name}".removeprefix(".")
            found |= {here} | _paths(inner, here) if name not in {"default", "x-kubernetes-validations"} else set()
    return found


async def _policies(api: Api, namespace: str) -> tuple[State, str, str]:
    """Which PodiumPolicies match the namespace."""
    found = await policies_of_cluster(api, namespace)
    if found is None:
        return "Passed", "the kind PodiumPolicy is not installed: nothing is limited", ""
    matching = ", ".join(sorted(found.of(namespace)))
    if matching:
        return "Passed", f"{matching} {'match' if ',' in matching else 'matches'} namespace {namespace}", ""
    do = "ask for a PodiumPolicy: its ModelDeployments are granted nothing (docs/tenants.md)"
    return "Failed", f"none of {len(found.named)} PodiumPolicies matches namespace {namespace}", do


async def _rights(api: Api, rights: tuple[Right, ...], namespace: str, user: str | None) -> tuple[State, str, str]:
    missing = []
    for verb, group, resource, sub in rights:
        about = {"namespace": namespace, "verb": verb, "group": group, "resource": resource, "subresource": sub}
        spec = {"resourceAttributes": about} | ({"user": user} if user is not None else {})
        kind = "SelfSubjectAccessReview" if user is None else "SubjectAccessReview"
        body = {"apiVersion": "authorization.k8s.io/v1", "kind": kind, "spec": spec}
        answer = await api.create(_SELF_REVIEW if user is None else _REVIEW, body)
        if (answer.get("status") or {}).get("allowed") is not True:
            missing.append(f"{verb} {resource}{'/' if sub else ''}{sub}")
    who = user or "you"
    if missing:
        do = "ask for a Role with them" if user is None else "apply manifests/rbac.yaml of this version"
        return "Failed", f"in namespace {namespace} {who} may not {', '.join(missing)}", do
    return "Passed", f"{len(rights)} rights in namespace {namespace}", ""


async def _operator(api: Api, namespace: str) -> tuple[Fitness, Mapping[str, Any]]:
    """Whether it runs, and its Deployment."""
    check, path = "operator", names.path(names.DEPLOYMENTS, namespace, OPERATOR)
    try:
        found = await api.get(path)
    except NotFound:
        do = "install manifests/, or name its namespace with --operator-namespace"
        return Fitness(check, "Failed", f"no Deployment {OPERATOR} in namespace {namespace}", do), {}
    except PodiumError as error:
        return Fitness(check, "Unknown", str(error)[:_SHOWN], "ask someone with the right to read it"), {}
    wanted, ready = found["spec"].get("replicas", 1), (found.get("status") or {}).get("readyReplicas", 0)
    image = next(iter(_pod(found).get("containers") or [{}])).get("image", "")
    said = f"{ready} of {wanted} replicas are ready, {image}"
    if not ready:
        do = f"kubectl logs --namespace {namespace} deployment/{OPERATOR}"
        return Fitness(check, "Failed", said, do), found
    return Fitness(check, "Passed", said), found


def _pod(deployment: Mapping[str, Any]) -> Mapping[str, Any]:
    pod: Mapping[str, Any] = deployment.get("spec", {}).get("template", {}).get("spec", {})
    return pod


def _settings(deployment: Mapping[str, Any]) -> Mapping[str, str]:
    """The variables of the operator that are written in its Deployment."""
    containers = _pod(deployment).get("containers") or [{}]
    return {each["name"]: str(each.get("value") or "") for each in containers[0].get("env") or []}


async def _gateway(api: Api) -> tuple[State, str, str]:
    try:
        classes = await api.list(_GATEWAY_CLASSES)
    except NotFound:
        return "Passed", "not installed: shares are made of pods, and spec.traffic.gateway cannot be used", ""
    taken = [
        f"{each['metadata']['name']} ({each['spec'].get('controllerName')})"
        for each in classes
        for condition in (each.get("status") or {}).get("conditions") or []
        if (condition.get("type"), condition.get("status")) == ("Accepted", "True")
    ]
    if taken:
        return "Passed", ", ".join(sorted(taken)), ""
    named = ", ".join(sorted(each["metadata"]["name"] for each in classes)) or "none"
    return "Failed", f"installed, and no controller accepts a GatewayClass; found {named}", "install a gateway"


async def _service(api: Api, settings: Mapping[str, str], variable: str, path: str) -> tuple[State, str, str]:
    """Whether what the operator's setting names answers, asked through the API server."""
    uri = settings.get(variable, "")
    if not uri:
        needed = variable == "PODIUM_REGISTRY_URI"
        found = f"{variable} is not set in the operator's Deployment"
        return (
            ("Unknown", found, "set it, or name registries in spec.registry.uri") if needed else ("Passed", found, "")
        )
    parts = urlsplit(uri)
    where = re.fullmatch(r"([a-z0-9-]+)\.([a-z0-9-]+)(\.svc(\..+)?)?", parts.hostname or "")
    shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    if where is None:
        return "Unknown", f"{shown} is no Service of the cluster: it cannot be asked from here", ""
    port = parts.port or {"https": 443}.get(parts.scheme, 80)
    scheme = "https:" if parts.scheme == "https" else ""
    proxy = f"/api/v1/namespaces/{where[2]}/services/{scheme}{where[1]}:{port}/proxy{parts.path.rstrip('/')}{path}"
    try:
        await api.text(proxy, limit=1024, within=_WITHIN)
    except NotFound as error:
        return "Failed", f"{shown}: {str(error)[:_SHOWN]}", f"correct {variable}, or install the Service"
    except Permanent:
        return "Unknown", f"{shown}: you may not ask it through the API server", "ask for the right services/proxy"
    except PodiumError as error:
        return "Failed", f"{shown} does not answer: {str(error)[:_SHOWN]}", "see whether its pods are ready"
    return "Passed", f"{shown} answers", ""
