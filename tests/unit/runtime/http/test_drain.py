"""A drain lasts as long as its time says, and longer while requests still come: kube-proxy may be late."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import cast

import pytest

from podium.runtime.http import server
from podium.runtime.http.app import App
from podium.runtime.http.server import _drain, _Stop
from podium.runtime.http.shared import Shared
from podium.runtime.settings import Settings

DRAIN, QUIET, LATE = 0.2, 0.1, 0.6


@dataclass
class Asked:
    """An App that has answered as often as it was asked until now."""

    how_often: Callable[[float], int]  # by the seconds since its drain began
    since: float | None = None

    def drain(self) -> None:
        self.since = time.monotonic()

    @property
    def answered(self) -> int:
        assert self.since is not None
        return self.how_often(time.monotonic() - self.since)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "QUIET_SECONDS", QUIET)
    monkeypatch.setattr(server, "LATE_SECONDS", LATE)


async def drained(how_often: Callable[[float], int], drain: float = DRAIN, *, insisted: bool = False) -> float:
    """How many seconds the drain takes."""
    stop = _Stop()
    if insisted:
        stop.insisted.set()
    settings = cast("Settings", SimpleNamespace(drain_seconds=drain))
    shared = cast("Shared", SimpleNamespace(draining=False))
    began = time.monotonic()
    async with asyncio.timeout(30):
        await _drain(cast("App", Asked(how_often)), shared, settings, stop)
    assert shared.draining
    return time.monotonic() - began


async def test_a_drain_takes_its_time_where_no_request_comes() -> None:
    assert DRAIN <= await drained(lambda _: 7) < DRAIN + LATE


async def test_a_drain_goes_on_while_requests_still_come_and_ends_once_they_do_not() -> None:
    """They come until 0.4 s; it ends after the first tenth of a second without one."""
    assert await drained(lambda seconds: int(100 * min(seconds, 0.4))) >= 0.4 + QUIET / 2


async def test_requests_that_never_end_keep_no_pod_for_ever() -> None:
    assert await drained(lambda seconds: int(1e6 * seconds)) >= DRAIN + LATE


async def test_a_drain_without_time_ends_at_once() -> None:
    assert await drained(lambda _: 7, drain=0.0) < DRAIN


async def test_a_second_signal_ends_a_drain_at_once() -> None:
    assert await drained(lambda seconds: int(1e6 * seconds), drain=30.0, insisted=True) < DRAIN + LATE
