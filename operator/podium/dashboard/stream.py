"""Server-sent events: each viewer is sent the parts of the page that changed since the last time.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from functools import lru_cache
from typing import Final

from podium.dashboard.fragments import Page, difference
from podium.dashboard.kept import Kept

PAUSE: Final = 1.0  # seconds between two sendings: what changes together is sent together
TICK: Final = 20.0  # seconds without a change, after which times are drawn again, and a viewer who left is noticed
_RETRY: Final = 3000  # milliseconds until a browser connects again


async def events(
    kept: Kept, page: Callable[[], Page | None], *, pause: float = PAUSE, tick: float = TICK
) -> AsyncGenerator[str]:
    """The events for one viewer, until the page is gone or closed: first all parts, then what changed."""
    known: Page | None = None
    yield f"retry: {_RETRY}\n\n"
    with kept.changes() as changed:
        while not kept.closed and (now := page()) is not None:
            yield _event(known, now)
            known = now
            # All viewers wake together, and what was made for one of them is there for the others
            await asyncio.sleep(pause - asyncio.get_running_loop().time() % pause)
            with suppress(TimeoutError):
                async with asyncio.timeout(tick):
                    await changed.wait()
            changed.clear()


@lru_cache(maxsize=128)
def _event(known: Page | None, now: Page) -> str:
    found = difference(known, now)
    return f"event: page\ndata: {json.dumps(found)}\n\n" if found else ":\n\n"
