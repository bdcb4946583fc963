"""The CustomResourceDefinition on a real API server: what it accepts, refuses, keeps and shows.

An operator may be at work on the same cluster. So most tests ask the API server what it would do (`dry-run=server`),
and those that need an object to stay use a twin of the definition, in a group that no operator watches.
"""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from kubernetes import client, config

from podium.api.v1alpha1.manifest import GROUP, PLURAL, VERSION_NAME
from podium.api.v1alpha1.schema.crd import definition
from podium.api.v1alpha1.spec.spec import Spec
from podium.cli.documents import read_documents
from podium.cli.problems import problems
from testbed.cluster import Cluster
from testbed.errors import CommandFailed
from tests.kubectl import Kubectl
from tests.yaml_files import EXAMPLES, INVALID, refused, title

pytestmark = pytest.mark.cluster

Rejected = Callable[[Any], set[str]]


@pytest.fixture(scope="module")
def api(cluster: Cluster) -> Iterator[client.CustomObjectsApi]:
    with closing(config.new_client_from_config(config_file=str(cluster.kubeconfig))) as connection:
        yield client.CustomObjectsApi(connection)


@pytest.fixture(scope="module")
def refused_by_server(api: client.CustomObjectsApi, crd: str) -> Rejected:
    """The paths of the fields for which the API server refuses an object; nothing is stored."""

    def answer(value: Any, strictness: str) -> set[str]:
        place = (GROUP, VERSION_NAME, "default", PLURAL)
        try:
            api.create_namespaced_custom_object(*place, value, dry_run="All", field_validation=strictness)
        except client.ApiException as refusal:
            return paths_in(json.loads(refusal.body))
        return set()

    # Where there are unknown fields, which are told first, it says nothing of the others.
    return lambda value: answer(value, "Strict") | answer(value, "Ignore")


def paths_in(status: dict[str, Any]) -> set[str]:
    """The fields that a refusal names. Unknown fields are told in words only."""
    causes = status.get("details", {}).get("causes", [])
    # "Some validation rules were not checked" names no field; what the scale subresource needs begins with a dot.
    named = {cause["field"].removeprefix(".") for cause in causes} - {"<nil>"}
    return named | set(re.findall(r'unknown field "([^"]+)"', status["message"]))


def read(file: Path) -> Any:
    (document,) = read_documents(file.read_text())
    return document.value


@pytest.mark.parametrize("file", INVALID, ids=title)
def test_a_mistake_is_refused_with_the_path_of_its_field(refused_by_server: Rejected, file: Path) -> None:
    assert refused_by_server(read(file)) == refused(file)


def test_every_mistake_is_refused_by_server_side_apply_too(kubectl: Kubectl) -> None:
    """In words of its own where a list has keys, so that only the fact is compared."""
    files = [f"--filename={file}" for file in INVALID]
    with pytest.raises(CommandFailed) as caught:
        kubectl("apply", "--server-side", "--dry-run=server", *files)
    assert "serverside-applied" not in caught.value.output


def test_a_field_without_value_is_refused_by_server_side_apply(kubectl: Kubectl) -> None:
    """`kubectl create` takes it for a field that is not there; `podium validate` is as strict as apply."""
    with pytest.raises(CommandFailed, match=r"spec\.rollout: Invalid value"):
        kubectl.apply(EXAMPLES[0].read_text() + "  rollout:\n")


def test_what_is_refused_is_not_stored(kubectl: Kubectl) -> None:
    mistake = next(file for file in INVALID if file.stem == "steps-falling")
    with pytest.raises(CommandFailed, match=r"spec\.rollout\.steps: .* each step must have a higher weight"):
        kubectl("create", f"--filename={mistake}")
    assert kubectl.get("md")["items"] == []


@pytest.mark.parametrize("file", EXAMPLES, ids=title)
def test_an_example_is_accepted_and_stored_as_it_was_written(kubectl: Kubectl, file: Path) -> None:
    words = ("apply", "--server-side", "--dry-run=server", "--output=json", f"--filename={file}")
    stored = json.loads(kubectl(*words))
    written = read(file)["spec"]
    assert stored["spec"] == written | {"serving": {"replicas": 1} | written.get("serving", {})}
    assert Spec.model_validate(stored["spec"])


