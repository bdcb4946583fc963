"""The operator, and the page for many visitors, by Helm: what `charts/podium` installs where nothing is installed."""

import os
import subprocess
from collections.abc import Callable
from typing import Final

from demo import stage
from testbed.cluster import Cluster
from testbed.errors import CommandFailed
from testbed.helm import helm

RELEASE: Final = "podium"
NAMESPACE: Final = "podium-system"
CHART: Final = stage.ROOT / "charts/podium"
# What manifests/ make beside the CRDs, with which every ModelDeployment would go, and the namespace
OF_MANIFESTS: Final = ("rbac", "deployment", "service", "policy")


def install(cluster: Cluster, images: dict[str, str], say: Callable[[str], None]) -> None:
    """Install the release with this checkout's images, and wait until all of it is ready. Raises CommandFailed."""
    say("the operator and its page: by Helm, from charts/podium")
    remove_manifests(cluster)
    tags = {name: images[name].rpartition(":") for name in ("operator", "page")}
    values = {
        "image.repository": tags["operator"][0],
        "image.tag": tags["operator"][2],
        "runtimeImage": images["runtime"],
        "registry.uri": stage.MLFLOW_INSIDE,
        "settings.PODIUM_PROMETHEUS_URI": stage.PROMETHEUS_INSIDE,
        "page.enabled": "true",
        "page.image.repository": tags["page"][0],
        "page.image.tag": tags["page"][2],
        "page.origin": "http://localhost:8910",
    }
    settings = [f"--set={name}={value}" for name, value in values.items()]
    _run(
        cluster, "upgrade", "--install", RELEASE, str(CHART), "--create-namespace", "--wait", "--timeout=5m", *settings
    )


def uninstall(cluster: Cluster) -> None:
    """Remove the release; the CRDs stay, and so does what is of their kinds."""
    _run(cluster, "uninstall", RELEASE, "--ignore-not-found", "--wait")


def remove_manifests(cluster: Cluster) -> None:
    """Remove what manifests/ have installed: two operators by different hands are one too many."""
    if _installed(cluster):
        return
    files = [f"--filename={stage.ROOT / 'manifests' / name}.yaml" for name in OF_MANIFESTS]
    cluster.kubectl("delete", "--ignore-not-found", "--timeout=120s", *files, timeout=150)


def _installed(cluster: Cluster) -> bool:
    return bool(_run(cluster, "list", "--short", f"--filter=^{RELEASE}$").strip())


def _run(cluster: Cluster, *words: str) -> str:
    command = [str(helm()), *words, f"--namespace={NAMESPACE}"]
    done = subprocess.run(  # noqa: S603  our own words
        command, env=os.environ | cluster.env, capture_output=True, text=True, check=False, timeout=400
    )
    if done.returncode:
        raise CommandFailed(command, done.returncode, done.stdout + done.stderr)
    return done.stdout
