"""Retries behind Envoy Gateway: a policy of Podium's own, and those of others, which are left alone."""

from dataclasses import replace
from typing import Any

import pytest

from podium.adapters.kubernetes import names
from podium.adapters.routers.choice import Routers
from podium.api.v1alpha1.status import Pinned, Status
from podium.core.retry_state import RetryState
from podium.errors import NotFound, Rejected
from podium.ports import ModelDeployment
from tests.unit.adapters.api_in_memory import Objects
from tests.unit.adapters.churn import GATEWAY, PODS, ROUTE, churn

POLICIES = names.path(names.TRAFFIC_POLICIES, "ml")
POLICY = names.path(names.TRAFFIC_POLICIES, "ml", "churn")
SHOP = names.path(names.HTTP_ROUTES, "ml", "shop")
ADOPTED = {"httpRouteRef": {"name": "shop"}}
ENVOY = "gateway.envoyproxy.io/gatewayclass-controller"
TRIED = Status(challenger=Pinned(version="2", digest="sha256:22", slot="b"))


def tried(traffic: dict[str, Any] | None = None) -> ModelDeployment:
    return replace(churn(traffic or GATEWAY), status=TRIED)


def shop(*more: dict[str, Any], **parts: Any) -> dict[str, Any]:
    """A route of a person, with the rule of the model as the first one."""
    backends = [{"name": f"churn-{slot}", "port": 80, "weight": weight} for slot, weight in (("a", 100), ("b", 0))]
    spec = {"parentRefs": [{"name": "public"}], "rules": [{"backendRefs": backends, **parts}, *more]}
    metadata = {"name": "shop", "namespace": "ml", "uid": "theirs", "labels": {"team": "shop"}, "generation": 3}
    return {"metadata": metadata, "spec": spec, "status": {"parents": [{"parentRef": {"name": "public"}}]}}


def policy(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "theirs", "namespace": "ml", "uid": "theirs", "generation": 1}, "spec": spec}


