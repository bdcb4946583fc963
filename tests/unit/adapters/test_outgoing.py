"""Requests to what tenants name: one that hangs takes nothing that another one needs."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from podium.adapters.outgoing import Answer, Outgoing, origin
from podium.errors import Rejected, Unavailable
from tests.unit.adapters.local_server import serving

MANY = 300  # more than aiohttp's 100 connections, and than any pool of threads


@pytest.fixture
async def outgoing() -> AsyncIterator[Outgoing]:
    made = Outgoing()
    yield made
    await made.close()


@pytest.fixture
async def address() -> AsyncIterator[str]:
    gone = asyncio.Event()

    async def hang(_: web.Request) -> web.StreamResponse:
        await gone.wait()
        return web.Response()

    async def drip(request: web.Request) -> web.StreamResponse:
        """A 200 at once, and a body that does not end."""
        answer = web.StreamResponse()
        await answer.prepare(request)
        await answer.write(b"x")
        await gone.wait()
        return answer

    async def cut(request: web.Request) -> web.StreamResponse:
        """A 200, and less than was announced."""
        answer = web.StreamResponse(headers={"Content-Length": "100"})
        await answer.prepare(request)
        assert request.transport is not None
        request.transport.close()
        return answer

    async def well(_: web.Request) -> web.StreamResponse:
        return web.Response(text="ok")

    app = web.Application()
    app.add_routes([web.post(f"/{each.__name__}", each) for each in (hang, drip, cut, well)])
    async with serving(app) as at:
        yield at
        gone.set()


async def post(outgoing: Outgoing, url: str, within: float = 10.0, **how: Any) -> Answer:
    return await outgoing.post(url, b"{}", {}, within=within, place="there", **how)


async def while_many_hang(ask: Callable[[int], Awaitable[Any]], one: Awaitable[Any]) -> Any:
    hanging = [asyncio.ensure_future(ask(number)) for number in range(MANY)]
    try:
        await asyncio.sleep(0)
        return await one
    finally:
        for task in hanging:
            task.cancel()
        await asyncio.gather(*hanging, return_exceptions=True)


async def test_receivers_that_hang_take_no_connection_of_another(outgoing: Outgoing, address: str) -> None:
    async def ask(_: int) -> None:
        await post(outgoing, f"{address}/hang", within=60.0)

    assert await while_many_hang(ask, post(outgoing, f"{address}/well")) == Answer(200, b"ok")


async def test_names_that_hang_take_no_thread_of_another(
    outgoing: Outgoing, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, real = threading.Event(), socket.getaddrinfo

    def look_up(host: Any, *args: Any, **how: Any) -> Any:
        if str(host).endswith(".silent.example"):
            gone.wait(60)
            raise OSError("no servers")
        return real(host, *args, **how)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)

    async def ask(number: int) -> None:
        await post(outgoing, f"http://{number}.silent.example/", within=60.0, tenant="theirs")

    async def others() -> Answer:
        await asyncio.to_thread(int)  # the operator's own work
        return await post(outgoing, f"{address.replace('127.0.0.1', 'localhost')}/well", tenant="ours")

    try:
        assert await asyncio.wait_for(while_many_hang(ask, others()), 20) == Answer(200, b"ok")
    finally:
        gone.set()


async def test_a_name_without_addresses_is_unavailable(outgoing: Outgoing) -> None:
    with pytest.raises(Unavailable, match="there does not answer: "):
        await post(outgoing, "http://nowhere.invalid/")


@pytest.mark.parametrize("path", ["drip", "cut"])
async def test_a_body_that_does_not_end_is_no_answer_unless_the_status_is_all(
    outgoing: Outgoing, address: str, path: str
) -> None:
    with pytest.raises(Unavailable, match=r"there did not answer within|there does not answer"):
        await post(outgoing, f"{address}/{path}", within=0.3)
    assert (await post(outgoing, f"{address}/{path}", within=0.3, status_is_all=True)).status == 200


@pytest.mark.parametrize(
    "url",
    ["https://[::1/x", "https://h:99999/x", "https://h:abc/x", "https://h:0/x", "http:///x", "http://?x", "nothing"],
)
def test_an_address_that_is_no_url_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(Rejected, match="the address is no URL; expected a scheme"):
        origin(url)


def test_of_an_address_scheme_host_and_port_are_seen() -> None:
    assert origin("https://u:p@[::1]:8443/secret?token=1") == "https://[::1]:8443"
