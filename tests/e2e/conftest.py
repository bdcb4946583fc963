"""The stage of the end-to-end tests: MLflow with trained models, and the operator from manifests/, made once."""

import itertools
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
from mlflow import MlflowClient

from demo import cases, registry, stage
from testbed import gateway
from testbed.cluster import Cluster
from testbed.errors import CommandFailed
from testbed.waiting import wait_until
from tests.conftest import a_namespace
from tests.e2e.envoy import Envoy
from tests.e2e.rollout import Rollout
from tests.kubectl import Kubectl
from tests.turns import Turns

ROOT = Path(__file__).parents[2]
FIRST_PORT = 31011  # NodePorts below are the demo's and Prometheus'
PROMETHEUS = "http://127.0.0.1:31006"
OPERATOR = "podium-operator"


@dataclass(frozen=True)
class Mlflow:
    """The MLflow server in the cluster."""

    cluster: Cluster
    client: MlflowClient
    model: str  # versions: 1 fair, 2 better, 3 raises for one case in five

    def stop(self) -> None:
        self._scale(0)
        wait_until("MLflow has stopped", lambda: not self.cluster.get("pods", "--namespace=mlflow")["items"], 120)

    def start(self) -> None:
        self._scale(1)
        words = ["rollout", "status", "deployment/mlflow", "--namespace=mlflow", "--timeout=180s"]
        self.cluster.kubectl(*words, timeout=200)
        # A ready pod answers through its Service as soon as kube-proxy knows of it, about a second later.
        wait_until("MLflow answers", lambda: registry.healthy(stage.MLFLOW_OUTSIDE), 60)

    def _scale(self, replicas: int) -> None:
        self.cluster.kubectl("scale", "deployment/mlflow", "--namespace=mlflow", f"--replicas={replicas}")


@dataclass(frozen=True)
class Operator:
    """The operator's pods in podium-system."""

    kubectl: Kubectl

    def scale(self, replicas: int) -> None:
        self.kubectl("scale", f"deployment/{OPERATOR}", f"--replicas={replicas}")
        wait_until(f"{replicas} operators", lambda: len(self.pods()) == replicas, 120)
        self.kubectl("rollout", "status", f"deployment/{OPERATOR}", "--timeout=120s", timeout=150)

    def pods(self) -> list[str]:
        """Names of its pods that are not being deleted."""
        found = self.kubectl.get("pods", "--selector=app.kubernetes.io/component=operator")["items"]
        return [pod["metadata"]["name"] for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def leader(self) -> str:
        """The pod that holds the Lease; empty while nobody does."""
        holder = self.kubectl.get("lease", OPERATOR)["spec"].get("holderIdentity") or ""
        return str(holder).rpartition("_")[0]

    def kill_pod(self, pod: str) -> None:
        stage.kill_operator(self.kubectl.cluster, pod)

    def kill(self) -> None:
        """`kill -9` of every operator at once. New pods take their place without waiting out a restart's backoff."""
        pods = self.pods()
        wait_until("there was an operator to be killed", self._killed, 60)
        self.kubectl("delete", "pods", *pods, "--force", "--grace-period=0", "--wait=false")

    def _killed(self) -> bool:
        """False where none runs yet, so soon after the last one was killed."""
        cluster = self.kubectl.cluster
        try:
            for node in cluster.nodes():
                cluster.kill_on_node(node, "podium.controller", "KILL")
        except CommandFailed:
            return False
        return True


@pytest.fixture(scope="session")
def images(cluster: Cluster) -> dict[str, str]:
    return {name: stage.image(cluster, name) for name in stage.IMAGES}


@pytest.fixture(scope="session")
def mlflow(cluster: Cluster, images: dict[str, str], turns: Turns) -> Mlflow:
    """A real MLflow server with three versions of a freshly trained model."""
    with turns.together():
        return _with_models(cluster, images)


def _with_models(cluster: Cluster, images: dict[str, str]) -> Mlflow:
    stage.install_mlflow(cluster, images, print)
    model = f"e2e-{uuid4().hex[:6]}"
    register_models(model)
    return Mlflow(cluster, MlflowClient(stage.MLFLOW_OUTSIDE, stage.MLFLOW_OUTSIDE), model)


def register_models(model: str) -> None:
    """Train and register the demo's three versions under this name: in a process, whose warnings are its own."""
    environment = os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true"}
    command = [sys.executable, "-W", "ignore", "-m", "demo.models", stage.MLFLOW_OUTSIDE, model]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)


