"""The App behind ASGI: the same limits, counts and ends as behind our own HTTP."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from podium.runtime.exchange import Reply, Request, Response
from podium.runtime.faults import Fault
from podium.runtime.http.asgi import Asgi
from podium.runtime.http.shared import Limits, Shared
from podium.runtime.identity import Headers
from podium.runtime.turns import Turn

CHUNK = {"type": "http.request", "body": b"x" * 600, "more_body": True}
LAST = {"type": "http.request", "body": b"x"}
GONE = {"type": "http.disconnect"}


class App:
    identity_block = b"x-podium-model: churn\r\nx-podium-version: 7\r\n"

    def __init__(self, answer: Response | None) -> None:
        self.answer = answer
        self.requests: list[Request] = []

    def handle(self, request: Request, reply: Reply) -> None:
        self.requests.append(request)
        if self.answer is not None:
            reply(self.answer)

    def refuse(self, error: Exception, headers: Headers, turn: Turn | None) -> Response:
        assert isinstance(error, Fault)
        assert headers
        return Response(error.status, error.message.encode())


async def asked(
    app: App, *messages: dict[str, Any], arrive: float = 30, **scope: Any
) -> tuple[list[dict[str, Any]], Shared]:
    """Return what is sent to a client that sends these messages and then waits."""
    shared = Shared(app, Limits(1000, 10_000, arrive, 30, 75))
    left = list(messages)
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if not left:
            await asyncio.get_running_loop().create_future()
        return left.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    described = {"type": "http", "method": "POST", "raw_path": b"/a%20b?c", "headers": [(b"X-Request-ID", b"mine")]}
    await Asgi(shared)({**described, **scope}, receive, send)
    return sent, shared


async def test_the_app_gets_the_whole_request_and_its_answer_says_who_gave_it() -> None:
    app = App(Response(200, b"fine"))
    (start, body), shared = await asked(app, CHUNK, LAST)
    (request,) = app.requests
    assert (request.path, request.method, request.body, request.id) == ("/a%20b", "POST", b"x" * 601, b"mine")
    headers = dict(start["headers"])
    assert (headers[b"x-podium-version"], headers[b"x-request-id"], headers[b"content-length"]) == (b"7", b"mine", b"4")
    assert body["body"] == b"fine"
    assert shared.buffered == 0


async def test_a_body_above_the_limit_is_refused_before_it_is_whole() -> None:
    app = App(None)
    (start, _), shared = await asked(app, CHUNK, CHUNK, CHUNK)
    assert (start["status"], dict(start["headers"])[b"connection"]) == (413, b"close")
    assert (app.requests, shared.buffered) == ([], 0)


async def test_a_body_that_does_not_arrive_is_refused() -> None:
    (start, _), _ = await asked(App(None), CHUNK, arrive=0)
    assert start["status"] == 408


async def test_a_client_that_goes_away_while_it_waits_needs_no_answer() -> None:
    app = App(None)
    sent, _ = await asked(app, LAST, GONE)
    assert sent == []
    assert app.requests[0].abandoned


async def test_a_stream_ends_where_its_client_goes_away() -> None:
    ended = []

    async def parts() -> AsyncGenerator[bytes, None]:
        try:
            yield b"first"
            await asyncio.get_running_loop().create_future()
        finally:
            ended.append(True)

    sent, _ = await asked(App(Response(200, parts())), LAST, GONE)
    assert ended == [True]
    assert not any(message.get("more_body") is False for message in sent)


async def test_a_stream_is_sent_part_by_part() -> None:
    async def parts() -> AsyncGenerator[bytes, None]:
        yield b"a"
        yield b"b"

    (_, *bodies), _ = await asked(App(Response(200, parts())), LAST)
    assert [message.get("body", b"") for message in bodies] == [b"a", b"b", b""]


async def test_a_websocket_is_refused() -> None:
    sent, _ = await asked(App(None), type="websocket")
    assert sent == [{"type": "websocket.close"}]
