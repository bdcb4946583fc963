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

    async def run(self, place: str, work: Callable[[], T], *, deadline: float | None = None) -> T:
        """Return what the work returns, or raise what it raises.

        Raises TimeoutError after `deadline` seconds, the wait for a free thread included. What has begun goes on.
        """
        async with asyncio.timeout(deadline):
            return await asyncio.wrap_future(await self._submit(place, work))

    def close(self) -> None:
        """Take no more work. What has begun goes on in its thread until it ends."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _submit(self, place: str, work: Callable[[], T]) -> "Future[T]":
        share = self._places.setdefault(place, asyncio.Semaphore(self._share))
        await share.acquire()
        loop = asyncio.get_running_loop()

        def leave(_: object) -> None:
            with suppress(RuntimeError):  # the loop is closed: no caller waits for a share any more
                loop.call_soon_threadsafe(share.release)

        future = self._pool.submit(work)
        future.add_done_callback(leave)  # when the thread is really free, not when the caller has given up
        return future