def test_people_do_not_write_the_status(kubectl: Kubectl) -> None:
    text = EXAMPLES[0].read_text() + "status: {phase: Stable}\n"
    words = ("apply", "--server-side", "--dry-run=server", "--output=json", "--filename=-")
    applied = json.loads(kubectl(*words, stdin=text))
    assert applied["status"] == {"observedGeneration": -1}, "the default of the CRD, and nothing of what was written"


def test_kubectl_knows_it_by_every_name(kubectl: Kubectl) -> None:
    for name in ("md", "modeldeployment", "modeldeployments", "modeldeployments.podium.dev", "podium"):
        assert kubectl.get(name)["items"] == []


def test_kubectl_explains_a_field(kubectl: Kubectl) -> None:
    assert "Default: 30s." in kubectl("explain", "md.spec.rollout.steps.duration")


# --- objects that stay ------------------------------------------------------------------------------------------------

TWIN_GROUP = "twin.podium.dev"
TWIN = f"modeldeployments.{TWIN_GROUP}"
SHORTEST = EXAMPLES[0].read_text().replace("podium.dev/", f"{TWIN_GROUP}/")


@pytest.fixture(scope="module")
def twin(cluster: Cluster) -> Iterator[str]:
    """The same definition under another name."""
    text = json.dumps(definition()).replace("podium.dev", TWIN_GROUP)
    twin = json.loads(text)
    twin["spec"]["names"] |= {"shortNames": [], "categories": []}
    cluster.kubectl("apply", "--server-side", "--filename=-", input=json.dumps(twin))
    cluster.wait_for_crd(TWIN)
    yield TWIN
    cluster.kubectl("delete", "crd", TWIN, "--timeout=60s")


@pytest.fixture
def churn(kubectl: Kubectl, twin: str) -> str:
    """An object of the shortest example, as kubectl calls it."""
    kubectl.apply(SHORTEST)
    return f"{twin}/churn"


TRIAL: dict[str, Any] = {
    "observedGeneration": 1,
    "phase": "Canary",
    "message": "step 2 of 3",
    "champion": {"version": "6", "digest": "sha256:00", "slot": "a"},
    "challenger": {"version": "7", "digest": "sha256:01", "slot": "b"},
    "weight": {"desired": 25, "current": 33},
    "conditions": [
        {
            "type": "Ready",
            "status": "True",
            "reason": "Serving",
            "message": "",
            "observedGeneration": 1,
            "lastTransitionTime": "2026-11-21T05:00:00Z",
        }
    ],
}


def set_status(kubectl: Kubectl, status: dict[str, Any]) -> None:
    patch = json.dumps({"status": status})
    kubectl("patch", TWIN, "churn", "--subresource=status", "--type=merge", f"--patch={patch}")


def test_kubectl_get_shows_the_rollout_at_a_glance(kubectl: Kubectl, churn: str) -> None:
    set_status(kubectl, TRIAL)
    head, row = kubectl("get", churn).splitlines()
    assert head.split() == ["NAME", "CHAMPION", "CHALLENGER", "PHASE", "WEIGHT", "READY", "MESSAGE", "AGE"]
    assert re.split(r" {2,}", row)[:-1] == ["churn", "6", "7", "Canary", "25", "True", "step 2 of 3"]


def test_kubectl_wait_reads_the_conditions(kubectl: Kubectl, churn: str) -> None:
    set_status(kubectl, TRIAL)
    assert "condition met" in kubectl("wait", "--for=condition=Ready", churn, "--timeout=10s")


def test_a_change_of_the_spec_leaves_the_status_and_counts(kubectl: Kubectl, churn: str) -> None:
    set_status(kubectl, TRIAL)
    assert kubectl.get(churn)["metadata"]["generation"] == 1
    kubectl.apply(SHORTEST.replace('"7"', '"8"'))
    stored = kubectl.get(churn)
    assert stored["status"] == TRIAL
    assert stored["metadata"]["generation"] == 2


