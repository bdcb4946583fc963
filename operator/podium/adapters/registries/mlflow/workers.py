"""Threads for MLflow's blocking client, bounded in all, for each tenant and for each registry.

A thread that waits for a dead server cannot be stopped. So no registry, and no tenant with however many of them, gets
more than its share of them. A caller never waits longer for an answer than it said it would. For a thread it waits as
long as the registry's own get free: a registry that answers others only has a queue.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Final, TypeVar

from podium.adapters.seats import Limits, Seat, Seats

T = TypeVar("T")
_OF_THE_OPERATOR: Final = 16  # threads beside those of tenants


class NoSeatError(Exception):
    """The tenant's other registries have all the threads that it may take: nothing was asked of this one."""


class Workers:
    """Threads, as many as the limits say."""

    def __init__(self, name: str, limits: Limits) -> None:
        self._pool = ThreadPoolExecutor(limits.whole + _OF_THE_OPERATOR, thread_name_prefix=name)
        self._seats = Seats(limits)
        self._turns: dict[str, asyncio.Semaphore] = {}
        self._freed: Counter[str] = Counter()  # how many threads have got free again, by place

    async def run(
        self, tenant: str, place: str, work: Callable[[], T], *, deadline: float | None = None, one_by_one: str = ""
    ) -> T:
        """Return what the work returns, or raise what it raises. Work of the same `one_by_one` waits for its like.

        Raises TimeoutError where it has not ended after `deadline` seconds, and where none of the place's threads got
        free in as many; NoSeatError where it is another place that keeps the tenant's threads. What has begun goes on.
        """
        if not one_by_one:
            return await self._within(deadline, await self._submit(tenant, place, work, deadline))
        turn = self._turns.setdefault(one_by_one, asyncio.Semaphore(1))
        async with asyncio.timeout(deadline):
            await turn.acquire()
        try:
            future = await self._submit(tenant, place, work, deadline)
        except BaseException:
            turn.release()
            raise
        self._release_after(future, turn.release)
        return await self._within(deadline, future)

    def close(self) -> None:
        """Take no more work. What has begun goes on in its thread until it ends."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _submit(self, tenant: str, place: str, work: Callable[[], T], deadline: float | None) -> "Future[T]":
        seat = self._seats.ask(tenant, place)
        try:
            await self._seated(seat, deadline)
            future = self._pool.submit(work)
        except BaseException:
            self._seats.give_back(seat)
            raise
        self._release_after(future, lambda: self._free(seat))
        return future

    async def _seated(self, seat: Seat, deadline: float | None) -> None:
        """Wait for one of the threads. Raises TimeoutError and NoSeatError as `run` says."""
        freed = -1
        while not seat.given.done():
            before, freed = freed, self._freed[seat.place]
            at_fault = self._seats.is_its_own_fault(seat.tenant, seat.place)
            if freed == before and at_fault:
                raise TimeoutError
            if before >= 0 and not at_fault:
                raise NoSeatError
            await asyncio.wait({seat.given}, timeout=deadline)

    def _free(self, seat: Seat) -> None:
        self._freed[seat.place] += 1
        self._seats.give_back(seat)

    @staticmethod
    async def _within(deadline: float | None, future: "Future[T]") -> T:
        async with asyncio.timeout(deadline):
            return await asyncio.wrap_future(future)

    @staticmethod
    def _release_after(future: "Future[T]", free: Callable[[], None]) -> None:
        """Once the thread is really free, not when the caller has given up."""
        loop = asyncio.get_running_loop()

        def leave(_: object) -> None:
            with suppress(RuntimeError):  # the loop is closed: no caller waits any more
                loop.call_soon_threadsafe(free)

        future.add_done_callback(leave)
