import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest

from podium.controller.metrics import Metrics
from podium.controller.queue import DEADLINE, Priority, Work, WorkQueue, backoff
from podium.core.facts import Key
from podium.errors import Unavailable
from podium.testing import FakeClock, settle

A, B, C = Key("ml", "a"), Key("ml", "b"), Key("ml", "c")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@asynccontextmanager
async def running(clock: FakeClock, work: Work, workers: int = 8) -> AsyncIterator[WorkQueue]:
    queue = WorkQueue(work, clock, Metrics(), workers=workers)
    task = asyncio.create_task(queue.run())
    await settle()
    try:
        yield queue
    finally:
        task.cancel()
        await asyncio.wait({task})


def logbook(clock: FakeClock, again: float | None = None) -> tuple[list[tuple[float, Key]], Work]:
    """What was worked on and when, and the work that writes it down."""
    lines: list[tuple[float, Key]] = []

    async def work(key: Key) -> float | None:
        lines.append((clock.monotonic(), key))
        return again

    return lines, work


async def test_a_key_that_is_added_often_is_worked_on_once(clock: FakeClock) -> None:
    lines, work = logbook(clock)
    async with running(clock, work) as queue:
        for _ in range(5):
            queue.add(A)
        await clock.advance(1)
    assert lines == [(0.0, A)]


async def test_of_two_moments_the_earlier_one_counts(clock: FakeClock) -> None:
    lines, work = logbook(clock)
    async with running(clock, work) as queue:
        queue.add(A, after=10)
        queue.add(A, after=2)
        queue.add(A, after=5)
        await clock.advance(20)
    assert lines == [(2.0, A)]


async def test_what_the_work_returns_is_when_the_next_look_comes(clock: FakeClock) -> None:
    lines, work = logbook(clock, again=3.0)
    async with running(clock, work) as queue:
        queue.add(A)
        await clock.advance(7)
    assert lines == [(0.0, A), (3.0, A), (6.0, A)]


async def test_news_brings_the_next_look_forward(clock: FakeClock) -> None:
    lines, work = logbook(clock, again=60.0)
    async with running(clock, work) as queue:
        queue.add(A)
        await clock.advance(5)
        queue.add(A)
        await clock.advance(5)
    assert lines == [(0.0, A), (5.0, A)]


async def test_keys_are_worked_on_in_the_order_of_their_moments(clock: FakeClock) -> None:
    lines, work = logbook(clock)
    async with running(clock, work, workers=1) as queue:
        queue.add(C, after=3)
        queue.add(A, after=1)
        queue.add(B, after=2)
        await clock.advance(5)
    assert [key for _, key in lines] == [A, B, C]


async def test_a_key_is_worked_on_by_one_worker_at_a_time_and_again_when_added_meanwhile(clock: FakeClock) -> None:
    most, now, count = 0, 0, 0

    async def work(_: Key) -> None:
        nonlocal most, now, count
        now, count = now + 1, count + 1
        most = max(most, now)
        await clock.sleep(2)
        now -= 1

    async with running(clock, work) as queue:
        queue.add(A)
        await clock.advance(1)
        queue.add(A)
        queue.add(A)
        await clock.advance(10)
    assert (most, count) == (1, 2)


async def test_different_keys_are_worked_on_at_the_same_time_up_to_the_limit(clock: FakeClock) -> None:
    began: list[tuple[float, Key]] = []

    async def work(key: Key) -> None:
        began.append((clock.monotonic(), key))
        await clock.sleep(2)

    async with running(clock, work, workers=2) as queue:
        for key in (A, B, C):
            queue.add(key)
        await clock.advance(10)
    assert began == [(0.0, A), (0.0, B), (2.0, C)]


@pytest.mark.parametrize(
    "failure",
    [
        pytest.param(lambda: Unavailable("no answer"), id="foreseen"),
        pytest.param(lambda: KeyError("x"), id="unforeseen"),
    ],
)
async def test_a_failure_is_tried_again_later_each_time_and_hinders_no_other_key(
    clock: FakeClock, failure: Callable[[], Exception]
) -> None:
    lines, log = logbook(clock)

    async def work(key: Key) -> None:
        await log(key)
        if key == A:
            raise failure()

    async with running(clock, work) as queue:
        queue.add(A)
        await clock.advance(0.75)
        queue.add(B)
        await clock.advance(0.1)
    assert [key for _, key in lines] == [A, A, A, A, B]
    assert [when for when, _ in lines] == pytest.approx([0, 0.1, 0.3, 0.7, 0.75])


async def test_success_forgets_the_failures_before_it(clock: FakeClock) -> None:
    lines, log = logbook(clock)
    failing = True

    async def work(key: Key) -> None:
        await log(key)
        if failing:
            raise Unavailable("no answer")

    async with running(clock, work) as queue:
        queue.add(A)
        await clock.advance(1)
        failing = False
        await clock.advance(10)
        failing = True
        lines.clear()
        queue.add(A)
        await clock.advance(0.15)
    assert [when for when, _ in lines] == [pytest.approx(11), pytest.approx(11.1)]


