"""Waiting for news, for so long and no longer, on the operator's clock."""

import asyncio

from podium.ports import Clock


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


async def _heard(news: asyncio.Event) -> None:
    await news.wait()
