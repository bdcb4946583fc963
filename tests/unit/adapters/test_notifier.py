"""The notifier beside a real receiver, which may mean no good."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, get_args

import pytest
from aiohttp import web

from podium.adapters.notifiers.bodies import ENCODINGS
from podium.adapters.notifiers.cloud_events import cloud_event
from podium.adapters.notifiers.http import HttpNotifier, seconds_of
from podium.adapters.outgoing import LIMIT
from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.alerting import READ_BY_PEOPLE, ProviderType
from podium.api.v1alpha1.outbox import PendingEvent
from podium.core.facts import Key
from podium.errors import PodiumError, Rejected, Unavailable
from podium.ports import Notification
from tests.unit.adapters.local_server import serving
from tests.unit.core.factories import NOW

KEY = Key("ml", "churn")
HOSTILE = "<!channel> @everyone [click](https://evil.example.com) *loud* <script>&amp;"
EVENT = PendingEvent(
    id="0f" * 12,
    sequence=7,
    type="ml.model.rejected.v1",
    at=NOW,
    generation=3,
    severity="error",
    model="churn",
    version="3",
    from_version="3",
    to_version="2",
    reason="GuardFailed",
    message=HOSTILE,
)
SENT = Notification(type="generic", address="", event=EVENT, key=KEY, uid="uid-1", timeout=5.0)


@dataclass
class Receiver:
    """A receiver on this machine that remembers what it was sent, and answers as it is told."""

    url: str = ""
    answer: Callable[[web.Request], web.StreamResponse] = lambda _: web.Response(text="ok")
    taken: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    made = Receiver()
    gone = asyncio.Event()

    async def take(request: web.Request) -> web.StreamResponse:
        made.taken.append((dict(request.headers), await request.read()))
        return made.answer(request)

    async def slow(_: web.Request) -> web.StreamResponse:
        await gone.wait()
        return web.Response()

    app = web.Application()
    app.add_routes([web.post("/secret", take), web.post("/slow", slow)])
    async with serving(app) as address:
        made.url = f"{address}/secret"
        yield made
        gone.set()


@pytest.fixture
async def notifier() -> AsyncIterator[HttpNotifier]:
    made = HttpNotifier()
    yield made
    await made.close()


async def sent(receiver: Receiver, notifier: HttpNotifier, **parts: Any) -> tuple[dict[str, str], Any]:
    await notifier.send(replace(SENT, address=receiver.url, **parts))
    headers, body = receiver.taken[-1]
    return headers, json.loads(body)


async def test_a_cloud_event_goes_out_in_structured_mode(receiver: Receiver, notifier: HttpNotifier) -> None:
    headers, body = await sent(receiver, notifier, token="t0", headers={"X-Team": "ml"})
    assert headers["Content-Type"] == "application/cloudevents+json; charset=utf-8"
    assert (headers["Authorization"], headers["X-Team"], headers["User-Agent"]) == ("Bearer t0", "ml", "podium")
    assert body == json.loads(json.dumps(cloud_event("uid-1", KEY, EVENT)))


async def test_hmac_signs_the_very_bytes_as_flux_does(receiver: Receiver, notifier: HttpNotifier) -> None:
    headers, _ = await sent(receiver, notifier, type="generic-hmac", token="key")
    made = hmac.new(b"key", receiver.taken[-1][1], hashlib.sha256).hexdigest()
    assert headers["X-Signature"] == f"sha256={made}"
    assert "Authorization" not in headers


@pytest.mark.parametrize("kind", sorted(READ_BY_PEOPLE & set(ENCODINGS)))
async def test_a_chat_shows_what_others_wrote_as_text(
    kind: ProviderType, receiver: Receiver, notifier: HttpNotifier
) -> None:
    _, body = await sent(receiver, notifier, type=kind, summary=HOSTILE, channel="#ml", username="podium")
    text = json.dumps(body)
    assert "ml/churn" in text.replace("\\", "")
    assert "<!channel>" not in text
    assert "<script>" not in text
    if kind != "slack":  # where square brackets are no link
        assert "[click](" not in text
    if kind == "discord":
        assert body["allowed_mentions"] == {"parse": []}


async def test_slack_gets_channel_colour_and_facts(receiver: Receiver, notifier: HttpNotifier) -> None:
    _, body = await sent(receiver, notifier, type="slack", channel="#ml", username="podium", token="xoxb")
    (attachment,) = body["attachments"]
    assert (body["channel"], body["username"], attachment["color"]) == ("#ml", "podium", "#c62828")
    assert attachment["title"] == "ml/churn: churn version 3 rejected"
    assert [(each["title"], each["value"]) for each in attachment["fields"]] == [
        ("Reason", "GuardFailed"),
        ("Traffic", "3 -&gt; 2"),
    ]


async def test_slack_says_in_its_body_that_it_has_not_taken_a_message(
    receiver: Receiver, notifier: HttpNotifier
) -> None:
    receiver.answer = lambda _: web.json_response({"ok": False, "error": "channel_not_found"})
    with pytest.raises(Rejected, match=r"answered ok: false \(channel_not_found\)"):
        await sent(receiver, notifier, type="slack")
    receiver.answer = lambda _: web.json_response({"ok": True})
    await sent(receiver, notifier, type="slack")


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (301, Rejected),
        (400, Rejected),
        (404, Rejected),
        (410, Rejected),
        (408, Unavailable),
        (429, Unavailable),
        (500, Unavailable),
        (503, Unavailable),
    ],
)
async def test_what_is_not_taken_is_told_without_the_path_and_without_what_was_answered(
    receiver: Receiver, notifier: HttpNotifier, status: int, error: type[PodiumError]
) -> None:
    location = {"Location": receiver.url} if status == 301 else {}
    receiver.answer = lambda _: web.Response(status=status, text="<secret answer>", headers=location)
    with pytest.raises(error) as caught:
        await sent(receiver, notifier)
    assert f"answered {status}" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert len(receiver.taken) == 1


@pytest.mark.parametrize(("status", "refused"), [(400, True), (413, True), (422, True), (401, False), (404, False)])
async def test_what_is_wrong_with_the_event_is_told_from_what_is_wrong_with_the_address(
    receiver: Receiver, notifier: HttpNotifier, status: int, *, refused: bool
) -> None:
    receiver.answer = lambda _: web.Response(status=status)
    with pytest.raises(Rejected) as caught:
        await sent(receiver, notifier)
    assert caught.value.reason == (reasons.EVENT_REFUSED if refused else "")


async def asked_to_wait(receiver: Receiver, notifier: HttpNotifier, said: str) -> float:
    receiver.answer = lambda _: web.Response(status=429, headers={"Retry-After": said})
    with pytest.raises(Unavailable) as caught:
        await sent(receiver, notifier)
    return caught.value.retry_after


@pytest.mark.parametrize("seconds", [0, 120])
async def test_a_receiver_says_in_how_many_seconds_to_come_again(
    receiver: Receiver, notifier: HttpNotifier, seconds: int
) -> None:
    assert await asked_to_wait(receiver, notifier, str(seconds)) == seconds


@pytest.mark.parametrize(("hours", "least", "most"), [(2, 7000, 7200), (-2, 0, 0)])
async def test_a_receiver_says_at_what_time_to_come_again(
    receiver: Receiver, notifier: HttpNotifier, hours: int, least: float, most: float
) -> None:
    said = format_datetime(datetime.now(UTC) + timedelta(hours=hours), usegmt=True)
    assert least <= await asked_to_wait(receiver, notifier, said) <= most


@pytest.mark.parametrize("said", ["", "soon", "-1", "1.5", "٣", "9" * 400, "Mon, 99 Jan 2026 00:00:00 GMT", "\x00"])
def test_what_is_no_time_asks_for_none(said: str) -> None:
    assert seconds_of(said) == 0.0


async def test_a_receiver_that_is_silent_or_away_is_unavailable(receiver: Receiver, notifier: HttpNotifier) -> None:
    slow = receiver.url.replace("/secret", "/slow")
    with pytest.raises(Unavailable, match=r"http://127.0.0.1:\d+ did not answer within 0.05 s"):
        await notifier.send(replace(SENT, address=slow, timeout=0.05))
    with pytest.raises(Unavailable, match=r"http://127.0.0.1:1 does not answer: "):
        await notifier.send(replace(SENT, address="http://127.0.0.1:1/secret"))


async def test_an_endless_answer_is_read_up_to_a_limit(receiver: Receiver, notifier: HttpNotifier) -> None:
    receiver.answer = lambda _: web.Response(body=b"x" * (LIMIT * 4))
    await sent(receiver, notifier)


@pytest.mark.parametrize("kind", ["generic", "slack"])
async def test_any_2xx_is_a_receipt_whatever_becomes_of_its_body(
    kind: ProviderType, receiver: Receiver, notifier: HttpNotifier
) -> None:
    receiver.answer = lambda _: web.Response(body=b"{", headers={"Content-Encoding": "gzip"})  # which it is not
    await sent(receiver, notifier, type=kind)


async def test_an_address_that_is_no_url_says_what_is_expected(notifier: HttpNotifier) -> None:
    with pytest.raises(Rejected, match="the address is no URL") as caught:
        await notifier.send(replace(SENT, address="https://[::1/secret"))
    assert "secret" not in str(caught.value)


def test_every_type_has_a_row() -> None:
    assert {*ENCODINGS, "nats", "kafka", "smtp"} == set(get_args(ProviderType))
