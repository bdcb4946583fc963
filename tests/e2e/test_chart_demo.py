"""`helm install`, and then the demo's rollout: what a reader of docs/helm.md does first."""

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from demo import chart, stage
from testbed.cluster import Cluster
from tests.yaml_files import ROOT

pytestmark = [pytest.mark.helm, pytest.mark.cluster, pytest.mark.timeout(900)]


@pytest.fixture
def by_helm(cluster: Cluster, images: dict[str, str], crd: str) -> Iterator[Cluster]:
    """The cluster, on which the manifests' operator stands again afterwards."""
    yield cluster
    chart.uninstall(cluster)
    stage.install_operator(cluster, images, print)
    stage.grant_everything(cluster)


def test_helm_installs_and_the_demo_plays_as_told(by_helm: Cluster) -> None:
    played = subprocess.run(
        [sys.executable, "-m", "demo", "--helm"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert played.returncode == 0, played.stdout[-4000:] + played.stderr[-4000:]
    told = json.loads(played.stdout.strip().splitlines()[-1])
    assert (told["champion"], told["rejected"], told["failed"]) == ("2", ["3"], 0)
    operator = by_helm.get("deployment/podium-operator", "--namespace=podium-system")
    assert operator["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "Helm"
    page = by_helm.kubectl("get", "--raw", "/api/v1/namespaces/podium-system/services/podium-page:http/proxy/healthz")
    assert page == "ok"
