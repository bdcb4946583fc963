"""Work in a thread of its own that does not keep the process alive, awaited on the event loop."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


async def in_daemon_thread(name: str, work: Callable[[], T]) -> T:
    """Return what the work returns, and raise what it raises.

    A daemon thread, because asyncio's own would keep the process alive until a hanging download ends.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Any] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)

    def run() -> None:
        nonlocal work
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001  handed on to whoever waits
            loop.call_soon_threadsafe(settle, None, error)
        else:
            del work  # it may hold what is freed next, by whoever waits, and this thread ends a moment later only
            loop.call_soon_threadsafe(settle, result, None)

    threading.Thread(target=run, name=name, daemon=True).start()
    done: T = await future
    return done
