"""Listen for gRPC beside HTTP, from before the model is loaded until the last answer is out."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator
from http import HTTPStatus

from podium.runtime.grpc.calls import Call, Method, is_grpc
from podium.runtime.grpc.methods import Methods
from podium.runtime.grpc.status import Code, refusal
from podium.runtime.http.app import App
from podium.runtime.http.ports import BACKLOG, bound
from podium.runtime.http.shared import Shared
from podium.runtime.http2.connection import Connection
from podium.runtime.http2.headers import Head
from podium.runtime.http2.stream import Stream
from podium.runtime.settings import Settings

log = logging.getLogger(__name__)


@contextlib.asynccontextmanager
async def listening(app: App, shared: Shared, settings: Settings) -> AsyncIterator[None]:
    """Answer calls while the block runs, and finish those that are owed at its end.

    Raises StartError: the port cannot be had.
    """
    assert settings.grpc_port is not None
    door = Door(app, shared)
    with bound(settings.host, settings.grpc_port, "PODIUM_GRPC_PORT", " for gRPC") as sock:
        host, port = sock.getsockname()[:2]
        accepting = await asyncio.get_running_loop().create_server(door.connection, sock=sock, backlog=BACKLOG)
        log.info("listening for gRPC on %s:%d", f"[{host}]" if ":" in host else host, port)
        try:
            yield
        finally:
            accepting.close()
            await door.finish(settings.request_seconds + settings.body_seconds)


class Door:
    """What begins connections and calls."""

    def __init__(self, app: App, shared: Shared) -> None:
        self._shared = shared
        self._methods = Methods(app)

    def connection(self) -> Connection:
        """Begin a connection."""
        return Connection(self._shared, self.opened)

    def opened(self, connection: Connection, stream: Stream, head: Head) -> Call:
        """Begin a call, or refuse what is none."""
        method = self._methods.find(head.path)
        call = Call(self._shared, connection, stream, head, method or _NONE)
        status = is_grpc(head)
        if status is not HTTPStatus.OK:
            call.lost()
            stream.send(last=refusal(status))
        elif method is None:
            call.end(Code.UNIMPLEMENTED, "no such method; expected one of inference.GRPCInferenceService")
        else:
            call.begin()
        return call

    async def finish(self, seconds: float) -> None:
        """Let every answer that is owed go out."""
        self._shared.draining = True
        until = time.monotonic() + seconds
        while (own := self._own()) and time.monotonic() < until:
            for connection in own:
                connection.close_if_idle()
            await asyncio.sleep(0.01)

    def _own(self) -> list[Connection]:
        return [each for each in self._shared.connections if isinstance(each, Connection)]


_NONE = Method(lambda call, _: call.end(Code.UNIMPLEMENTED, "no such method"))
