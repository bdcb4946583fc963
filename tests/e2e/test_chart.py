"""The Helm chart and the kustomize base install the same, as Helm and kubectl themselves make them."""

import os
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from testbed.cluster import Cluster
from testbed.helm import helm
from tests.yaml_files import ROOT

pytestmark = pytest.mark.helm

CHART: Final = ROOT / "charts/podium"
NAMESPACE: Final = "podium-system"
Objects = dict[tuple[str, str], Any]


def ran(*words: str | Path) -> str:
    """What a command prints. Raises AssertionError with what it complains of."""
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr or done.stdout
    return done.stdout


def objects(text: str) -> Objects:
    found = [one for one in yaml.safe_load_all(text) if one is not None]
    return {(one["kind"], one["metadata"]["name"]): one for one in found}


def templated(*words: str) -> Objects:
    options = ("--include-crds", f"--namespace={NAMESPACE}", *words)
    return objects(ran(helm(), "template", "podium", CHART, *options))


@pytest.fixture
def kustomized(cluster: Cluster) -> Objects:
    return objects(ran(cluster.backend.kubectl(), "kustomize", ROOT / "manifests"))


def test_helm_finds_no_fault_in_the_chart(cluster: Cluster) -> None:
    assert "0 chart(s) failed" in ran(helm(), "lint", "--strict", CHART)


def test_the_chart_installs_what_kustomize_does_but_for_the_namespace(kustomized: Objects) -> None:
    del kustomized["Namespace", NAMESPACE]  # --create-namespace
    assert templated() == kustomized


def test_the_chart_can_make_the_namespace(kustomized: Objects) -> None:
    assert templated("--set=namespace.create=true") == kustomized


def test_monitoring_is_the_component_of_kustomize(cluster: Cluster, tmp_path: Path) -> None:
    up = os.path.relpath(ROOT / "manifests", tmp_path)  # kustomize knows relative paths only
    overlay = {"resources": [up], "components": [f"{up}/monitoring"]}
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(overlay))
    expected = objects(ran(cluster.backend.kubectl(), "kustomize", tmp_path))
    assert templated("--set=monitoring.enabled=true", "--set=namespace.create=true") == expected


def test_values_come_where_they_belong(cluster: Cluster) -> None:
    said = ["replicas=1", "image.repository=registry.example.com/podium-operator", "registry.secretName=login"]
    said += ["registry.uri=http://mlflow.ml:5000", "settings.PODIUM_WORKERS=16", "podAnnotations.team=ml"]
    said += ["serviceAccount.name=operator", "rbac.reload=false"]
    found = templated(*(f"--set={one}" for one in said))
    spec = found["Deployment", "podium-operator"]["spec"]
    pod, container = spec["template"]["spec"], spec["template"]["spec"]["containers"][0]
    env = {one["name"]: one.get("value") for one in container["env"]}
    assert spec["replicas"] == 1
    assert spec["template"]["metadata"]["annotations"] == {"team": "ml"}
    assert container["image"] == "registry.example.com/podium-operator:0.1.0"
    assert (env["PODIUM_REGISTRY_URI"], env["PODIUM_WORKERS"]) == ("http://mlflow.ml:5000", "16")
    assert container["envFrom"] == [{"secretRef": {"name": "login"}}]
    assert pod["serviceAccountName"] == "operator"
    assert {one["name"] for one in found["ClusterRoleBinding", "podium-operator"]["subjects"]} == {"operator"}
    assert ("ServiceAccount", "operator") in found
    assert ("ClusterRole", "podium-operator-reload") not in found


def test_a_misspelt_value_is_refused_before_anything_is_installed(cluster: Cluster) -> None:
    with pytest.raises(AssertionError, match="additional properties 'replica' not allowed"):
        templated("--set=replica=1")
