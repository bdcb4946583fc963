"""Rendered objects as golden files, which a reviewer reads as YAML. PODIUM_GOLDEN=write writes them anew."""

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from podium.adapters.kubernetes import autoscalers, model_files, names, pod_specs, read, render
from podium.adapters.kubernetes.subset import holds
from podium.api.v1alpha1.manifest import NAME_LIMIT
from podium.api.v1alpha1.spec.gates import JobGate
from podium.api.v1alpha1.spec.spec import Spec
from podium.api.v1alpha1.status import Pinned, PodTemplate
from podium.core.actions import RunJob
from podium.core.fingerprints import same_by_git
from podium.runtime.model_file import wanted_by
from podium.runtime.settings import Settings

GOLDEN = Path(__file__).parent / "golden"
OWNER = render.Owner("ml", "churn", "0a1b2c3d")
QUESTION = "0123456789abcdef"
SMOKE = RunJob("smoke", JobGate(), QUESTION, Pinned(version="7", digest="sha256:77", slot="b"), "")
CASES = replace(
    SMOKE,
    job=JobGate.model_validate(
        {
            "image": "registry.example.com/cases:3",
            "command": ["python", "-m", "cases"],
            "args": ["--all"],
            "env": [{"name": "CASES", "value": "20"}, {"name": "PODIUM_MODEL_NAME", "value": "another"}],
            "envFrom": [{"configMapRef": {"name": "features"}}],
            "resources": {"limits": {"memory": "1Gi"}},
            "nodeSelector": {"disk": "fast"},
            "tolerations": [{"key": "gpu", "operator": "Exists"}],
            "imagePullSecrets": [{"name": "pull"}],
            "timeout": "90500ms",
            "retries": 2,
        }
    ),
)
DEFAULTS = pod_specs.Defaults(image="podium-runtime:0.1.0", registry_uri="http://mlflow.ml:5000")
PINNED = Pinned(version="7", digest="sha256:77", slot="b")
SMALL = Spec.model_validate({"model": {"name": "churn", "version": "7"}})
IN_PLACE = Spec.model_validate({"model": {"name": "churn", "version": "7"}, "serving": {"reload": "InPlace"}})
SCALED = Spec.model_validate(
    {
        "model": {"name": "churn", "version": "7"},
        "serving": {"resources": {"requests": {"cpu": "1"}}, "autoscaling": {"maxReplicas": 4}},
    }
)
FULL = Spec.model_validate(
    {
        "model": {"name": "Kündigung (EU) / v2".replace("/", "-"), "version": "7"},
        "registry": {"uri": "https://mlflow.example.com", "secretName": "mlflow-login"},
        "serving": {
            "replicas": 3,
            "image": "registry.example.com/server:1",
            "resources": {"requests": {"cpu": "500m", "memory": "1Gi"}, "limits": {"memory": "2Gi"}},
            "env": [
                {"name": "THREADS", "value": "2"},
                {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "token", "key": "value"}}},
            ],
            "envFrom": [{"configMapRef": {"name": "features"}}],
            "nodeSelector": {"disk": "fast"},
            "tolerations": [{"key": "gpu", "operator": "Exists"}],
            "affinity": {"podAntiAffinity": {}},
            "autoscaling": {
                "minReplicas": 2,
                "maxReplicas": 9,
                "metrics": [{"type": "Pods", "pods": {"metric": {"name": "rps"}, "target": {"averageValue": "50"}}}],
                "behavior": {"scaleDown": {"stabilizationWindowSeconds": 600}},
            },
            "volumes": [
                {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "2Gi"}},
                {"name": "features", "persistentVolumeClaim": {"claimName": "features", "readOnly": True}},
            ],
            "volumeMounts": [
                {"name": "shm", "mountPath": "/dev/shm"},
                {"name": "features", "mountPath": "/features", "readOnly": True},
            ],
            "serviceAccountName": "churn-server",
            "runtimeClassName": "gvisor",
            "priorityClassName": "serving",
            "imagePullSecrets": [{"name": "pull"}],
            "annotations": {"prometheus.io/scrape": "false", "team": "churn"},
            "drain": "15s",
        },
    }
)


