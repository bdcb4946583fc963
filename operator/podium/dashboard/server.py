"""The page on a socket of loopback, and what is kept up to date beside it."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from podium.adapters.kubernetes.api import Api
from podium.dashboard.app import app
from podium.dashboard.connections import BACKLOG, limited
from podium.dashboard.kept import Kept
from podium.dashboard.pods import Pods
from podium.dashboard.shield import Door
from podium.dashboard.source import follow
from podium.dashboard.steering import Steering

LOOPBACK: Final = "127.0.0.1"  # and no other address: the page shows what the caller's kubeconfig can read
_LEAVE: Final = 5  # seconds for what is under way once it is ended; a stream takes one at the most


def listening(port: int) -> socket.socket:
    """A socket on loopback. Raises OSError where the port is taken."""
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((LOOPBACK, port))
    except OSError:
        found.close()
        raise
    return found


class Server(uvicorn.Server):
    """It lets viewers go before it waits for them."""

    def __init__(self, config: uvicorn.Config, close: Callable[[], None]) -> None:
        super().__init__(config)
        self._close = close

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn calls it once it is interrupted."""
        self._close()
        await super().shutdown(sockets)


def settings(pages: ASGIApp) -> uvicorn.Config:
    """How pages are served. The log of requests would show the token."""
    return uvicorn.Config(
        pages,
        log_level="error",  # what a stranger sends is no news
        access_log=False,
        http=limited(),
        backlog=BACKLOG,
        lifespan="off",
        server_header=False,
        ws="none",
        proxy_headers=False,
        timeout_graceful_shutdown=_LEAVE,
    )


async def serve(api: Api, path: str, at: socket.socket, say: Callable[[str], None], *, read_only: bool) -> None:
    """Serve until it is interrupted. Raises the errors of `podium.errors` where the collection cannot be read."""
    await api.list(path, most=1)
    kept, door = Kept(), Door(at.getsockname()[1])
    pages = app(kept, door, steering=None if read_only else Steering(api), pods=Pods(api))
    server, following = Server(settings(pages), kept.close), asyncio.create_task(follow(api, path, kept))

    def ended(_: object) -> None:
        server.should_exit = True  # rather than show for ever what was known last

    following.add_done_callback(ended)
    at.listen(BACKLOG)  # who opens the address at once is not refused
    say(door.address)
    try:
        await server.serve(sockets=[at])
    finally:
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following
