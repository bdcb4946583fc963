"""What every store of the Lease does: the fake, and a real Lease."""

from collections.abc import AsyncIterator

import pytest

from podium.adapters.clock import RealClock
from podium.adapters.kubernetes.lease import KubernetesLease
from podium.errors import Conflict
from podium.ports import LeaseStore
from podium.testing import FakeLease
from tests.contract.cluster_fixtures import KINDS, connect
from tests.kubectl import Kubectl


@pytest.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest) -> AsyncIterator[LeaseStore]:
    if request.param == "fake":
        yield FakeLease()
        return
    kubectl: Kubectl = request.getfixturevalue("kubectl")
    api = await connect(kubectl.cluster)
    yield KubernetesLease(api, RealClock(), kubectl.namespace, "podium-operator")
    await api.close()


async def test_before_the_first_write_there_is_none(store: LeaseStore) -> None:
    assert await store.read() is None


async def test_what_was_written_is_read(store: LeaseStore) -> None:
    written = await store.write(None, "first", 8.0)
    assert (written.holder, written.seconds, written.transitions) == ("first", 8.0, 0)
    assert await store.read() == written


async def test_of_two_that_make_it_one_wins(store: LeaseStore) -> None:
    await store.write(None, "first", 8.0)
    with pytest.raises(Conflict):
        await store.write(None, "second", 8.0)


async def test_every_write_has_another_version_and_refuses_who_has_not_seen_it(store: LeaseStore) -> None:
    seen = await store.write(None, "first", 8.0)
    renewed = await store.write(seen, "first", 8.0)
    assert renewed.version != seen.version
    with pytest.raises(Conflict):
        await store.write(seen, "second", 8.0)
    assert await store.read() == renewed


async def test_a_released_lease_has_no_holder_and_the_next_one_counts_as_a_transition(store: LeaseStore) -> None:
    held = await store.write(None, "first", 8.0)
    released = await store.write(held, "", 1.0)
    assert released.holder == ""
    taken = await store.write(released, "second", 8.0)
    assert (taken.holder, taken.transitions) == ("second", 1)


async def test_each_shard_has_a_lease_of_its_own_and_all_are_seen_together(store: LeaseStore) -> None:
    assert await store.all() == {}
    written = {shard: await store.write(None, f"holder/{shard}", 8.0, shard) for shard in (0, 1, 10)}
    assert await store.all() == written
    assert [await store.read(shard) for shard in (0, 1, 2, 10)] == [written[0], written[1], None, written[10]]


async def test_who_asks_for_a_lease_leaves_it_to_its_holder_who_sees_that_at_the_next_renewal(
    store: LeaseStore,
) -> None:
    held = await store.write(None, "first", 8.0, 1)
    asked = await store.write(held, held.holder, held.seconds, 1, "second")
    assert (asked.holder, asked.wanted, asked.transitions) == ("first", "second", 0)
    with pytest.raises(Conflict):
        await store.write(held, "first", 8.0, 1)
    assert await store.read(1) == asked
    renewed = await store.write(asked, "first", 8.0, 1)
    assert renewed.wanted == ""
