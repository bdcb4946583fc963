"""How many may connect, and how long a head may take: every user of the machine reaches the port of loopback.

Whoever holds connections open and asks nothing would keep others out, and at the limit of open files each accept would
fail. So there are fewer connections than files; one that has asked nothing for a while is closed, and where they are
too many, the one that has waited longest makes room for the next.
"""

import asyncio
import resource
from typing import Any, Final

from uvicorn.protocols.http.h11_impl import H11Protocol

BACKLOG: Final = 64  # connections that the kernel accepts before this process does
HEAD: Final = 10.0  # seconds that the head of a request may take
_MOST: Final = 700  # above the streams that there may be
_OTHER_FILES: Final = 64  # for the API server, the terminal and the code


def most_connections() -> int:
    """As many as the limit of open files leaves room for."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MOST if files == resource.RLIM_INFINITY else max(1, min(_MOST, files - _OTHER_FILES))


class Limited(H11Protocol):
    """A connection that has to ask something in time. Subclass it with other limits."""

    most: int = _MOST
    head: float = HEAD
    silent: dict["Limited", asyncio.TimerHandle]  # of a server: who has asked nothing yet, the longest first

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """As asyncio calls it."""
        super().connection_made(transport)
        if len(self.connections) > self.most:
            (next(iter(self.silent), self)).close()
        if not transport.is_closing():
            self._waits()

    def data_received(self, data: bytes) -> None:
        """As asyncio calls it."""
        super().data_received(data)
        asks = self.cycle is not None and not self.cycle.response_complete
        if asks:
            self._asked()
        elif self not in self.silent and not self.transport.is_closing():
            self._waits()

    def connection_lost(self, exc: Exception | None) -> None:
        """As asyncio calls it."""
        self._asked()
        super().connection_lost(exc)

    def close(self) -> None:
        """Close it at once: who has asked nothing gets no answer."""
        self._asked()
        self.transport.abort()

    def _waits(self) -> None:
        self.silent[self] = self.loop.call_later(self.head, self.close)

    def _asked(self) -> None:
        timer = self.silent.pop(self, None)
        if timer is not None:
            timer.cancel()


def limited(most: int | None = None, head: float = HEAD) -> type[Limited]:
    """The connections of one server."""
    limits: dict[str, Any] = {"most": most or most_connections(), "head": head, "silent": {}}
    return type("Connections", (Limited,), limits)
