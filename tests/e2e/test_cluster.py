"""The cluster itself: what every other test on it takes for granted."""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from testbed.cluster import Cluster
from testbed.errors import CommandFailed
from testbed.kindconfig import NODE_PORTS
from testbed.waiting import wait_until

pytestmark = pytest.mark.cluster

PORT = NODE_PORTS[0]  # the last one is the gateway's
LABELS = {"app": "web"}
RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "runAsUser": 65532,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def web(image: str) -> str:
    """A pod that serves HTTP, and a Service in front of it."""
    container = {
        "name": "web",
        "image": image,
        "command": ["python3", "-m", "http.server", "8080", "--directory", "/etc"],
        "readinessProbe": {"httpGet": {"port": 8080, "path": "/hostname"}, "periodSeconds": 1},
        "securityContext": RESTRICTED,
    }
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "labels": LABELS},
        "spec": {"containers": [container], "terminationGracePeriodSeconds": 1},
    }
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "front"},
        "spec": {"selector": LABELS, "ports": [{"port": 80, "targetPort": 8080}]},
    }
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": [pod, service]})


@pytest.fixture
def served(cluster: Cluster, namespace: str) -> str:
    """A namespace in which `web` is ready."""
    image = cluster.backend.base_image()
    cluster.load(image)
    cluster.kubectl("apply", "--namespace", namespace, "--filename=-", input=web(image))
    cluster.kubectl("wait", "--namespace", namespace, "--for=condition=Ready", "pod/web", "--timeout=60s")
    return namespace


def in_pod(cluster: Cluster, namespace: str, code: str) -> str:
    return cluster.kubectl("exec", "--namespace", namespace, "web", "--", "python3", "-c", code).strip()


def test_up_after_up_changes_nothing(cluster: Cluster) -> None:
    before = cluster.get("nodes")["items"][0]["metadata"]["uid"]
    start = time.monotonic()
    cluster.up()
    assert time.monotonic() - start < 15
    assert cluster.get("nodes")["items"][0]["metadata"]["uid"] == before


def test_a_pod_finds_a_service_by_name_and_reaches_it(cluster: Cluster, served: str) -> None:
    code = "from urllib.request import urlopen; print(urlopen('http://front/hostname', timeout=5).status)"

    def answers() -> bool:
        with suppress(CommandFailed):  # kube-proxy follows within a second
            return in_pod(cluster, served, code) == "200"
        return False

    wait_until("the service answers", answers, 10)


def test_a_node_port_is_open_on_this_machine(cluster: Cluster, served: str) -> None:
    def answer() -> str | None:
        try:
            with urlopen(f"http://127.0.0.1:{PORT}/hostname", timeout=2) as response:
                return str(response.read().decode().strip())
        except OSError:
            return None

    ports = [{"port": 80, "targetPort": 8080, "nodePort": PORT}]
    patch = json.dumps({"spec": {"type": "NodePort", "ports": ports}})
    cluster.kubectl("patch", "service", "front", "--namespace", served, "--patch", patch)
    try:
        assert wait_until("the NodePort answers", answer, 10) == "web"
    finally:
        cluster.kubectl("delete", "service", "front", "--namespace", served)


def test_a_pod_reaches_a_server_of_this_machine(cluster: Cluster, served: str) -> None:
    address = cluster.host_address()
    with socket.create_server((address, 0)) as server:
        port = server.getsockname()[1]
        in_pod(cluster, served, f"import socket; socket.create_connection(({address!r}, {port}), 5)")


def test_an_image_that_a_node_has_is_not_sent_again(cluster: Cluster, served: str) -> None:
    del served
    start = time.monotonic()
    cluster.load(cluster.backend.base_image())
    assert time.monotonic() - start < 5


def test_every_write_is_in_the_audit_log_and_no_read(cluster: Cluster, namespace: str) -> None:
    since = datetime.now(UTC)
    cluster.kubectl("create", "configmap", "seen", "--namespace", namespace)
    cluster.kubectl("get", "configmap", "seen", "--namespace", namespace)
    cluster.kubectl("delete", "configmap", "seen", "--namespace", namespace)
    events = [each for each in cluster.audit_events(since) if (each.namespace, each.name) == (namespace, "seen")]
    assert [(event.verb, event.user) for event in events] == [
        ("create", "kubernetes-admin"),
        ("delete", "kubernetes-admin"),
    ]


def test_what_is_killed_on_a_node_is_started_again_by_the_node(cluster: Cluster, served: str) -> None:
    def restarts() -> int:
        statuses = cluster.get("pod", "web", f"--namespace={served}")["status"]["containerStatuses"]
        return int(statuses[0]["restartCount"])

    node = cluster.get("pod", "web", f"--namespace={served}")["spec"]["nodeName"]
    cluster.kill_on_node(node, "http.server 8080")
    wait_until("the pod was restarted", lambda: restarts() == 1, 30)


class Leftovers:
    """What one cluster has on this machine, by looking and not by asking the testbed."""

    def __init__(self, cluster: Cluster) -> None:
        engine = cluster.backend.engine
        self.env = {**os.environ, **engine.env}
        self.command = engine.command
        self.cluster = cluster
        self.identities: list[str] = []

    def listed(self, *words: str) -> list[str]:
        return subprocess.run(
            [self.command, *words], env=self.env, check=True, capture_output=True, text=True
        ).stdout.split()

    def look(self) -> None:
        """Remembers the containers, so that what is left of them can be found later."""
        self.identities = self.listed("ps", "--quiet", "--no-trunc", f"--filter=name={self.cluster.name}-")

    def processes(self) -> list[int]:
        """Those in the containers, and their monitors."""
        return [int(path.name) for path in Path("/proc").glob("[0-9]*") if self._is_of_cluster(path)]

    def _is_of_cluster(self, process: Path) -> bool:
        try:
            told = (process / "cgroup").read_text() + (process / "cmdline").read_text()
        except OSError:
            return False
        return any(identity in told for identity in self.identities)

    def all(self) -> dict[str, Any]:
        mounts = Path("/proc/self/mounts").read_text().splitlines()
        name = self.cluster.name
        return {
            "containers": self.listed("ps", "--all", "--quiet", f"--filter=name={name}-"),
            "networks": [each for each in self.listed("network", "ls", "--format={{.Name}}") if name in each],
            "volumes": [each for each in self.listed("volume", "ls", "--format={{.Labels}}") if name in each],
            "mounts": [line for line in mounts if any(identity in line for identity in self.identities)],
            "processes": self.processes(),
        }

    def kill(self) -> int:
        """`kill -9` of everything at once; returns how many there were."""
        found = self.processes()
        for pid in found:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        return len(found)


@pytest.fixture
def throwaway() -> Iterator[Cluster]:
    """A second cluster, so that nothing happens to the one that all tests share."""
    other = Cluster("throwaway")
    yield other
    other.down()


@pytest.mark.timeout(600)
def test_a_cluster_that_was_killed_comes_up_again_and_goes_down_without_a_trace(throwaway: Cluster) -> None:
    throwaway.up(workers=1)
    assert throwaway.nodes() == ["throwaway-control-plane", "throwaway-worker"]
    leftovers = Leftovers(throwaway)
    leftovers.look()
    if throwaway.backend.name == "podman":
        assert leftovers.kill() > 10
        throwaway.up()
        assert throwaway.why_not_ready() is None
        assert leftovers.processes() == []
        leftovers.look()
    assert len(leftovers.identities) == 2
    throwaway.down()
    assert leftovers.all() == {"containers": [], "networks": [], "volumes": [], "mounts": [], "processes": []}