def test_the_status_of_an_older_operator_does_not_fake_model_server_the_way(kubectl: Kubectl, churn: str) -> None:
    """The API server checks the whole object whenever the spec changes."""
    set_status(kubectl, {"trial": {"steps": [{"weight": 50}, {"weight": 5}]}, "history": [{"version": "6"}]})
    kubectl.apply(SHORTEST.replace('"7"', '"8"'))
    assert kubectl.get(churn)["spec"]["model"]["version"] == "8"


def test_kubectl_and_autoscalers_scale_it(kubectl: Kubectl, churn: str) -> None:
    set_status(kubectl, TRIAL | {"replicas": 2, "selector": "podium.dev/deployment=churn"})
    kubectl("scale", churn, "--replicas=3")
    assert kubectl.get(churn)["spec"]["serving"] == {"replicas": 3}
    path = f"/apis/{TWIN_GROUP}/{VERSION_NAME}/namespaces/{kubectl.namespace}/{PLURAL}/churn/scale"
    scale = json.loads(kubectl("get", f"--raw={path}"))
    assert scale["spec"] == {"replicas": 3}
    assert scale["status"] == {"replicas": 2, "selector": "podium.dev/deployment=churn"}
    kubectl.apply(SHORTEST)  # Git leaves the size out, and takes nothing back
    assert kubectl.get(churn)["spec"]["serving"] == {"replicas": 3}


# --- one question, two who answer -------------------------------------------------------------------------------------

SCALARS = """7 "7" 0x1F 010 0o10 0b11 1_000 08 0.75 .5 1. 1e-3 1E3 -1 +1 5% 1:30 2026-11-20 2026-11-20T05:00:00Z
yes y Off TRUE tRUE ~ null Null = '1'"""


def test_yaml_is_read_as_kubectl_reads_it(kubectl: Kubectl) -> None:
    lines = [f"        k{index}: {text}\n" for index, text in enumerate(SCALARS.split())]
    text = EXAMPLES[0].read_text() + "  serving:\n    affinity:\n      all:\n" + "".join(lines)
    made = json.loads(kubectl("create", "--dry-run=client", "--output=json", "--filename=-", stdin=text))
    (document,) = read_documents(text)
    assert document.value["spec"]["serving"] == made["spec"]["serving"]


