"""kopf, hosted: in a thread and a loop of its own, and started again whenever it ends. It logs in, and watches nothing.

Why it watches nothing: an event costs it 400 to 470 microseconds and a deep copy of the object, an informer a tenth,
and it keeps nothing that a look could read (decision 37). Why a thread: when kopf ends, it cancels every task of its
loop, whoever made it. Why again: refused credentials end kopf; the queue and the informers go on meanwhile.
"""

import asyncio
import contextlib
import logging
import threading
import warnings
from collections.abc import Callable, Coroutine, Iterator
from functools import partial
from typing import Any, Final

import kopf

from podium.adapters.kubernetes.api import login
from podium.controller.handlers import handlers
from podium.controller.queue import backoff
from podium.errors import PodiumError
from podium.ports import Clock, Cluster

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
    """Runs kopf and the informers until cancelled."""

    def __init__(
        self,
        cluster: Cluster,
        clock: Clock,
        *,
        namespaces: tuple[str, ...],
        informers: Callable[[], Coroutine[Any, Any, None]],
    ) -> None:
        self._cluster = cluster
        self._clock = clock
        self._namespaces = namespaces
        self._informers = informers
        self.watching = False

    async def run(self) -> None:
        """Watch until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._informers(), name="informers")
            group.create_task(self._host_for_ever(), name="kopf's host")

    async def _host_for_ever(self) -> None:
        """Whatever ends kopf is said, and it is started again."""
        ends = 0
        while True:
            await self._until_served()
            began = self._clock.monotonic()
            await self._host()
            ends = 1 if self._clock.monotonic() - began > _LAST_RESTART else ends + 1
            delay = backoff(ends, _LAST_RESTART)
            _log.warning("kopf ended, restarting it in %.1f s", delay)
            await self._clock.sleep(delay)

    async def _until_served(self) -> None:
        """Wait until ModelDeployments can be listed: without the CRD there is nothing to be ready for."""
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
        host = _Host(self._namespaces, ended=partial(_call, loop, ended.set))
        thread = threading.Thread(target=host.run, name="kopf", daemon=True)
        thread.start()
        self.watching = True
        try:
            await ended.wait()
        finally:
            self.watching = False
            host.stop()
            await asyncio.to_thread(thread.join, _STOPPING)


class _Host:
    """What runs in kopf's thread."""

    def __init__(self, namespaces: tuple[str, ...], *, ended: Callable[[], None]) -> None:
        self._namespaces = namespaces
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
                registry=handlers(connection),
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