@pytest.fixture(scope="session")
def prometheus(cluster: Cluster) -> str:
    """The address of a real Prometheus that scrapes all pods every second. Built only for who asks for it."""
    here = Path(__file__).parent / "prometheus"
    image = cluster.build_and_load("podium-prometheus", here / "Containerfile", here)
    manifest = (here / "prometheus.yaml").read_text()
    cluster.kubectl("apply", "--filename=-", input=manifest.replace("image: podium-prometheus", f"image: {image}"))
    words = ["rollout", "status", "deployment/prometheus", "--namespace=prometheus", "--timeout=180s"]
    cluster.kubectl(*words, timeout=200)
    return PROMETHEUS


@pytest.fixture(scope="session")
def operator(cluster: Cluster, images: dict[str, str], crd: str, turns: Turns) -> Operator:
    """Two replicas, as manifests/ say."""
    with turns.together():
        stage.install_operator(cluster, images, print)
        stage.grant_everything(cluster)
    return Operator(Kubectl(cluster, "podium-system"))


@pytest.fixture
def lone_operator(operator: Operator) -> Iterator[Operator]:
    """One replica only, so that killing it leaves nobody."""
    operator.scale(1)
    yield operator
    operator.scale(2)


@pytest.fixture(scope="session")
def ports(cluster: Cluster) -> Iterator[int]:
    """Those of this process: of three processes each has every third one."""
    free = [port for port in cluster.node_ports if port >= FIRST_PORT and port != gateway.PORT]
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    mine = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    return itertools.cycle(free[mine::processes])


@pytest.fixture
def rollout(kubectl: Kubectl, operator: Operator, mlflow: Mlflow, ports: Iterator[int]) -> Iterator[Rollout]:
    """A ModelDeployment that has not been applied yet. It is gone before the next test begins."""
    yield Rollout(kubectl, mlflow.model, next(ports))
    _delete_all(kubectl)


@pytest.fixture
def neighbour(cluster: Cluster, operator: Operator, mlflow: Mlflow, ports: Iterator[int]) -> Iterator[Rollout]:
    """A second one, in a namespace of its own: for tests that share what takes long."""
    with a_namespace(cluster) as namespace:
        kubectl = Kubectl(cluster, namespace)
        yield Rollout(kubectl, mlflow.model, next(ports))
        _delete_all(kubectl)


def _delete_all(kubectl: Kubectl) -> None:
    kubectl("delete", "modeldeployment", "--all", "--cascade=foreground", "--timeout=120s", timeout=150)


@pytest.fixture(scope="session")
def envoy(cluster: Cluster) -> Envoy:
    gateway.install(cluster)
    return Envoy(cluster)


@pytest.fixture
def host(rollout: Rollout) -> str:
    return f"{rollout.name}.{rollout.kubectl.namespace}.test"


@pytest.fixture
def routed(rollout: Rollout, envoy: Envoy, host: str) -> Rollout:
    """A ModelDeployment behind the Gateway, not applied yet."""
    ref = {"name": gateway.NAME, "namespace": gateway.NAMESPACE}
    rollout.spec = {"traffic": {"gateway": {**ref, "hostnames": [host]}}}
    return rollout


@pytest.fixture(scope="session")
def rows() -> list[bytes]:
    """Requests with the real rows of the data set, one row each."""
    return cases.bodies()
