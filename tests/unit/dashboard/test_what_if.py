"""`podium simulate` as a page: sliders with bounds, and answers from a process that is ended when it takes too long."""

import asyncio
import json
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from bench.page.fleets import kinds, placed
from podium.dashboard import tried
from podium.dashboard.app import app
from podium.dashboard.sliders import SLIDERS, START, Assumption, OutOfBounds
from podium.dashboard.trying import AT_ONCE, FEWEST, NotTried, Trying
from tests.unit.dashboard.browser import Browser
from tests.unit.dashboard.conftest import DOOR, NOW, keeping
from tests.unit.dashboard.reading import Document

SAID: Mapping[str, Any] = {
    "trials": 40,
    "guards": [["errors", 0.01, 0.002]],
    "promoted": [0.75, 0.588, 0.873],
    "rolled_back": [0.25, 0.127, 0.412],
    "rolled_back_later": [0, 0, 0.088],
    "circumstances": [0, 0, 0.088],
    "undecided": [0, 0, 0.088],
    "to_promotion": [360, 900],
    "to_rollback": [8, 17],
    "answers": [1210, 4260],
    "hit": [12, 16],
}
WHERE = "/deployments/ml/churn/what-if"
ENDLESS = (sys.executable, "-c", "import time; time.sleep(600)")


class Told(Trying):
    """What it was asked, and what it says."""

    def __init__(self, said: Mapping[str, Any] = SAID) -> None:
        super().__init__()
        self.asked: list[Mapping[str, Any]] = []
        self._says = said

    async def answer(self, question: Mapping[str, Any]) -> Mapping[str, Any]:
        self.asked.append(question)
        return self._says


def browsing(trying: Trying, value: Mapping[str, Any] | None = None) -> Browser:
    kept = keeping(placed(dict(value or kinds()["Canary"]), "ml", "churn"))
    return Browser(app(kept, DOOR, lambda: NOW, trying=trying), {DOOR.cookie: DOOR.token})


def script(*lines: str) -> tuple[str, ...]:
    return (sys.executable, "-c", "\n".join(("import json, sys", "asked = json.load(sys.stdin)", *lines)))


# --- the form ---------------------------------------------------------------------------------------------------------


def test_the_page_has_a_labelled_slider_with_its_value_for_each_assumption() -> None:
    document = Document(browsing(Told()).get("/deployments/ml/churn").text)
    assert document.problems == []
    ranges = [one for one in document.all("input") if one.get("type") == "range"]
    assert [one["name"] for one in ranges] == ["rate", "share", "champion", "users"]
    assert {one["id"] for one in ranges} <= {one.get("for") for one in document.all("label")}
    assert {one["id"] for one in ranges} == {one["for"] for one in document.all("output")}
    assert {one["list"] for one in ranges} == {one["id"] for one in document.all("datalist")}
    (form,) = [one for one in document.all("form") if one.get("class") == "what-if"]
    assert (form["method"], form["action"]) == ("get", "./churn/what-if")
    assert "Requests 50/s 1/h to 500/s" in document.text


def test_what_the_sliders_say_is_asked_and_they_stay_where_they_were() -> None:
    trying = Told()
    answer = browsing(trying).get(WHERE, params={"rate": "4", "share": "12", "champion": "0", "users": "4"})
    assert answer.status_code == 200
    (asked,) = trying.asked
    assert {name: asked[name] for name in ("rate", "share", "champion", "users")} == {
        "rate": 1, "share": 0.1, "champion": 0, "users": 100,
    }  # fmt: skip
    assert asked["spec"] == kinds()["Canary"]["spec"]
    document = Document(answer.text)
    assert document.problems == []
    assert [one["value"] for one in document.all("input")] == ["4", "12", "0", "4"]
    assert "podium simulate FILE --rate 1/s --good 10% --champion 0% --users 100 --trials 1000" in document.text


def test_the_answer_says_how_likely_and_how_soon() -> None:
    text = Document(browsing(Told()).get(WHERE).text).text
    assert "40 trials at 50/s, of a version with 1% bad answers beside a champion with 0.2%" in text
    assert "Promoted 75% (58.8% to 87.3%) half of them within 6m, 95% within 15m" in text
    assert "Rejected 25% (12.7% to 41.2%) half of them within 8s, 95% within 17s" in text
    assert "it gave 1,210 answers in half of the trials, 12 of them bad" in text
    assert "errors 1% 0.2%" in text
    assert "Undecided" not in text


