"""Which shard a namespace is in, what `/readyz` and the metrics say, and turns that several shards share."""

from datetime import UTC, datetime

import pytest

from podium.controller.metrics import Metrics
from podium.controller.shards import Balance, holder, number_of, shard_of
from podium.controller.share import Share
from podium.controller.turns_elsewhere import MINUTE, TurnsElsewhere
from podium.errors import Unavailable
from podium.testing import FakeClock, FakeCluster, FakeLease


def test_a_namespace_is_in_the_same_shard_in_each_process_and_release() -> None:
    assert [shard_of(name, 4) for name in ("ml", "team-0", "team-1", "team-4", "team-8")] == [0, 2, 0, 3, 1]
    assert shard_of("ml", 1) == 0


def test_namespaces_are_spread_over_all_shards() -> None:
    counts = [0] * 8
    for number in range(8000):
        counts[shard_of(f"team-{number}", 8)] += 1
    assert min(counts) > 850
    assert max(counts) < 1150


@pytest.mark.parametrize(("said", "number"), [("operator-1_ab/4", 4), ("operator-1_ab", 1), ("a/b", 1), ("", 1)])
def test_a_holder_says_its_number_of_shards(said: str, number: int) -> None:
    assert number_of(said) == number
    assert number_of(holder("operator-1_ab", 3)) == 3
    assert holder("operator-1_ab", 1) == "operator-1_ab"


async def test_shards_of_another_number_are_not_taken_while_one_of_them_is_held() -> None:
    lease, clock = FakeLease(), FakeClock()
    await lease.write(None, "old/3", 8.0, 2)
    balance = Balance(lease, clock, "new/5", 5)
    assert not await balance.may_take(0), "the first one waits for all"
    assert await balance.may_take(1), "the others for the first one alone"
    await lease.write(None, "old/3", 8.0, 0)
    clock.move(1)
    assert not await balance.may_take(1)
    clock.move(8.5)
    assert await balance.may_take(0), "whoever does not renew in time holds nothing"


async def test_what_is_held_is_given_up_once_the_first_shard_is_held_with_another_number() -> None:
    lease, clock = FakeLease(), FakeClock()
    balance = Balance(lease, clock, "old/3", 3, held={1, 2})
    held = await lease.write(None, "old/3", 8.0, 2)
    await balance._look()
    assert not balance.gives_up(2, held)
    await lease.write(None, "new/5", 8.0, 0)
    await balance._look()
    assert balance.gives_up(2, held)


async def test_a_shard_says_in_the_metrics_whether_it_is_held() -> None:
    metrics, told = Metrics(), []
    balance = Balance(FakeLease(), FakeClock(), "a/2", 2)
    share = Share(1, balance, metrics, lambda: told.append(set(balance.held)))
    assert 'podium_shard_held{shard="1"} 0.0' in metrics.render().decode()  # so that one that none holds is seen
    share.leads(True)
    assert 'podium_shard_held{shard="1"} 1.0' in metrics.render().decode()
    share.leads(False)
    assert 'podium_shard_held{shard="1"} 0.0' in metrics.render().decode()
    assert told == [{1}, set()]


@pytest.mark.parametrize(("second", "free"), [(0, False), (30, False), (65, False), (75, True), (115, False)])
async def test_turns_are_given_in_the_shards_own_minute_alone(second: int, free: bool) -> None:
    clock = FakeClock(datetime.fromtimestamp(1000 * 2 * MINUTE + second, UTC))
    turns = TurnsElsewhere(FakeCluster(clock), clock, 1, 2, lambda _: False)
    assert (await turns.taken() == 0) is free


async def test_where_the_others_cannot_be_listed_no_turn_is_given() -> None:
    clock = FakeClock(datetime.fromtimestamp(1000 * 2 * MINUTE + 30, UTC))
    cluster = FakeCluster(clock)
    cluster.failure = Unavailable("no answer")
    assert await TurnsElsewhere(cluster, clock, 0, 2, lambda _: False).taken() > 1000
