import socket

import aiohttp

from podium.controller.endpoints import listening, serving
from podium.controller.metrics import Metrics


async def test_the_operator_serves_its_health_and_its_metrics() -> None:
    ready = False
    async with (
        serving(Metrics(), lambda: ready, 0) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client,
    ):
        assert (await client.get("/healthz")).status == 200
        assert (await client.get("/readyz")).status == 503
        ready = True
        assert (await client.get("/readyz")).status == 200
        answer = await client.get("/metrics")
        assert answer.content_type == "text/plain"
        assert "leader_election_master_status" in await answer.text()


def test_a_free_port_is_that_of_ipv4_whatever_else_is_listened_on() -> None:
    with listening(0) as taken:
        socket.create_connection(("127.0.0.1", taken.getsockname()[1]), timeout=10).close()
