"""Pods that an older Podium made, without a revision of their template: which one that is now."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from podium.adapters.kubernetes.cluster import KubernetesCluster
from podium.adapters.kubernetes.pod_specs import Defaults
from podium.api.v1alpha1.spec.spec import Spec
from podium.api.v1alpha1.status import Pinned, PodTemplate
from podium.ports import ModelDeployment
from podium.testing import FakeClock
from tests.unit.adapters.api_in_memory import Objects, served
from tests.unit.adapters.test_kubernetes_scaling import seen

HOME, AWAY = "http://mlflow.ml", "http://mlflow.other"
RUNS = Pinned(registry=HOME, model="churn", version="1", digest="sha256:11", slot="a")
NOW = PodTemplate(revision="now", spec_hash="git")


@pytest.fixture
async def cluster() -> AsyncIterator[KubernetesCluster]:
    async with served(Objects()) as api:
        yield KubernetesCluster(api, FakeClock(), Defaults(image="x", registry_uri=HOME), "me")


def of(uri: str | None) -> ModelDeployment:
    spec = Spec.model_validate({"model": {"name": "churn", "version": "1"}, "registry": {"uri": uri}})
    return replace(seen(), spec=spec, template=NOW)


@pytest.mark.parametrize(("uri", "template"), [(None, NOW), (f"{HOME}/", NOW), (AWAY, None)])
async def test_it_is_todays_where_the_pods_are_as_they_would_be_made_and_load_from_the_same_address(
    cluster: KubernetesCluster, uri: str | None, template: PodTemplate | None
) -> None:
    await cluster.run_slot(of(None), RUNS, 1)
    runs = (await cluster.slots(of(uri)))["a"].runs
    assert runs is not None
    assert runs.template == template