def test_without_an_end_of_a_kind_there_is_no_time_for_it() -> None:
    never: dict[str, Any] = {"to_rollback": None, "to_promotion": None, "answers": None, "hit": None, "guards": []}
    text = Document(browsing(Told({**SAID, **never, "undecided": [1, 0.9, 1]})).get(WHERE).text).text
    assert "Undecided after a week 100%" in text
    assert "The spec has no guards" in text


# --- bounds -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["-1", "99", "15", "1.5", "", "1e3", "٣", "0x1", "9" * 5000, "<b>"])
@pytest.mark.parametrize("name", [slider.name for slider in SLIDERS])
def test_a_value_that_no_slider_has_is_refused_with_words(name: str, text: str) -> None:
    trying = Told()
    answer = browsing(trying).get(WHERE, params={name: text})
    assert answer.status_code == 400
    assert f"{name}: expected a place on its slider, a whole number from 0 to" in Document(answer.text).text
    assert trying.asked == []


def test_every_place_on_a_slider_has_a_value_and_a_text() -> None:
    for slider in SLIDERS:
        assert len(slider.values) == len(slider.texts)
        assert list(slider.values) == sorted(slider.values)
        assert [slider.place(str(place)) for place in range(len(slider.values))] == list(range(len(slider.values)))
    with pytest.raises(OutOfBounds, match="rate: expected a place"):
        Assumption.of({"rate": "13"})


def test_an_object_that_is_not_there_or_cannot_be_read_is_said() -> None:
    trying = Told()
    assert browsing(trying).get("/deployments/ml/gone/what-if").status_code == 404
    answer = browsing(trying, {**kinds()["Canary"], "spec": {"model": 3}}).get(WHERE)
    assert answer.status_code == 409
    assert "this version of Podium cannot read it: spec.model" in Document(answer.text).text
    assert trying.asked == []


def test_whoever_lacks_the_token_has_nothing_simulated() -> None:
    trying = Told()
    client = browsing(trying)
    client.cookies.clear()
    assert client.get(WHERE).status_code == 403
    assert trying.asked == []


# --- the other process ------------------------------------------------------------------------------------------------


def test_what_takes_too_long_is_ended_and_refused_with_words() -> None:
    answer = browsing(Trying(ENDLESS, within=0.2)).get(WHERE)
    assert answer.status_code == 503
    assert "take longer than 0.2 s here" in Document(answer.text).text


async def test_one_at_a_time_and_the_next_one_is_told_so() -> None:
    trying = Trying(ENDLESS, within=600)
    first = asyncio.create_task(trying.answer({}))
    await asyncio.sleep(0)
    assert AT_ONCE == 1
    with pytest.raises(NotTried, match="another simulation is under way"):
        await trying.answer({})
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    with pytest.raises(NotTried, match="take longer than"):
        await Trying(ENDLESS, within=0.1).answer({})


async def test_the_loop_that_serves_pages_goes_on_meanwhile() -> None:
    turns = 0
    answering = asyncio.create_task(Trying(script("print(json.dumps(asked))")).answer({"rate": 1}))
    while not answering.done():
        await asyncio.sleep(0.001)
        turns += 1
    assert await answering == {"rate": 1}
    assert turns > 1


async def test_a_process_that_fails_and_a_question_without_an_answer_are_said() -> None:
    with pytest.raises(NotTried, match="the log of the page says why"):
        await Trying(script("sys.exit(3)")).answer({})
    with pytest.raises(NotTried, match="that cannot be") as raised:
        await Trying(script("print(json.dumps({'problem': 'that cannot be'}))")).answer({})
    assert raised.value.status == 400
    with pytest.raises(NotTried, match="at most 1,000,000 bytes"):
        await Trying().answer({"spec": "x" * 1_000_000})


def test_the_process_itself_answers_as_podium_simulate_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process, as the simulated world has a loop of its own; a few trials only."""
    monkeypatch.setattr(tried, "MOST", FEWEST)
    spec = {
        "model": {"name": "churn", "version": "2"},
        "rollout": {
            "steps": [{"weight": 50, "duration": "10s"}],
            "soak": "10s",
            "guards": [{"name": "errors", "errorRate": {"atMost": "1%"}}],
        },
    }
    found = json.loads(json.dumps(tried.answer({"spec": spec, **START.values, "share": 0.5, "rate": 100})))
    assert found["trials"] == FEWEST
    assert found["rolled_back"][0] == 1
    assert found["guards"] == [["errors", 0.5, 0.002]]
    assert found["to_rollback"][0] < 60
    assert found["to_promotion"] is None


async def test_the_process_is_one_that_python_finds() -> None:
    """The module, from wherever this process has it; a question that no rollout is ends it."""
    with pytest.raises(NotTried, match="the simulation failed"):
        await Trying().answer({"spec": {}})
