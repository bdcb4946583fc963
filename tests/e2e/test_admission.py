"""The ValidatingAdmissionPolicy on a real API server refuses what the core refuses, as far as CEL can say it."""

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from kubernetes import client, config
from kubernetes.aio.client import Configuration
from kubernetes.aio.config import load_kube_config

from podium.adapters.kubernetes.api import Api
from podium.adapters.kubernetes.policies import KubernetesPolicies
from podium.api.v1alpha1.manifest import GROUP, PLURAL, VERSION_NAME
from podium.api.v1alpha1.policy import PodiumPolicySpec
from podium.api.v1alpha1.schema.admission import admission_policy
from podium.api.v1alpha1.spec.spec import Spec
from podium.core.permissions.permitted import permitted
from testbed.cluster import Cluster
from testbed.waiting import wait_until

pytestmark = pytest.mark.cluster
OWN = "http://mlflow.mlflow.svc.cluster.local:5000"
MODEL = {"name": "churn", "version": "1"}
DNS = "external-dns.alpha.kubernetes.io/hostname"
GRANTS: dict[str, Any] = {
    "operatorLogin": {"models": ["churn", "team.a-*"], "aliases": ["champion", "staging-*"]},
    "registries": [
        *("https://mlflow.example.com", "https://*.team.example.com", "https://mlflow.example.com/sub/path/"),
        "http://[fd00::1]:5000",
    ],
    "webhooks": {"hosts": ["review.example.com", "*.team.example.com:8443", "[fd00::1]"]},
    "traffic": {
        "serviceTypes": ["NodePort"],
        "gateways": [{"namespace": "infra", "name": "public-*"}, {"name": "mine"}],
        "hostnames": ["*.churn.example.com"],
    },
    "images": ["registry.example.com/churn/*"],
    "pods": {"maxReplicas": 3},
}
PUBLIC = {"name": "public-1", "namespace": "infra", "hostnames": ["api.churn.example.com"]}


def webhook(url: str) -> dict[str, Any]:
    return {"gates": [{"name": "review", "webhook": {"url": url}}]}


def gateway(**parts: Any) -> dict[str, Any]:
    return {"traffic": {"gateway": parts}}


SPECS: list[dict[str, Any]] = [
    {},
    {"model": {"name": "fraud", "version": "1"}},
    {"model": {"name": "team.a-1", "version": "1"}},
    {"model": {"name": "teamxa-1", "version": "1"}},
    {"model": {"name": "team.a-\n1", "version": "1"}},
    {"model": {"name": "churn", "alias": "staging-1"}},
    {"model": {"name": "churn", "alias": "production"}},
    {"registry": {"aliases": {"champion": "staging-x"}}},
    {"registry": {"aliases": {"champion": "production"}}},
    {"registry": {"uri": "https://mlflow.example.com"}},
    {"registry": {"uri": "https://mlflow.example.com/"}},
    {"registry": {"uri": "https://MLflow.example.com:443"}},
    {"registry": {"uri": "https://mlflow.example.com:8443"}},
    {"registry": {"uri": "https://mlflow.example.com/sub/path/"}},
    {"registry": {"uri": "https://mlflow.example.com/SUB/path"}},
    {"registry": {"uri": "https://mlflow.example.com/sub/path/x"}},
    {"registry": {"uri": "http://[fd00::1]:5000"}},
    {"registry": {"uri": "https://a.team.example.com"}},
    {"registry": {"uri": "https://a.team.example.com.evil.example.org"}},
    {"registry": {"uri": "https://evil.example.org/.team.example.com"}},
    {"registry": {"uri": "https://mlflow.example.com?x=1"}},
    webhook("https://review.example.com/podium"),
    webhook("https://a.team.example.com:8443/podium"),
    webhook("https://a.team.example.com/podium"),
    webhook("https://evil.example.org/review.example.com"),
    webhook("http://[FD00::1]:8080/"),
    webhook("http://[fd00::2]/"),
    {"gates": [{"name": "smoke", "job": {}}]},
    {"serving": {"image": "registry.example.com/churn/server:1"}},
    {"serving": {"image": "evil.example.org/registry.example.com/churn/x"}},
    {"serving": {"replicas": 4}},
    {"serving": {"replicas": 1, "annotations": {"team": "churn"}}},
    *(
        {"serving": {"annotations": {key: "x"}}}
        for key in ("devices.crio.io", "seccomp-profile.kubernetes.cri-o.io/POD")
    ),
    *({"serving": {"annotations": {DNS: names}}} for names in ("a.churn.example.com", "evil.org")),
    *({"traffic": {"service": {"annotations": {DNS: names}}}} for names in ("", "A.churn.example.com, x.evil.org")),
    {"serving": {"annotations": {"container.apparmor.security.beta.kubernetes.io/model": "unconfined"}}},
    {"traffic": {"service": {"type": "NodePort"}}},
    {"traffic": {"service": {"type": "LoadBalancer"}}},
    gateway(**PUBLIC),
    gateway(**PUBLIC | {"hostnames": []}),
    gateway(**PUBLIC | {"hostnames": ["api.fraud.example.com"]}),
    gateway(**PUBLIC | {"namespace": "other"}),
    gateway(name="mine", hostnames=["a.churn.example.com"]),
    gateway(name="mine", namespace="other", hostnames=["a.churn.example.com"]),
    gateway(parentRefs=[{"name": "mine", "group": "networking.example.com"}], hostnames=["a.churn.example.com"]),
    gateway(parentRefs=[{"name": "mine"}, {"name": "theirs"}], hostnames=["a.churn.example.com"]),
    {"traffic": {"httpRouteRef": {"name": "churn"}}},
    {"rollout": {"guards": [{"name": "lost", "prometheus": {"bad": "b", "total": "t", "atMost": "1%"}}]}},
]


