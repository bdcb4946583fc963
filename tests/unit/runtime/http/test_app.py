"""A fault of the server itself is answered and counted, and no version is rejected for it alone."""

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from podium.runtime.exchange import Request, Response
from podium.runtime.http.app import App
from podium.runtime.http.serving import Serving
from podium.runtime.identity import Identity
from podium.runtime.loading.load import Loaded
from podium.runtime.prediction.model import Model
from podium.runtime.prediction.scoring import Ask, Read, Scorer
from podium.runtime.protocols.invocations import write
from podium.runtime.settings import Settings

WHO = Identity("churn", "7", "r7", "sha256:77")
SETTINGS = Settings.from_environment({"PODIUM_MODEL_URI": "models:/churn/7"})


def broken(_: bytes, __: str, ___: Scorer) -> Ask:
    raise ZeroDivisionError


def row(_: bytes, __: str, ___: Scorer) -> Ask:
    return Ask(rows=[[1.0]], write=write)


def app() -> App:
    fields = {"inputs": None, "outputs": None, "plan": "of rows", "row_wise": True, "processes": None}
    model = SimpleNamespace(**fields, predict_rows=lambda rows: np.ones(len(rows)))
    reads: dict[str, Read] = {"/broken": broken, "/row": row}
    made = App(SETTINGS, WHO)
    made.serve(Loaded(WHO, Scorer(cast("Model", model)), reads, {}, {}, calls=reads))
    return made


def counts(serving: App) -> dict[str, int]:
    answers: list[Response] = []
    serving.handle(Request("GET", "/metrics", [], b"", b"1"), answers.append)
    assert isinstance(answers[0].body, bytes)
    lines = [line for line in answers[0].body.decode().splitlines() if line.startswith("podium_requests_total{")]
    found = {line.split('outcome="')[1].split('"')[0]: int(float(line.rsplit(" ", 1)[1])) for line in lines}
    return {outcome: count for outcome, count in found.items() if count}


@pytest.mark.parametrize("door", [App.handle, App.call])
async def test_a_fault_that_was_not_foreseen_is_counted_as_it_is_answered(
    door: Any, caplog: pytest.LogCaptureFixture
) -> None:
    serving, answers = app(), list[Response]()
    door(serving, Request("POST", "/broken", [], b"", b"mine"), answers.append)
    (answer,) = answers
    assert answer.status == 500
    assert b"internal error" in cast("bytes", answer.body)
    assert counts(serving) == {"model_error": 1}
    assert "a fault of the server itself, in request mine" in caplog.text


async def test_it_is_no_failure_in_a_row_because_it_is_not_known_to_be_the_versions() -> None:
    serving = app()
    serving.handle(Request("POST", "/broken", [], b"", b"1"), lambda _: None)
    now = cast("Serving", serving._serving)
    assert now.metrics._in_a_row == 0


async def test_one_that_comes_with_the_answer_does_not_count_the_request_again() -> None:
    serving, given = app(), list[int]()
    now = cast("Serving", serving._serving)
    now.queue.enter = lambda job: job.settle(b"{}", None)  # type: ignore[method-assign]  # as a quick model does

    def reply(answer: Response) -> None:
        given.append(answer.status)
        if len(given) == 1:
            raise ZeroDivisionError

    serving.handle(Request("POST", "/row", [], b"", b"1"), reply)
    assert given == [200, 500]
    assert counts(serving) == {"ok": 1}
