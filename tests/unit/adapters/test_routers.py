"""Which router a ModelDeployment has, and what becomes of what the one before left behind."""

from collections.abc import AsyncIterator

import pytest

from podium.adapters.kubernetes import names
from podium.adapters.kubernetes.api import Api
from podium.adapters.routers.choice import Routers
from podium.api.v1alpha1 import reasons
from podium.errors import NotFound, Rejected
from podium.ports import ModelDeployment
from podium.testing import FakeClock
from tests.unit.adapters.api_in_memory import Objects, served
from tests.unit.adapters.churn import GATEWAY, PODS, ROUTE, SERVICE, SLICES, churn


async def test_without_a_gateway_the_service_has_the_shares_and_follows_its_pods(routers: Routers) -> None:
    assert (await routers.observe(churn(), PODS)).desired == {}
    await routers.route(churn(), {"a": 100, "b": 0})
    traffic = await routers.observe(churn(), PODS)
    assert (traffic.desired, traffic.current, traffic.in_sync) == ({"a": 100, "b": 0}, {"a": 100.0}, True)


async def test_a_service_whose_selector_was_changed_counts_as_no_route(routers: Routers, objects: Objects) -> None:
    await routers.route(churn(), {"a": 100, "b": 0})
    objects.kept[SERVICE]["spec"]["selector"]["podium.dev/slot"] = "b"
    assert (await routers.observe(churn(), PODS)).desired == {}


async def test_where_endpoints_cannot_be_read_the_current_share_is_unknown(routers: Routers, objects: Objects) -> None:
    await routers.route(churn(), {"a": 100, "b": 0})
    del objects.kept[SLICES]
    objects.unreadable.add(SLICES)
    traffic = await routers.observe(churn(), PODS)
    assert (traffic.desired, traffic.current, traffic.in_sync) == ({"a": 100, "b": 0}, {}, False)


async def test_with_a_gateway_a_route_is_written_and_waits_for_it(routers: Routers, objects: Objects) -> None:
    await routers.route(churn(GATEWAY), {"a": 95, "b": 5})
    backends = objects.kept[ROUTE]["spec"]["rules"][-1]["backendRefs"]
    assert [(one["name"], one["weight"]) for one in backends] == [("churn-a", 95), ("churn-b", 5)]
    assert names.path(names.SERVICES, "ml", "churn-b") in objects.kept
    traffic = await routers.observe(churn(GATEWAY), PODS)
    assert (traffic.settling, traffic.current) == (True, {})
    assert traffic.problem is not None
    assert traffic.problem.reason == reasons.IN_PROGRESS


async def test_a_cluster_without_the_gateway_api_is_told(routers: Routers, objects: Objects) -> None:
    del objects.kept[names.GATEWAY_API]
    problem = (await routers.observe(churn(GATEWAY), PODS)).problem
    assert problem is not None
    assert problem.reason == reasons.NO_GATEWAY_API


async def test_a_route_that_the_spec_asks_for_no_longer_is_deleted(routers: Routers, objects: Objects) -> None:
    await routers.route(churn(GATEWAY), {"a": 100, "b": 0})
    plain = churn(generation=2)
    assert (await routers.observe(plain, PODS)).in_sync is False  # requests still go by the route
    await routers.route(plain, {"a": 100, "b": 0})
    assert ROUTE not in objects.kept
    assert (await routers.observe(plain, PODS)).in_sync is True


async def test_a_route_of_another_owner_is_left_alone(routers: Routers, objects: Objects) -> None:
    theirs = {"metadata": {"name": "churn", "uid": "another"}, "spec": {}}
    objects.kept[ROUTE] = theirs
    await routers.route(churn(), {"a": 100, "b": 0})
    assert objects.kept[ROUTE] == theirs


async def test_a_rejected_write_is_told_until_one_is_accepted(routers: Routers, objects: Objects) -> None:
    objects.refuses = "exceeded quota"
    with pytest.raises(Rejected):
        await routers.route(churn(), {"a": 100, "b": 0})
    problem = (await routers.observe(churn(), PODS)).problem
    assert problem is not None
    assert (problem.reason, "exceeded quota" in problem.message) == (reasons.ROUTE_REJECTED, True)
    objects.refuses = ""
    await routers.route(churn(), {"a": 100, "b": 0})
    assert (await routers.observe(churn(), PODS)).problem is None


async def test_an_unreadable_spec_routes_nothing(routers: Routers) -> None:
    unreadable = churn()
    unreadable = ModelDeployment(**{**vars(unreadable), "spec": None, "flaw": "spec.steps: unknown"})
    with pytest.raises(NotFound, match="unknown"):
        await routers.route(unreadable, {"a": 100, "b": 0})


async def test_a_route_of_yours_that_is_missing_is_told(routers: Routers) -> None:
    adopted = churn({"httpRouteRef": {"name": "shop"}})
    problem = (await routers.observe(adopted, PODS)).problem
    assert problem is not None
    assert (problem.reason, "ml/shop" in problem.message) == (reasons.ROUTE_NOT_FOUND, True)
    await routers.release(adopted)  # a route that is gone holds nothing up


async def test_weights_of_a_route_of_yours_are_written_and_nothing_else_of_it(
    api_with_shop: tuple[Objects, Api],
) -> None:
    objects, api = api_with_shop
    routers = Routers(api, FakeClock())
    traffic = await routers.observe(churn({"httpRouteRef": {"name": "shop"}}), PODS)
    assert traffic.settling
    assert objects.kept[names.path(names.HTTP_ROUTES, "ml", "shop")]["metadata"]["generation"] == 3


@pytest.fixture
async def api_with_shop(objects: Objects) -> AsyncIterator[tuple[Objects, Api]]:
    backends = [{"name": f"churn-{slot}", "port": 80, "weight": weight} for slot, weight in (("a", 100), ("b", 0))]
    objects.kept[names.path(names.HTTP_ROUTES, "ml", "shop")] = {
        "metadata": {"name": "shop", "namespace": "ml", "uid": "theirs", "generation": 3},
        "spec": {"parentRefs": [{"name": "public"}], "rules": [{"backendRefs": backends}]},
    }
    async with served(objects) as api:
        yield objects, api
