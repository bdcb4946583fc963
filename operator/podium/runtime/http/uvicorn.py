"""uvicorn in front of the App, instead of our own HTTP."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator

import uvicorn

from podium.runtime.http.asgi import Asgi
from podium.runtime.http.shared import Shared
from podium.runtime.settings import Settings


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listens = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listens.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the life of the process: podium.runtime.http.server."""
        yield


@contextlib.asynccontextmanager
async def accepting(shared: Shared, sock: socket.socket, settings: Settings) -> AsyncIterator[None]:
    """Serve on this socket while the block runs, and let every answer that is owed go out at its end."""
    config = uvicorn.Config(
        Asgi(shared),
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        date_header=False,
        server_header=False,
        timeout_keep_alive=int(settings.idle_seconds),
        timeout_graceful_shutdown=int(settings.request_seconds + settings.body_seconds),
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[sock]))
    await server.listens.wait()
    try:
        yield
    finally:
        server.should_exit = True
        await serving
