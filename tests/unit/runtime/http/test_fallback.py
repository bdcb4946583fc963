"""The champion answers instead of the challenger, and of nothing else."""

import asyncio
import contextlib
import time
from typing import Any, cast

import orjson
import pytest

from podium.runtime.exchange import Request, Response
from podium.runtime.http import fallback
from podium.runtime.http.app import App
from podium.runtime.http.client import Client
from podium.runtime.identity import Headers
from podium.runtime.settings import Settings
from tests.unit.runtime.http.slots import (
    Held,
    Pod,
    Predict,
    challenger,
    champion,
    good,
    invalid,
    listening,
    raising,
    saying,
)


@pytest.mark.parametrize(("predict", "outcome"), [(raising, "model_error"), (invalid, "nan")])
async def test_what_the_challenger_fails_the_champion_answers(predict: Predict, outcome: str) -> None:
    beside = champion()
    async with listening(beside) as url:
        failing = challenger(predict, url)
        told = await failing.ask()
    assert (told.status, orjson.loads(told.body)) == (200, {"predictions": [150.0]})
    assert told.by["x-podium-version"] == "6"
    assert told.by["x-podium-run-id"] == "r6"
    assert told.by["x-podium-fallback-from"] == "7"
    assert failing.metric("podium_requests_total") == {outcome: 1}, "the failure counts in full"
    assert failing.metric("podium_fallbacks_total") == {"true": 1}


async def test_it_is_no_evidence_for_or_against_the_champion() -> None:
    beside = champion()
    async with listening(beside) as url:
        await challenger(raising, url).ask()
    assert beside.metric("podium_requests_total") == {}
    assert beside.metric("podium_fallback_requests_total") == {"ok": 1}
    text: list[Response] = []
    beside.app.handle(Request("GET", "/metrics", [], b"", b"1"), text.append)
    lines = cast("bytes", text[0].body).decode().splitlines()
    counted = [line for line in lines if line.startswith(("podium_scores_count", "podium_request_duration_seconds_c"))]
    assert [float(line.rsplit(" ", 1)[1]) for line in counted] == [0.0, 0.0]


async def test_a_call_of_grpc_is_answered_too() -> None:
    async with listening(champion()) as url:
        told = await challenger(raising, url).ask(door=App.call)
    assert (told.status, told.by["x-podium-version"]) == (200, "6")


async def test_a_full_queue_is_answered_too() -> None:
    held = Held()
    async with listening(champion()) as url:
        full = challenger(held, url, QUEUE_LIMIT="1")
        waiting = asyncio.create_task(full.ask())
        await held.asked()
        told = await full.ask()
        held.let_go()
        own = await waiting
    assert (told.status, told.by["x-podium-version"]) == (200, "6")
    assert (own.status, own.by["x-podium-version"]) == (200, "7")
    assert full.metric("podium_requests_total") == {"ok": 1, "overload": 1}


async def test_a_queue_that_is_too_long_for_a_clients_deadline_is_answered_too() -> None:
    held = Held()
    async with listening(champion()) as url:
        full = challenger(held, url)
        assert full.app._serving is not None
        full.app._serving.queue._pace.per_request = 10.0
        waiting = asyncio.create_task(full.ask())
        await held.asked()
        told = await full.ask((b"x-request-timeout", b"5s"))
        held.let_go()
        await waiting
    assert (told.status, told.by["x-podium-version"]) == (200, "6")
    assert full.metric("podium_requests_total") == {"ok": 1, "deadline_exceeded": 1}


async def test_a_clients_fault_is_never_sent_on() -> None:
    beside = champion()
    async with listening(beside) as url:
        told = await challenger(raising, url).ask(body=b"[]")
        wrong = await challenger(raising, url).ask((b"x-request-timeout", b"soon"))
    assert (told.status, wrong.status) == (400, 400)
    assert beside.metric("podium_fallback_requests_total") == {}


async def test_the_challenger_never_answers_in_the_champions_place() -> None:
    younger = Pod("7", good, TRIAL_NUMBER="2")
    async with listening(younger) as url:
        failing = Pod("6", raising, FALLBACK_URL=url, TRIAL_NUMBER="1")
        told = await failing.ask()
    assert (told.status, told.by["x-podium-version"]) == (500, "6")
    assert younger.metric("podium_requests_total") == younger.metric("podium_fallback_requests_total") == {}


async def test_no_request_goes_round() -> None:
    async with contextlib.AsyncExitStack() as both:
        beside = champion(raising)
        url = await both.enter_async_context(listening(beside))
        failing = challenger(raising, url)
        back = await both.enter_async_context(listening(failing))
        beside.app._serving.fallback = fallback.Fallback(  # type: ignore[union-attr]
            failing_other(back), Client("127.0.0.1", int(back.rsplit(":", 1)[1]), 10), beside.who, print
        )
        told = await failing.ask()
    assert (told.status, told.by["x-podium-version"]) == (500, "7")
    assert beside.metric("podium_fallback_requests_total") == {"model_error": 1}
    assert failing.metric("podium_fallback_requests_total") == {}
    assert failing.metric("podium_fallbacks_total") == {"false": 1}


