"""kopf, hosted: its watches run in a thread and a loop of their own, and are started again whenever they end.

Why a thread: when kopf ends, it cancels every task of its loop, whoever made it. Why again: an ERROR event, a 404 of a
removed CRD or refused credentials end kopf; the queue goes on meanwhile, and its delayed reconciles still come.
"""

import asyncio
import contextlib
import logging
import threading
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

import kopf

from podium.adapters.kubernetes import names
from podium.adapters.kubernetes.api import login
from podium.controller.handlers import OWNED, Listener, handlers
from podium.controller.queue import backoff
from podium.core.facts import Key
from podium.errors import PodiumError
from podium.ports import AliasClaim, Clock, Cluster

_LAST_RESTART: Final = 10.0
_STOPPING: Final = 1.5  # seconds that kopf is waited for at the end; its thread holds nothing that must be saved
_IDENTITY: Any = "podium"  # for peering, which is off; left out, kopf looks for a user's name, and a pod has none
_log = logging.getLogger(__name__)


class Endless:
    """Waits between kopf's tries, in seconds, without an end: a finite list ends kopf after 54 s of 5xx."""

    def __iter__(self) -> Iterator[float]:
        yield from (0.5, 1, 1, 2, 3)
        while True:
            yield 5


class Watches:
    """Runs kopf until cancelled."""

    def __init__(
        self,
        cluster: Cluster,
        clock: Clock,
        *,
        namespaces: tuple[str, ...],
        listener: Listener,
    ) -> None:
        self._cluster = cluster
        self._clock = clock
        self._namespaces = namespaces
        self._listener = listener
        self.watching = False

    async def run(self) -> None:
        """Watch until cancelled; whatever ends kopf is said, and it is started again."""
        ends = 0
        while True:
            await self._until_served()
            began = self._clock.monotonic()
            await self._host()
            ends = 1 if self._clock.monotonic() - began > _LAST_RESTART else ends + 1
            delay = backoff(ends, _LAST_RESTART)
            _log.warning("kopf ended, restarting its watches in %.1f s", delay)
            await self._clock.sleep(delay)

    async def _until_served(self) -> None:
        """Wait until ModelDeployments can be listed: kopf would watch nothing, silently, where there is no CRD."""
        tries = 0
        while True:
            try:
                await self._cluster.served()
            except PodiumError as error:
                tries += 1
                _log.warning("could not list ModelDeployments (is the CRD installed?), retrying: %s", error)
                await self._clock.sleep(backoff(tries, _LAST_RESTART))
            else:
                return

    async def _host(self) -> None:
        """One life of kopf."""
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        host = _Host(self._namespaces, _FromThread(loop, self._listener), ended=partial(_call, loop, ended.set))
        thread = threading.Thread(target=host.run, name="kopf", daemon=True)
        thread.start()
        self.watching = True
        try:
            await ended.wait()
        finally:
            self.watching = False
            host.stop()
            await asyncio.to_thread(thread.join, _STOPPING)


class _FromThread:
    """A Listener in another thread's loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, listener: Listener) -> None:
        self._loop = loop
        self._listener = listener

    def told(self, key: Key, claim: AliasClaim | None) -> None:
        _call(self._loop, partial(self._listener.told, key, claim))

    def changed(self, key: Key) -> None:
        _call(self._loop, partial(self._listener.changed, key))

    def routed(self, route: Key) -> None:
        _call(self._loop, partial(self._listener.routed, route))

    def relisted(self) -> None:
        _call(self._loop, self._listener.relisted)


class _Host:
    """What runs in kopf's thread."""

    def __init__(self, namespaces: tuple[str, ...], listener: Listener, *, ended: Callable[[], None]) -> None:
        self._namespaces = namespaces
        self._listener = listener
        self._ended = ended
        self._stop: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None

    def run(self) -> None:
        try:
            asyncio.run(self._watch())
        except Exception:  # noqa: BLE001  whatever ends kopf: it is said, and the host's owner starts it again
            _log.exception("kopf failed")
        finally:
            self._ended()

    def stop(self) -> None:
        """End kopf, from another thread."""
        if self._stop is not None:
            loop, flag = self._stop
            _call(loop, flag.set)

    async def _watch(self) -> None:
        flag = asyncio.Event()
        self._stop = asyncio.get_running_loop(), flag
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # kopf's own use of aiohttp
            await kopf.operator(
                registry=handlers(connection, self._listener),
                settings=kopf_settings(),
                standalone=True,
                identity=_IDENTITY,
                clusterwide=not self._namespaces,
                namespaces=self._namespaces,
                stop_flag=flag,
            )


def kopf_settings() -> kopf.OperatorSettings:
    """How quiet kopf is made: no Events, no scanning for CRDs, no giving up, no killing of the process."""
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.networking.error_backoffs = Endless()
    settings.networking.connect_timeout = 10
    settings.networking.request_timeout = 60
    settings.queueing.exit_timeout = 0.2
    settings.process.ultimate_exiting_timeout = None
    for group, version, plural in OWNED:
        settings.watching.label_selectors[group, version, plural] = names.DEPLOYMENT
    return settings


async def connection() -> kopf.ConnectionInfo:
    """The same login as the client's, for kopf."""
    found = await login()
    header = await found.get_api_key_with_prefix("BearerToken")
    scheme, _, token = (header or "").partition(" ")
    return kopf.ConnectionInfo(
        server=found.host,
        ca_path=found.ssl_ca_cert,
        insecure=not found.verify_ssl,
        scheme=scheme.capitalize() or None,
        token=token or None,
        certificate_path=found.cert_file,
        private_key_path=found.key_file,
        proxy_url=found.proxy,
    )


def _call(loop: asyncio.AbstractEventLoop, doing: Callable[[], None]) -> None:
    with contextlib.suppress(RuntimeError):  # the loop is closed: the process is ending
        loop.call_soon_threadsafe(doing)