def deployment(
    owner: render.Owner, spec: Spec, pinned: Pinned, replicas: int, defaults: pod_specs.Defaults
) -> dict[str, Any]:
    return render.deployment(owner, spec, pinned, replicas, render.template(owner, spec, pinned, defaults))


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("deployment-small", deployment(OWNER, SMALL, PINNED, 1, DEFAULTS)),
        ("deployment-full", deployment(OWNER, FULL, PINNED, 3, DEFAULTS)),
        ("deployment-in-place", deployment(OWNER, IN_PLACE, PINNED, 2, DEFAULTS)),
        ("model-file", model_files.model_file(OWNER, IN_PLACE, PINNED)),
        ("slot-service", render.slot_service(OWNER, SMALL, "b")),
        ("autoscaler-small", autoscalers.autoscaler(OWNER, SCALED)),
        ("autoscaler-full", autoscalers.autoscaler(OWNER, FULL)),
        ("disruption-budget", render.disruption_budget(OWNER, SMALL, PINNED, {"spec": {}})),
        ("gate-job-small", render.gate_job(OWNER, SMALL, SMOKE, DEFAULTS)),
        ("gate-job-full", render.gate_job(OWNER, FULL, CASES, DEFAULTS)),
        ("main-service-one-slot", render.main_service(OWNER, SMALL, {"a": 100, "b": 0})),
        ("main-service-both-slots", render.main_service(OWNER, SMALL, {"a": 95, "b": 5})),
    ],
)
def test_objects_are_rendered_as_the_golden_files_say(name: str, made: dict[str, Any]) -> None:
    file = GOLDEN / f"{name}.yaml"
    text = yaml.safe_dump(json.loads(json.dumps(made)), sort_keys=False, width=120, allow_unicode=True)
    if os.environ.get("PODIUM_GOLDEN") == "write":
        file.write_text(text)
    assert text == file.read_text()


