"""The webhook's adapter beside a real server, which may mean no good."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from aiohttp import web

from podium.adapters.outgoing import LIMIT
from podium.adapters.webhooks.http import TYPE, HttpWebhooks
from podium.api.v1alpha1.status import Pinned
from podium.core.facts import Key
from podium.errors import PodiumError, Rejected, Unavailable
from podium.ports import WebhookCall, WebhookVerdict
from tests.unit.adapters.local_server import serving
from tests.unit.core.factories import NOW

SECRET = "Bearer of-the-board"
CALL = WebhookCall(
    url="",
    timeout=5.0,
    authorization=None,
    id="0123456789abcdef",
    key=Key("ml", "churn"),
    gate="review",
    model="churn",
    challenger=Pinned(version="2", digest="sha256:22", slot="b"),
    champion=Pinned(version="1", digest="sha256:11", slot="a"),
    registry_uri="http://mlflow.ml:5000",
    at=NOW,
)


@dataclass
class Service:
    """A service on this machine that remembers what it was asked, and answers as it is told."""

    url: str = ""
    answer: Callable[[web.Request], web.StreamResponse] = lambda _: web.json_response({"allowed": True})
    asked: list[tuple[dict[str, str], Any]] = field(default_factory=list)


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    made = Service()
    gone = asyncio.Event()

    async def ask(request: web.Request) -> web.StreamResponse:
        made.asked.append((dict(request.headers), json.loads(await request.text())))
        return made.answer(request)

    async def slow(_: web.Request) -> web.StreamResponse:
        await gone.wait()
        return web.Response()

    app = web.Application()
    app.add_routes([web.post("/", ask), web.post("/slow", slow)])
    async with serving(app) as address:
        made.url = f"{address}/"
        yield made
        gone.set()


@pytest.fixture
async def webhooks() -> AsyncIterator[HttpWebhooks]:
    made = HttpWebhooks()
    yield made
    await made.close()


def says(body: object, status: int = 200) -> Callable[[web.Request], web.StreamResponse]:
    text = body if isinstance(body, str) else json.dumps(body)
    return lambda _: web.Response(text=text, status=status)


async def test_a_cloud_event_goes_out(service: Service, webhooks: HttpWebhooks) -> None:
    await webhooks.ask(replace(CALL, url=service.url, authorization=SECRET))
    ((headers, event),) = service.asked
    assert headers["Content-Type"] == "application/cloudevents+json; charset=utf-8"
    assert headers["Authorization"] == SECRET
    required = ("specversion", "id", "source", "type")
    assert [event[name] for name in required] == ["1.0", CALL.id, "/namespaces/ml/modeldeployments/churn", TYPE]
    assert (event["subject"], event["time"]) == ("models:/churn/2", "2026-01-05T09:00:00Z")
    assert event["data"] == {
        "gate": "review",
        "model": "churn",
        "registry": "http://mlflow.ml:5000",
        "challenger": {"version": "2", "digest": "sha256:22"},
        "champion": {"version": "1", "digest": "sha256:11"},
    }


async def test_a_verdict_comes_back(service: Service, webhooks: HttpWebhooks) -> None:
    call = replace(CALL, url=service.url)
    assert await webhooks.ask(call) == WebhookVerdict(True, "")
    service.answer = says({"allowed": False, "message": "no\nmodel \x1b[31mcard", "more": [1]})
    assert await webhooks.ask(call) == WebhookVerdict(False, "no model [31mcard")
    service.answer = says({"allowed": False, "message": "x" * 9999})
    assert len((await webhooks.ask(call)).message) == 200
    service.answer = says({"allowed": True, "message": 7})
    assert await webhooks.ask(call) == WebhookVerdict(True, "")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("", 200),
        ("yes", 200),
        ([], 200),
        ({}, 200),
        ({"allowed": "true"}, 200),
        ({"allowed": 1}, 200),
        ({"allowed": True}, 403),
        ({"allowed": True}, 500),
        ("[" * 60_000, 200),
        (json.dumps({"allowed": True, "pad": "x" * LIMIT}), 200),
        (json.dumps({"allowed": True}) + " " * LIMIT, 200),
    ],
)
async def test_what_is_no_verdict_is_refused_and_not_shown(
    service: Service, webhooks: HttpWebhooks, body: object, status: int
) -> None:
    service.answer = says(body, status)
    with pytest.raises(Rejected) as caught:
        await webhooks.ask(replace(CALL, url=service.url))
    assert '{"allowed": true or false' in str(caught.value)
    assert len(str(caught.value)) < 200


async def test_a_redirect_is_not_followed(service: Service, webhooks: HttpWebhooks) -> None:
    service.answer = lambda _: web.Response(status=307, headers={"Location": service.url})
    with pytest.raises(Rejected, match="answered 307"):
        await webhooks.ask(replace(CALL, url=service.url, authorization=SECRET))
    assert len(service.asked) == 1


async def test_no_cookie_goes_from_one_question_to_the_next(service: Service, webhooks: HttpWebhooks) -> None:
    def with_cookie(_: web.Request) -> web.StreamResponse:
        answer = web.json_response({"allowed": True})
        answer.set_cookie("who", "somebody")
        return answer

    service.answer = with_cookie
    call = replace(CALL, url=service.url.replace("127.0.0.1", "localhost"))
    for _ in range(2):
        await webhooks.ask(call)
    assert all("Cookie" not in headers for headers, _ in service.asked)


async def test_silence_ends_in_time(service: Service, webhooks: HttpWebhooks) -> None:
    with pytest.raises(Unavailable, match=r"did not answer within 0\.2 s"):
        await webhooks.ask(replace(CALL, url=f"{service.url}slow", timeout=0.2))


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/a?token=abc", "http://[/"])
async def test_who_cannot_be_reached_is_said_without_the_query(webhooks: HttpWebhooks, url: str) -> None:
    with pytest.raises(PodiumError) as caught:
        await webhooks.ask(replace(CALL, url=url, authorization=SECRET))
    assert isinstance(caught.value, Unavailable)
    assert "abc" not in str(caught.value)


def test_a_call_is_shown_without_its_secret() -> None:
    assert SECRET not in repr(replace(CALL, authorization=SECRET))
