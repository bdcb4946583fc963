"""The life of the process: listen, load, serve, drain. The port answers `/healthz` from its first moment."""

import asyncio
import contextlib
import importlib
import logging
import signal
import socket
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from podium.runtime.app import App
from podium.runtime.exits import Exit, StartError
from podium.runtime.identity import Identity
from podium.runtime.settings import Settings

if TYPE_CHECKING:
    from podium.runtime.loading import Loaded

log = logging.getLogger(__name__)


class Connection(HttpToolsProtocol):
    """One client's connection. Answers that come before the application, to bytes that are no HTTP, name us too."""

    def send_400_response(self, msg: str) -> None:
        app: App = self.config.app  # type: ignore[assignment]  # uvicorn knows it as any ASGI application
        lines = [b"HTTP/1.1 400 Bad Request", b"content-type: text/plain; charset=utf-8", b"connection: close"]
        lines += [b"%s: %s" % header for header in app.headers]
        body = msg.encode()
        lines += [b"content-length: %d" % len(body), b"", body]
        self.transport.write(b"\r\n".join(lines))
        self.transport.close()


class Server(uvicorn.Server):
    """uvicorn, with its signal handling left to `run`, which drains first."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def run(settings: Settings, identity: Identity) -> None:
    """Serve until told to stop, and return when the last answer is out.

    Raises StartError: the port cannot be had, or the model cannot be served.
    """
    stop = _Stop()
    app = App(settings, identity)
    with listening(settings) as sock:
        server = Server(_config(app, settings))
        serving = asyncio.create_task(server.serve(sockets=[sock]))
        try:
            await _load_and_serve(app, settings, stop)
            await _drained(app, settings, stop)
        finally:
            server.should_exit = True
            await serving
    log.info("all answers are out; goodbye")


def _config(app: App, settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=Connection,
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=4096,
        timeout_keep_alive=75,  # longer than the 60 s of common load balancers, so that they are the ones to close
        timeout_graceful_shutdown=max(1, round(settings.request_seconds)),
    )


class _Stop:
    """SIGTERM and SIGINT: the first asks for a drain, the next for an end at once."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.insisted = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._on_signal, number)

    def _on_signal(self, number: int) -> None:
        log.info("received %s", signal.Signals(number).name)
        if self.asked.is_set() or number == signal.SIGINT:
            self.insisted.set()
        self.asked.set()


@contextlib.contextmanager
def listening(settings: Settings) -> Iterator[socket.socket]:
    """Bind the port; port 0 takes a free one, which the log names."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((settings.host, settings.port))
        except OSError as error:
            reason = f"{settings.host}:{settings.port} cannot be listened on: {error.strerror}"
            raise StartError(Exit.PORT_UNAVAILABLE, reason) from error
        log.info("listening on http://%s:%d", settings.host, sock.getsockname()[1])
        yield sock


async def _load_and_serve(app: App, settings: Settings, stop: _Stop) -> None:
    """Load in a thread of its own. A stop does not wait for it: nobody has been promised an answer yet."""
    loading = asyncio.create_task(_in_thread(settings))
    stopped = asyncio.create_task(stop.asked.wait())
    await asyncio.wait({loading, stopped}, return_when=asyncio.FIRST_COMPLETED)
    if not loading.done():
        stop.insisted.set()
        return
    stopped.cancel()
    loaded = loading.result()
    app.serve(loaded.identity, loaded.scorer)
    log.info(
        "ready: model %s version %s run %s digest %s",
        loaded.identity.model,
        loaded.identity.version,
        loaded.identity.run_id,
        loaded.identity.digest,
    )


async def _in_thread(settings: Settings) -> "Loaded":
    """A daemon thread, because asyncio's own would keep the process alive until a hanging download ends."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Any] = loop.create_future()

    def settle(result: "Loaded | None", error: BaseException | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)

    def work() -> None:
        try:
            loaded = importlib.import_module("podium.runtime.loading").load(settings)
        except BaseException as error:  # noqa: BLE001  handed on to whoever waits
            loop.call_soon_threadsafe(settle, None, error)
        else:
            loop.call_soon_threadsafe(settle, loaded, None)

    threading.Thread(target=work, name="loading", daemon=True).start()
    loaded: Loaded = await future
    return loaded


async def _drained(app: App, settings: Settings, stop: _Stop) -> None:
    """Wait for the stop, then go on answering while the routes to this pod are being taken down."""
    await stop.asked.wait()
    app.drain()
    if not stop.insisted.is_set():
        log.info("draining for %g s", settings.drain_seconds)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.insisted.wait(), settings.drain_seconds)
