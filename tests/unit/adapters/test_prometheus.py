"""Prometheus's answers, the strange ones too. What a real one says is in tests/contract/test_metrics_store.py."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from podium.adapters.metrics import prometheus
from podium.adapters.metrics.prometheus import LIMIT, NotATotal, Prometheus, total
from podium.ports import Totals
from tests.unit.adapters.local_server import serving


def answer(kind: str, result: object, **more: object) -> bytes:
    return json.dumps({"status": "success", "data": {"resultType": kind, "result": result}, **more}).encode()


def sample(text: object) -> dict[str, object]:
    return {"metric": {"job": "x"}, "value": [1700000000.123, text]}


GOOD = answer("vector", [sample("12")])


@pytest.mark.parametrize(
    ("body", "number"),
    [
        (GOOD, 12),
        (answer("vector", [sample("0")]), 0),
        (answer("vector", [sample("1.5e+06")]), 1_500_000),
        (answer("scalar", [1700000000, "3"]), 3),
        (answer("vector", [sample("12")], infos=["the metric might not be a counter"], warnings=[]), 12),
    ],
)
def test_one_sample_is_a_total(body: bytes, number: float) -> None:
    assert total(body) == number


@pytest.mark.parametrize(
    ("body", "flaw"),
    [
        (answer("vector", []), "expected one sample, found none: no series has that name and these labels"),
        (answer("vector", [sample("1"), sample("2")]), r"found 2 samples: put sum\(\) around it"),
        (answer("matrix", [{"metric": {}, "values": [[1, "2"]]}]), r"found a matrix: a total has no range"),
        (answer("string", [1, "x"]), "found resultType string"),
        (answer("vector", [sample("NaN")]), "expected a number of answers, found NaN"),
        (answer("vector", [sample("+Inf")]), r"found \+Inf"),
        (answer("vector", [sample("-1")]), "found -1"),
        (answer("vector", [sample("many")]), "found many"),
        (answer("vector", [sample(12)]), "found 12"),
        (answer("vector", [{"metric": {}, "histogram": [1, {}]}]), "found None"),
        (answer("vector", ["x"]), "found None"),
        (answer("scalar", []), "found None"),
        (answer("vector", [sample("12")], warnings=["no store matched"]), "without warnings, found .*no store matched"),
        (
            b'{"status":"error","errorType":"bad_data","error":"parse error\\n at 1:4"}',
            "^bad_data: parse error at 1:4$",
        ),
        (b'{"status":"error"}', "no success"),
        (b'{"status":"success"}', "found resultType None"),
        (b"<html>not here</html>", "expected a response of its API, found '<html>"),
        (b"[" * LIMIT, "expected a response of its API"),
        (b"\xff", "expected a response of its API"),
        (b"null", "no success"),
    ],
)
def test_anything_else_is_none_and_says_what_was_wanted_and_found(body: bytes, flaw: str) -> None:
    with pytest.raises(NotATotal, match=flaw) as told:
        total(body)
    assert len(str(told.value)) < 500


LATE = "no answer within 0.7 s"


@dataclass
class Served:
    """A server in Prometheus's place: what it says can be changed, and what it was asked is kept."""

    body: bytes = GOOD
    status: int = 200
    manner: str = ""
    asked: list[dict[str, str]] = field(default_factory=list)
    uri: str = ""

    async def query(self, request: web.Request) -> web.StreamResponse:
        self.asked.append({name: str(text) for name, text in (await request.post()).items()})
        if self.manner == "slow":
            await asyncio.sleep(30)
        if self.manner == "moved":
            raise web.HTTPFound("http://127.0.0.1:1/")
        if self.manner == "endless":
            response = web.StreamResponse()
            await response.prepare(request)
            while True:
                await response.write(b" " * 65536)
        return web.Response(body=self.body, status=self.status)


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    said, app = Served(), web.Application()
    app.add_routes([web.post("/prefix/api/v1/query", said.query)])
    async with serving(app) as address:
        said.uri = f"{address}/prefix/"
        yield said


@pytest.fixture
async def store(served: Served) -> AsyncIterator[Prometheus]:
    made = Prometheus(served.uri)
    yield made
    await made.close()


async def test_each_query_is_asked_once_as_a_form(served: Served, store: Prometheus) -> None:
    assert await store.totals(["a", "b", "a"]) == Totals({"a": 12.0, "b": 12.0}, {})
    assert sorted(one["query"] for one in served.asked) == ["a", "b"]


async def test_nothing_is_asked_where_nothing_is_wanted(served: Served, store: Prometheus) -> None:
    assert await store.totals([]) == Totals({}, {})
    assert served.asked == []


@pytest.mark.parametrize(
    ("manner", "flaw"),
    [("slow", LATE), ("endless", "expected a response of its API"), ("moved", "answered 302")],
)
async def test_a_store_that_misbehaves_is_left_out_in_time(
    served: Served, store: Prometheus, manner: str, flaw: str
) -> None:
    served.manner = manner
    async with asyncio.timeout(5 * prometheus.TIMEOUT):
        found = await store.totals([f"query {number}" for number in range(40)])
    assert found.values == {}
    assert len(found.flaws) == 40
    # On a busy machine the time may be over before the bytes are too many.
    assert all(flaw in said or LATE in said for said in found.flaws.values())


async def test_a_refusal_is_told_in_its_own_words(served: Served, store: Prometheus) -> None:
    served.status, served.body = 400, b'{"status":"error","errorType":"bad_data","error":"unexpected end of input"}'
    found = await store.totals(["sum("])
    assert found.flaws == {"sum(": "Prometheus answered 400: bad_data: unexpected end of input"}


async def test_a_store_that_is_not_there_is_a_flaw_of_every_query() -> None:
    gone = Prometheus("http://127.0.0.1:1")
    found = await gone.totals(["a"])
    await gone.close()
    assert "http://127.0.0.1:1/api/v1/query" in found.flaws["a"]
