"""Waiting for news, or for work to end, for so long and no longer, on the operator's clock."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from podium.errors import Unavailable
from podium.ports import Clock

T = TypeVar("T")


async def news_or(clock: Clock, news: asyncio.Event, seconds: float | None) -> None:
    """Return when the event is set or the time is over, whichever comes first; None waits for the event alone."""
    waits: list[asyncio.Future[object]] = [asyncio.ensure_future(_heard(news))]
    if seconds is not None:
        waits.append(asyncio.ensure_future(clock.sleep(seconds)))
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()


async def within(clock: Clock, seconds: float, work: Awaitable[T], what: str) -> T:
    """The result of the work. Raises Unavailable where it has not ended by then; it is cancelled."""
    task, timer = asyncio.ensure_future(work), asyncio.ensure_future(clock.sleep(seconds))
    try:
        await asyncio.wait((task, timer), return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise Unavailable(f"{what} has not ended after {seconds:g} s, cancelled")
        return task.result()
    finally:
        timer.cancel()
        if not task.done():
            task.cancel()
            await asyncio.wait((task,))


async def _heard(news: asyncio.Event) -> None:
    await news.wait()
