"""Testers are answered like anybody else, and what they are answered counts nowhere but in a counter of their own."""

import asyncio
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import orjson
import pytest

from podium.adapters.metrics.exposition import statement
from podium.core.facts import Counters, Histogram
from podium.runtime.exchange import Request, Response
from podium.runtime.exits import StartError
from podium.runtime.faults import ModelFault, TooLarge
from podium.runtime.http.app import App
from podium.runtime.http.streaming import NDJSON
from podium.runtime.identity import Headers, Identity
from podium.runtime.loading.load import Loaded
from podium.runtime.prediction.model import Model, Query
from podium.runtime.prediction.scoring import Ask, Read, Scorer
from podium.runtime.preview import Preview
from podium.runtime.protocols.invocations import write
from podium.runtime.settings import Settings

WHO = Identity("churn", "7", "r7", "sha256:77")
SETTINGS = Settings.from_environment({"PODIUM_MODEL_URI": "models:/churn/7", "PODIUM_PREVIEW_HEADER": "X-Preview"})
TESTER: Headers = [(b"x-preview", b"alice")]
ANYBODY: Headers = [(b"accept", b"*/*")]
BODIES = {
    "/rows": b"[1.5, 2.5]",
    "/bad": b"[-1.0]",
    "/work": b"[1.5]",
    "/lines": b"[1.5, 2.5]",
    "/long": b"[1.5]" + b" " * 300_000,
}


def predicted(rows: Any) -> Any:
    if rows[0] < 0:
        raise ModelFault("the model raised")
    return np.array(rows)


def by_rows(body: bytes, _: str, __: Scorer) -> Ask:
    return Ask(rows=orjson.loads(body), write=write)


def by_work(body: bytes, _: str, scorer: Scorer) -> Ask:
    return Ask(work=lambda: scorer.answer_query(Query(orjson.loads(body)), write), planned=False)


def by_parts(body: bytes, _: str, __: Scorer) -> Ask:
    return Ask(parts=[Ask(rows=[row], write=write) for row in orjson.loads(body)])


def app(settings: Settings) -> App:
    model = SimpleNamespace(
        processes=None,
        inputs=None,
        outputs=None,
        plan="of rows",
        row_wise=True,
        predict_rows=predicted,
        predict=lambda query: predicted(query.data),
    )
    reads: dict[str, Read] = {"/rows": by_rows, "/bad": by_rows, "/work": by_work, "/long": by_rows, "/lines": by_parts}
    made = App(settings, WHO)
    lines: dict[str, Read] = {"/lines": by_parts}
    made.serve(Loaded(WHO, Scorer(cast("Model", model)), reads, lines, {}))
    return made


async def asked(serving: App, path: str, headers: Headers, *, lines: bool = False) -> tuple[int, bytes]:
    answer: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
    accepts = [(b"accept", NDJSON)] if lines else []
    serving.handle(Request("POST", path, [*headers, *accepts], BODIES[path], b"1"), answer.set_result)
    given = await answer
    if isinstance(given.body, bytes):
        return given.status, given.body
    return given.status, b"".join([part async for part in given.body])


def page(serving: App) -> str:
    answers: list[Response] = []
    serving.handle(Request("GET", "/metrics", [], b"", b"1"), answers.append)
    assert isinstance(answers[0].body, bytes)
    return answers[0].body.decode()


def counters(serving: App) -> Counters:
    said = statement(page(serving))
    assert said is not None
    return said.counters


def previews(serving: App) -> dict[str, int]:
    lines = [line for line in page(serving).splitlines() if line.startswith("podium_preview_requests_total{")]
    counts = {line.split('outcome="')[1].split('"')[0]: int(float(line.rsplit(" ", 1)[1])) for line in lines}
    return {outcome: count for outcome, count in counts.items() if count}


@pytest.mark.parametrize("path", BODIES)
async def test_what_a_tester_is_answered_is_the_same_and_counts_for_nothing(path: str) -> None:
    serving = app(SETTINGS)
    before = page(serving)
    answer = await asked(serving, path, TESTER)
    assert previews(serving) == {"model_error" if path == "/bad" else "ok": 1}
    others = [line for line in page(serving).splitlines() if "preview" not in line and "_created" not in line]
    assert others == [line for line in before.splitlines() if "preview" not in line and "_created" not in line]
    assert await asked(serving, path, ANYBODY) == answer
    assert counters(serving).answers == 1
    assert previews(serving) == {"model_error" if path == "/bad" else "ok": 1}


async def test_lines_for_a_tester_count_for_nothing() -> None:
    serving = app(SETTINGS)
    status, body = await asked(serving, "/lines", TESTER, lines=True)
    assert (status, body.count(b"predictions")) == (200, 2)
    assert (counters(serving), previews(serving)) == (nothing(serving), {"ok": 1})
    await asked(serving, "/lines", ANYBODY, lines=True)
    assert counters(serving).scores.total == 2


async def test_beside_a_tester_everybody_else_counts_as_ever() -> None:
    serving = app(SETTINGS)
    await asyncio.gather(*(asked(serving, "/rows", who) for who in (TESTER, ANYBODY, TESTER, ANYBODY)))
    found = counters(serving)
    assert (found.answers, found.latency.total, found.scores.total) == (2, 2, 4)
    assert previews(serving) == {"ok": 2}


async def test_a_testers_request_that_never_became_whole_is_not_anybodys() -> None:
    serving = app(SETTINGS)
    serving.refuse(TooLarge("too large"), TESTER, None)
    assert previews(serving) == {"client_error": 1}
    serving.refuse(TooLarge("too large"), ANYBODY, None)
    assert 'podium_requests_total{model="churn",outcome="client_error",version="7"} 1.0' in page(serving)


async def test_with_a_value_the_header_alone_makes_no_tester() -> None:
    serving = app(replace(SETTINGS, preview=Preview.of("X-Preview", "bob")))
    await asked(serving, "/rows", TESTER)
    assert (counters(serving).answers, previews(serving)) == (1, {})
    await asked(serving, "/rows", [(b"x-preview", b"bob")])
    assert (counters(serving).answers, previews(serving)) == (1, {"ok": 1})


async def test_where_there_is_no_preview_the_header_says_nothing_and_the_page_has_no_counter_for_it() -> None:
    serving = app(replace(SETTINGS, preview=None))
    await asked(serving, "/rows", TESTER)
    assert counters(serving).answers == 1
    assert "preview" not in page(serving)


def test_a_value_without_a_header_is_refused() -> None:
    with pytest.raises(StartError, match="PODIUM_PREVIEW_VALUE is set without PODIUM_PREVIEW_HEADER"):
        Settings.from_environment({"PODIUM_MODEL_URI": "models:/churn/7", "PODIUM_PREVIEW_VALUE": "bob"})


def nothing(serving: App) -> Counters:
    """What a server that has answered no client says."""
    latency = counters(serving).latency
    none = Counters(0, 0, latency=Histogram(latency.edges, (0,) * len(latency.edges), 0), received=0)
    return replace(none, first=none)
