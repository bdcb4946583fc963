"""What every router does: the fake, and the real ones with real endpoints and a real gateway."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.evidence import Slot
from podium.api.v1alpha1.status import Pinned, Status
from podium.core.actions import NO_OVERRIDES, RouteOverrides, TrialAffinity
from podium.core.facts import TrafficState
from podium.core.retry_state import RetryState
from podium.errors import Conflict, Rejected
from podium.testing import Behaviour
from testbed import gateway
from tests.contract.cluster_fixtures import world
from tests.contract.cluster_worlds import ClusterWorld, RealClusterWorld

__all__ = ["world"]  # a fixture

ONE = Pinned(version="1", digest="sha256:11", slot="a")
TWO = Pinned(version="2", digest="sha256:22", slot="b")
FAST = Behaviour(ready_after=0.5)
ALL_A: dict[Slot, int] = {"a": 100, "b": 0}


@pytest.fixture(params=["replicas", "gateway", "route"])
async def routed(world: ClusterWorld, request: pytest.FixtureRequest) -> ClusterWorld:
    """A world for each way of sharing the traffic."""
    if request.param != "replicas" and isinstance(world, RealClusterWorld):
        gateway.install(request.getfixturevalue("cluster"))
    if request.param == "gateway":
        hosts = [f"churn.{world.key.namespace}.test"]
        world.traffic = {"gateway": {"name": gateway.NAME, "namespace": gateway.NAMESPACE, "hostnames": hosts}}
    if request.param == "route":
        await world.adopt()
    return world


def shares(world: ClusterWorld, exact: dict[str, float], by_pods: dict[str, float]) -> dict[str, float]:
    return exact if world.traffic else by_pods


async def traffic_of(world: ClusterWorld) -> TrafficState:
    seen = await world.cluster.get(world.key)
    assert seen is not None
    return await world.router.observe(seen, await world.cluster.slots(seen))


async def in_force(world: ClusterWorld, shares: dict[str, float]) -> TrafficState:
    """The traffic, once these shares are in force and nothing else is expected."""

    async def check() -> TrafficState | None:
        traffic = await traffic_of(world)
        return traffic if traffic.in_sync and traffic.current == pytest.approx(shares) else None

    return await world.until(check)


async def test_before_the_first_route_nothing_is_asked(routed: ClusterWorld) -> None:
    await routed.put("1")
    traffic = await traffic_of(routed)
    assert (traffic.desired, traffic.in_sync) == ({}, False)


async def test_traffic_goes_where_it_is_sent_in_the_share_that_can_be_given(routed: ClusterWorld) -> None:
    made = await routed.put("1", v1=FAST, v2=FAST)
    await routed.cluster.run_slot(made, ONE, 2)
    await routed.cluster.run_slot(made, TWO, 1)
    await routed.router.route(made, ALL_A)
    assert (await in_force(routed, {"a": 100.0, "b": 0.0})).desired == ALL_A
    await routed.router.route(made, {"a": 70, "b": 30})
    expected = shares(routed, exact={"a": 70, "b": 30}, by_pods={"a": 200 / 3, "b": 100 / 3})
    traffic = await in_force(routed, expected)
    assert traffic.desired == {"a": 70, "b": 30}
    assert traffic.may_reach("b")
    await routed.router.route(made, {"a": 0, "b": 100})
    old = await routed.router.observe(made, await routed.cluster.slots(made))
    await routed.router.route(made, {"a": 20, "b": 80}, revision=old.revision)
    with pytest.raises(Conflict):
        await routed.router.route(made, ALL_A, revision=old.revision)
    await routed.router.route(made, {"a": 0, "b": 100})
    assert not (await in_force(routed, {"a": 0.0, "b": 100.0})).may_reach("a")


async def test_what_is_asked_already_is_not_written_again(routed: ClusterWorld) -> None:
    made = await routed.put("1")
    await routed.router.route(made, ALL_A)
    before = await routed.route_writes()
    await routed.router.route(made, ALL_A)
    assert await routed.route_writes() == before


async def test_where_nobody_is_ready_something_is_asked_all_the_same(routed: ClusterWorld) -> None:
    made = await routed.put("1")
    await routed.router.route(made, ALL_A)
    assert (await traffic_of(routed)).desired == ALL_A


async def test_where_nobody_is_ready_no_share_of_pods_is_in_force(world: ClusterWorld) -> None:
    made = await world.put("1")
    await world.router.route(made, ALL_A)
    assert (await traffic_of(world)).current == {}


async def test_a_route_that_was_changed_by_hand_is_no_longer_what_was_asked_and_can_be_put_back(
    routed: ClusterWorld,
) -> None:
    made = await routed.put("1")
    await routed.router.route(made, ALL_A)
    await routed.drift_route()
    traffic = await traffic_of(routed)
    assert traffic.desired == {}
    assert not traffic.in_sync
    await routed.router.route(made, ALL_A)
    assert (await traffic_of(routed)).desired == ALL_A


STAYS = TrialAffinity("3f9c1a2b", "b", (5, 30))


@pytest.mark.parametrize("routed", ["gateway"], indirect=True)
@pytest.mark.parametrize(
    ("weights", "overrides"),
    [(ALL_A, RouteOverrides(preview="b")), ({"a": 70, "b": 30}, RouteOverrides(preview="b", session_affinity=STAYS))],
)
async def test_requests_that_go_another_way_are_read_back_and_are_ended_with_one_write(
    routed: ClusterWorld, weights: dict[Slot, int], overrides: RouteOverrides
) -> None:
    world = routed
    overridden = {"preview": {"header": "x-podium-preview"}, "sessionAffinity": {"cookieName": "podium"}}
    world.traffic = {**world.traffic, **overridden}
    made = await world.put("1", v1=FAST, v2=FAST)
    await world.cluster.run_slot(made, ONE, 1)
    await world.cluster.run_slot(made, TWO, 1)
    await world.router.route(made, weights, overrides)
    traffic = await in_force(world, {slot: float(weight) for slot, weight in weights.items()})
    assert (traffic.desired, traffic.overrides) == (weights, overrides)
    assert traffic.may_reach("b")
    before = await world.route_writes()
    await world.router.route(made, weights, overrides)
    assert await world.route_writes() == before
    await world.drift_route()
    assert (await traffic_of(world)).desired == {}
    await world.router.route(made, ALL_A)
    traffic = await in_force(world, {"a": 100.0, "b": 0.0})
    assert (traffic.desired, traffic.overrides) == (ALL_A, NO_OVERRIDES)
    assert not traffic.may_reach("b")


TRIED = Status(challenger=TWO)  # at rest, a router need not look for what others wrote
BEHIND_A_GATEWAY = pytest.mark.parametrize("routed", ["gateway", "route"], indirect=True)


async def retries_of(world: ClusterWorld, holds: Callable[[RetryState], bool]) -> RetryState:
    """The gateway's retries, once this holds of them: a gateway has to look at the route before."""

    async def check() -> RetryState | None:
        seen = await world.cluster.get(world.key)
        assert seen is not None
        tried = replace(seen, status=TRIED)
        found = (await world.router.observe(tried, await world.cluster.slots(tried))).retries
        return found if found is not None and holds(found) else None

    return await world.until(check)


