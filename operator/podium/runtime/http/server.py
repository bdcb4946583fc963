"""The life of the process: listen, load, serve, drain. The port answers `/healthz` from its first moment."""

import asyncio
import contextlib
import importlib
import logging
import math
import resource
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from email.utils import formatdate
from typing import TYPE_CHECKING

from podium.runtime import collector
from podium.runtime.exits import Exit, StartError
from podium.runtime.http.app import App
from podium.runtime.http.client import CONNECTIONS
from podium.runtime.http.connection import Connection
from podium.runtime.http.ports import BACKLOG, listening
from podium.runtime.http.reload import reloading
from podium.runtime.http.shadow import SENDERS
from podium.runtime.http.shared import SPARE, Limits, Shared
from podium.runtime.http.threads import in_daemon_thread
from podium.runtime.http.watchdog import Watchdog
from podium.runtime.identity import Identity
from podium.runtime.settings import HttpServer, Settings
from podium.runtime.startup import StartupStep

if TYPE_CHECKING:
    from podium.runtime.loading.load import Loaded

log = logging.getLogger(__name__)

FILES = 64  # descriptors that are left to the model, the log and the registry
SWEEP_SECONDS = 0.5
QUIET_SECONDS = 1.0  # without an answer, until a drain may end
# For which a drain goes on while requests still come: on a node without CPU to spare, kube-proxy took 11 s to follow.
# The pod is killed 30 s after its drain time, and answers that are under way then have the rest of these.
LATE_SECONDS = 15.0


Door = Callable[[App, Shared, Settings], AbstractAsyncContextManager[None]]  # another port of the same App
Front = Callable[[Shared, socket.socket, Settings], AbstractAsyncContextManager[None]]  # HTTP on the serving port


def _raise(error: StartError) -> None:
    raise error


async def run(
    settings: Settings, identity: Identity, doors: Sequence[Door] = (), abort: Callable[[StartError], None] = _raise
) -> None:
    """Serve until told to stop, and return when the last answer is out.

    `abort` ends the process where a prediction holds up the event loop itself, so that nothing here is run any more.
    Raises StartError: the port cannot be had, or the model cannot be served, or does not return any more.
    """
    stop = _Stop()
    app = App(settings, identity)
    shared = Shared(app, _limits(settings), spare=app.spare)
    watchdog = Watchdog(app.stalled, lambda why: abort(StartError(Exit.STALLED, why)))
    front = _FRONTS[settings.http]()
    with listening(settings) as sock:
        sweeping = asyncio.create_task(_sweep(shared, app, stop, watchdog))
        watchdog.start()
        try:
            async with front(shared, sock, settings), contextlib.AsyncExitStack() as open_doors:
                for door in doors:
                    await open_doors.enter_async_context(door(app, shared, settings))
                loaded = await _load_and_serve(app, settings, stop)
                async with reloading(app, settings, loaded):
                    await stop.asked.wait()
                await _drain(app, shared, settings, stop)
        finally:
            sweeping.cancel()
            app.close()
    if stop.failure is not None:
        raise stop.failure
    log.info("all answers are out; goodbye")


@contextlib.asynccontextmanager
async def _own(shared: Shared, sock: socket.socket, settings: Settings) -> AsyncIterator[None]:
    accepting = await asyncio.get_running_loop().create_server(lambda: Connection(shared), sock=sock, backlog=BACKLOG)
    try:
        yield
    finally:
        accepting.close()
        await _finish(shared, settings)


def _uvicorn() -> Front:
    try:
        front: Front = importlib.import_module("podium.runtime.http.uvicorn").accepting
    except ModuleNotFoundError as error:
        reason = f"PODIUM_HTTP=uvicorn needs {error.name}, which is not installed: pip install 'podium[uvicorn]'"
        raise StartError(Exit.BAD_SETTINGS, reason) from error
    return front


_FRONTS: dict[HttpServer, Callable[[], Front]] = {HttpServer.PODIUM: lambda: _own, HttpServer.UVICORN: _uvicorn}


def _limits(settings: Settings) -> Limits:
    return Limits(
        body_bytes=settings.max_body_bytes,
        buffered_bytes=settings.max_buffered_bytes,
        arrive_seconds=settings.body_seconds,
        send_seconds=settings.send_seconds,
        idle_seconds=settings.idle_seconds,
        connections=settings.max_connections or _affordable(settings),
    )


