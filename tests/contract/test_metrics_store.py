"""What every metrics store does: the fake, and a real Prometheus; and what only a real one can show."""

import asyncio
import math
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from podium.adapters.metrics.prometheus import Prometheus
from podium.core.analysis.promql import fill
from podium.ports import Totals
from podium.runtime.faults import Outcome
from podium.runtime.http.metrics import Metrics
from podium.runtime.identity import Identity
from podium.runtime.prediction.distribution import Predictions
from tests.contract.metrics_worlds import (
    FakeMetricsWorld,
    MetricsWorld,
    PrometheusWorld,
    prometheus_installed,
    prometheus_server,
)

SCRAPED = 30  # seconds until a scrape must have been seen; it takes one or two
HOSTILE = 'x"} or vector(1) # \\'


@pytest.fixture(scope="session")
def exposed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder whose file `metrics` the real Prometheus scrapes: two servers' answers, one of them oddly named."""
    folder = tmp_path_factory.mktemp("exposed")
    (folder / "metrics").write_bytes(answered("7") + answered(HOSTILE))
    return folder


def answered(version: str) -> bytes:
    """The model server's own text after nine good answers and three bad ones."""
    metrics = Metrics(Identity("churn", version, "r1", "sha256:11"), (0.1,), lambda: 0, Predictions())
    for outcome in [Outcome.OK] * 9 + [Outcome.MODEL_ERROR] * 2 + [Outcome.NAN]:
        metrics.count(outcome, 0.01)
    lines = metrics.render().splitlines(keepends=True)
    return b"".join(line for line in lines if line.startswith(b"podium_requests_total"))


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory, exposed: Path) -> Iterator[str]:
    prometheus_installed()
    with prometheus_server(tmp_path_factory.mktemp("prometheus"), exposed) as address:
        yield address


@pytest.fixture(params=["fake", "prometheus"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[MetricsWorld]:
    made: MetricsWorld = FakeMetricsWorld()
    if request.param == "prometheus":
        made = PrometheusWorld(Prometheus(request.getfixturevalue("address")))
    yield made
    await made.end()


async def test_a_query_with_one_sample_has_its_value(world: MetricsWorld) -> None:
    three, none, many = world.query(3), world.query(0), world.query(12345678)
    assert await world.store.totals([three, none, many]) == Totals({three: 3, none: 0, many: 12345678}, {})


@pytest.mark.parametrize("samples", [(), (1.0, 2.0), (math.nan,), (math.inf,), (-1.0,)], ids=str)
async def test_a_query_that_gives_anything_else_has_a_flaw(world: MetricsWorld, samples: tuple[float, ...]) -> None:
    query = world.query(*samples)
    found = await world.store.totals([query])
    assert found.values == {}
    assert re.search("expected (one sample|a number of answers), found", found.flaws[query])


async def test_one_query_without_a_value_takes_nothing_from_the_others(world: MetricsWorld) -> None:
    right, wrong = world.query(7), world.query()
    found = await world.store.totals([wrong, right])
    assert (found.values, set(found.flaws)) == ({right: 7}, {wrong})


async def test_a_store_that_does_not_answer_has_a_flaw_for_every_query(world: MetricsWorld) -> None:
    queries = [world.query(1), world.query(2)]
    await world.lose()
    found = await world.store.totals(queries)
    assert found.values == {}
    assert set(found.flaws) == set(queries)


# --- only a real one can show this -----------------------------------------------------------------------------------


async def value_of(address: str, query: str) -> float:
    """The query's value, as soon as a scrape has brought one."""
    store, found = Prometheus(address), Totals({}, {})
    for _ in range(SCRAPED * 10):
        found = await store.totals([query])
        if found.values:
            break
        await asyncio.sleep(0.1)
    await store.close()
    assert found.values, f"not within {SCRAPED} s: {found.flaws}"
    return found.values[query]


@pytest.mark.parametrize("version", ["7", HOSTILE], ids=["plain", "hostile"])
@pytest.mark.parametrize("operator", ["=", "=~"])
async def test_what_the_model_server_counted_is_found_by_version(address: str, version: str, operator: str) -> None:
    values = {"namespace": "ml", "name": "churn", "slot": "a", "version": version}
    every = f'podium_requests_total{{version{operator}"{{{{version}}}}"'
    assert await value_of(address, fill(f"sum({every}}})", values)) == 12
    assert await value_of(address, fill(f'sum({every},outcome!="ok"}})', values)) == 3


async def test_a_query_that_is_no_promql_is_told_in_prometheus_own_words(address: str) -> None:
    store = Prometheus(address)
    found = await store.totals(["sum(", "podium_requests_total[5m]"])
    await store.close()
    assert "bad_data: " in found.flaws["sum("]
    assert "found a matrix" in found.flaws["podium_requests_total[5m]"]
