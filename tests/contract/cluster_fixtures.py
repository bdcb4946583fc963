"""Fixtures of the suites for Cluster, Router, EvidenceSource and LeaseStore: one world of each kind."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from kubernetes.aio.client import Configuration
from kubernetes.aio.config import load_kube_config

from podium.adapters.kubernetes.api import Api
from testbed.cluster import Cluster
from tests.contract.cluster_worlds import ClusterWorld, FakeClusterWorld, RealClusterWorld
from tests.kubectl import Kubectl

KINDS = ["fake", pytest.param("real", marks=pytest.mark.cluster)]


@pytest.fixture(scope="session")
def stand_in(cluster: Cluster) -> str:
    """The image of the stand-in for the model server, on every node."""
    context = Path(__file__).parent / "stand_in"
    return cluster.build_and_load("podium-stand-in", context / "Containerfile", context)


async def connect(cluster: Cluster) -> Api:
    configuration = Configuration()
    await load_kube_config(config_file=str(cluster.kubeconfig), client_configuration=configuration)
    return Api(configuration)


@pytest.fixture(params=KINDS)
async def world(request: pytest.FixtureRequest) -> AsyncIterator[ClusterWorld]:
    if request.param == "fake":
        yield FakeClusterWorld()
        return
    kubectl: Kubectl = request.getfixturevalue("kubectl")
    image: str = request.getfixturevalue("stand_in")
    api = await connect(kubectl.cluster)
    real = RealClusterWorld(api, kubectl, image)
    yield real
    await real.let_go()
    await api.close()
