import asyncio
import itertools
from collections.abc import Callable
from functools import partial

import kopf
import pytest

from podium.controller.handlers import handlers
from podium.controller.watches import Endless, Watches, kopf_settings
from podium.errors import NotFound
from podium.testing import FakeClock, FakeCluster, settle


async def for_ever() -> None:
    await asyncio.Future()


def made(clock: FakeClock, cluster: FakeCluster) -> Watches:
    return Watches(cluster, clock, namespaces=(), informers=for_ever)


async def deadline(happened: Callable[[], object], seconds: float = 10.0) -> None:
    """Let kopf's thread get on; fail when it has not within the time."""
    async with asyncio.timeout(seconds):
        while not happened():  # noqa: ASYNC110  another thread makes it happen
            await asyncio.sleep(0.01)


def test_the_waits_between_tries_have_no_end_and_no_length() -> None:
    assert list(itertools.islice(Endless(), 1000))[-1] == 5
    assert list(itertools.islice(Endless(), 2)) == [0.5, 1]
    assert not hasattr(Endless(), "__len__")


def test_kopf_is_quiet_and_never_kills_the_process() -> None:
    settings = kopf_settings()
    assert not settings.posting.enabled
    assert settings.scanning.disabled
    assert settings.process.ultimate_exiting_timeout is None
    assert isinstance(settings.networking.error_backoffs, Endless)


def test_kopf_logs_in_and_watches_nothing() -> None:
    async def login() -> kopf.ConnectionInfo:
        raise AssertionError

    registry = handlers(login)
    assert registry._activities.get_all_handlers()
    assert not registry._watching.get_all_handlers()
    assert not registry._changing.get_all_handlers()
    assert not registry._spawning.get_all_handlers()
    assert not registry._indexing.get_all_handlers()


def _ended(lives: list[int], life: int, clock: FakeClock) -> bool:
    """It has ended so often, or more often: a quick thread has several lives in the time that passes at once."""
    return len(lives) >= life and clock.sleeping


async def test_kopf_is_started_again_whenever_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    lives: list[int] = []

    async def operator(**_: object) -> None:
        lives.append(1)
        raise RuntimeError("an ERROR event")

    monkeypatch.setattr(kopf, "operator", operator)
    clock = FakeClock()
    hosted = made(clock, FakeCluster(clock))
    task = asyncio.create_task(hosted.run())
    for life in (1, 2, 3):
        await deadline(partial(_ended, lives, life, clock))
        await clock.advance(10)
    task.cancel()
    await asyncio.wait({task})


async def test_kopf_ends_when_its_host_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = []

    async def operator(*, stop_flag: asyncio.Event, **_: object) -> None:
        await stop_flag.wait()
        ended.append(1)

    monkeypatch.setattr(kopf, "operator", operator)
    clock = FakeClock()
    hosted = made(clock, FakeCluster(clock))
    task = asyncio.create_task(hosted.run())
    await deadline(lambda: hosted.watching)
    task.cancel()
    await asyncio.wait({task})
    assert ended == [1]


async def test_kopf_is_not_started_before_model_deployments_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    lives: list[int] = []

    async def operator(*, stop_flag: asyncio.Event, **_: object) -> None:
        lives.append(1)
        await stop_flag.wait()

    monkeypatch.setattr(kopf, "operator", operator)
    clock = FakeClock()
    cluster = FakeCluster(clock)
    cluster.failure = NotFound("no such resource: the CRD is not installed")
    hosted = made(clock, cluster)
    task = asyncio.create_task(hosted.run())
    await clock.advance(60)
    assert lives == []
    cluster.failure = None
    await clock.advance(20)
    await deadline(lambda: lives)
    task.cancel()
    await asyncio.wait({task})
    await settle()