def to_route(name: str, **parts: Any) -> dict[str, Any]:
    return {"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "name": name, **parts}


def taken_by(objects: Objects, controller: str = ENVOY, route: str = ROUTE) -> None:
    """A gateway has looked at the route."""
    objects.kept[route]["status"] = {"parents": [{"parentRef": {"name": "public"}, "controllerName": controller}]}


def says(objects: Objects, status: str, generation: int = 1) -> None:
    """What Envoy Gateway says of Podium's policy."""
    condition = {"type": "Accepted", "status": status, "reason": "Conflicted", "message": "in its words"}
    ancestor = {"conditions": [{**condition, "observedGeneration": generation}, {"type": "Merged", "status": "True"}]}
    objects.kept[POLICY]["status"] = {"ancestors": [ancestor]}


@pytest.fixture
async def routed(routers: Routers, objects: Objects) -> Routers:
    """With a route of Podium's own that Envoy Gateway has taken."""
    await routers.route(churn(GATEWAY), {"a": 100, "b": 0})
    taken_by(objects)
    return routers


async def retries(routers: Routers, md: ModelDeployment | None = None) -> RetryState | None:
    return (await routers.observe(md or tried(), PODS)).retries


async def test_the_policy_retries_broken_connections_and_says_nothing_else(routed: Routers, objects: Objects) -> None:
    await routed.add_retries(tried())
    spec = objects.kept[POLICY]["spec"]
    assert spec == {
        "targetRefs": [to_route("churn")],
        "mergeType": "StrategicMerge",
        "retry": {
            "numRetries": 5,
            "retryOn": {"triggers": ["connect-failure", "reset"]},
            "perRetry": {"backOff": {"baseInterval": "50ms", "maxInterval": "1s"}},
        },
    }
    assert objects.kept[POLICY]["metadata"]["ownerReferences"][0]["uid"] == "u1"


async def test_it_is_found_and_accepted_and_removed(routed: Routers, objects: Objects) -> None:
    name = "BackendTrafficPolicy ml/churn"
    assert await retries(routed) == RetryState(name)
    await routed.add_retries(tried())
    assert await retries(routed) == RetryState(name, there=True, up_to_date=True)
    says(objects, "True")
    assert await retries(routed) == RetryState(name, there=True, up_to_date=True, accepted=True)
    says(objects, "True", generation=0)  # of what it was before
    assert await retries(routed) == RetryState(name, there=True, up_to_date=True)
    await routed.remove_retries(tried())
    assert POLICY not in objects.kept
    await routed.remove_retries(tried())  # nothing is left to do


async def test_one_that_the_gateway_does_not_accept_is_told(routed: Routers, objects: Objects) -> None:
    await routed.add_retries(tried())
    says(objects, "False")
    found = await retries(routed)
    assert found is not None
    assert (found.accepted, found.refusal) == (False, "Conflicted: in its words")


async def test_a_hand_in_it_is_seen(routed: Routers, objects: Objects) -> None:
    await routed.add_retries(tried())
    objects.kept[POLICY]["spec"]["retry"]["numRetries"] = 50
    found = await retries(routed)
    assert found is not None
    assert (found.there, found.up_to_date) == (True, False)


@pytest.mark.parametrize("controller", ["example.com/gateway", ""])
async def test_other_gateways_have_none_that_podium_knows(routed: Routers, objects: Objects, controller: str) -> None:
    taken_by(objects, controller)
    assert await retries(routed) is None


async def test_where_policies_cannot_be_read_there_are_none(routed: Routers, objects: Objects) -> None:
    objects.unreadable.add(POLICIES)
    assert await retries(routed) is None
    objects.unreadable.clear()
    objects.kept[POLICIES] = {"items": []}  # a list that is refused
    objects.forbidden.add(POLICIES)
    assert await retries(routed) is None


async def test_a_refusal_is_told_until_it_is_taken(routed: Routers, objects: Objects) -> None:
    objects.refuses = "field not declared in schema"
    with pytest.raises(Rejected):
        await routed.add_retries(tried())
    found = await retries(routed)
    assert found is not None
    assert "not declared" in found.refusal
    objects.refuses = ""
    await routed.add_retries(tried())
    found = await retries(routed)
    assert found is not None
    assert found.refusal == ""


@pytest.mark.parametrize(
    "spec",
    [
        {"targetRefs": [to_route("churn")]},
        {"targetRef": to_route("churn", sectionName="model")},
        {"targetSelectors": [{"kind": "HTTPRoute", "matchLabels": {"app.kubernetes.io/managed-by": "podium"}}]},
        {"targetSelectors": [{"kind": "HTTPRoute", "matchExpressions": [{"key": "team", "operator": "Exists"}]}]},
    ],
)
async def test_a_policy_of_a_person_for_the_route_is_left_alone(
    routed: Routers, objects: Objects, spec: dict[str, Any]
) -> None:
    objects.kept[f"{POLICIES}/theirs"] = policy(**spec)
    found = await retries(routed)
    assert found is not None
    assert found.obstacle.startswith("BackendTrafficPolicy ml/theirs says how these requests are sent again")


@pytest.mark.parametrize(
    "spec",
    [
        {"targetRefs": [to_route("another")]},
        {"targetRefs": [{**to_route("churn"), "kind": "Gateway"}]},
        {"targetSelectors": [{"kind": "HTTPRoute", "matchLabels": {"team": "shop"}}]},
        {},
    ],
)
async def test_a_policy_for_something_else_is_in_no_ones_way(
    routed: Routers, objects: Objects, spec: dict[str, Any]
) -> None:
    objects.kept[f"{POLICIES}/theirs"] = policy(**spec)
    found = await retries(routed)
    assert found is not None
    assert found.obstacle == ""


INFRA = names.path(names.TRAFFIC_POLICIES, "infra")
WHOLE = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "public"}


def of_gateway(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "whole", "namespace": "infra", "uid": "theirs"}, "spec": spec}


@pytest.mark.parametrize(
    ("spec", "in_the_way"),
    [
        ({"targetRefs": [WHOLE], "retry": {"numRetries": 2}}, True),
        ({"targetRef": {**WHOLE, "sectionName": "https"}, "retry": {"numRetries": 2}}, True),
        ({"targetSelectors": [{"kind": "Gateway", "matchLabels": {"team": "infra"}}], "retry": {}}, False),
        (
            {"targetSelectors": [{"kind": "Gateway", "matchLabels": {"team": "infra"}}], "retry": {"numRetries": 1}},
            True,
        ),
        ({"targetRefs": [WHOLE], "timeout": {"http": {"requestTimeout": "7s"}}}, False),  # this is merged with
        ({"targetRefs": [{**WHOLE, "name": "internal"}], "retry": {"numRetries": 2}}, False),
        ({"targetRefs": [to_route("churn")], "retry": {"numRetries": 2}}, False),  # a route of its own namespace
    ],
)
async def test_of_the_gateways_policy_only_its_retry_is_in_the_way(
    routers: Routers, objects: Objects, spec: dict[str, Any], in_the_way: bool
) -> None:
    traffic = {"gateway": {"name": "public", "namespace": "infra", "hostnames": ["churn.test"]}}
    await routers.route(churn(traffic), {"a": 100, "b": 0})
    taken_by(objects)
    objects.kept[f"{INFRA}/whole"] = of_gateway(**spec)
    found = await retries(routers, tried(traffic))
    assert found is not None
    assert found.obstacle.startswith("BackendTrafficPolicy infra/whole says how") == in_the_way
    objects.unreadable.add(INFRA)  # a namespace in which the operator may read nothing
    found = await retries(routers, tried(traffic))
    assert found is not None
    assert found.obstacle == ""


