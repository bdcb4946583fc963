"""Threads and digests: nobody waits for a dead server or a big model."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from podium.adapters.registries.mlflow import digests
from podium.adapters.registries.mlflow.digests import Digests
from podium.adapters.registries.mlflow.workers import NoSeatError, Workers
from podium.adapters.seats import Limits
from podium.api.v1alpha1 import reasons
from podium.errors import Temporary


@pytest.fixture
def workers() -> Iterator[Workers]:
    made = Workers("test", Limits(whole=64, tenant=2, place=1, own=1))
    yield made
    made.close()


async def test_work_is_done_and_its_result_handed_back(workers: Workers) -> None:
    assert await workers.run("ours", "here", lambda: 7) == 7


async def test_a_caller_waits_no_longer_than_said_and_other_places_go_on(workers: Workers) -> None:
    release = threading.Event()
    try:
        with pytest.raises(TimeoutError):
            await workers.run("ours", "dead", release.wait, deadline=0.05)
        with pytest.raises(TimeoutError):  # its one thread is still taken
            await workers.run("ours", "dead", lambda: 1, deadline=0.05)
        assert await workers.run("ours", "alive", lambda: 2, deadline=5) == 2
    finally:
        release.set()
    assert await workers.run("ours", "dead", lambda: 3, deadline=5) == 3


async def test_a_queue_is_no_registry_that_does_not_answer(workers: Workers) -> None:
    """With 300 ModelDeployments, 137 were told that their registry did not answer: they had waited for a thread."""
    busy = threading.Event()
    many = (workers.run("ours", "here", lambda: busy.wait(0.05), deadline=1.5) for _ in range(40))
    assert len(await asyncio.gather(*many)) == 40, "all together take longer than one may"


async def test_a_tenant_with_many_dead_servers_keeps_none_of_another_and_hears_that_it_stands_in_a_queue(
    workers: Workers,
) -> None:
    release = threading.Event()
    try:
        for place in ("dead", "silent"):
            with pytest.raises(TimeoutError):
                await workers.run("theirs", place, release.wait, deadline=0.05)
        with pytest.raises(NoSeatError):
            await workers.run("theirs", "alive", lambda: 1, deadline=0.05)
        assert await workers.run("ours", "alive", lambda: 2, deadline=5) == 2
    finally:
        release.set()
    assert await workers.run("theirs", "alive", lambda: 3, deadline=5) == 3


async def test_a_digest_is_made_once() -> None:
    made = []

    async def make() -> str:
        made.append(1)
        return "sha256:1"

    known = Digests()
    assert [await known.of("key", "it", make) for _ in range(3)] == ["sha256:1"] * 3
    assert len(made) == 1


async def test_a_digest_in_the_making_is_told_and_found_later() -> None:
    known, ready = Digests(timeout=0), asyncio.Event()

    async def make() -> str:
        await ready.wait()
        return "sha256:1"

    with pytest.raises(Temporary, match="downloading") as caught:
        await known.of("key", "the artifacts", make)
    assert caught.value.reason == reasons.DIGEST_PENDING
    ready.set()
    known.timeout = 5
    assert await known.of("key", "the artifacts", make) == "sha256:1"


async def test_a_failure_is_told_once_and_then_tried_again() -> None:
    outcomes: list[Exception | str] = [OSError("the first time"), "sha256:1"]

    async def make() -> str:
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    known = Digests()
    with pytest.raises(OSError, match="the first time"):
        await known.of("key", "it", make)
    assert await known.of("key", "it", make) == "sha256:1"


async def test_only_so_many_digests_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digests, "MOST_KEPT", 2)
    made, known = [], Digests()

    async def make() -> str:
        made.append(1)
        return "sha256:1"

    for key in "abcab":
        await known.of(key, "it", make)
    assert len(made) == 5


async def test_who_waits_in_the_queue_of_another_tenant_is_no_one() -> None:
    known = Digests(timeout=0)

    async def never() -> str:
        await asyncio.Event().wait()
        return "never"

    async def made() -> str:
        return "sha256:1"

    with pytest.raises(Temporary):
        await known.of("key", "it", never, tenant="theirs")
    known.timeout = 5
    assert await known.of("key", "it", made, tenant="ours") == "sha256:1"
    assert await known.of("key", "it", never, tenant="theirs") == "sha256:1", "what is known is known to all"
    await known.close()


async def test_closing_waits_for_no_download() -> None:
    known = Digests(timeout=0)

    async def make() -> str:
        await asyncio.Event().wait()
        return "never"

    with pytest.raises(Temporary):
        await known.of("key", "it", make)
    await asyncio.wait_for(known.close(), 5)


async def test_an_old_digest_is_made_again_while_the_old_one_is_told() -> None:
    clock = [0.0]
    outcomes: list[Exception | str] = ["sha256:1", OSError("away"), "sha256:2"]
    known = Digests(now=lambda: clock[0])

    async def make() -> str:
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def told() -> str:
        await asyncio.sleep(0)
        return await known.of("key", "it", make)

    assert await told() == "sha256:1"
    clock[0] = digests.FRESH
    assert [await told(), await told()] == ["sha256:1"] * 2  # one failure
    assert len(outcomes) == 1
    clock[0] = 2 * digests.FRESH
    assert [await told(), await told()] == ["sha256:1", "sha256:2"]


async def test_a_pinned_version_is_told_by_its_pin_and_read_within_the_day() -> None:
    clock, made = [0.0], []
    outcomes: list[Exception | str] = [OSError("away"), "sha256:2"]
    known = Digests(now=lambda: clock[0], chance=lambda: 0.25)

    async def make() -> str:
        made.append(clock[0])
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def told(pin: str) -> str:
        found = await known.of("key", "it", make, pin)
        await asyncio.sleep(0)
        return found

    assert [await told("sha256:1") for _ in range(3)] == ["sha256:1"] * 3
    clock[0] = 0.74 * digests.FRESH
    assert await told("sha256:1") == "sha256:1"
    assert made == []
    clock[0] = 0.75 * digests.FRESH
    assert [await told("sha256:1") for _ in range(3)] == ["sha256:1"] * 3, "a failure changes nothing"
    clock[0] = 1.75 * digests.FRESH
    assert [await told("sha256:1") for _ in range(3)] == ["sha256:1", "sha256:2", "sha256:2"]
    assert made == [0.75 * digests.FRESH, 1.75 * digests.FRESH]


async def test_a_pin_is_believed_for_no_other_who_asks() -> None:
    """It comes from a status, which a tenant may be able to write."""

    async def make() -> str:
        return "sha256:true"

    known = Digests(chance=lambda: 0.5)
    assert await known.of("key", "it", make, "sha256:forged") == "sha256:forged"
    assert await known.of("key", "it", make) == "sha256:true"
    assert await known.of("key", "it", make, "sha256:forged") == "sha256:true", "and once it is known, not at all"


async def test_work_of_one_kind_is_done_one_by_one_though_its_caller_has_given_up() -> None:
    workers, release, done = Workers("test", Limits(whole=16, tenant=4, place=4, own=4)), threading.Event(), []

    def slow() -> None:
        release.wait(5)
        done.append("first")

    try:
        with pytest.raises(TimeoutError):
            await workers.run("ours", "here", slow, deadline=0.05, one_by_one="model")
        with pytest.raises(TimeoutError):
            await workers.run("ours", "here", lambda: done.append("never"), deadline=0.05, one_by_one="model")
        await workers.run("ours", "here", lambda: done.append("another"), deadline=5, one_by_one="other model")
        release.set()
        await workers.run("ours", "here", lambda: done.append("second"), deadline=5, one_by_one="model")
        assert done == ["another", "first", "second"]
    finally:
        release.set()
        workers.close()
