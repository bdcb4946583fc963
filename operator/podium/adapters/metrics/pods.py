"""Evidence straight from the pods: every pod's own `/metrics`, asked at once, each within a short time."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

import aiohttp

from podium.adapters.kubernetes import names
from podium.adapters.kubernetes.api import Api, read_at_most
from podium.adapters.kubernetes.errors import FOREIGN, from_exception
from podium.adapters.metrics.exposition import statement
from podium.adapters.metrics.shadow import order_text
from podium.core.facts import PodState
from podium.core.shadow import ShadowOrder
from podium.errors import PodiumError, Unavailable
from podium.ports import PodReport

TIMEOUT: Final = 0.7  # seconds; looks are a second apart
LIMIT: Final = 1024 * 1024  # bytes of /metrics that are read
_AT_ONCE: Final = 64
Fetch = Callable[[str, PodState, Mapping[str, str]], Awaitable[str]]  # namespace, pod, headers
_log = logging.getLogger(__name__)


class ScrapedPodMetrics:
    """Implements the port PodMetrics. `fetch` brings the text of one pod's /metrics, or raises a PodiumError."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch

    async def ask(
        self,
        namespace: str,
        pods: Sequence[PodState],
        per_connection: int | None = None,
        shadow: ShadowOrder | None = None,
    ) -> Mapping[str, PodReport]:
        places = asyncio.Semaphore(_AT_ONCE)
        headers = {names.PER_CONNECTION: str(per_connection)} if per_connection is not None else {}
        headers |= {names.SHADOW: order_text(shadow)} if shadow is not None else {}
        scrapes = [self._ask(namespace, pod, headers, places) for pod in pods if pod.ip]
        reports = await asyncio.gather(*scrapes)
        return {uid: report for uid, report in reports if report is not None}

    async def _ask(
        self, namespace: str, pod: PodState, headers: Mapping[str, str], places: asyncio.Semaphore
    ) -> tuple[str, PodReport | None]:
        try:
            async with places:
                return pod.uid, statement(await self._fetch(namespace, pod, headers))
        except PodiumError as error:
            _log.debug("could not scrape pod %s/%s: %s", namespace, pod.name, error)
            return pod.uid, None


class DirectFetch:
    """From the pod's address: works inside the cluster's network."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def __call__(self, namespace: str, pod: PodState, headers: Mapping[str, str]) -> str:
        host = f"[{pod.ip}]" if ":" in pod.ip else pod.ip
        url = f"http://{host}:{names.PORT}/metrics"
        try:
            async with self._open().get(url, headers=headers, allow_redirects=False) as answer:
                if answer.status != 200:  # noqa: PLR2004  OK
                    raise Unavailable(f"GET {url} (pod {namespace}/{pod.name}): answered {answer.status}")
                return (await read_at_most(answer.content, LIMIT)).decode(errors="replace")
        except FOREIGN as error:
            raise from_exception(error, f"GET {url} (pod {namespace}/{pod.name})") from error

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:  # a session wants a running loop
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT), trust_env=False)
        return self._session


class ProxyFetch:
    """Through the API server: works from a shell. The pod's own service account has no right to this."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def __call__(self, namespace: str, pod: PodState, headers: Mapping[str, str]) -> str:
        path = names.path(names.PODS, namespace, f"{pod.name}:{names.PORT}", "proxy/metrics")
        return await self._api.text(path, limit=LIMIT, within=TIMEOUT, headers=headers)

    async def close(self) -> None:
        """Nothing of its own is open."""
