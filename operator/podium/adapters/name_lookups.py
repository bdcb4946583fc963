"""Look-ups of host names that tenants write, in threads of their own.

asyncio looks names up in its default executor, which has six threads on two CPUs and serves the whole operator. A name
whose servers are silent keeps a thread for half a minute and more, whatever the time limit of who asked for it.
"""

import asyncio
import socket
from collections.abc import Callable
from functools import partial
from threading import Thread
from typing import Any, Final

from aiohttp.abc import AbstractResolver, ResolveResult

AT_ONCE: Final = 256  # threads; each waits for the operating system and does nothing
_NUMERIC: Final = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV


class NameLookups(AbstractResolver):
    """A resolver for aiohttp, which asks once for a name however many want it. For one event loop."""

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(AT_ONCE)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return its addresses. Raises OSError where there are none."""
        look_up = partial(socket.getaddrinfo, host, port, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
        async with self._places:
            found = await _in_a_thread(look_up)
        return [
            ResolveResult(hostname=host, host=str(address[0]), port=port, family=kind, proto=protocol, flags=_NUMERIC)
            for kind, _, protocol, _, address in found
        ]

    async def close(self) -> None:
        """Nothing is kept. A thread that waits still holds up no end of the process."""


async def _in_a_thread(work: Callable[[], list[Any]]) -> list[Any]:
    loop = asyncio.get_running_loop()
    done: asyncio.Future[list[Any]] = loop.create_future()

    def tell(result: list[Any] | None, error: Exception | None) -> None:
        if done.cancelled():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(result or [])

    def run() -> None:
        result, error = None, None
        try:
            result = work()
        except Exception as raised:  # noqa: BLE001  whoever waits for it is told
            error = raised
        if not loop.is_closed():
            loop.call_soon_threadsafe(tell, result, error)

    Thread(target=run, name="name look-up", daemon=True).start()
    return await done
