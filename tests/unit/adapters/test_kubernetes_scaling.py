"""Autoscaler, budgets and finalizer against an API server in memory: what suites on a cluster cannot bring about."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from podium.adapters.kubernetes import names
from podium.adapters.kubernetes.cluster import KubernetesCluster
from podium.adapters.kubernetes.pod_specs import Defaults
from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.spec.spec import Spec
from podium.api.v1alpha1.status import Status
from podium.core.facts import AutoscalerState, Key, SlotState
from podium.errors import Rejected
from podium.ports import ModelDeployment
from podium.testing import FakeClock
from tests.unit.adapters.api_in_memory import Objects, served

HPA = names.path(names.AUTOSCALERS, "ml", "churn")
MD = names.path(names.MODEL_DEPLOYMENTS, "ml", "churn")
SCALED = {"maxReplicas": 3, "metrics": [{"type": "Pods"}]}


@pytest.fixture
async def api_server() -> AsyncIterator[tuple[Objects, KubernetesCluster]]:
    objects = Objects()
    async with served(objects) as api:
        yield objects, KubernetesCluster(api, FakeClock(), Defaults(image="x", registry_uri="http://mlflow.test"), "me")


def seen(autoscaling: dict[str, Any] | None = None) -> ModelDeployment:
    serving = {"serving": {"autoscaling": autoscaling}} if autoscaling else {}
    return ModelDeployment(
        key=Key("ml", "churn"),
        uid="u1",
        generation=1,
        resource_version="7",
        created=datetime(2026, 1, 1, tzinfo=UTC),
        deleting=False,
        spec=Spec.model_validate({"model": {"name": "churn", "version": "1"}, **serving}),
        status=Status(),
    )


async def test_why_an_autoscaler_was_refused_is_known_until_it_is_taken(
    api_server: tuple[Objects, KubernetesCluster],
) -> None:
    objects, cluster = api_server
    objects.refuses = "spec.metrics[0].pods: Required value"
    with pytest.raises(Rejected):
        await cluster.run_autoscaler(seen(SCALED))
    found = await cluster.autoscaler(seen(SCALED))
    assert found.problem is not None
    assert found.problem.reason == reasons.AUTOSCALER_REJECTED
    assert "spec.metrics[0].pods: Required value" in found.problem.message
    assert await cluster.autoscaler(seen()) == AutoscalerState()  # no more wanted, no more a problem
    objects.refuses = ""
    await cluster.run_autoscaler(seen(SCALED))
    assert await cluster.autoscaler(seen(SCALED)) == AutoscalerState(there=True, up_to_date=True)


async def test_an_autoscaler_of_somebody_else_is_told_and_left_alone(
    api_server: tuple[Objects, KubernetesCluster],
) -> None:
    objects, cluster = api_server
    theirs = {"metadata": {"name": "churn", "uid": "another"}, "spec": {}}
    objects.kept[HPA] = theirs
    with pytest.raises(Rejected):
        await cluster.run_autoscaler(seen(SCALED))
    found = await cluster.autoscaler(seen(SCALED))
    assert found.problem is not None
    assert (found.there, found.problem.reason) == (False, reasons.NAME_CONFLICT)
    await cluster.stop_autoscaler(seen())
    assert objects.kept[HPA] == theirs


async def test_holding_and_letting_go_leaves_the_finalizers_of_others(
    api_server: tuple[Objects, KubernetesCluster],
) -> None:
    objects, cluster = api_server
    objects.kept[MD] = {"metadata": {"uid": "u1", "resourceVersion": "7", "finalizers": ["a/b"]}}
    for _ in range(2):
        await cluster.add_finalizer(seen())
        assert objects.kept[MD]["metadata"]["finalizers"] == ["a/b", names.FINALIZER]
    for _ in range(2):
        await cluster.remove_finalizer(seen())
        assert objects.kept[MD]["metadata"]["finalizers"] == ["a/b"]


async def test_one_that_came_after_it_under_its_name_is_left_alone(
    api_server: tuple[Objects, KubernetesCluster],
) -> None:
    objects, cluster = api_server
    objects.kept[MD] = {"metadata": {"uid": "another", "resourceVersion": "9", "finalizers": [names.FINALIZER]}}
    await cluster.remove_finalizer(seen())
    assert objects.kept[MD]["metadata"]["finalizers"] == [names.FINALIZER]


async def test_slots_are_seen_where_their_disruption_budgets_cannot_be(
    api_server: tuple[Objects, KubernetesCluster],
) -> None:
    objects, cluster = api_server
    for collection in (names.DEPLOYMENTS, names.SERVICES, names.PODS):
        objects.kept[names.path(collection, "ml")] = {"items": []}
    assert (await cluster.slots(seen()))["a"] == SlotState()
