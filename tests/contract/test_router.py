"""What every router does: the fake, and Services with real endpoints."""

import pytest

from podium.api import reasons
from podium.api.status import Pinned
from podium.core.facts import TrafficSeen
from podium.errors import Refused
from podium.testing.cluster import Behaviour
from tests.contract.cluster_fixtures import stand_in, world
from tests.contract.cluster_worlds import ClusterWorld

__all__ = ["stand_in", "world"]  # fixtures

ONE = Pinned(version="1", run_id="r1", digest="sha256:11", slot="a")
TWO = Pinned(version="2", run_id="r2", digest="sha256:22", slot="b")
FAST = Behaviour(ready_after=0.5)


async def traffic_of(world: ClusterWorld) -> TrafficSeen:
    seen = await world.cluster.get(world.key)
    assert seen is not None
    return await world.router.seen(seen, await world.cluster.slots(seen))


async def in_force(world: ClusterWorld, shares: dict[str, float]) -> TrafficSeen:
    """The traffic, once these shares are in force and nothing else is expected."""

    async def check() -> TrafficSeen | None:
        traffic = await traffic_of(world)
        return traffic if traffic.current and traffic.in_force == pytest.approx(shares) else None

    return await world.until(check)


async def test_before_the_first_route_there_is_none(world: ClusterWorld) -> None:
    await world.put("1")
    assert await traffic_of(world) == TrafficSeen()


async def test_traffic_goes_where_it_is_sent_in_the_share_that_pods_make(world: ClusterWorld) -> None:
    made = await world.put("1", v1=FAST, v2=FAST)
    await world.cluster.run_slot(made, ONE, 2)
    await world.cluster.run_slot(made, TWO, 1)
    await world.router.route(made, {"a": 100, "b": 0})
    assert (await in_force(world, {"a": 100.0, "b": 0.0})).asked == {"a": 100, "b": 0}
    await world.router.route(made, {"a": 70, "b": 30})
    assert (await in_force(world, {"a": 200 / 3, "b": 100 / 3})).asked == {"a": 70, "b": 30}
    await world.router.route(made, {"a": 0, "b": 100})
    await in_force(world, {"a": 0.0, "b": 100.0})


async def test_where_nobody_is_ready_no_share_is_in_force(world: ClusterWorld) -> None:
    made = await world.put("1")
    await world.router.route(made, {"a": 100, "b": 0})
    traffic = await traffic_of(world)
    assert (traffic.asked, traffic.in_force) == ({"a": 100, "b": 0}, {})


async def test_a_route_that_was_changed_by_hand_is_no_longer_what_was_asked_and_can_be_put_back(
    world: ClusterWorld,
) -> None:
    made = await world.put("1")
    await world.router.route(made, {"a": 100, "b": 0})
    await world.drift_route()
    traffic = await traffic_of(world)
    assert traffic.asked == {}
    assert not traffic.current
    await world.router.route(made, {"a": 100, "b": 0})
    assert (await traffic_of(world)).asked == {"a": 100, "b": 0}


async def test_a_service_of_somebody_else_is_left_alone(world: ClusterWorld) -> None:
    made = await world.put("1")
    await world.stranger("churn")
    with pytest.raises(Refused) as caught:
        await world.router.route(made, {"a": 100, "b": 0})
    assert caught.value.reason == reasons.NAME_TAKEN
    assert await traffic_of(world) == TrafficSeen()