async def test_a_policy_of_another_owner_under_its_name_is_neither_written_nor_removed(
    routed: Routers, objects: Objects
) -> None:
    objects.kept[POLICY] = theirs = policy(targetRefs=[to_route("another")])
    with pytest.raises(Rejected, match="does not belong to ModelDeployment churn"):
        await routed.add_retries(tried())
    await routed.remove_retries(tried())
    assert objects.kept[POLICY] is theirs


async def test_of_an_adopted_route_only_the_named_rule_is_targeted(routers: Routers, objects: Objects) -> None:
    objects.kept[SHOP] = shop({"name": "docs", "backendRefs": []}, name="model")
    taken_by(objects, route=SHOP)
    objects.kept[f"{POLICIES}/theirs"] = policy(targetRefs=[to_route("shop", sectionName="docs")])
    found = await retries(routers, tried(ADOPTED))
    assert found is not None
    assert found.obstacle == ""
    await routers.add_retries(tried(ADOPTED))
    assert objects.kept[POLICY]["spec"]["targetRefs"] == [to_route("shop", sectionName="model")]
    assert objects.kept[SHOP]["metadata"]["generation"] == 3


@pytest.mark.parametrize(
    ("route", "obstacle"),
    [
        (shop(), ""),
        (shop({"backendRefs": []}), "rule 0 of HTTPRoute ml/shop has no name"),
        (shop(name="model", retry={"attempts": 2}), "the field retry of rule 0 of HTTPRoute ml/shop says how"),
    ],
)
async def test_of_an_adopted_route_what_could_touch_more_than_the_rule_is_in_the_way(
    routers: Routers, objects: Objects, route: dict[str, Any], obstacle: str
) -> None:
    objects.kept[SHOP] = route
    taken_by(objects, route=SHOP)
    found = await retries(routers, tried(ADOPTED))
    assert found is not None
    assert found.obstacle.startswith(obstacle)
    assert bool(found.obstacle) == bool(obstacle)


async def test_at_rest_policies_are_read_once(routed: Routers, objects: Objects) -> None:
    rests = churn(GATEWAY)
    assert await retries(routed, rests) == RetryState("BackendTrafficPolicy ml/churn")
    objects.kept[f"{POLICIES}/theirs"] = policy(targetRefs=[to_route("churn")])
    assert await retries(routed, rests) == RetryState("BackendTrafficPolicy ml/churn")  # it was not read
    found = await retries(routed)  # in a trial, it is
    assert found is not None
    assert found.obstacle
    await routed.release(rests)
    found = await retries(routed, rests)
    assert found is not None
    assert found.obstacle


async def test_one_that_a_trial_left_behind_is_found_at_rest(routed: Routers, objects: Objects) -> None:
    await routed.add_retries(tried())
    found = await retries(routed, churn(GATEWAY))
    assert found is not None
    assert found.there


async def test_without_the_route_there_is_nothing_to_retry_for(routers: Routers) -> None:
    with pytest.raises(NotFound, match="is not there yet"):
        await routers.add_retries(tried())
    with pytest.raises(NotFound, match="shop"):
        await routers.add_retries(tried(ADOPTED))


async def test_a_service_sends_no_request_again(routers: Routers) -> None:
    assert await retries(routers, tried({"rollback": "Gradual"})) is None
    with pytest.raises(Rejected, match="a Service sends no request again"):
        await routers.add_retries(tried({"rollback": "Gradual"}))
    await routers.remove_retries(tried({"rollback": "Gradual"}))


async def test_a_policy_that_the_spec_asks_for_no_longer_goes_with_the_route(routed: Routers, objects: Objects) -> None:
    await routed.add_retries(tried())
    plain = churn(generation=2)
    assert (await routed.observe(plain, PODS)).in_sync is False
    await routed.route(plain, {"a": 100, "b": 0})
    assert POLICY not in objects.kept
