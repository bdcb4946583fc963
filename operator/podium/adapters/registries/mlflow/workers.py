"""Threads for MLflow's blocking client: bounded in all, and bounded for each registry.

A thread that waits for a dead server cannot be stopped. So no registry gets more than its share of them. A caller never
waits longer for an answer than it said it would, nor for a thread while none of the registry's own gets free: a
registry that answers others only has a queue.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


class Workers:
    """At most `size` threads; at most `share` of them for one place."""

    def __init__(self, name: str, *, size: int, share: int) -> None:
        self._pool = ThreadPoolExecutor(size, thread_name_prefix=name)
        self._share = share
        self._places: dict[str, asyncio.Semaphore] = {}
        self._turns: dict[str, asyncio.Semaphore] = {}
        self._freed: dict[str, int] = {}  # how many threads have got free again, by place

    async def run(self, place: str, work: Callable[[], T], *, deadline: float | None = None, one_by_one: str = "") -> T:
        """Return what the work returns, or raise what it raises. Work of the same `one_by_one` waits for its like.

        Raises TimeoutError where it has not ended after `deadline` seconds, and where none of the place's threads got
        free in as many. What has begun goes on.
        """
        if not one_by_one:
            return await self._within(deadline, await self._submit(place, work, deadline))
        turn = self._turns.setdefault(one_by_one, asyncio.Semaphore(1))
        async with asyncio.timeout(deadline):
            await turn.acquire()
        try:
            future = await self._submit(place, work, deadline)
        except BaseException:
            turn.release()
            raise
        self._release_after(future, turn.release)
        return await self._within(deadline, future)

    def close(self) -> None:
        """Take no more work. What has begun goes on in its thread until it ends."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _submit(self, place: str, work: Callable[[], T], deadline: float | None) -> "Future[T]":
        share = self._places.setdefault(place, asyncio.Semaphore(self._share))
        await self._seat(place, share, deadline)
        future = self._pool.submit(work)
        self._release_after(future, lambda: self._free(place, share))
        return future

    async def _seat(self, place: str, share: asyncio.Semaphore, deadline: float | None) -> None:
        """One of the place's threads. Raises TimeoutError where none gets free for so long."""
        freed = -1
        while freed != (freed := self._freed.get(place, 0)):
            with suppress(TimeoutError):
                async with asyncio.timeout(deadline):
                    await share.acquire()
                    return
        raise TimeoutError

    def _free(self, place: str, share: asyncio.Semaphore) -> None:
        self._freed[place] = self._freed.get(place, 0) + 1
        share.release()

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