def test_a_cluster_that_assigns_users_is_told_none_and_pods_stay_restricted() -> None:
    """OpenShift's restricted-v2 refuses a pod that names another user than those of its namespace."""
    assigned = replace(DEFAULTS, user=None)
    for spec in (
        render.template(OWNER, FULL, PINNED, assigned)["spec"],
        render.gate_job(OWNER, SMALL, SMOKE, assigned)["spec"]["template"]["spec"],
    ):
        assert spec["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
        assert spec["containers"][0]["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert spec["automountServiceAccountToken"] is False
    small = render.template(OWNER, SMALL, PINNED, replace(DEFAULTS, user=1000))["spec"]
    assert small["securityContext"]["runAsUser"] == small["securityContext"]["fsGroup"] == 1000


def test_kubernetes_replaces_nothing_in_the_name_of_a_model() -> None:
    named = PINNED.model_copy(update={"model": "$(HOME) 50%"})
    environment = {one["name"]: one.get("value") for one in pod_specs.environment(SMALL, named, DEFAULTS, "churn-b")}
    assert environment["PODIUM_MODEL_URI"] == "models:/$$(HOME) 50%/7"  # $$ is a $ for Kubernetes
    assert read.pinned(deployment(OWNER, SMALL, named, 1, DEFAULTS)) == named


def test_a_pod_knows_the_other_slot_where_nothing_falls_back_to_it_too() -> None:
    off = SMALL.traffic.model_copy(update={"fallback": SMALL.traffic.fallback.model_copy(update={"enabled": False})})
    beside = PINNED.model_copy(update={"trial_number": 2})
    urls = {"PODIUM_FALLBACK_URL", "PODIUM_SHADOW_URL"}
    for traffic, name in ((SMALL.traffic, "PODIUM_FALLBACK_URL"), (off, "PODIUM_SHADOW_URL")):
        spec = SMALL.model_copy(update={"traffic": traffic})
        made = pod_specs.environment(spec, beside, DEFAULTS, "churn-b")
        assert {one["name"]: one["value"] for one in made if one["name"] in urls} == {name: "http://churn-b"}


def test_a_deployment_says_all_that_was_pinned() -> None:
    slow = PINNED.model_copy(update={"latency_limits": (0.12, 0.3)})
    sourced = PINNED.model_copy(update={"registry": "http://old", "model": "Schätzung €", "login": "old-login"})
    for pinned in (PINNED, slow, sourced):
        assert read.pinned(deployment(OWNER, SMALL, pinned, 1, DEFAULTS)) == pinned
    environment = {one["name"]: one.get("value") for one in pod_specs.environment(SMALL, slow, DEFAULTS, "churn-b")}
    assert environment["PODIUM_LATENCY_LIMITS"] == "0.12,0.3"


def test_a_change_of_model_registry_and_login_in_git_replaces_no_pod_of_what_is_pinned() -> None:
    pinned = PINNED.model_copy(update={"registry": "http://old", "model": "churn", "login": "old-login"})
    other = SMALL.model_copy(
        update={
            "model": SMALL.model.model_copy(update={"name": "fraud"}),
            "registry": SMALL.registry.model_copy(update={"uri": "http://new", "secret_name": "new-login"}),
        }
    )
    made = [deployment(OWNER, spec, pinned, 1, DEFAULTS)["spec"]["template"] for spec in (SMALL, other)]
    assert made[0] == made[1]
    text = json.dumps(made[0])
    assert "models:/churn/7" in text
    assert "http://old" in text
    assert "old-login" in text


def test_what_a_pod_proves_its_identity_against_cannot_be_overridden() -> None:
    # The API refuses such a name too; an older CRD may not.
    serving = SMALL.serving.model_copy(update={"env": [{"name": "PODIUM_MODEL_DIGEST", "value": "sha256:forged"}]})
    environment = pod_specs.environment(SMALL.model_copy(update={"serving": serving}), PINNED, DEFAULTS, "churn-b")
    assert [one["value"] for one in environment if one["name"] == "PODIUM_MODEL_DIGEST"] == ["sha256:77"]


def test_the_annotations_of_the_identity_cannot_be_overridden() -> None:
    serving = SMALL.serving.model_copy(update={"annotations": {names.DIGEST: "sha256:forged"}})
    spec = SMALL.model_copy(update={"serving": serving})
    template = deployment(OWNER, spec, PINNED, 3, DEFAULTS)["spec"]["template"]
    assert template["metadata"]["annotations"][names.DIGEST] == "sha256:77"


def test_scaling_replaces_no_pod() -> None:
    one, two = (deployment(OWNER, SMALL, PINNED, count, DEFAULTS)["spec"]["template"] for count in (1, 2))
    assert one == two


def test_the_number_of_pods_does_not_change_the_fingerprint_but_everything_else_does() -> None:
    one, three = (deployment(OWNER, SMALL, PINNED, count, DEFAULTS) for count in (1, 3))
    other = deployment(OWNER, FULL, PINNED, 1, DEFAULTS)
    prints = [made["metadata"]["annotations"][names.RENDERED] for made in (one, three, other)]
    assert prints[0] == prints[1] != prints[2]


@pytest.mark.parametrize(
    ("model", "label"),
    [
        ("churn", "churn"),
        ("main.sales.churn", "main.sales.churn"),
        ("my model", "podium-model"),
        ("-x", "podium-model"),
        ("Kündigung", "podium-model"),
        ("x" * 70, "x" * 63),
        ("x" * 62 + "_y", "podium-model"),
    ],
)
def test_a_models_name_is_a_label_where_a_label_can_hold_it(model: str, label: str) -> None:
    spec = Spec.model_validate({"model": {"name": model, "version": "7"}})
    assert render.slot_service(OWNER, spec, "a")["metadata"]["labels"][names.APP_NAME] == label


def test_both_slots_are_selected_only_while_both_have_a_share() -> None:
    assert render.selector_for("churn", {"a": 1, "b": 99}) == {names.DEPLOYMENT: "churn"}
    assert render.selector_for("churn", {"a": 0, "b": 100}) == {names.DEPLOYMENT: "churn", names.SLOT: "b"}


def test_no_client_is_ever_sent_to_the_pod_of_a_gate() -> None:
    labels = render.gate_job(OWNER, SMALL, SMOKE, DEFAULTS)["spec"]["template"]["metadata"]["labels"]
    services = [render.slot_service(OWNER, SMALL, slot) for slot in ("a", "b")]
    services += [render.main_service(OWNER, SMALL, {"a": share, "b": 100 - share}) for share in (0, 50, 100)]
    for service in services:
        selector = service["spec"]["selector"]
        assert any(labels.get(name) != value for name, value in selector.items())


def test_the_longest_name_of_a_job_is_still_a_label() -> None:
    assert len(names.job_name("x" * NAME_LIMIT, QUESTION)) == 63


def test_another_question_is_another_job() -> None:
    assert names.job_name("churn", "aaaabbbbccccdddd") != names.job_name("churn", "aaaabbbbccceeeee")


def test_a_deployment_carries_its_template_for_the_version_that_it_is_for_and_no_other() -> None:
    made = deployment(OWNER, FULL, PINNED, 3, DEFAULTS)
    assert read.template(made, PINNED) == json.loads(json.dumps(made["spec"]["template"]))
    assert read.template(made, PINNED.model_copy(update={"version": "8"})) is None
    assert read.template(made, PINNED.model_copy(update={"digest": "sha256:88"})) is None


@pytest.mark.parametrize("kept", ["", "{", "[]", "3", '"text"', '{"metadata": 3}', "{}"])
def test_a_template_that_another_client_broke_is_none(kept: str) -> None:
    made = deployment(OWNER, SMALL, PINNED, 1, DEFAULTS)
    made["metadata"]["annotations"][names.TEMPLATE] = kept
    assert read.template(made, PINNED) is None


def test_the_template_that_a_deployment_carries_makes_the_same_deployment_again() -> None:
    first = deployment(OWNER, SMALL, PINNED, 1, DEFAULTS)
    kept = read.template(first, PINNED)
    assert kept is not None
    again = render.deployment(OWNER, SMALL, PINNED, 1, kept)
    assert holds(first, again)
    assert holds(again, first)
    newer = pod_specs.Defaults(image="podium-runtime:next", registry_uri="http://elsewhere")
    assert not holds(first, deployment(OWNER, SMALL, PINNED, 1, newer))


def test_pods_that_reload_in_place_are_of_one_template_whatever_their_version() -> None:
    """Another version replaces none of them; another environment does."""
    eight = PINNED.model_copy(update={"version": "8", "digest": "sha256:88"})
    slow = eight.model_copy(update={"latency_limits": (0.12,)})
    made = [deployment(OWNER, IN_PLACE, pinned, 1, DEFAULTS) for pinned in (PINNED, eight, slow)]
    assert made[0]["spec"]["template"] == made[1]["spec"]["template"]
    assert made[1]["spec"]["template"] != made[2]["spec"]["template"]
    assert [read.pinned(each) for each in made] == [PINNED, eight, slow]


def test_a_kept_template_of_pods_that_reload_is_that_of_each_version_with_the_same_environment() -> None:
    template = render.pod_template(OWNER, IN_PLACE, DEFAULTS)
    seven, eight, slow = (
        PINNED.model_copy(update={"template": template, **other})
        for other in ({}, {"version": "8", "digest": "sha256:88"}, {"latency_limits": (0.12,)})
    )
    made = deployment(OWNER, IN_PLACE, seven, 1, DEFAULTS)
    assert read.template(made, seven) == read.template(made, eight) == made["spec"]["template"]
    assert read.template(made, slow) is None
    assert read.template(deployment(OWNER, SMALL, seven, 1, DEFAULTS), eight) is None


@pytest.mark.parametrize(
    ("uri", "default", "same"),
    [
        ("http://mlflow.ml:80/", DEFAULTS.registry_uri, True),
        ("http://MLFLOW.ml", "http://unused", True),
        ("http://mlflow.other", DEFAULTS.registry_uri, False),
        (None, "http://mlflow.ml", True),
        (None, "http://mlflow.other", False),
    ],
)
def test_a_template_is_another_one_where_its_pods_load_from_another_address(
    uri: str | None, default: str, *, same: bool
) -> None:
    home = spec_with_registry("http://mlflow.ml")
    other = spec_with_registry(uri)
    made = render.pod_template(OWNER, home, DEFAULTS)
    now = render.pod_template(OWNER, other, replace(DEFAULTS, registry_uri=default))
    assert (made.revision == now.revision) is same
    assert same_by_git(made.spec_hash, now.spec_hash) is (same and uri is not None)
    assert same_by_git(made.spec_hash.partition(".")[0], now.spec_hash), "an older Podium says nothing of the registry"


def spec_with_registry(uri: str | None) -> Spec:
    return Spec.model_validate({"model": {"name": "churn", "version": "7"}, "registry": {"uri": uri}})


def test_the_file_names_the_pinned_version_as_the_server_reads_it(tmp_path: Path) -> None:
    pinned = Pinned(model="Schätzung (EU)", version="7", digest="sha256:" + "7" * 64, slot="b")
    file = tmp_path / pod_specs.MODEL_FILE
    file.write_text(model_files.model_file(OWNER, IN_PLACE, pinned)["data"][file.name])
    found = wanted_by(file)
    assert found is not None
    assert (str(found.reference), found.digest) == ("models:/Schätzung (EU)/7", pinned.digest)


def test_what_a_users_sources_say_of_the_model_is_overruled_by_the_file(tmp_path: Path) -> None:
    """A ConfigMap or Secret of `spec.serving.envFrom` may name another one."""
    pinned = PINNED.model_copy(update={"digest": "sha256:" + "7" * 64})
    ours = {one["name"]: one["value"] for one in pod_specs.environment(IN_PLACE, pinned, DEFAULTS, "churn-b")}
    assert ours["PODIUM_MODEL_FILE"] == "/podium/model/model.json"
    file = tmp_path / "model.json"
    file.write_text(model_files.model_file(OWNER, IN_PLACE, pinned)["data"]["model.json"])
    digest = f"sha256:{1:064x}"
    theirs = {"PODIUM_MODEL_URI": "models:/theirs/1", "PODIUM_MODEL_DIGEST": digest, "PODIUM_MODEL_RUN_ID": "r"}
    settings = Settings.from_environment({**theirs, **ours, "PODIUM_MODEL_FILE": str(file)})
    assert [str(each) for each in settings.references] == ["models:/churn/7"]
    assert (settings.digest, settings.run_id) == (pinned.digest, None)


@pytest.mark.parametrize("spec", [SMALL, IN_PLACE])
def test_a_pod_says_from_which_template_it_was_made(spec: Spec) -> None:
    older, newer = (PodTemplate(revision=text, spec_hash="", image="") for text in ("aaaa", "bbbb"))
    metadata = render.template(OWNER, spec, PINNED.model_copy(update={"template": older}), DEFAULTS)["metadata"]
    pod = read.pod_seen({"metadata": {"uid": "p1", "name": "churn-b-1", **metadata}})
    assert pod.made_from(older)
    assert not pod.made_from(newer)


def test_the_revision_on_pods_is_no_part_of_the_template_whose_revision_it_is() -> None:
    revision = render.pod_template(OWNER, SMALL, DEFAULTS)
    made = render.template(OWNER, SMALL, PINNED.model_copy(update={"template": revision}), DEFAULTS)
    assert made["metadata"]["annotations"][names.POD_REVISION] == revision.revision
    assert render.pod_template(OWNER, SMALL, DEFAULTS) == revision
