"""An API server that is in trouble: a proxy before the real one that refuses some of the calls.

It listens on plain HTTP on this machine and has the admin's certificates towards the real server. Rejected are 429, 500
and 409, by a seeded chance, before the real server hears of the call. Watches are passed through as streams.
"""

import asyncio
import base64
import json
import ssl
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
import yaml
from aiohttp import web
from yarl import URL

REFUSALS = {429: "TooManyRequests", 500: "InternalError", 409: "Conflict"}
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "upgrade", "host", "content-length"}


class FaultyApi:
    """Refuses this share of the calls."""

    def __init__(self, kubeconfig: Path, share: float = 0.5, seed: int = 1) -> None:
        self._real = yaml.safe_load(kubeconfig.read_text())
        self._share, self._random = share, Random(seed)
        self.answered: Counter[int] = Counter()  # calls, by their status; without watches

    @contextmanager
    def serving(self, kubeconfig: Path) -> Iterator[None]:
        """Answer as long as the block runs, and write a kubeconfig that leads here."""
        loop, ready, stop = asyncio.new_event_loop(), threading.Event(), asyncio.Event()
        ports: list[int] = []

        async def serve() -> None:
            async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=self._ssl())) as session:
                ports.append(await self._listen(session))
                ready.set()
                await stop.wait()
                await self._runner.cleanup()

        thread = threading.Thread(target=loop.run_until_complete, args=[serve()], name="faulty API server")
        thread.start()
        try:
            assert ready.wait(30), "the proxy before the API server did not start"
            kubeconfig.write_text(yaml.safe_dump(leading_to(f"http://127.0.0.1:{ports[0]}")))
            yield
        finally:
            loop.call_soon_threadsafe(stop.set)
            thread.join()
            loop.close()

    async def _listen(self, session: aiohttp.ClientSession) -> int:
        async def answer(request: web.Request) -> web.StreamResponse:
            return await self._answer(request, session)

        app = web.Application(client_max_size=1 << 24)
        app.router.add_route("*", "/{path:.*}", answer)
        # A watch whose client is gone ends at once, and so does one that is open when all is over.
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        port: int = self._runner.addresses[0][1]
        return port

    async def _answer(self, request: web.Request, session: aiohttp.ClientSession) -> web.StreamResponse:
        watch = request.query.get("watch", "") in {"1", "true", "True"}
        if not watch and self._random.random() < self._share:
            status = self._random.choice(list(REFUSALS))
            self.answered[status] += 1
            return _refusal(status)
        answer = await self._passed_on(request, session)
        if not watch:
            self.answered[answer.status] += 1
        return answer

    async def _passed_on(self, request: web.Request, session: aiohttp.ClientSession) -> web.StreamResponse:
        target = URL(self._cluster["server"] + request.raw_path, encoded=True)
        headers = {name: text for name, text in request.headers.items() if name.lower() not in HOP_BY_HOP}
        forever, body = aiohttp.ClientTimeout(total=None), await request.read()
        asked = session.request(request.method, target, headers=headers, data=body or None, timeout=forever)
        async with asked as found:
            # aiohttp has decompressed it, so it is neither encoded nor of that length any more.
            dropped = HOP_BY_HOP | {"content-encoding"}
            kept = {name: text for name, text in found.headers.items() if name.lower() not in dropped}
            answer = web.StreamResponse(status=found.status, headers=kept)
            await answer.prepare(request)
            async for chunk in found.content.iter_any():
                await answer.write(chunk)
            await answer.write_eof()
        return answer

    @property
    def _cluster(self) -> Mapping[str, str]:
        cluster: Mapping[str, str] = self._real["clusters"][0]["cluster"]
        return cluster

    def _ssl(self) -> ssl.SSLContext | bool:
        """The admin's login. A server without TLS needs none."""
        if "certificate-authority-data" not in self._cluster:
            return False
        user = self._real["users"][0]["user"]
        context = ssl.create_default_context(cadata=_decoded(self._cluster["certificate-authority-data"]))
        with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
            file.write(_decoded(user["client-certificate-data"]) + _decoded(user["client-key-data"]))
            file.flush()
            context.load_cert_chain(file.name)
        return context


def leading_to(server: str) -> dict[str, Any]:
    """A kubeconfig with no login at all."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "faulty", "cluster": {"server": server}}],
        "users": [{"name": "nobody", "user": {}}],
        "contexts": [{"name": "faulty", "context": {"cluster": "faulty", "user": "nobody"}}],
        "current-context": "faulty",
    }


def _refusal(status: int) -> web.Response:
    said = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": status}
    body = json.dumps({**said, "reason": REFUSALS[status], "message": "refused by the test"})
    headers = {"Retry-After": "1"} if status == 429 else {}
    return web.Response(status=status, body=body, content_type="application/json", headers=headers)


def _decoded(text: str) -> str:
    return base64.b64decode(text).decode()