# Values that are right in one place and wrong in another, and some that are wrong everywhere.
TRICKY: list[Any] = [
    *["", "a", "A", "a-b", "a.b", "-a", "7", "07", "v7", "latest", "champion", "x" * 300, "a\n", "é", "a b", "a/b"],
    *[
        "0s",
        "1s",
        "90s",
        "1h30m",
        "168h",
        "168h1ms",
        "0.5s",
        "5d",
        "1m1",
        "999999h",
        "0%",
        "0.001%",
        "50%",
        "50.1%",
        "1",
    ],
    *[0, 1, 5, 100, 101, -1, 0.5, 1e30, True, False, [], {}, [{}], {"a": "b"}],
    *["Wait", "RollBack", "NoSchedule", "500m", "2Gi", "2GB", "http://a", "http://a:b@c", "PODIUM_PORT"],
]
WHERE = [
    *["model.name", "model.version", "model.alias", "registry.uri", "registry.secretName", "registry.aliases.champion"],
    *["gates", "gates.0.name", "gates.0.metric.key", "gates.0.metric.atLeast", "gates.0.metric.maxDropFromChampion"],
    *["gates.2.signature.allow.0", "gates.2.signature.compatibleWith", "gates.3.evaluation.metrics.0.atMost"],
    *["gates.3.evaluation.metrics", "gates.3.evaluation.dataset", "gates.4.age.atLeast", "gates.4.age.atMost"],
    *["gates.5.approval.by.0", "gates.5.approval.metric.refusedBelow", "gates.5.approval.metric.autoAtMost"],
    *["gates.6.job", "gates.6.job.timeout", "gates.6.job.retries", "gates.6.job.command", "gates.6.job.env.0.name"],
    *["gates.7.webhook.url", "gates.7.webhook.timeout", "gates.7.webhook.secretName", "gates.1.tags.patterns.a"],
    *["gates.1.tags.patterns", "approvals", "approvals.0.version", "approvals.0.by"],
    *["gates.0.tags", "gates.1.name", "gates.1.tags.required", "gates.1.tags.required.0", "paused", "serving"],
    *["serving.replicas", "serving.image", "serving.resources", "serving.resources.limits.cpu", "serving.env.0.name"],
    *["serving.env.0.value", "serving.env.0.valueFrom", "serving.env.1.valueFrom.fieldRef", "serving.env.1.name"],
    *[
        "serving.envFrom",
        "serving.nodeSelector",
        "serving.tolerations.0.effect",
        "serving.annotations",
        "serving.drain",
    ],
    *["rollout.steps", "rollout.steps.0.weight", "rollout.steps.1.weight", "rollout.steps.0.duration", "rollout.soak"],
    *["rollout.guards", "rollout.guards.0.name", "rollout.guards.0.errorRate", "rollout.guards.0.errorRate.atMost"],
    *[
        "rollout.onInconclusive",
        "rollout.step_timeout",
        "rollout.startupTimeout",
        "rollout.retry",
        "rollout.abort",
        "rollout.abort.version",
        "rollout.abort.reason",
        "rollout.promote",
        "rollout.promote.skipSteps",
        "rollout.promote.full",
        "rollout.promote.trialStartedAt",
        "unknown",
        "rollout.unknown",
    ],
    *["traffic.service.type", "traffic.service.port", "traffic.service.nodePort"],
    *["serving.autoscaling", "serving.autoscaling.minReplicas", "serving.autoscaling.maxReplicas"],
    *["serving.autoscaling.metrics", "serving.autoscaling.behavior", "serving.resources.limits"],
]
FULL = """
model: {name: churn, version: "7"}
registry: {uri: "https://mlflow", secretName: login, aliases: {champion: best}}
gates:
- {name: accurate, metric: {key: auc, atLeast: 0.5, maxDropFromChampion: 0.1}}
- {name: reproducible, tags: {required: [git_sha], patterns: {stage: prod}}}
- {name: compatible, signature: {compatibleWith: champion, allow: [columnRemoved]}}
- {name: evaluated, evaluation: {dataset: holdout, metrics: [{key: auc, atLeast: 0.5}]}}
- {name: aged, age: {atLeast: 1h, atMost: 48h}}
- {name: signed, approval: {by: [alice], metric: {key: auc, autoAtLeast: 0.9, refusedBelow: 0.1}}}
- {name: smoke, job: {command: [check], env: [{name: A, value: b}], timeout: 1m, retries: 1}}
- {name: review, webhook: {url: "http://a", timeout: 5s, secretName: a}}
approvals: [{version: "7", by: alice}]
paused: false
serving:
  replicas: 3
  resources: {limits: {cpu: "1"}}
  autoscaling: {minReplicas: 2, maxReplicas: 6}
  env:
  - {name: A, value: b}
  - {name: B, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
  envFrom: [{secretRef: {name: a}}]
  tolerations: [{key: a, effect: NoSchedule}]
rollout:
  steps: [{weight: 5, hold: 1m}, {weight: 25}]
  guards: [{name: errors, errorRate: {atMost: 1%}}]
  abort: {version: "6", by: alice, reason: wrong prices}
  promote: {version: "7", skipSteps: 1, trialStartedAt: "2026-01-05T09:00:00Z"}
traffic: {service: {type: NodePort}}
"""


def changed(places: list[tuple[str, Any]]) -> dict[str, Any]:
    """A full object with these values in these places."""
    spec = yaml.safe_load(FULL)
    for place, value in places:
        *way, last = [int(part) if part.isdigit() else part for part in place.split(".")]
        target = spec
        for part in way:
            target = target[part] if isinstance(part, int) else target.setdefault(part, {})
        target[last] = value
    return {"apiVersion": "podium.dev/v1alpha1", "kind": "ModelDeployment", "metadata": {"name": "churn"}, "spec": spec}


@given(st.tuples(st.sampled_from(WHERE), st.sampled_from(TRICKY)))
@settings(
    max_examples=400,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_what_is_refused_offline_is_what_the_api_server_refuses(
    refused_by_server: Rejected, change: tuple[str, Any]
) -> None:
    value = changed([change])
    offline, server = {problem.field for problem in problems(value)}, refused_by_server(value)
    assert bool(offline) == bool(server)
    assert offline <= server  # the server may also tell of a rule around a field that is wrong already
