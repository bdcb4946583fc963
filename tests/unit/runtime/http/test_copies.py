"""What a challenger's pod does with copies: answers them when no user waits, and counts them in nothing else."""

import asyncio
from typing import Any

import pytest

from podium.runtime.faults import RequestFault
from podium.runtime.http import copies
from tests.unit.runtime.http.slots import (
    Held,
    answers,
    challenger,
    champion,
    copied,
    copying,
    eventually,
    good,
    listening,
    raising,
    serving,
)

COPY = [(b"x-podium-shadow-from", b"6"), (b"x-podium-trial-number", b"1")]


async def test_nothing_of_a_copy_is_evidence() -> None:
    beside = copied(PREDICTION_LOG="on")
    fresh = copied()
    async with listening(beside) as url:
        asked = copying(url)
        asked.tell()
        for _ in range(5):
            await asked.ask()
        await eventually(lambda: asked.pairs.get("both_good") == 5, "all are paired")
    assert answers(beside) == {"ok": 5}
    assert without_answers(beside.page()) == without_answers(fresh.page())


def without_answers(page: str) -> list[str]:
    return [line for line in page.splitlines() if "podium_shadow_answers" not in line]


async def test_failures_of_copies_are_no_consecutive_failures() -> None:
    beside = copied(raising)
    for _ in range(20):
        assert (await beside.ask(*COPY)).status == 500
    page = beside.page()
    assert 'podium_consecutive_failures{model="churn",version="7"} 0.0' in page
    assert beside.metric("podium_requests_total") == {}


async def test_a_copy_is_written_into_no_log(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    for predict in (good, raising):
        beside = copied(predict, PREDICTION_LOG="on", PREDICTION_LOG_BODIES="1")
        async with listening(beside) as url:
            asked = copying(url)
            asked.tell()
            await asked.ask(body=b"[[31337.5]]")
            await eventually(lambda: sum(asked.pairs.values()) > 0, "it is paired")  # noqa: B023
    assert "31337" not in capsys.readouterr().out + caplog.text


async def test_a_failed_copy_is_sent_to_no_one() -> None:
    third = champion()
    async with listening(third) as url:
        failing = challenger(raising, url)
        told = await failing.ask(*COPY)
    assert (told.status, told.headers[b"x-podium-outcome"]) == (500, b"model_error")
    assert third.metric("podium_fallback_requests_total") == failing.metric("podium_fallbacks_total") == {}


@pytest.mark.parametrize("number", [b"", b"x", b"-1", b"2", b"3", b"99999999999999999999"])
async def test_only_an_earlier_trials_version_sends_copies(number: bytes) -> None:
    beside = copied()
    told = await beside.ask((b"x-podium-shadow-from", b"6"), (b"x-podium-trial-number", number))
    assert told.status == 409
    assert answers(beside) == {}


async def test_a_user_does_not_wait_behind_a_copy_that_has_not_begun() -> None:
    held, order = Held(), list[float]()

    def noting(rows: Any) -> Any:
        order.append(rows[0][0])
        return held(rows)

    beside = copied(noting)
    first = asyncio.create_task(beside.ask(*COPY, body=b"[[1]]"))
    await held.asked()
    others = [asyncio.create_task(beside.ask(*COPY, body=b"[[2]]")) for _ in range(5)]
    await eventually(lambda: len(serving(beside)._copies._waiting) == 5, "five wait")
    user = asyncio.create_task(beside.ask(body=b"[[7]]"))
    await eventually(lambda: serving(beside).queue.depth == 2, "and a user behind the first one alone")
    refused = await beside.ask(*COPY, body=b"[[3]]")
    assert (refused.status, refused.headers[b"retry-after"]) == (503, b"1")
    assert refused.headers[b"x-podium-outcome"] == b"overload"
    held.let_go()
    told = await asyncio.gather(user, first, *others)
    assert {each.status for each in told} == {200}
    assert order == [1.0, 7.0, 2.0, 2.0, 2.0, 2.0, 2.0]


async def test_copies_that_find_no_turn_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copies, "WAIT_SECONDS", 0.05)
    held = Held()
    beside = copied(held)
    first = asyncio.create_task(beside.ask(*COPY))
    await held.asked()
    second = await beside.ask(*COPY)
    assert (second.status, second.headers[b"x-podium-outcome"]) == (503, b"overload")
    held.let_go()
    assert (await first).status == 200


async def test_a_copy_whose_time_is_over_before_the_model_was_asked_says_nothing_of_the_version() -> None:
    told = await copied().ask(*COPY, (b"x-request-timeout", b"0.000000001"))
    assert (told.status, told.headers[b"x-podium-outcome"]) == (503, b"overload")


async def test_no_more_copies_wait_than_a_few() -> None:
    held = Held()
    beside = copied(held)
    asked = [asyncio.create_task(beside.ask(*COPY)) for _ in range(copies.WAITING + 5)]
    await eventually(lambda: sum(each.done() for each in asked) == 4, "one is predicted, and so many wait")
    held.let_go()
    told = await asyncio.gather(*asked)
    assert sorted(each.status for each in told) == [200] * (copies.WAITING + 1) + [503] * 4


async def test_a_pod_that_drains_answers_no_copies() -> None:
    beside = copied()
    beside.app.drain()
    assert (await beside.ask(*COPY)).status == 503
    assert beside.app.answered == 0, "nor is it kept from its end by them"
    assert (await beside.ask()).status == 200


async def test_a_copy_that_is_refused_before_it_is_whole_is_no_evidence() -> None:
    beside = copied()
    serving(beside).refused([*COPY], RequestFault("it is too large"), None)
    assert beside.metric("podium_requests_total") == {}
    assert answers(beside) == {"client_error": 1}
