"""What the operator serves: /healthz, /readyz and /metrics on one port."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from podium.controller.metrics import Metrics


@asynccontextmanager
async def serving(
    metrics: Metrics, ready: Callable[[], bool], port: int, state: Callable[[], str] = str
) -> AsyncIterator[int]:
    """Serve while inside; gives the port, which is any free one where 0 was asked for."""
    runner = web.AppRunner(application(metrics, ready, state), access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    try:
        site = web.SockSite(runner, listening(port))
        await site.start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def listening(port: int) -> socket.socket:
    """One socket for IPv4 and IPv6, where there is IPv6. With port 0, two sockets would get two different ports."""
    if socket.has_dualstack_ipv6():
        return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True)
    return socket.create_server(("", port))


def application(metrics: Metrics, ready: Callable[[], bool], state: Callable[[], str] = str) -> web.Application:
    """The three pages. Healthy is a loop that answers; ready is one whose watches run. A standby is both.

    A `state`, where there is one, is told beside that.
    """

    async def healthz(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def readyz(_: web.Request) -> web.Response:
        told = f"{state()}\n" if state() else ""
        return web.Response(text=f"ok\n{told}") if ready() else web.Response(status=503, text=f"no watches yet\n{told}")

    async def show(request: web.Request) -> web.Response:
        names = request.query.getall("name[]", [])  # as the usual clients of Prometheus take it
        body = await asyncio.to_thread(metrics.render, names)
        return web.Response(body=body, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    app = web.Application()
    app.add_routes([web.get("/healthz", healthz), web.get("/readyz", readyz), web.get("/metrics", show)])
    return app
