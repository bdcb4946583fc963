"""What all tests share: the real cluster, and a namespace of one's own on it.

A test that takes one of these fixtures carries the marker `cluster`. It is skipped where no cluster is running, but
never in CI (CI=true), which starts one.

With two processes (`pytest -n 2`), one runs all that needs an operator, or stops one; the other runs what needs no
cluster, and then the tests of the cluster itself.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from testbed.cluster import Cluster
from testbed.errors import TestbedError
from tests.kubectl import Kubectl

# No operator is asked for anything here, nor disturbed.
OF_THE_CLUSTER_ITSELF = "tests/e2e/test_cluster.py"
CRD = Path(__file__).parent.parent / "crds" / "podium.dev_modeldeployments.yaml"


def uses_the_cluster(nodeid: str) -> bool:
    """Whether a test may use the cluster, as far as its name tells; a test that carries the marker always does."""
    return nodeid.startswith("tests/e2e/") or "[real" in nodeid or nodeid.endswith("-real]")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Refuse a test whose name does not tell that it uses the cluster."""
    if item.get_closest_marker("cluster") and not uses_the_cluster(item.nodeid):
        raise pytest.UsageError(f"{item.nodeid} uses the cluster: it belongs into tests/e2e, or is a kind named 'real'")


class ByPlace(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """What goes to one process as a whole."""

    def _split_scope(self, nodeid: str) -> str:
        if not uses_the_cluster(nodeid):
            return "machine"
        return OF_THE_CLUSTER_ITSELF if nodeid.startswith(OF_THE_CLUSTER_ITSELF) else "cluster"


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByPlace:
    return ByPlace(config, log)


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    """The cluster of `make cluster-up`. All tests share it."""
    shared = Cluster()
    if os.environ.get("CI") == "true":
        shared.up()
        return shared
    try:
        reason = shared.why_not_ready()
    except TestbedError as error:
        reason = str(error)
    if reason:
        pytest.skip(f"{reason}; do: make cluster-up")
    return shared


@pytest.fixture(scope="session")
def crd(cluster: Cluster) -> str:
    """The name of the CustomResourceDefinition, which is installed and served."""
    name = "modeldeployments.podium.dev"
    cluster.kubectl("apply", "--server-side", "--force-conflicts", f"--filename={CRD}")
    cluster.wait_for_crd(name)
    return name


@contextmanager
def a_namespace(cluster: Cluster) -> Iterator[str]:
    """A new namespace, where only pods with restricted security may run. It is removed afterwards."""
    name = f"test-{uuid4().hex[:8]}"
    cluster.kubectl("create", "namespace", name)
    cluster.kubectl("label", "namespace", name, "pod-security.kubernetes.io/enforce=restricted")
    yield name
    cluster.kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture
def namespace(cluster: Cluster, crd: str) -> Iterator[str]:
    """A namespace of the test's own."""
    with a_namespace(cluster) as name:
        yield name


@pytest.fixture
def kubectl(cluster: Cluster, namespace: str) -> Kubectl:
    """kubectl in the test's own namespace."""
    return Kubectl(cluster, namespace)
