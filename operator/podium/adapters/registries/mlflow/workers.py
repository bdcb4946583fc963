"""Threads for MLflow's blocking client: bounded in all, and bounded for each registry.

A thread that waits for a dead server cannot be stopped. So no registry gets more than its share of them, and a caller
never waits longer than it said it would.
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

    async def run(self, place: str, work: Callable[[], T], *, deadline: float | None = None, one_by_one: str = "") -> T:
        """Return what the work returns, or raise what it raises. Work of the same `one_by_one` waits for its like.

        Raises TimeoutError after `deadline` seconds, the wait for a free thread included. What has begun goes on.
        """
        async with asyncio.timeout(deadline):
            if not one_by_one:
                return await asyncio.wrap_future(await self._submit(place, work))
            turn = self._turns.setdefault(one_by_one, asyncio.Semaphore(1))
            await turn.acquire()
            try:
                future = await self._submit(place, work)
            except BaseException:
                turn.release()
                raise
            self._release_after(future, turn)
            return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Take no more work. What has begun goes on in its thread until it ends."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _submit(self, place: str, work: Callable[[], T]) -> "Future[T]":
        share = self._places.setdefault(place, asyncio.Semaphore(self._share))
        await share.acquire()
        future = self._pool.submit(work)
        self._release_after(future, share)
        return future

    @staticmethod
    def _release_after(future: "Future[T]", held: asyncio.Semaphore) -> None:
        """Once the thread is really free, not when the caller has given up."""
        loop = asyncio.get_running_loop()

        def leave(_: object) -> None:
            with suppress(RuntimeError):  # the loop is closed: no caller waits any more
                loop.call_soon_threadsafe(held.release)

        future.add_done_callback(leave)