def failing_other(url: str) -> Any:
    return Settings.from_environment(
        {"PODIUM_MODEL_URI": "models:/churn/6", "PODIUM_TRIAL_NUMBER": "9", "PODIUM_FALLBACK_URL": url}
    ).other_slot


async def test_what_is_late_is_answered_by_the_champion_and_counted_when_it_comes() -> None:
    held = Held()
    async with listening(champion()) as url:
        late = challenger(held, url, FALLBACK_AFTER="0.05")
        told = await late.ask()
        assert late.metric("podium_requests_total") == {}, "it has not ended"
        held.let_go()
        until = time.monotonic() + 20
        while late.metric("podium_requests_total") != {"ok": 1}:
            assert time.monotonic() < until
            await asyncio.sleep(0.01)
    assert (told.status, told.by["x-podium-version"], told.by["x-podium-fallback-from"]) == (200, "6", "7")


async def test_a_quick_answer_is_the_versions_own() -> None:
    beside = champion()
    async with listening(beside) as url:
        told = await challenger(good, url, FALLBACK_AFTER="5").ask()
    assert (told.status, told.by["x-podium-version"]) == (200, "7")
    assert "x-podium-fallback-from" not in told.by
    assert beside.metric("podium_fallback_requests_total") == {}


async def test_without_a_champion_the_failure_is_answered() -> None:
    failing = challenger(raising, "http://127.0.0.1:9")
    started = time.monotonic()
    told = await failing.ask()
    assert (told.status, told.by["x-podium-version"]) == (500, "7")
    assert time.monotonic() - started < 5
    assert failing.metric("podium_fallbacks_total") == {"false": 1}


async def test_a_champion_that_fails_too_leaves_the_first_failure() -> None:
    async with listening(champion(invalid)) as url:
        told = await challenger(raising, url).ask()
    assert (told.status, told.by["x-podium-version"], orjson.loads(told.body)["message"]) == (
        500,
        "7",
        "the model raised",
    )


async def test_a_server_that_does_not_know_that_it_stands_in_is_asked_no_more() -> None:
    old = Pod("6", good)
    async with listening(old) as url:
        failing = challenger(raising, url)
        told = [await failing.ask() for _ in range(3)]
    assert [each.status for each in told] == [500, 500, 500]
    assert old.metric("podium_requests_total") == {"ok": 1}, "such a server takes it for a user's, once"


async def test_testers_see_the_challengers_own_failures() -> None:
    async with listening(champion()) as url:
        told = await challenger(raising, url, PREVIEW_HEADER="x-preview").ask((b"x-preview", b"me"))
    assert (told.status, told.by["x-podium-version"]) == (500, "7")


async def test_a_kept_connection_that_was_closed_meanwhile_is_no_failure() -> None:
    beside = champion()
    async with listening(beside) as url:
        failing = challenger(raising, url)
        assert (await failing.ask()).status == 200
        for connection in list(beside.shared.connections):
            connection.drop()
        assert (await failing.ask()).status == 200
    assert beside.metric("podium_fallback_requests_total") == {"ok": 2}


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx-podium-fallback-from: 7\r\ncontent-length: 100\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nx-podium-fallback-from: 7\r\ncontent-length: 300000000\r\n\r\n" + b"x" * 100_000,
        b"HTTP/1.1 302 Found\r\nx-podium-fallback-from: 7\r\nlocation: /\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 500 No\r\nx-podium-fallback-from: 7\r\ncontent-length: 0\r\n\r\n",
    ],
)
async def test_half_an_answer_is_none(said: bytes) -> None:
    async with listening(saying(said)) as url:
        told = await challenger(raising, url, MAX_BUFFERED_BYTES="16777216").ask()
    assert (told.status, told.by["x-podium-version"]) == (500, "7")


async def test_many_at_once_are_all_answered() -> None:
    beside = champion()
    async with listening(beside) as url:
        failing = challenger(raising, url)
        told = await asyncio.gather(*(failing.ask(body=b"[[%d]]" % number) for number in range(100)))
    assert [orjson.loads(each.body)["predictions"] for each in told] == [[100.0 * number] for number in range(100)]


@pytest.mark.parametrize("header", [b"", b"x", b"0", b"1", b"-5", b"9999999999999999999999"])
async def test_only_an_earlier_trials_version_stands_in(header: bytes) -> None:
    beside: Headers = [(b"x-podium-fallback-from", b"7"), (b"x-podium-trial-number", header)]
    told = await champion().ask(*beside)
    assert told.status == (200 if header == b"9999999999999999999999" else 409)
