import asyncio
from collections.abc import AsyncIterator

import pytest

from podium.controller.leader import Election, Times
from podium.errors import Unavailable
from podium.ports import LeaseState
from podium.testing import FakeClock, FakeLease

TIMES = Times()


class Wire:
    """A candidate's own way to the Lease, which can be cut, or lose answers."""

    def __init__(self, lease: FakeLease, clock: FakeClock) -> None:
        self._lease, self._clock = lease, clock
        self.cut = self.deaf = self.silent = False

    async def read(self) -> LeaseState | None:
        await self._travel()
        return await self._lease.read()

    async def write(self, held: LeaseState | None, holder: str, seconds: float) -> LeaseState:
        await self._travel()
        written = await self._lease.write(held, holder, seconds)
        if self.deaf:
            raise Unavailable("the answer was lost")
        return written

    async def _travel(self) -> None:
        if self.cut:
            raise Unavailable("no answer")
        if self.silent:
            await self._clock.sleep(1000)


class Candidate:
    """One operator process, and whether it is at work."""

    def __init__(self, name: str, lease: FakeLease, clock: FakeClock) -> None:
        self.wire = Wire(lease, clock)
        self.told: list[bool] = []
        self.working = False
        self._clock = clock
        self.election = Election(self.wire, clock, name, times=TIMES, told=self.told.append)
        self.task = asyncio.create_task(self.election.run(self._lead))

    async def _lead(self) -> None:
        self.working = True
        try:
            await self._clock.sleep(1_000_000)
        finally:
            self.working = False

    async def exit(self) -> None:
        """As on SIGTERM."""
        self.task.cancel()
        await asyncio.wait({self.task})

    def kill(self) -> None:
        """As on SIGKILL: nothing is released, and nothing more is written."""
        self.wire.cut = True
        self.working = False


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def lease() -> FakeLease:
    return FakeLease()


@pytest.fixture
async def pair(lease: FakeLease, clock: FakeClock) -> AsyncIterator[tuple[Candidate, Candidate]]:
    first = Candidate("first", lease, clock)
    await clock.advance(0.1)
    second = Candidate("second", lease, clock)
    await clock.advance(10)
    yield first, second
    await first.exit()
    await second.exit()


async def test_one_leads_and_the_other_stands_by_however_long(
    pair: tuple[Candidate, Candidate], clock: FakeClock
) -> None:
    first, second = pair
    await clock.advance(600)
    assert (first.working, second.working) == (True, False)
    assert (first.told, second.told) == ([True], [])


async def test_a_leader_that_was_frozen_knows_at_once_that_it_may_write_no_longer(
    pair: tuple[Candidate, Candidate], clock: FakeClock
) -> None:
    first, second = pair
    await clock.advance(10)
    assert (first.election.leads(), second.election.leads()) == (True, False)
    clock._elapsed += 60  # nothing of the process ran meanwhile
    assert not first.election.leads()


async def test_a_clean_exit_hands_over_within_a_second(pair: tuple[Candidate, Candidate], clock: FakeClock) -> None:
    first, second = pair
    await first.exit()
    assert not first.working
    await clock.advance(0.9)
    assert second.working


async def test_after_a_crash_the_other_leads_within_ten_seconds_and_not_before_the_claim_has_run_out(
    pair: tuple[Candidate, Candidate], clock: FakeClock
) -> None:
    first, second = pair
    first.kill()
    await clock.advance(5.9)  # the last renewal may be 2 s old
    assert not second.working
    await clock.advance(4.0)
    assert second.working


async def test_a_leader_that_cannot_renew_stops_before_another_may_begin(
    pair: tuple[Candidate, Candidate], clock: FakeClock
) -> None:
    first, second = pair
    first.wire.cut = True
    began = clock.monotonic()
    stopped = started = 0.0
    while not (stopped and started) and clock.monotonic() < began + 20:
        await clock.advance(0.1)
        stopped = stopped or (0.0 if first.working else clock.monotonic())
        started = started or (clock.monotonic() if second.working else 0.0)
        assert not (first.working and second.working)
    assert stopped - began <= TIMES.deadline
    assert started - stopped >= 2.0


async def test_a_write_that_never_returns_does_not_keep_a_leader_at_work(
    pair: tuple[Candidate, Candidate], clock: FakeClock
) -> None:
    first, second = pair
    first.wire.silent = True
    await clock.advance(TIMES.deadline + 0.1)
    assert not first.working
    await clock.advance(5)
    assert second.working


async def test_who_has_lost_the_lease_stands_by_again_and_may_lead_later(
    pair: tuple[Candidate, Candidate], clock: FakeClock
) -> None:
    first, second = pair
    first.wire.cut = True
    await clock.advance(12)
    first.wire.cut = False
    await clock.advance(5)
    assert (first.working, second.working) == (False, True)
    await second.exit()
    await clock.advance(1)
    assert first.working
    assert first.told == [True, False, True]


async def test_a_short_break_of_the_api_server_changes_nothing(
    pair: tuple[Candidate, Candidate], lease: FakeLease, clock: FakeClock
) -> None:
    first, second = pair
    lease.failure = Unavailable("the API server is starting anew")
    await clock.advance(2.5)
    lease.failure = None
    await clock.advance(20)
    assert (first.working, second.working, first.told) == (True, False, [True])


async def test_a_renewal_whose_answer_was_lost_is_recognised_as_ones_own(
    pair: tuple[Candidate, Candidate], clock: FakeClock
) -> None:
    first, second = pair
    first.wire.deaf = True
    await clock.advance(2.2)
    first.wire.deaf = False
    await clock.advance(20)
    assert (first.working, second.working, first.told) == (True, False, [True])


async def test_a_leader_whose_lease_was_taken_stops_at_its_next_renewal(
    pair: tuple[Candidate, Candidate], lease: FakeLease, clock: FakeClock
) -> None:
    first, _ = pair
    await lease.write(lease.found, "somebody else", 8.0)
    await clock.advance(TIMES.renew + 0.1)
    assert not first.working
    assert lease.found is not None
    assert lease.found.holder == "somebody else"


async def test_of_two_that_start_at_once_one_leads(lease: FakeLease, clock: FakeClock) -> None:
    candidates = [Candidate(name, lease, clock) for name in ("one", "two", "three")]
    await clock.advance(5)
    assert sum(candidate.working for candidate in candidates) == 1
    for candidate in candidates:
        await candidate.exit()


async def test_work_that_fails_gives_the_lease_back_and_is_begun_again(lease: FakeLease, clock: FakeClock) -> None:
    begun = []

    async def lead() -> None:
        begun.append(clock.monotonic())
        raise RuntimeError("a fault of ours")

    election = Election(lease, clock, "first", times=TIMES, told=lambda _: None)
    task = asyncio.create_task(election.run(lead))
    await clock.advance(5)
    assert len(begun) > 1
    task.cancel()
    await asyncio.wait({task})
    assert lease.found is not None
    assert lease.found.holder == ""