def _affordable(settings: Settings) -> int:
    """Return how many connections leave descriptors for probes, for the model, and for what the other slot is asked."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    other = settings.other_slot
    sends = other is not None and other.host is not None
    kept = FILES + SPARE + (SENDERS if sends else 0) + (CONNECTIONS if other is not None and other.fallback else 0)
    return 2**31 if limit == resource.RLIM_INFINITY else max(limit - kept, SPARE)


class _Stop:
    """SIGTERM and SIGINT: the first asks for a drain, the next for an end at once."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.insisted = asyncio.Event()
        self.failure: StartError | None = None  # why the server ends without being asked
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._on_signal, number)

    def _on_signal(self, number: int) -> None:
        log.info("received %s", signal.Signals(number).name)
        if self.asked.is_set() or number == signal.SIGINT:
            self.insisted.set()
        self.asked.set()

    async def insisted_within(self, seconds: float) -> bool:
        """Return whether the end is to be at once; wait so long for that."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.insisted.wait(), seconds)
        return self.insisted.is_set()

    def give_up(self, failure: StartError, *, at_once: bool) -> None:
        """End without being asked: at once where nothing that waits is ever answered, and otherwise as by SIGTERM."""
        if not self.asked.is_set():
            self.failure = failure
            log.error("the server ends: %s", failure.reason)
        self.asked.set()
        if at_once:
            self.insisted.set()


async def _sweep(shared: Shared, app: App, stop: _Stop, watchdog: Watchdog) -> None:
    """Look after what no event brings up: the date, and what takes too long."""
    while True:
        shared.date = formatdate(usegmt=True).encode()
        now = time.monotonic()
        watchdog.hear(now)
        for connection in list(shared.connections):
            connection.close_if_overdue(now)
        app.expire(now)
        if stop.failure is None and (why := app.lost()) is not None:
            stop.give_up(StartError(Exit.PROCESS_LOST, why), at_once=not app.predicts)
        if not stop.insisted.is_set() and (why := app.stalled(now)) is not None:
            app.expire(math.inf)
            stop.give_up(StartError(Exit.STALLED, why), at_once=True)
        await asyncio.sleep(SWEEP_SECONDS)


async def _load_and_serve(app: App, settings: Settings, stop: _Stop) -> "Loaded | None":
    """Load in a thread of its own. A stop does not wait for it: no client has been promised an answer yet."""
    loading = asyncio.create_task(in_daemon_thread("loading", lambda: _load(settings, app.enter)))
    stopped = asyncio.create_task(stop.asked.wait())
    await asyncio.wait({loading, stopped}, return_when=asyncio.FIRST_COMPLETED)
    if not loading.done():
        stop.insisted.set()
        return None
    stopped.cancel()
    loaded = loading.result()
    app.serve(loaded)
    who = loaded.identity
    log.info("ready: model %s version %s run %s digest %s", who.model, who.version, who.run_id, who.digest)
    return loaded


def _load(settings: Settings, entered: Callable[[StartupStep], None]) -> "Loaded":
    """Imported here, off the event loop: MLflow takes seconds."""
    with collector.seldom():
        module = importlib.import_module("podium.runtime.loading.load")
        collector.keep_imports()
        loaded: Loaded = module.load(settings, entered)
        collector.keep()
    return loaded


async def _drain(app: App, shared: Shared, settings: Settings, stop: _Stop) -> None:
    """Go on answering while the routes to this pod are being taken down: until no request has come for a while."""
    app.drain()
    shared.draining = True
    if not stop.insisted.is_set():
        log.info("draining for %g s", settings.drain_seconds)
    quiet = min(QUIET_SECONDS, settings.drain_seconds)
    await stop.insisted_within(settings.drain_seconds - quiet)
    latest, answered = time.monotonic() + quiet + LATE_SECONDS, -1
    while answered != app.answered and time.monotonic() < latest:
        answered = app.answered
        if await stop.insisted_within(quiet):
            return


async def _finish(shared: Shared, settings: Settings) -> None:
    """Let every answer that is owed go out; the limits of time for each see to it that this ends."""
    shared.draining = shared.closing = True
    until = time.monotonic() + settings.request_seconds + settings.body_seconds
    while shared.connections and time.monotonic() < until:
        for connection in list(shared.connections):
            connection.close_if_idle()
        await asyncio.sleep(0.01)
