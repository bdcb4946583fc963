"""Look-ups of host names that tenants write, in threads of their own.

asyncio looks names up in its default executor, which has six threads on two CPUs and serves the whole operator. A name
whose servers are silent keeps a thread for half a minute and more, whatever the time limit of who asked for it. So
each tenant has a share of the threads, however many names it has that do not resolve.
"""

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from threading import Thread
from typing import Any, Final

from aiohttp.abc import AbstractResolver, ResolveResult

from podium.adapters.seats import OPERATOR, Limits, Seats

# Threads; each waits for the operating system and does nothing.
LIMITS: Final = Limits(whole=256, tenant=16, place=8, own=4)
_tenant: ContextVar[str] = ContextVar("the tenant that names the hosts", default=OPERATOR)
_NUMERIC: Final = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV


@contextmanager
def looking_up_for(tenant: str) -> Iterator[None]:
    """Within this block, names are looked up on the seats of this tenant."""
    token = _tenant.set(tenant)
    try:
        yield
    finally:
        _tenant.reset(token)


class NameLookups(AbstractResolver):
    """A resolver for aiohttp, which asks once for a name however many want it. For one event loop."""

    def __init__(self) -> None:
        self._seats = Seats(LIMITS)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return its addresses. Raises OSError where there are none."""
        look_up = partial(socket.getaddrinfo, host, port, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
        seat = self._seats.ask(_tenant.get(), host)
        free = partial(self._seats.give_back, seat)
        try:
            await seat.given
        except BaseException:
            free()
            raise
        found = await _in_a_thread(look_up, ended=free)
        return [
            ResolveResult(hostname=host, host=str(address[0]), port=port, family=kind, proto=protocol, flags=_NUMERIC)
            for kind, _, protocol, _, address in found
        ]

    async def close(self) -> None:
        """Nothing is kept. A thread that waits still holds up no end of the process."""


async def _in_a_thread(work: Callable[[], list[Any]], ended: Callable[[], None]) -> list[Any]:
    """What the work returns. It has `ended` once its thread has, not once no one waits for it."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[list[Any]] = loop.create_future()

    def tell(result: list[Any] | None, error: Exception | None) -> None:
        ended()
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
