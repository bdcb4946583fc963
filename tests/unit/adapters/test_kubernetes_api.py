"""A busy API server: what may be asked again is, soon and not often; what may not be, is not."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from kubernetes.aio.client import Configuration

from podium.adapters.kubernetes.api import Api
from podium.errors import Conflict, Unavailable


@asynccontextmanager
async def answering(
    statuses: Sequence[int], headers: Mapping[str, str] | None = None
) -> AsyncIterator[tuple[Api, Counter[str]]]:
    """An API server that answers with these, the last one for ever, and how often it was asked."""
    asked: Counter[str] = Counter()

    async def answer(request: web.Request) -> web.Response:
        asked[request.method] += 1
        status = statuses[min(asked.total(), len(statuses)) - 1]
        more = headers if status == 429 else None
        return web.json_response({"kind": "Status", "message": "busy"}, status=status, headers=more)

    app = web.Application()
    app.add_routes([web.route("*", "/{path:.*}", answer)])
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    configuration = Configuration()
    configuration.host = f"http://127.0.0.1:{runner.addresses[0][1]}"
    api = Api(configuration)
    try:
        yield api, asked
    finally:
        await api.close()
        await runner.cleanup()


@pytest.mark.parametrize("status", [409, 429, 500, 503])
async def test_a_read_is_asked_again_while_the_api_server_is_busy(status: int) -> None:
    async with answering([status, status, 200]) as (api, asked):
        await api.get("/api/v1/x")
    assert asked == {"GET": 3}


async def test_an_apply_and_a_json_patch_are_tried_again_too() -> None:
    async with answering([500, 200, 500, 200]) as (api, asked):
        await api.apply("/api/v1/x", {}, force=True)
        await api.patch("/api/v1/x", [])
    assert asked == {"PATCH": 4}


async def test_what_another_try_would_not_change_is_told_at_once() -> None:
    async with answering([409]) as (api, asked):
        with pytest.raises(Conflict):
            await api.apply("/api/v1/x", {}, force=True)
    assert asked == {"PATCH": 1}


async def test_it_is_not_asked_for_ever() -> None:
    async with answering([503]) as (api, asked):
        with pytest.raises(Unavailable):
            await api.get("/api/v1/x")
    assert asked == {"GET": 5}


async def test_what_may_have_been_done_already_is_not_done_again() -> None:
    async with answering([500]) as (api, asked):
        with pytest.raises(Unavailable):
            await api.create("/api/v1/x", {})
        with pytest.raises(Unavailable):
            await api.replace("/api/v1/x", {})
    assert asked == {"POST": 1, "PUT": 1}


@asynccontextmanager
async def watched(chunks: Sequence[bytes]) -> AsyncIterator[Api]:
    """An API server whose watch sends these and ends."""

    async def answer(request: web.Request) -> web.StreamResponse:
        assert request.query["watch"] == "true"
        assert request.query["fieldSelector"] == "metadata.name=churn"
        assert request.headers["Impersonate-User"] == "bob"
        response = web.StreamResponse()
        await response.prepare(request)
        for chunk in chunks:
            await response.write(chunk)
        return response

    app = web.Application()
    app.add_routes([web.get("/{path:.*}", answer)])
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    configuration = Configuration()
    configuration.host = f"http://127.0.0.1:{runner.addresses[0][1]}"
    api = Api(configuration, "bob")
    try:
        yield api
    finally:
        await api.close()
        await runner.cleanup()


async def test_a_watch_tells_of_each_change_however_it_is_cut_and_however_long_it_is() -> None:
    long = b'{"type": "MODIFIED", "object": {"a": "' + b"x" * 3_000_000 + b'"}}\n'
    async with watched([b'{"type": "ADDED", "obj', b'ect": {}}\n\n' + long, b'{"type": "cut off']) as api:
        found = [event async for event in api.watch("/api/v1/x", fields="metadata.name=churn", within=5)]
    assert [event["type"] for event in found] == ["ADDED", "MODIFIED"]
    assert len(found[1]["object"]["a"]) == 3_000_000


async def test_a_watch_that_the_api_server_gives_up_is_an_error_of_its_code() -> None:
    gone = b'{"type": "ERROR", "object": {"code": 410, "reason": "Expired", "message": "too old"}}\n'
    async with watched([gone]) as api:
        with pytest.raises(Unavailable, match="410 Expired: too old"):
            [event async for event in api.watch("/api/v1/x", fields="metadata.name=churn", within=5)]


async def test_what_is_no_event_is_an_answer_of_something_in_between() -> None:
    async with watched([b"<html>\n"]) as api:
        with pytest.raises(Unavailable, match="GET /api/v1/x"):
            [event async for event in api.watch("/api/v1/x", fields="metadata.name=churn", within=5)]


async def test_whom_priority_and_fairness_sends_away_comes_back_after_that_and_not_all_at_once() -> None:
    came: list[float] = []

    async with answering([429] * 20 + [200], {"Retry-After": "1"}) as (api, _):

        async def ask() -> None:
            await api.get("/api/v1/x")
            came.append(time.monotonic())

        began = time.monotonic()
        await asyncio.gather(*(ask() for _ in range(20)))
    assert min(came) - began >= 1.0
    assert max(came) - min(came) > 0.2
