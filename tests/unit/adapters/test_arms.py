"""The arms of an experiment in the cluster: slots, Services and backends of their own."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from podium.adapters.kubernetes import names
from podium.adapters.kubernetes.cluster import KubernetesCluster
from podium.adapters.kubernetes.pod_specs import Defaults
from podium.adapters.routers.choice import Routers
from podium.api.v1alpha1.evidence import ARM_SLOTS, Slot
from podium.api.v1alpha1.status import Pinned, PodTemplate, Status
from podium.core.facts import PodState, SlotState
from podium.ports import ModelDeployment
from podium.testing import FakeClock
from tests.unit.adapters.api_in_memory import Objects, served
from tests.unit.adapters.churn import GATEWAY, PODS, ROUTE, SERVICE, churn

WEIGHTS: dict[Slot, int] = {"a": 0, "b": 80, "arm-1": 15, "arm-3": 5}
CHAMPION = Pinned(version="1", digest="sha256:11", slot="b")
ARM = Pinned(
    version="9", digest="sha256:99", slot="arm-3", trial_number=3, template=PodTemplate(revision="now", spec_hash="git")
)


def experimenting() -> ModelDeployment:
    return replace(churn(GATEWAY), status=Status(champion=CHAMPION))


@pytest.fixture
def objects() -> Objects:
    return Objects()


@pytest.fixture
async def routers(objects: Objects) -> AsyncIterator[Routers]:
    async with served(objects) as api:
        yield Routers(api, FakeClock())


@pytest.fixture
async def cluster(objects: Objects) -> AsyncIterator[KubernetesCluster]:
    async with served(objects) as api:
        yield KubernetesCluster(api, FakeClock(), Defaults(image="x", registry_uri="http://mlflow.ml"), "me")


async def test_each_arm_is_a_backend_of_the_route_by_a_service_of_its_own(routers: Routers, objects: Objects) -> None:
    await routers.route(experimenting(), WEIGHTS)
    backends = objects.kept[ROUTE]["spec"]["rules"][-1]["backendRefs"]
    assert {one["name"]: one["weight"] for one in backends} == {
        "churn-a": 0,
        "churn-b": 80,
        "churn-arm-1": 15,
        "churn-arm-3": 5,
    }
    service = objects.kept[names.path(names.SERVICES, "ml", "churn-arm-3")]
    assert service["spec"]["selector"]["podium.dev/slot"] == "arm-3"
    assert objects.kept[SERVICE]["spec"]["selector"]["podium.dev/slot"] == "b", "clients in the cluster: the champion"


async def test_weights_of_arms_are_read_back(routers: Routers) -> None:
    await routers.route(experimenting(), WEIGHTS)
    assert (await routers.observe(experimenting(), PODS)).desired == WEIGHTS


async def test_a_service_of_an_arm_that_was_changed_is_drift(routers: Routers, objects: Objects) -> None:
    await routers.route(experimenting(), WEIGHTS)
    objects.kept[names.path(names.SERVICES, "ml", "churn-arm-1")]["spec"]["selector"]["podium.dev/slot"] = "b"
    assert (await routers.observe(experimenting(), PODS)).desired == {}


async def test_pods_of_an_arm_are_told_apart_and_led_to_the_champion(
    cluster: KubernetesCluster, objects: Objects
) -> None:
    md = experimenting()
    await cluster.run_slot(md, ARM, 2)
    slots = await cluster.slots(md)
    assert set(slots) == {"a", "b", "arm-3"}
    assert slots["arm-3"].runs is not None
    assert (slots["arm-3"].runs.version, slots["arm-3"].runs.slot, slots["arm-3"].replicas) == ("9", "arm-3", 2)
    assert slots["arm-3"].up_to_date
    made = objects.kept[names.path(names.DEPLOYMENTS, "ml", "churn-arm-3")]
    assert "churn-b" in str(made["spec"]["template"]), "the champion answers what the arm fails"
    assert "churn-a" not in str(made["spec"]["template"]).replace("churn-arm-3", "")


async def test_an_arm_whose_deployment_is_gone_hinders_no_look(routers: Routers) -> None:
    await routers.route(experimenting(), WEIGHTS)
    pods: dict[Slot, SlotState] = {"b": SlotState(pods=(PodState("u-b", "churn-b-1", "1", ready=True),))}
    assert (await routers.observe(experimenting(), pods)).desired == WEIGHTS


def test_there_are_as_many_slots_as_a_spec_may_have_arms() -> None:
    assert len(ARM_SLOTS) == 8
