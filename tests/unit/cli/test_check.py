"""`podium check` against an API server: a fit cluster, and each way in which one is not."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from podium.api.v1alpha1.schema.alerting import alerting_definition
from podium.api.v1alpha1.schema.crd import definition
from podium.api.v1alpha1.schema.policy import policy_definition
from podium.cli.fitness import OPERATORS
from podium.cli.main import main
from tests.unit.cli.api_server import ApiServer
from tests.yaml_files import ROOT

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
CRD = f"{CRDS}/modeldeployments.podium.dev"
OPERATOR = "/apis/apps/v1/namespaces/podium-system/deployments/podium-operator"
CLASSES = "/apis/gateway.networking.k8s.io/v1/gatewayclasses"
REGISTRY = "/api/v1/namespaces/mlflow/services/mlflow:5000/proxy/health"
POLICIES = "/apis/podium.dev/v1alpha1/podiumpolicies"
ESTABLISHED = {"conditions": [{"type": "Established", "status": "True"}]}


def podium(*words: str) -> Result:
    return CliRunner().invoke(main, ["check", *words])


def found(*words: str) -> dict[str, tuple[str, str]]:
    return {each["check"]: (each["state"], each["found"]) for each in json.loads(podium("--json", *words).stdout)}


@pytest.fixture
def fit(cluster: ApiServer) -> ApiServer:
    """A cluster in which nothing is missing."""
    cluster.put("/version", {"major": "1", "minor": "33+", "gitVersion": "v1.33.1"})
    for made in (definition(), alerting_definition("Provider"), alerting_definition("Alert"), policy_definition()):
        cluster.put(f"{CRDS}/{made['metadata']['name']}", {**made, "status": ESTABLISHED})
    env = [{"name": "PODIUM_REGISTRY_URI", "value": "http://mlflow.mlflow.svc.cluster.local:5000"}]
    container = {"image": "podium-operator:0.1.0", "env": [*env, {"name": "PODIUM_POD_NAME", "valueFrom": {}}]}
    pod = {"serviceAccountName": "podium-operator", "containers": [container]}
    cluster.put(OPERATOR, {"spec": {"replicas": 2, "template": {"spec": pod}}, "status": {"readyReplicas": 2}})
    accepted = {"conditions": [{"type": "Accepted", "status": "True"}]}
    gateway = {"metadata": {"name": "envoy"}, "spec": {"controllerName": "gateway.envoyproxy.io"}, "status": accepted}
    cluster.put(CLASSES, {"items": [gateway]})
    cluster.put(REGISTRY, {"OK": True})
    return cluster


def test_a_fit_cluster_passes(fit: ApiServer) -> None:
    result = podium()
    assert result.exit_code == 0, result.output
    assert found() == {
        "kubernetes": ("Passed", "v1.33.1"),
        "crd modeldeployments": ("Passed", "installed, with all fields of this version"),
        "crd providers": ("Passed", "installed, with all fields of this version"),
        "crd alerts": ("Passed", "installed, with all fields of this version"),
        "crd podiumpolicies": ("Passed", "installed, with all fields of this version"),
        "policies": ("Passed", "the kind PodiumPolicy is not installed: nothing is limited"),
        "rights of the caller": ("Passed", "3 rights in namespace ml"),
        "operator": ("Passed", "2 of 2 replicas are ready, podium-operator:0.1.0"),
        "rights of the operator": ("Passed", f"{len(OPERATORS)} rights in namespace ml"),
        "gateway api": ("Passed", "envoy (gateway.envoyproxy.io)"),
        "registry": ("Passed", "http://mlflow.mlflow.svc.cluster.local:5000 answers"),
        "prometheus": ("Passed", "PODIUM_PROMETHEUS_URI is not set in the operator's Deployment"),
    }
    users = {review["spec"].get("user") for review in fit.reviews}
    assert users == {None, "system:serviceaccount:podium-system:podium-operator"}


def _without_a_field(cluster: ApiServer) -> None:
    def change(crd: dict[str, Any]) -> None:
        spec = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
        del spec["properties"]["rollout"]["properties"]["retry"]

    cluster.update(CRD, change)


def _without_ready_pods(cluster: ApiServer) -> None:
    cluster.update(OPERATOR, lambda it: it.pop("status"))


def _without_a_controller(cluster: ApiServer) -> None:
    cluster.update(CLASSES, lambda it: it["items"][0].pop("status"))


FAULTS: dict[str, tuple[Callable[[ApiServer], None], str, str]] = {
    "old Kubernetes": (
        lambda it: it.put("/version", {"major": "1", "minor": "27", "gitVersion": "v1.27.3"}),
        "kubernetes",
        "v1.27.3, expected 1.29 or newer",
    ),
    "no CRD": (lambda it: it.delete(CRD), "crd modeldeployments", "not installed"),
    "an older CRD": (
        _without_a_field,
        "crd modeldeployments",
        "of another version: it has no spec.rollout.retry (1 fields)",
    ),
    "a CRD that is not served": (
        lambda it: it.update(CRD, lambda crd: crd.update(status={})),
        "crd modeldeployments",
        "installed, and not served",
    ),
    "no operator": (
        lambda it: it.delete(OPERATOR),
        "operator",
        "no Deployment podium-operator in namespace podium-system",
    ),
    "an operator that is down": (_without_ready_pods, "operator", "0 of 2 replicas are ready, podium-operator:0.1.0"),
    "no controller of gateways": (
        _without_a_controller,
        "gateway api",
        "installed, and no controller accepts a GatewayClass; found envoy",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_not_fit_fails_and_says_what_to_do(fit: ApiServer, fault: str) -> None:
    cause, check, said = FAULTS[fault]
    cause(fit)
    assert podium().exit_code == 1
    assert found()[check] == ("Failed", said)
    (row,) = [each for each in json.loads(podium("--json").stdout) if each["check"] == check]
    assert row["next"]


def test_it_says_which_policies_match_the_namespace(fit: ApiServer) -> None:
    policies = {
        "all": {},
        "ml": {"matchNames": ["ml"]},
        "team": {"matchLabels": {"team": "ml"}},
        "no": {"matchNames": ["x"]},
    }
    items = [{"metadata": {"name": name}, "spec": {"namespaceSelector": it}} for name, it in policies.items()]
    fit.put(POLICIES, {"items": items})
    fit.put("/api/v1/namespaces/ml", {"metadata": {"name": "ml", "labels": {"team": "ml"}}})
    assert found()["policies"] == ("Passed", "all, ml, team match namespace ml")
    fit.put(POLICIES, {"items": items[3:]})
    assert podium().exit_code == 1
    assert found()["policies"] == ("Failed", "none of 1 PodiumPolicies matches namespace ml")
    fit.refused[POLICIES] = (403, "forbidden")
    fit.put("/apis/podium.dev/v1alpha1", {"resources": [{"name": "podiumpolicies"}]})
    assert found()["policies"][0] == "Unknown"


def test_missing_rights_are_named(fit: ApiServer) -> None:
    fit.allowed = False
    state, said = found()["rights of the caller"]
    assert (state, said) == (
        "Failed",
        "in namespace ml you may not get modeldeployments, watch modeldeployments, patch modeldeployments",
    )
    assert "update modeldeployments/status" in found()["rights of the operator"][1]


def test_a_silent_registry_fails(fit: ApiServer) -> None:
    fit.refused[REGISTRY] = (503, "no endpoints available")
    state, said = found()["registry"]
    assert state == "Failed"
    assert said.startswith("http://mlflow.mlflow.svc.cluster.local:5000 does not answer: ")


def test_what_the_caller_may_not_ask_is_no_failure(fit: ApiServer) -> None:
    for path in (CRD, OPERATOR, CLASSES):
        fit.refused[path] = (403, "forbidden")
    fit.put("/apis/podium.dev/v1alpha1", {"resources": [{"name": "modeldeployments"}]})
    assert podium().exit_code == 0
    answers = found()
    assert answers["crd modeldeployments"] == ("Passed", "served; you may not read whether it is of this version")
    assert [answers[check][0] for check in ("operator", "gateway api", "registry")] == ["Unknown"] * 3


def test_a_cluster_without_gateways_is_fit(fit: ApiServer) -> None:
    fit.delete(CLASSES)
    assert found()["gateway api"][0] == "Passed"


def test_an_address_outside_of_the_cluster_is_not_asked(fit: ApiServer) -> None:
    env = [{"name": "PODIUM_REGISTRY_URI", "value": "https://bob:secret@mlflow.example.com"}]
    fit.update(OPERATOR, lambda it: it["spec"]["template"]["spec"]["containers"][0].update(env=env))
    state, said = found()["registry"]
    assert (state, said) == (
        "Unknown",
        "https://mlflow.example.com is no Service of the cluster: it cannot be asked from here",
    )


def test_the_rights_that_are_asked_for_are_granted_by_the_manifests() -> None:
    granted = {
        (verb, group, *resource.partition("/")[::2])
        for one in yaml.safe_load_all((ROOT / "manifests/rbac.yaml").read_text())
        for rule in one.get("rules", [])
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    assert set(OPERATORS) <= granted


def test_people_read_a_table(fit: ApiServer) -> None:
    fit.delete(OPERATOR)
    lines = podium().stdout.splitlines()
    assert lines[0].split() == ["CHECK", "STATE", "FOUND"]
    assert any(line.startswith("operator ") and " Failed " in line for line in lines)
    assert "do: install manifests/, or name its namespace with --operator-namespace (operator)" in lines
