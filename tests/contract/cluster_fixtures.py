"""Fixtures of the suites for Cluster, Router, PodMetrics and LeaseStore: one world of each kind."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from kubernetes.aio.client import Configuration
from kubernetes.aio.config import load_kube_config

from podium.adapters.kubernetes.api import Api
from testbed.cluster import Cluster
from tests.contract.cluster_worlds import ClusterWorld, FakeClusterWorld, RealClusterWorld
from tests.kubectl import Kubectl
from tests.turns import Turns

KINDS = ["fake", pytest.param("real", marks=pytest.mark.cluster)]


@pytest.fixture(scope="session")
def fake_model_server(cluster: Cluster) -> str:
    """The image of the stand-in for the model server, on every node."""
    context = Path(__file__).parent / "fake_model_server"
    return cluster.build_and_load("podium-stand-in", context / "Containerfile", context)


@pytest.fixture(scope="module")
def no_operator(cluster: Cluster, turns: Turns) -> Iterator[None]:
    """The suites play the operator's part: one that runs already waits until they have ended."""
    with turns.alone(), _stopped(cluster):
        yield


@contextmanager
def _stopped(cluster: Cluster) -> Iterator[None]:
    operator = ("deployment/podium-operator", "--namespace=podium-system")
    found = cluster.kubectl("get", *operator, "--ignore-not-found", "--output=jsonpath={.spec.replicas}")
    if not int(found or 0):
        yield
        return
    cluster.kubectl("scale", *operator, "--replicas=0")
    pods = ("pods", "--selector=app.kubernetes.io/component=operator", "--namespace=podium-system")
    cluster.kubectl("wait", *pods, "--for=delete", "--timeout=60s")
    yield
    cluster.kubectl("scale", *operator, f"--replicas={found}")


async def connect(cluster: Cluster) -> Api:
    configuration = Configuration()
    await load_kube_config(config_file=str(cluster.kubeconfig), client_configuration=configuration)
    return Api(configuration)


@pytest.fixture(params=KINDS)
async def world(request: pytest.FixtureRequest) -> AsyncIterator[ClusterWorld]:
    if request.param == "fake":
        yield FakeClusterWorld()
        return
    request.getfixturevalue("no_operator")
    kubectl: Kubectl = request.getfixturevalue("kubectl")
    image: str = request.getfixturevalue("fake_model_server")
    api = await connect(kubectl.cluster)
    yield RealClusterWorld(api, kubectl, image)
    await api.close()
