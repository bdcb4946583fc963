"""The stage: cluster, images, MLflow with the three models, the operator. Made once; what is there already is kept."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from demo import registry
from demo.rollout import NAME
from podium.simulation.world.policies import EVERYTHING
from testbed.cluster import Cluster
from testbed.waiting import wait_until

HERE = Path(__file__).parent
ROOT = HERE.parent
MODEL = "churn"
MLFLOW_PORT, MODEL_PORT = 31005, 31010  # on 127.0.0.1, as NodePorts
PROMETHEUS_INSIDE = "http://prometheus.prometheus:9090"  # asked only where a guard does; the demo has none
MLFLOW_INSIDE, MLFLOW_OUTSIDE = "http://mlflow.mlflow:5000", f"http://127.0.0.1:{MLFLOW_PORT}"
IMAGES = ("mlflow", "operator", "runtime")
ROLLED_OUT = 300  # seconds that a Deployment may take, on a busy machine

Say = Callable[[str], None]


def build(say: Say, names: Sequence[str] = IMAGES) -> tuple[Cluster, dict[str, str]]:
    """Bring the cluster up with all images on it. Returns the images' full names."""
    cluster = Cluster()
    say("cluster: a real Kubernetes on this machine")
    cluster.up()
    say("images: the MLflow server, the operator, the model server")
    return cluster, {name: image(cluster, name) for name in names}


def image(cluster: Cluster, name: str) -> str:
    """The full name of the image of `images/NAME`, which every node has."""
    return cluster.build_and_load(f"podium-{name}", ROOT / "images" / name / "Containerfile", ROOT)


def clear(cluster: Cluster, say: Say) -> None:
    """Remove what an earlier demo left: it begins with the first deployment."""
    if _known(cluster) and cluster.kubectl("get", "modeldeployment", NAME, "--ignore-not-found").strip():
        say("removing what an earlier demo left")
        cluster.kubectl("delete", "modeldeployment", NAME, "--timeout=120s")
    wait_until("the pods of an earlier demo are gone", lambda: not _pods(cluster), 120)


def install_mlflow(cluster: Cluster, images: dict[str, str], say: Say) -> None:
    """Install MLflow from the demo's manifest, and wait until it answers."""
    say(f"MLflow: {MLFLOW_OUTSIDE} (in the cluster {MLFLOW_INSIDE})")
    manifest = (HERE / "mlflow.yaml").read_text().replace("image: podium-mlflow", f"image: {images['mlflow']}")
    cluster.kubectl("apply", "--filename=-", input=manifest)
    _rolled_out(cluster, "mlflow", "mlflow")
    # A ready pod answers through its Service as soon as kube-proxy knows of it, about a second later.
    wait_until(f"MLflow answers at {MLFLOW_OUTSIDE}", lambda: registry.healthy(MLFLOW_OUTSIDE), 60)


def register_models(say: Say, module: str = "demo.models", model: str = MODEL, *words: str) -> list[str]:
    """Train and register the versions, as a data scientist does: from a process that knows nothing of Podium.

    The words are for the module.
    """
    say(f"training and registering the versions of {model}")
    environment = os.environ | {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
        "PYTHONWARNINGS": "ignore",  # its libraries' own, on a screen that tells a story
    }
    command = [sys.executable, "-m", module, MLFLOW_OUTSIDE, model, *words]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)  # noqa: S603  our words
    if done.returncode != 0:
        raise RuntimeError(f"the models cannot be trained and registered:\n{done.stderr[-3000:]}")
    return done.stdout.split()


def install_operator(cluster: Cluster, images: dict[str, str], say: Say) -> None:
    """Install the operator from manifests/ with this checkout's image, and wait until it is ready."""
    say("the operator: CRD, rights and two replicas, from manifests/")
    # Kustomize takes relative paths only, so the overlay lies beside the base.
    with TemporaryDirectory(prefix=".demo-", dir=ROOT) as folder:
        Path(folder, "kustomization.yaml").write_text(yaml.safe_dump(overlay(images)))
        manifest = cluster.kubectl("kustomize", folder)
    apply = ("apply", "--server-side", "--force-conflicts")
    cluster.kubectl(*apply, f"--kustomize={ROOT / 'crds'}")  # first: manifests/ have an object of one of them
    for kind in ("modeldeployments", "podiumpolicies"):
        cluster.wait_for_crd(f"{kind}.podium.dev")
    cluster.kubectl(*apply, "--filename=-", input=manifest)
    _rolled_out(cluster, "podium-system", "podium-operator")


def grant_everything(cluster: Cluster) -> None:
    """Let every namespace ask for anything: for what tries more than one team needs, such as several registries."""
    policy = {
        "apiVersion": "podium.dev/v1alpha1",
        "kind": "PodiumPolicy",
        "metadata": {"name": "everything"},
        "spec": dict(EVERYTHING),
    }
    cluster.kubectl("apply", "--server-side", "--filename=-", input=yaml.safe_dump(policy))


def kill_operator(cluster: Cluster, pod: str) -> None:
    """`kill -9` of one operator, which gets no chance to give the Lease back. Nothing where it does not run."""
    find = f"for p in $(pgrep -f podium.controller); do grep -qz HOSTNAME={pod} /proc/$p/environ && kill -9 $p; done"
    for node in cluster.nodes():
        cluster.on_node(node, "sh", "-c", f"{find}; true")


def overlay(images: dict[str, str]) -> dict[str, Any]:
    """What a cluster's own kustomization says: where the images and the registry are."""
    operator, _, tag = images["operator"].rpartition(":")
    variables = {
        "PODIUM_REGISTRY_URI": MLFLOW_INSIDE,
        "PODIUM_RUNTIME_IMAGE": images["runtime"],
        "PODIUM_PROMETHEUS_URI": PROMETHEUS_INSIDE,
    }
    containers = [{"name": "operator", "env": [{"name": name, "value": text} for name, text in variables.items()]}]
    patch = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "podium-operator", "namespace": "podium-system"},
        "spec": {"template": {"spec": {"containers": containers}}},
    }
    return {
        "resources": ["../manifests"],
        "images": [{"name": "podium-operator", "newName": operator, "newTag": tag}],
        "patches": [{"patch": yaml.safe_dump(patch)}],
    }


def _rolled_out(cluster: Cluster, namespace: str, name: str) -> None:
    cluster.kubectl(
        "rollout", "status", f"deployment/{name}", f"--namespace={namespace}", f"--timeout={ROLLED_OUT}s",
        timeout=ROLLED_OUT + 30,
    )  # fmt: skip


def _known(cluster: Cluster) -> bool:
    found = cluster.kubectl("get", "crd", "modeldeployments.podium.dev", "--ignore-not-found", "--output=name")
    return bool(found.strip())


def _pods(cluster: Cluster) -> list[Any]:
    found: list[Any] = cluster.get("pods", f"--selector=podium.dev/deployment={NAME}")["items"]
    return found
