"""A real HTTP server on this machine, for as long as a test asks it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from kubernetes.aio.client import Configuration

from podium.adapters.kubernetes.api import Api


@asynccontextmanager
async def serving(app: web.Application) -> AsyncIterator[str]:
    """Its address, without a slash at the end."""
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def client_of(app: web.Application) -> AsyncIterator[Api]:
    """A client of an API server that is this application."""
    async with serving(app) as url:
        configuration = Configuration()
        configuration.host = url
        api = Api(configuration)
        try:
            yield api
        finally:
            await api.close()