async def test_cancelling_ends_the_work_under_way_and_the_next_run_does_it_again(clock: FakeClock) -> None:
    began, ended = [], []

    async def work(key: Key) -> None:
        began.append(key)
        await clock.sleep(5)
        ended.append(key)

    queue = WorkQueue(work, clock, Metrics())
    for _ in range(2):
        task = asyncio.create_task(queue.run())
        if not began:
            queue.add(A)
            queue.add(B, after=1)
        await clock.advance(2)
        task.cancel()
        await asyncio.wait({task})
    assert began[:2] == [A, B]
    assert set(began[2:]) == {A, B}
    assert ended == []


async def test_keys_added_while_nobody_works_wait_for_the_next_run(clock: FakeClock) -> None:
    lines, work = logbook(clock)
    queue = WorkQueue(work, clock, Metrics())
    queue.add(A)
    await clock.advance(5)
    task = asyncio.create_task(queue.run())
    await clock.advance(1)
    task.cancel()
    await asyncio.wait({task})
    assert lines == [(5.0, A)]


def test_waits_double_up_to_a_limit() -> None:
    assert [backoff(count) for count in (1, 2, 3, 4, 8, 1000)] == [0.1, 0.2, 0.4, 0.8, 10.0, 10.0]


async def test_what_hangs_is_cancelled_at_the_deadline_and_tried_again(clock: FakeClock) -> None:
    began: list[float] = []

    async def work(_: Key) -> None:
        began.append(clock.monotonic())
        if len(began) == 1:
            await asyncio.Future()

    async with running(clock, work, workers=1) as queue:
        queue.add(A)
        await clock.advance(DEADLINE + 1)
    assert began == pytest.approx([0.0, DEADLINE + 0.1])


async def test_a_rollback_comes_before_a_trial_and_a_trial_before_what_rests(clock: FakeClock) -> None:
    lines, log = logbook(clock)
    ranks = {A: Priority.REST, B: Priority.TRIAL, C: Priority.ROLLBACK}
    queue = WorkQueue(log, clock, Metrics(), workers=1, priority=ranks.__getitem__)
    for key in ranks:
        queue.add(key)
    task = asyncio.create_task(queue.run())
    await clock.advance(1)
    task.cancel()
    await asyncio.wait({task})
    assert [key for _, key in lines] == [C, B, A]


async def test_news_of_what_rests_comes_before_what_is_looked_at_again_after_a_time(clock: FakeClock) -> None:
    """With 300 that rested, a commit waited for all that were due before it: 10 s and more."""
    lines, log = logbook(clock)
    queue = WorkQueue(log, clock, Metrics(), workers=1)
    queue.add(A, after=1)
    queue.add(B, after=1)
    clock.move(5)
    queue.add(C)
    queue.add(B)  # which was due already
    task = asyncio.create_task(queue.run())
    await clock.advance(1)
    task.cancel()
    await asyncio.wait({task})
    assert [key for _, key in lines] == [B, C, A]


@pytest.mark.parametrize("hangs", [Priority.REST, Priority.TRIAL])
async def test_calls_that_hang_leave_workers_for_what_is_more_urgent(clock: FakeClock, hangs: Priority) -> None:
    began: dict[Key, float] = {}

    async def work(key: Key) -> None:
        began[key] = clock.monotonic()
        if key != A:
            await asyncio.Future()

    queue = WorkQueue(work, clock, Metrics(), priority=lambda key: Priority.ROLLBACK if key == A else hangs)
    for number in range(8):
        queue.add(Key("ml", f"hangs-{number}"))
    task = asyncio.create_task(queue.run())
    await clock.advance(1)
    queue.add(A)
    await clock.advance(0)
    task.cancel()
    await asyncio.wait({task})
    assert len(began) == 9
    assert began[A] == 1.0


async def test_slow_work_of_one_namespace_keeps_no_worker_from_another(clock: FakeClock) -> None:
    """Fifty trials whose pods are silent took all workers: each other trial was looked at every quarter of a minute."""
    began: list[tuple[float, Key]] = []

    async def work(key: Key) -> float:
        began.append((clock.monotonic(), key))
        await clock.sleep(20.0 if key.namespace == "theirs" else 0.1)
        return 1.0

    async with running(clock, work, workers=4) as queue:
        for number in range(50):
            queue.add(Key("theirs", f"slow-{number}"))
        await clock.advance(1)
        for name in "abc":
            queue.add(Key("ours", name))
        await clock.advance(60)
    for name in "abc":
        at = [moment for moment, key in began if key == Key("ours", name)]
        assert max(later - earlier for earlier, later in pairwise(at)) < 1.5
    assert sum(moment == 0.0 for moment, _ in began) == 4


async def test_namespaces_have_their_turns(clock: FakeClock) -> None:
    done: list[str] = []

    async def work(key: Key) -> None:
        done.append(key.namespace)
        await clock.sleep(1)

    queue = WorkQueue(work, clock, Metrics(), workers=1)
    for number in range(100):
        queue.add(Key("many", str(number)))
    queue.add(Key("few", "a"))
    task = asyncio.create_task(queue.run())
    await clock.advance(5)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert "few" in done[:2]


async def test_what_the_api_server_sends_away_comes_back_when_it_said(clock: FakeClock) -> None:
    began: list[float] = []
    busy = Unavailable("429 too many requests")
    busy.retry_after = 4.0

    async def work(_: Key) -> None:
        began.append(clock.monotonic())
        if len(began) < 3:
            raise busy

    async with running(clock, work) as queue:
        queue.add(A)
        await clock.advance(30)
    assert began == [0.0, 4.0, 8.0]
