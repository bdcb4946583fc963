"""A shadow step between two pods: which of the champion's requests are copied, and how the pairs come out."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from podium.adapters.metrics.exposition import statement
from podium.core.identity import Identity
from podium.core.shadow import ShadowPairs
from podium.runtime.faults import ModelFault, RequestFault
from podium.runtime.http import shadow
from podium.runtime.http.app import App
from podium.runtime.prediction.scoring import Ask
from tests.unit.runtime.http.slots import (
    Held,
    Pod,
    Predict,
    answers,
    copied,
    copying,
    eventually,
    good,
    invalid,
    listening,
    raising,
    sender,
    serving,
)

NDJSON = (b"accept", b"application/x-ndjson")


def off(rows: Any) -> Any:
    return good(rows) * 1.01


def blaming(_: Any) -> Any:
    raise RequestFault("the request does not fit")


# How pairs come out


@pytest.mark.parametrize(
    ("mine", "theirs", "outcome", "heard"),
    [
        (good, good, "both_good", "ok"),
        (raising, raising, "both_bad", "model_error"),
        (good, raising, "only_challenger_bad", "model_error"),
        (good, invalid, "only_challenger_bad", "nan"),
        (raising, good, "only_champion_bad", "ok"),
        (invalid, good, "only_champion_bad", "ok"),
        (good, blaming, "only_challenger_bad", "client_error"),  # the champion has answered the very request
    ],
)
async def test_a_pair_is_counted_by_who_was_good(mine: Predict, theirs: Predict, outcome: str, heard: str) -> None:
    beside = copied(theirs)
    async with listening(beside) as url:
        asked = copying(url, mine)
        asked.tell()
        told = [await asked.ask() for _ in range(5)]
        await eventually(lambda: asked.pairs.get(outcome) == 5, "all five are paired")
    assert {each.by["x-podium-version"] for each in told} == {"6"}
    assert {each.status for each in told} == {200 if mine is good else 500}
    both = outcome == "both_good"
    assert {name: asked.pairs.get(name, 0) for name in ("compared", "disagreements", "dropped")} == {
        "compared": 5 if both else 0,
        "disagreements": 0,
        "dropped": 0,
    }
    assert answers(beside) == {heard: 5}


class Store:
    """What both versions read before they answer. A copy is tried later than its request was."""

    def __init__(self) -> None:
        self.fails, self.value = False, 1.0

    def __call__(self, rows: Any) -> Any:
        if self.fails:
            raise ModelFault("no features")
        return good(rows) * self.value


async def late(store: Store, theirs: Predict, change: Callable[[], None]) -> dict[str, int]:
    """How the pairs come out of three requests that were answered before the change, and copied after it."""
    users_wait = True
    async with listening(copied(theirs)) as url:
        asked = copying(url, store)
        asked.tell()
        sender(asked)._busy = lambda: users_wait
        told = [await asked.ask() for _ in range(3)]
        change()
        users_wait = False
        await eventually(lambda: sum(asked.pairs.get(how, 0) for how in ENDS) == 3, "all three have come to an end")
    assert [each.status for each in told] == [200, 200, 200]
    assert asked.metric("podium_requests_total") == {"ok": 3}, "what was asked again is no evidence"
    return asked.pairs


ENDS = ("both_good", "both_bad", "only_challenger_bad", "only_champion_bad", "dropped")


async def test_what_fails_for_both_before_a_copy_is_tried_says_nothing_against_the_challenger() -> None:
    """A shared outage: 64 copies that waited failed at once, and 15 such pairs reject a version."""
    store = Store()
    pairs = await late(store, store, lambda: setattr(store, "fails", True))
    assert pairs == {"both_bad": 3}


async def test_what_changes_for_both_before_a_copy_is_tried_is_no_disagreement() -> None:
    store = Store()
    pairs = await late(store, store, lambda: setattr(store, "value", 2.0))
    assert (pairs["both_good"], pairs["compared"], pairs.get("disagreements")) == (3, 3, None)


async def test_a_challenger_that_fails_alone_is_found_however_late_the_copy_is() -> None:
    assert await late(Store(), raising, lambda: None) == {"only_challenger_bad": 3}


async def test_a_challenger_that_predicts_something_else_is_found_however_late_the_copy_is() -> None:
    pairs = await late(Store(), off, lambda: None)
    assert (pairs["both_good"], pairs["disagreements"]) == (3, 3)


async def test_a_pair_is_none_where_the_champion_cannot_be_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shadow, "AGAIN_SECONDS", 0.1)
    async with listening(copied(raising)) as url:
        asked = copying(url)
        asked.tell()
        waits = iter([False])  # users wait again as soon as the copy is sent
        sender(asked)._busy = lambda: next(waits, True)
        await asked.ask()
        await eventually(lambda: asked.pairs == {"dropped": 1}, "it is given up")


@pytest.mark.parametrize(("tolerance", "disagreements"), [(0.0, 4), (0.005, 4), (0.02, 0)])
async def test_predictions_are_compared_up_to_the_tolerance(tolerance: float, disagreements: int) -> None:
    async with listening(copied(off)) as url:
        asked = copying(url)
        asked.tell(tolerance=tolerance)
        for _ in range(4):
            await asked.ask()
        await eventually(lambda: asked.pairs.get("compared") == 4, "all four are compared")
    assert asked.pairs.get("disagreements", 0) == disagreements


@pytest.mark.parametrize(("mine", "theirs", "count"), [(0.0, 0.02, "slower"), (0.02, 0.0, "faster")])
async def test_whose_model_took_longer_is_counted(mine: float, theirs: float, count: str) -> None:
    def taking(seconds: float) -> Predict:
        def predict(rows: Any) -> Any:
            time.sleep(seconds)
            return good(rows)

        return predict

    async with listening(copied(taking(theirs))) as url:
        asked = copying(url, taking(mine))
        asked.tell()
        for _ in range(3):
            await asked.ask()
        await eventually(lambda: asked.pairs.get("both_good") == 3, "all three are paired")
    assert {name: asked.pairs.get(name, 0) for name in ("slower", "faster")} == {"slower": 0, "faster": 0} | {count: 3}


async def test_requests_that_were_predicted_together_are_compared_and_not_timed() -> None:
    async with listening(copied()) as url:
        asked = copying(url)
        asked.tell()
        await asyncio.gather(*(asked.ask(body=b"[[%d]]" % number) for number in range(8)))
        await eventually(lambda: asked.pairs.get("both_good", 0) + asked.pairs.get("dropped", 0) == 8, "all have ended")
    found = asked.pairs
    assert found["compared"] == found["both_good"]
    assert "disagreements" not in found, "each is compared with its own share of what was predicted together"
    assert found.get("slower", 0) + found.get("faster", 0) <= 1


async def test_a_call_of_grpc_is_copied_and_compared_too() -> None:
    async with listening(copied(off)) as url:
        asked = copying(url)
        asked.tell()
        told = await asked.ask(door=App.call)
        await eventually(lambda: asked.pairs.get("disagreements") == 1, "it is compared")
    assert (told.status, told.by["x-podium-version"]) == (200, "6")


async def test_a_path_that_names_the_champions_version_names_the_challengers_there() -> None:
    async with listening(copied()) as url:
        asked = copying(url)
        asked.tell()
        await asked.ask(path="/v2/models/churn/versions/6/infer")
        await eventually(lambda: asked.pairs.get("both_good") == 1, "it is answered")


async def test_a_path_that_the_challenger_does_not_know_makes_no_pair() -> None:
    beside = copied()
    serving(beside)._endpoints.pop("/invocations")
    async with listening(beside) as url:
        asked = copying(url)
        asked.tell()
        await asked.ask()
        await eventually(lambda: asked.pairs == {"dropped": 1}, "it is dropped")


# What is copied


async def test_the_told_share_is_copied() -> None:
    async with listening(copied()) as url:
        asked = copying(url)
        asked.tell(share=0.5)
        for _ in range(200):
            await asked.ask()
        await eventually(lambda: not sender(asked)._waiting and not sender(asked)._sending, "all are sent")
    assert 60 <= asked.pairs["both_good"] <= 140, "half of 200: 40 is more than five standard deviations"


async def test_nothing_is_copied_unless_told_nor_after_the_word_has_lapsed(monkeypatch: pytest.MonkeyPatch) -> None:
    beside = copied()
    async with listening(beside) as url:
        asked = copying(url)
        await asked.ask()
        assert "podium_shadow" not in asked.page().replace("podium_shadow_answers", "")
        asked.tell()
        await asked.ask()
        await eventually(lambda: asked.pairs.get("both_good") == 1, "it is paired")
        orders = asked.app._orders
        monkeypatch.setattr(orders, "_until", time.monotonic() - 1)
        for _ in range(5):
            await asked.ask()
        assert not sender(asked)._waiting
        assert answers(beside) == {"ok": 1}
        assert asked.pairs["both_good"] == 1, "what was counted stays"


async def test_copies_that_wait_when_the_word_lapses_are_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    beside = copied()
    async with listening(beside) as url:
        asked = copying(url)
        monkeypatch.setattr(shadow, "SENDERS", 0)
        asked.tell()
        await asked.ask()
        assert len(sender(asked)._waiting) == 1
        monkeypatch.setattr(shadow, "SENDERS", 1)
        monkeypatch.setattr(sender(asked), "_sending", 1)
        monkeypatch.setattr(asked.app._orders, "_until", time.monotonic() - 1)
        await sender(asked)._send_waiting()
    assert answers(beside) == {}
    assert asked.pairs == {"dropped": 1}


async def test_another_challenger_begins_at_zero() -> None:
    async with listening(copied()) as url:
        asked = copying(url)
        asked.tell()
        await asked.ask()
        await eventually(lambda: asked.pairs.get("both_good") == 1, "it is paired")
        asked.tell(version="8")
        assert asked.pairs == {}
        said = statement(asked.page())
        assert said is not None
        assert said.shadow == ShadowPairs(Identity("8", "sha256:77"))
        await asked.ask()
        await eventually(lambda: asked.pairs == {"dropped": 1}, "version 7 is not the one that was named")


@pytest.mark.parametrize("digest", ["sha256:78", "sha256"])
async def test_an_answer_by_other_files_than_those_that_were_named_is_in_no_pair(digest: str) -> None:
    async with listening(copied()) as url:
        asked = copying(url)
        asked.tell(digest=digest)
        await asked.ask()
        await eventually(lambda: asked.pairs == {"dropped": 1}, "it is dropped")


async def test_a_version_is_not_compared_with_itself() -> None:
    async with listening(copied()) as url:
        asked = copying(url)
        asked.tell(version="6")
        await asked.ask()
        assert not sender(asked)._sending
        assert "podium_shadow_pairs" not in asked.page()


async def test_a_clients_fault_and_a_full_queue_are_no_half_of_a_pair() -> None:
    beside, held = copied(), Held()
    async with listening(beside) as url:
        asked = copying(url, held, QUEUE_LIMIT="1")
        asked.tell()
        assert (await asked.ask(body=b"[]")).status == 400
        assert (await asked.ask((b"x-request-timeout", b"soon"))).status == 400
        waiting = asyncio.create_task(asked.ask())
        await held.asked()
        assert (await asked.ask()).status == 503
        held.let_go()
        await waiting
        await eventually(lambda: asked.pairs.get("both_good") == 1, "the good one alone is paired")
    assert answers(beside) == {"ok": 1}
    assert "dropped" not in asked.pairs


async def test_testers_requests_streams_fallbacks_and_copies_are_not_copied() -> None:
    beside = copied()
    async with listening(beside) as url:
        asked = copying(url, PREVIEW_HEADER="x-preview")
        asked.tell()
        assert (await asked.ask((b"x-preview", b"me"))).status == 200
        sent = [(b"x-podium-fallback-from", b"7"), (b"x-podium-trial-number", b"2")]
        assert (await asked.ask(*sent)).status == 200
        copy = [(b"x-podium-shadow-from", b"5"), (b"x-podium-trial-number", b"0")]
        assert (await asked.ask(*copy)).status == 200
        serving(asked)._streams["/invocations"] = lambda *_: Ask(
            parts=[Ask(work=lambda: b"{}\n"), Ask(work=lambda: b"")]
        )
        assert (await asked.ask(NDJSON)).status == 200
    assert asked.pairs == answers(beside) == {}


async def test_without_a_fallback_copies_are_sent_all_the_same() -> None:
    async with listening(copied()) as url:
        asked = copying(url, raising)
        assert serving(asked).fallback is None
        both = Pod("6", good, FALLBACK_URL=url, TRIAL_NUMBER="1")
        both.tell()
        assert (await both.ask()).status == 200
        await eventually(lambda: both.pairs.get("both_good") == 1, "nor does a fallback stand in the way")
