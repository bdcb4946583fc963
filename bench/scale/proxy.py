"""A proxy before a real API server that counts what an operator asks: by verb and resource, and how many writes."""

import re
import ssl
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

import aiohttp
from aiohttp import web
from kubernetes.aio.client import Configuration

_PLURAL: Final = re.compile(r"(?:/api/v1|/apis/[^/]+/[^/]+)(?:/namespaces/[^/]+(?=/))?/([^/]+)(?:/([^/]+))?(?:/(.+))?")
_HOP: Final = frozenset({"connection", "transfer-encoding", "content-length", "content-encoding", "host"})


class CountingProxy:
    """Passes everything on as the user of a kubeconfig."""

    def __init__(self, configuration: Configuration) -> None:
        self.requests: Counter[str] = Counter()
        self._host = configuration.host
        self._ssl = ssl.create_default_context(cafile=configuration.ssl_ca_cert)
        if configuration.cert_file:
            self._ssl.load_cert_chain(configuration.cert_file, configuration.key_file)

    @asynccontextmanager
    async def application(self) -> AsyncIterator[web.Application]:
        """What is served."""
        connector = aiohttp.TCPConnector(ssl=self._ssl, limit=0)
        async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as session:

            async def answer(request: web.Request) -> web.StreamResponse:
                return await self._pass_on(request, session)

            app = web.Application(client_max_size=2**26)
            app.add_routes([web.route("*", "/{path:.*}", answer)])
            yield app

    async def _pass_on(self, request: web.Request, session: aiohttp.ClientSession) -> web.StreamResponse:
        self.requests[_verb(request)] += 1
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP}
        headers.pop("Authorization", None)
        body, timeout = await request.read(), aiohttp.ClientTimeout(total=None)
        async with session.request(
            request.method, f"{self._host}{request.path_qs}", data=body or None, headers=headers, timeout=timeout
        ) as found:
            kept = {name: value for name, value in found.headers.items() if name.lower() not in _HOP}
            if "Content-Encoding" in found.headers:
                kept["Content-Encoding"] = found.headers["Content-Encoding"]
            response = web.StreamResponse(status=found.status, headers=kept)
            with suppress(ConnectionError):  # the operator has ended its watch
                await response.prepare(request)
                async for chunk in found.content.iter_any():
                    await response.write(chunk)
            return response


def _verb(request: web.Request) -> str:
    found = _PLURAL.fullmatch(request.path)
    plural, name = (found[1], found[2]) if found else (request.path, None)
    if request.query.get("watch") == "true":
        return f"watch {plural}"
    return f"{'list' if request.method == 'GET' and name is None else request.method.lower()} {plural}"
