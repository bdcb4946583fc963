"""Registries of one tenant that accept connections and never answer, on real sockets: others keep their figures."""

import asyncio
import socket
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import replace

import pytest
from aiohttp import web

from podium.adapters.metrics.prometheus import Prometheus
from podium.adapters.registries.mlflow import MlflowRegistry
from podium.adapters.webhooks.http import HttpWebhooks
from podium.errors import PodiumError
from podium.ports import RegistryLogin, RegistryQuery
from tests.contract.registry_worlds import EDITOR, MlflowWorld, login
from tests.unit.adapters.local_server import serving
from tests.unit.adapters.test_webhook import CALL

ROUNDS = 3
OF_ONE = 6  # ModelDeployments that ask each silent registry
ALLOWED = 3.0  # seconds beside what it takes alone: whoever waits for a silent registry waits for eight


@contextmanager
def silent(count: int) -> Iterator[list[str]]:
    """The kernel accepts; no one reads."""
    with ExitStack() as stack:
        listening = [stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=64)) for _ in range(count)]
        yield [f"http://127.0.0.1:{each.getsockname()[1]}" for each in listening]


@asynccontextmanager
async def asked_in_vain(registry: MlflowRegistry, count: int) -> AsyncIterator[None]:
    """Another tenant asks so many silent registries, all the time."""

    async def ask(uri: str) -> None:
        query = RegistryQuery(RegistryLogin(uri, {}, tenant="theirs"), "churn", "1", None, None, "champion")
        while True:
            try:
                await registry.query(query)
            except PodiumError:
                await asyncio.sleep(0.1)

    with silent(count) as uris:
        waiting = [asyncio.create_task(ask(uri)) for uri in uris for _ in range(OF_ONE)]
        try:
            await asyncio.sleep(0)
            yield
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)


@pytest.fixture
async def service() -> AsyncIterator[str]:
    """A gate's webhook and a Prometheus."""

    async def gate(_: web.Request) -> web.Response:
        return web.json_response({"allowed": True})

    async def totals(_: web.Request) -> web.Response:
        vector = {"resultType": "vector", "result": [{"metric": {}, "value": [0, "7"]}]}
        return web.json_response({"status": "success", "data": vector})

    app = web.Application()
    app.add_routes([web.post("/gate", gate), web.post("/api/v1/query", totals)])
    async with serving(app) as address:
        yield address


async def seconds(work: Callable[[], Awaitable[object]]) -> float:
    """The median of some rounds."""
    took = []
    for _ in range(ROUNDS):
        began = time.monotonic()
        await work()
        took.append(time.monotonic() - began)
    return statistics.median(took)


@pytest.mark.parametrize("count", [4, 40])
async def test_what_others_ask_takes_as_long_as_without_them(
    count: int, mlflow_world: MlflowWorld, model: str, service: str
) -> None:
    registry, webhooks, prometheus = MlflowRegistry(), HttpWebhooks(), Prometheus(service)
    versions = [mlflow_world.publish(model) for _ in range(2 * ROUNDS + 1)]
    ours = replace(login(mlflow_world.uri, EDITOR), tenant="ours")

    async def with_digest() -> None:
        """A version that was never asked for: its files are downloaded."""
        found = await registry.query(RegistryQuery(ours, model, versions.pop(), None, None, "champion"))
        assert found.desired is not None
        assert found.desired.digest

    async def poll() -> None:
        assert await registry.revisions(replace(ours, tenant=""), {model})

    async def gate() -> None:
        assert (await webhooks.ask(replace(CALL, url=f"{service}/gate"))).allowed

    async def total() -> None:
        assert (await prometheus.totals(["q"])).values == {"q": 7.0}

    asked = with_digest, poll, gate, total
    await with_digest()  # what is imported and connected once
    alone = [await seconds(each) for each in asked]
    async with asked_in_vain(registry, count):
        beside = [await seconds(each) for each in asked]
    for end in (registry, webhooks, prometheus):
        await end.close()
    for each, before, after in zip(asked, alone, beside, strict=True):
        assert after <= before + ALLOWED, f"{each.__name__}: {before:.3f} s alone, {after:.3f} s beside {count}"
