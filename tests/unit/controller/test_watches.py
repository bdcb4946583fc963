import asyncio
import itertools
from collections.abc import Callable
from functools import partial

import kopf
import pytest

from podium.controller.handlers import handlers
from podium.controller.watches import Endless, Watches, kopf_settings
from podium.core.facts import Key
from podium.errors import NotFound
from podium.ports import AliasClaim
from podium.testing import FakeClock, FakeCluster, settle


class Heard:
    """A Listener that writes down what it hears."""

    def __init__(self) -> None:
        self.news: list[object] = []

    def told(self, key: Key, claim: AliasClaim | None) -> None:
        self.news.append((key, claim.alias if claim is not None else None))

    def changed(self, key: Key) -> None:
        self.news.append(key)

    def routed(self, route: Key) -> None:
        self.news.append(f"route {route}")

    def relisted(self) -> None:
        self.news.append("relisted")


def made(clock: FakeClock, cluster: FakeCluster) -> Watches:
    return Watches(cluster, clock, namespaces=(), listener=Heard())


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


def test_no_handler_writes_to_what_it_watches() -> None:
    async def login() -> kopf.ConnectionInfo:
        raise AssertionError

    registry = handlers(login, Heard())
    assert len(registry._watching.get_all_handlers()) == 7
    assert not registry._changing.get_all_handlers()
    assert not registry._spawning.get_all_handlers()
    assert not registry._indexing.get_all_handlers()


async def test_every_event_names_the_model_deployment_and_a_list_is_told_apart() -> None:
    heard = Heard()

    async def login() -> kopf.ConnectionInfo:
        raise AssertionError

    registry = handlers(login, heard)
    functions = {
        str(one.selector.plural or one.selector.any_name): one.fn
        for one in registry._watching.get_all_handlers()
        if one.selector
    }
    labels = {"podium.dev/deployment": "churn"}
    metadata = {"namespace": "ml", "name": "churn", "uid": "u", "creationTimestamp": "2026-01-02T03:04:05Z"}
    body = {"metadata": metadata, "spec": {"model": {"name": "churn", "version": "1"}}}
    events = (
        ("modeldeployments", None),
        ("modeldeployments", "DELETED"),
        ("pods", "MODIFIED"),
        ("endpointslices", None),
        ("httproutes", None),
    )
    for plural, event in events:
        said = await functions[plural](type=event, namespace="ml", name="churn", labels=labels, body=body)  # type: ignore[misc,call-arg,arg-type]
        assert said is None  # kopf would write it into the status
    churn = Key("ml", "churn")
    claimed, gone = (churn, "champion"), (churn, None)
    assert heard.news == [claimed, "relisted", gone, churn, churn, "relisted", "route ml/churn"]


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
