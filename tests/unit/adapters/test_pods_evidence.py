import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from podium.adapters.kubernetes import names
from podium.adapters.metrics import pods as evidence
from podium.adapters.metrics.pods import DirectFetch, ScrapedPodMetrics
from podium.core.facts import Counters, PodState
from podium.core.identity import Identity
from podium.core.shadow import ShadowOrder
from podium.errors import Unavailable
from podium.ports import PodReport

TEXT = (
    'podium_model_info{version="7",digest="sha256:77"} 1\n'
    'podium_requests_total{outcome="ok"} 9\npodium_requests_total{outcome="nan"} 1\n'
)
WORDS = PodReport(Identity("7", "sha256:77"), Counters(answers=10, bad=1, invalid=1))


def pod(uid: str, ip: str = "127.0.0.1") -> PodState:
    return PodState(uid=uid, name=uid, version="7", ready=True, ip=ip)


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[dict[str, object]]:
    """A pod's server on this machine; what it says can be changed."""
    says: dict[str, object] = {"body": TEXT}

    async def metrics(request: web.Request) -> web.StreamResponse:
        says["told"] = request.headers.get("x-podium-requests-per-connection")
        says["shadow"] = request.headers.get("x-podium-shadow")
        if "slow" in says:
            await asyncio.sleep(30)
        if "endless" in says:
            answer = web.StreamResponse()
            await answer.prepare(request)
            while True:
                await answer.write(b"x" * 65536 + b"\n")
        if "moved" in says:
            raise web.HTTPFound("http://127.0.0.1:1/")
        return web.Response(text=str(says["body"]), status=int(str(says.get("status", 200))))

    app = web.Application()
    app.add_routes([web.get("/metrics", metrics)])
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    monkeypatch.setattr(names, "PORT", runner.addresses[0][1])
    yield says
    await runner.cleanup()


@pytest.fixture
async def source() -> AsyncIterator[ScrapedPodMetrics]:
    fetch = DirectFetch()
    yield ScrapedPodMetrics(fetch)
    await fetch.close()


async def test_every_pod_is_asked_at_its_address(server: dict[str, object], source: ScrapedPodMetrics) -> None:
    assert await source.ask("ml", [pod("p1"), pod("p2")]) == {"p1": WORDS, "p2": WORDS}


async def test_pods_are_told_after_how_many_requests_they_close_a_connection(
    server: dict[str, object], source: ScrapedPodMetrics
) -> None:
    await source.ask("ml", [pod("p1")])
    assert server["told"] is None
    await source.ask("ml", [pod("p1")], 10)
    assert server["told"] == "10"


async def test_pods_are_told_what_to_copy_to_which_challenger(
    server: dict[str, object], source: ScrapedPodMetrics
) -> None:
    await source.ask("ml", [pod("p1")], 10)
    assert server["shadow"] is None
    await source.ask("ml", [pod("p1")], shadow=ShadowOrder(Identity("8;x", "sha256:77"), 0.2, 0.001))
    assert server["shadow"] == "version=8%3Bx;digest=sha256%3A77;share=0.2;tolerance=0.001"
    assert server["told"] is None


async def test_a_pod_without_an_address_is_not_asked(server: dict[str, object], source: ScrapedPodMetrics) -> None:
    assert await source.ask("ml", [pod("p1", ip="")]) == {}


@pytest.mark.parametrize(
    "says", [{"status": 500}, {"status": 404}, {"slow": 1}, {"endless": 1}, {"moved": 1}, {"body": "<html>"}], ids=str
)
async def test_a_pod_that_does_not_say_it_properly_is_left_out_in_time(
    server: dict[str, object], source: ScrapedPodMetrics, says: dict[str, object]
) -> None:
    server.update(says)
    async with asyncio.timeout(5 * evidence.TIMEOUT):
        assert await source.ask("ml", [pod("p1"), pod("gone", ip="127.0.0.9")]) == {}


async def test_one_that_is_silent_hinders_no_other() -> None:
    async def fetch(_: str, one: PodState, __: object) -> str:
        if one.uid == "gone":
            raise Unavailable("no answer")
        return TEXT

    said = await ScrapedPodMetrics(fetch).ask("ml", [pod("gone"), pod("p1")])
    assert said == {"p1": WORDS}
