"""The proxy that stands for an API server in trouble, before a server that is well."""

import asyncio
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from aiohttp import web

from podium.adapters.kubernetes.api import login
from tests.e2e.faulty_api import REFUSALS, FaultyApi, leading_to

CALLS = 300


@pytest.fixture
def well(tmp_path: Path) -> Iterator[Path]:
    """The kubeconfig of a server that answers with what it was asked."""
    loop, up, stop, ports = asyncio.new_event_loop(), threading.Event(), asyncio.Event(), list[int]()

    async def answer(request: web.Request) -> web.Response:
        asked = {"method": request.method, "path": request.raw_path, "body": await request.text()}
        return web.json_response({**asked, "type": request.headers.get("content-type", "")})

    async def serve() -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", answer)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        ports.append(runner.addresses[0][1])
        up.set()
        await stop.wait()
        await runner.cleanup()

    thread = threading.Thread(target=loop.run_until_complete, args=[serve()])
    thread.start()
    assert up.wait(10)
    (tmp_path / "well").write_text(yaml.safe_dump(leading_to(f"http://127.0.0.1:{ports[0]}")))
    yield tmp_path / "well"
    loop.call_soon_threadsafe(stop.set)
    thread.join()
    loop.close()


def ask(kubeconfig: Path, path: str, method: str = "GET", body: bytes | None = None) -> tuple[int, dict[str, str]]:
    server = yaml.safe_load(kubeconfig.read_text())["clusters"][0]["cluster"]["server"]
    request = urllib.request.Request(server + path, body, {"content-type": "application/x"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as found:
            return found.status, json.loads(found.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def test_it_refuses_about_its_share_of_the_calls_in_each_of_three_ways(well: Path, tmp_path: Path) -> None:
    api, faulty = FaultyApi(well, share=0.5), tmp_path / "faulty"
    with api.serving(faulty):
        codes = [ask(faulty, "/api")[0] for _ in range(CALLS)]
    assert set(codes) == {200, *REFUSALS}
    assert 0.4 < codes.count(200) / CALLS < 0.6
    assert api.answered == {code: codes.count(code) for code in set(codes)}


def test_what_it_lets_through_arrives_as_it_was(well: Path, tmp_path: Path) -> None:
    path = "/api/v1/namespaces/n/pods/http:p%20q:80/proxy/metrics?labelSelector=a%20in%20%28b%29"
    with FaultyApi(well, share=0).serving(tmp_path / "faulty"):
        status, seen = ask(tmp_path / "faulty", path, "PATCH", b"some body")
    assert (status, seen) == (200, {"method": "PATCH", "path": path, "body": "some body", "type": "application/x"})


def test_watches_are_let_through(well: Path, tmp_path: Path) -> None:
    with FaultyApi(well, share=1).serving(tmp_path / "faulty"):
        assert ask(tmp_path / "faulty", "/api?watch=true")[0] == 200
        assert ask(tmp_path / "faulty", "/api")[0] in REFUSALS


async def test_an_operator_can_log_in_by_its_kubeconfig(
    well: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FaultyApi(well).serving(tmp_path / "faulty"):
        monkeypatch.setenv("KUBECONFIG", str(tmp_path / "faulty"))
        assert (await login()).host.startswith("http://127.0.0.1:")
