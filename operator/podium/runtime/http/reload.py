"""Reload in place: the version that a file names is loaded beside the one that serves, proved, and takes its place.

It is loaded by the code of a start, in the same order: digest, requirements, load, warm-up. Where a step fails, nothing
changes but what /metrics tells; a load that does not return is given up (`bounded_loads`). After the swap the former
version answers what it was asked; then it goes, and the hook is called. There are two models in memory at most: the
next reload waits until the former version has gone.
"""

import asyncio
import contextlib
import importlib
import logging
import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from podium.runtime import collector
from podium.runtime.exits import Exit, RestartNeeded, StartError
from podium.runtime.http.app import App
from podium.runtime.http.bounded_loads import WATCH_SECONDS, BoundedLoads
from podium.runtime.http.reload_hook import call_hook
from podium.runtime.http.reload_report import ReloadReport
from podium.runtime.http.serving import Serving
from podium.runtime.http.threads import in_daemon_thread
from podium.runtime.identity import Identity
from podium.runtime.loading.process import Members
from podium.runtime.model_file import Wanted, wanted_by
from podium.runtime.settings import Settings

if TYPE_CHECKING:
    from podium.runtime.loading.load import Loaded

log = logging.getLogger(__name__)

PART_SECONDS = 0.02  # between two looks at whether the former version owes an answer
RETRY_SECONDS = 5.0  # after a source was silent; doubled at each try
LONGEST_RETRY = 60.0
_SILENT = frozenset({Exit.NOT_FETCHED, Exit.NO_STORAGE})  # what may be otherwise at the next try


@contextlib.asynccontextmanager
async def reloading(app: App, settings: Settings, loaded: "Loaded | None") -> AsyncIterator[None]:
    """Follow the file of the settings, where there is one, while the block runs."""
    if settings.model_file is None or loaded is None:
        yield
        return
    watching = asyncio.create_task(Reloader(app, settings, loaded).run())
    try:
        yield
    finally:
        watching.cancel()


class Reloader:
    """Serves what the file names."""

    def __init__(self, app: App, settings: Settings, loaded: "Loaded") -> None:
        assert settings.model_file is not None
        self._app = app
        self._settings = settings
        self._file = settings.model_file
        self._loaded = loaded
        self._served = Wanted(settings.references[0], loaded.identity.digest)
        self._tried: Wanted | str | None = None  # what failed last
        self._retry_at, self._pause = 0.0, RETRY_SECONDS
        self._loads = BoundedLoads(settings.reload_seconds)
        self._report = app.reloads = ReloadReport(loaded.identity.digest, hook=settings.reload_hook is not None)

    async def run(self) -> None:
        """Look at the file again and again."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            try:
                await self.look(time.monotonic())
            except Exception:
                log.exception("a fault of the server itself, while it followed %s", self._file)

    async def look(self, now: float) -> None:
        """Do what the file says at this time of time.monotonic()."""
        try:
            wanted = wanted_by(self._file)
        except StartError as error:
            self._unreadable(error)
            return
        if wanted is None or wanted == self._served:
            self._tried = None
            self._report.served(self._served.digest)
        elif wanted != self._tried or now >= self._retry_at:
            await self._reload(wanted, now)

    def _unreadable(self, error: StartError) -> None:
        if self._tried != error.reason:
            self._fail("", error)
        self._tried = error.reason

    async def _reload(self, wanted: Wanted, now: float) -> None:
        log.info("reload: loading %s beside the version that serves", wanted.reference)
        self._follow(wanted)
        members = Members()
        try:
            loaded = await self._loads.result(
                lambda: self._load(wanted, members), lambda: self._follow(wanted), members.end
            )
        except Exception as error:  # noqa: BLE001  told by _fail
            self._pause = min(self._pause * 2, LONGEST_RETRY) if wanted == self._tried else RETRY_SECONDS
            self._tried, self._retry_at = wanted, now + self._pause if _is_silent(error) else float("inf")
            self._fail(wanted.digest, error)
            return
        self._tried = None
        if not self._still(wanted):
            log.info("reload: %s is not wanted any more", wanted.reference)
            await in_daemon_thread("let-go", loaded.let_go)
            return
        await self._swap(wanted, loaded)

    def _follow(self, wanted: Wanted) -> None:
        """Tell that it is being loaded, unless the file names what serves again."""
        if self._still(self._served):
            self._report.served(self._served.digest)
        else:
            self._report.loading(wanted.digest)

    def _load(self, wanted: Wanted, members: Members) -> "Loaded":
        loaded: Loaded = importlib.import_module("podium.runtime.loading.load").load(
            self._settings.naming(wanted), beside=self._loaded, members=members
        )
        return loaded

    def _still(self, wanted: Wanted) -> bool:
        try:
            return wanted_by(self._file) == wanted
        except StartError:  # told at the next look
            return False

    async def _swap(self, wanted: Wanted, loaded: "Loaded") -> None:
        who, was = loaded.identity, self._loaded.identity
        former = self._app.serve(loaded)
        assert former is not None
        self._served, self._loaded = wanted, loaded
        self._report.swapped(wanted.digest)
        log.info("reloaded: model %s version %s digest %s in place of version %s", *_names(who), was.version)
        await self._part_with(former)
        del former
        collector.keep_anew()  # frees it now, and not when Python next looks: its parts refer to each other
        if self._settings.reload_hook is not None:
            call_hook(self._settings.reload_hook, who, was, self._report.hook_called)

    async def _part_with(self, former: Serving) -> None:
        """Let it answer what it owes; a stream that broke off without a word holds nothing up."""
        until = time.monotonic() + self._settings.request_seconds + self._settings.send_seconds
        while former.queue.depth or (not former.idle and time.monotonic() < until):  # noqa: ASYNC110  seldom, and short
            await asyncio.sleep(PART_SECONDS)
        self._app.end(former)
        await in_daemon_thread("let-go", former.let_go)

    def _fail(self, digest: str, error: BaseException) -> None:
        reason = _reason(error)
        log.error("reload failed: %s: %s; the version that served goes on", reason, error, exc_info=_trace(error))
        self._report.failed(digest, reason)


def _names(who: Identity) -> tuple[str, str, str]:
    return who.model, who.version, who.digest


def _is_silent(error: BaseException) -> bool:
    return isinstance(error, OSError) or (isinstance(error, StartError) and error.exit_code in _SILENT)


def _reason(error: BaseException) -> str:
    """The word for it in metrics: that of the exit code with which a start would have ended."""
    if isinstance(error, RestartNeeded):
        return "restart_needed"
    if isinstance(error, StartError):
        return error.exit_code.name.lower()
    return (Exit.NO_STORAGE if isinstance(error, OSError) else Exit.UNFORESEEN).name.lower()


def _trace(error: BaseException) -> BaseException | None:
    return None if isinstance(error, (StartError, RestartNeeded)) else error
