"""The trials of `make bench-rollback`, played with a stand-in for the cluster."""

import asyncio
import time
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bench.cluster import subject
from bench.rollback import __main__ as bench
from bench.rollback import trials as module
from bench.rollback.trials import HEALTHY, KINDS, Trials
from testbed.cluster import Cluster
from tests.unit.bench.stand_in_cluster import StandIn, WatchOf


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOMENT", (0.0, 0.02))
    monkeypatch.setattr(module, "LAST_ANSWERS", 0.05)
    monkeypatch.setattr(module, "WELL", 0.2)
    monkeypatch.setattr(subject, "DEADLINE", 30.0)


async def play(monkeypatch: pytest.MonkeyPatch, stand_in: StandIn, runs: int, only: str | None) -> dict[str, Any]:
    async with await asyncio.start_server(stand_in.talk, "127.0.0.1", 0) as server:
        monkeypatch.setattr(module, "MODEL_PORT", server.sockets[0].getsockname()[1])
        backend = SimpleNamespace(kubectl=lambda: Path("kubectl"))
        cluster = cast("Cluster", SimpleNamespace(backend=backend, env={}, kubectl=stand_in.kubectl))
        trials = Trials(cluster, 500.0, Random(1), time.monotonic)
        trials.subject.watch = WatchOf(stand_in, trials._take)
        return await bench.measure(trials, runs, only)


async def test_every_kind_of_trial_is_played_as_often_as_it_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in = StandIn(rejects_after=3)
    result = await play(monkeypatch, stand_in, 2, None)
    assert set(result) == {*(kind.name for kind in KINDS), "healthy_rejected"}
    assert result["healthy_rejected"] == 0
    assert result["crashloop"]["weight_rose"] == 0
    assert all(0 < result[kind.name]["seconds_worst"] < 5 for kind in KINDS)
    assert {result[kind.name]["failed_median"] for kind in KINDS} == {3}
    outcomes = [one["outcome"] for one in stand_in.history]
    assert outcomes == ["Rejected"] * 2 * len(KINDS) + ["RolledBack"] * 2 * bench.HEALTHY_TIMES


async def test_each_trial_is_asked_for_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in = StandIn(rejects_after=1)
    result = await play(monkeypatch, stand_in, 3, "fail100")
    assert set(result) == {"fail100"}
    assert len(stand_in.retries) == 4  # and once for the champion


async def test_a_healthy_version_that_is_rejected_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HEALTHY", module.KINDS[0])  # it is not as healthy as that
    result = await play(monkeypatch, StandIn(rejects_after=1), 1, HEALTHY.name)
    assert result == {"healthy_rejected": bench.HEALTHY_TIMES}


async def test_a_weight_that_rises_after_the_crash_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    result = await play(monkeypatch, StandIn(rejects_after=3, rises=True), 2, "crashloop")
    assert result["crashloop"]["weight_rose"] == 2


async def test_a_version_that_is_never_rejected_ends_the_bench(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "DEADLINE", 1.0)
    with pytest.raises(RuntimeError, match="not within 1 s: fail100: the challenger is rejected"):
        await play(monkeypatch, StandIn(rejects_after=10**9), 1, "fail100")