@BEHIND_A_GATEWAY
async def test_retries_are_asked_for_and_followed_and_taken_away_with_nothing_left(routed: ClusterWorld) -> None:
    made = await routed.put("1")
    await routed.router.route(made, ALL_A)
    before = await routed.route_writes()
    assert not (await retries_of(routed, lambda _: True)).there
    await routed.router.add_retries(made)
    found = await retries_of(routed, lambda state: state.accepted)
    assert (found.there, found.up_to_date, found.obstacle, found.refusal) == (True, True, "", "")
    await routed.router.add_retries(made)
    await routed.router.remove_retries(made)
    assert not (await retries_of(routed, lambda _: True)).there
    await routed.router.remove_retries(made)
    assert await routed.route_writes() == before


@BEHIND_A_GATEWAY
async def test_a_policy_of_a_person_for_the_route_is_named(routed: ClusterWorld) -> None:
    made = await routed.put("1")
    await routed.router.route(made, ALL_A)
    await routed.person_policy()
    found = await retries_of(routed, lambda state: bool(state.obstacle))
    assert f"BackendTrafficPolicy {routed.key.namespace}/by-hand says how" in found.obstacle


@pytest.mark.parametrize("routed", ["replicas"], indirect=True)
async def test_a_service_has_no_retries(routed: ClusterWorld) -> None:
    made = await routed.put("1")
    await routed.router.route(made, ALL_A)
    assert (await traffic_of(routed)).retries is None
    with pytest.raises(Rejected, match="a Service sends no request again"):
        await routed.router.add_retries(made)


async def test_a_service_of_somebody_else_is_left_alone(routed: ClusterWorld) -> None:
    made = await routed.put("1")
    await routed.foreign_object("churn")
    with pytest.raises(Rejected) as caught:
        await routed.router.route(made, ALL_A)
    assert caught.value.reason == reasons.NAME_CONFLICT
    assert (await traffic_of(routed)).desired == {}


async def test_when_it_goes_what_stays_behind_is_left_alone_or_to_the_champion(routed: ClusterWorld) -> None:
    made = await routed.put("1")
    await routed.router.route(made, {"a": 50, "b": 50})
    await routed.router.release(made)
    assert (await traffic_of(routed)).desired == {"a": 50, "b": 50}  # there is no champion to whom it could be left