@pytest.fixture
def bound(cluster: Cluster, crd: str, namespace: str) -> Iterator[str]:
    """The namespace, with a policy and a binding of its own."""
    assert crd
    policy = {
        "apiVersion": f"{GROUP}/{VERSION_NAME}",
        "kind": "PodiumPolicy",
        "metadata": {"name": namespace},
        "spec": {"namespaceSelector": {"matchNames": [namespace]}, **GRANTS},
    }
    admission = admission_policy()
    admission["metadata"]["name"] = namespace
    binding = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": namespace},
        "spec": {
            "policyName": namespace,
            "paramRef": {"name": namespace, "parameterNotFoundAction": "Deny"},
            "validationActions": ["Deny"],
            "matchResources": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}},
        },
    }
    whole = json.dumps({"apiVersion": "v1", "kind": "List", "items": [policy, admission, binding]})
    cluster.kubectl("apply", "--server-side", "--filename=-", input=whole)
    yield namespace
    cluster.kubectl("delete", "--ignore-not-found", "--wait=false", "--filename=-", input=whole)


def test_what_a_policy_does_not_grant_is_refused_at_admission(cluster: Cluster, bound: str) -> None:
    grants = PodiumPolicySpec.model_validate({"namespaceSelector": {}, **GRANTS})
    with closing(config.new_client_from_config(config_file=str(cluster.kubeconfig))) as connection:
        objects = client.CustomObjectsApi(connection)

        def said(given: dict[str, Any]) -> str:
            """What the API server says of it; nothing is stored."""
            spec = {"model": MODEL, **given}
            whole = {
                "apiVersion": f"{GROUP}/{VERSION_NAME}",
                "kind": "ModelDeployment",
                "metadata": {"name": "churn"},
                "spec": spec,
            }
            try:
                objects.create_namespaced_custom_object(GROUP, VERSION_NAME, bound, PLURAL, whole, dry_run="All")
            except client.ApiException as refusal:
                return str(json.loads(refusal.body)["message"])
            return ""

        wait_until(
            "admission follows what was applied", lambda: "spec.model.name" in said(SPECS[1]) and not said({}), 30
        )
        wrong = []
        for given in SPECS:
            spec = Spec.model_validate({"model": MODEL, **given})
            expected = [each.field.partition("[")[0] for each in permitted(spec, bound, [grants], OWN)]
            found = said(given)
            if bool(found) != bool(expected) or not all(field in found for field in expected):
                wrong.append((given, expected, found))
        assert wrong == []


async def test_policies_are_read_and_a_change_is_told(cluster: Cluster, bound: str) -> None:
    configuration = Configuration()
    await load_kube_config(config_file=str(cluster.kubeconfig), client_configuration=configuration)
    api = Api(configuration)
    try:
        port = KubernetesPolicies(api)
        found = await port.policies()
        assert found is not None
        assert [bound] in [one.namespace_selector.match_names for one in found]
        assert (await port.namespaces())[bound]["kubernetes.io/metadata.name"] == bound
        cluster.kubectl("label", "podiumpolicy", bound, "told=yes")
        await port.changed()
    finally:
        await api.close()
