"""What an informer keeps and tells, on an API server in memory and on the real one: nothing is missed for good.

What only a server in memory can be made to do (cut a watch, lose an event) is tried there.
"""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Protocol

import pytest
from aiohttp import web

from podium.adapters.clock import RealClock
from podium.adapters.kubernetes import names
from podium.adapters.kubernetes.api import Api
from podium.adapters.kubernetes.errors import Expired
from podium.adapters.kubernetes.informers import informer as module
from podium.adapters.kubernetes.informers.informer import Informer
from podium.adapters.kubernetes.informers.kinds import Kind
from podium.adapters.kubernetes.informers.store import Store
from podium.core.facts import Key
from podium.errors import PodiumError
from tests.contract.cluster_fixtures import KINDS, connect
from tests.contract.watched_api import WatchedApi, served
from tests.kubectl import Kubectl

DEADLINE = 20.0  # seconds
CHURN = {names.DEPLOYMENT: "churn"}


def kept(found: dict[str, Any]) -> dict[str, Any]:
    return {"value": (found.get("data") or {}).get("value")}


MAPS = Kind(names.CONFIG_MAPS, kept, names.DEPLOYMENT)


class World(Protocol):
    """A namespace with ConfigMaps, which are Podium's where they carry its label."""

    api: Api
    namespace: str

    def put(self, name: str, labels: dict[str, str], value: str = "1") -> None: ...
    def delete(self, name: str) -> None: ...


class RealWorld:
    def __init__(self, api: Api, kubectl: Kubectl) -> None:
        self.api, self.namespace, self._kubectl = api, kubectl.namespace, kubectl

    def put(self, name: str, labels: dict[str, str], value: str = "1") -> None:
        metadata = {"name": name, "labels": labels}
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"value": value}}
        self._kubectl.apply(json.dumps(body))

    def delete(self, name: str) -> None:
        self._kubectl("delete", "configmap", name)


class FakeWorld(WatchedApi):
    api: Api


@pytest.fixture(params=KINDS)
async def maps(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    if request.param == "fake":
        world = FakeWorld()
        async with served(world) as world.api:
            yield world
        return
    kubectl: Kubectl = request.getfixturevalue("kubectl")
    api = await connect(kubectl.cluster)
    yield RealWorld(api, kubectl)
    await api.close()


@pytest.fixture
async def fake() -> AsyncIterator[FakeWorld]:
    world = FakeWorld()
    async with served(world) as world.api:
        yield world


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is tried again is tried soon, and the parts of a list are small."""
    monkeypatch.setattr(module, "FIRST_RETRY", 0.02)
    monkeypatch.setattr(module, "PART", 2)


class Heard:
    """An informer, its store, and what it told."""

    def __init__(self, world: World) -> None:
        self.news: list[tuple[str, str | None, str | None]] = []
        self.store = Store([MAPS], (world.namespace,))
        self.informer = Informer(world.api, RealClock(), MAPS, world.namespace, store=self.store, told=self._told)
        self._namespace = world.namespace

    def _told(self, _: Kind, key: Key, owner: Key | None, found: dict[str, Any] | None) -> None:
        value = kept(found)["value"] if found is not None else None
        self.news.append((key.name, owner.name if owner is not None else None, value))

    def values(self) -> dict[str, str]:
        found = {key.name: self.store.get(MAPS.collection, key) for key in self.store.keys(MAPS)}
        return {name: each["value"] for name, each in found.items() if each is not None}


@asynccontextmanager
async def running(heard: Heard) -> AsyncIterator[None]:
    task = asyncio.create_task(heard.informer.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(holds: Callable[[], object], what: Callable[[], object] = lambda: "it did not happen") -> None:
    end = time.monotonic() + DEADLINE
    while not holds():
        assert time.monotonic() < end, what()
        await asyncio.sleep(0.01)


async def test_what_is_there_is_listed_in_parts_and_each_change_is_told_once(maps: World) -> None:
    for number in range(5):
        maps.put(f"map-{number}", CHURN)
    maps.put("of-others", {})
    heard = Heard(maps)
    async with running(heard):
        await until(lambda: heard.store.complete(MAPS))
        assert heard.values().keys() - {"of-others"} == {f"map-{number}" for number in range(5)}
        heard.news.clear()
        maps.put("map-0", CHURN, "2")
        maps.delete("map-1")
        await until(lambda: len(heard.news) >= 2)
    assert heard.news == [("map-0", "churn", "2"), ("map-1", "churn", None)]
    assert heard.values()["map-0"] == "2"
    assert "map-1" not in heard.values()


async def test_a_deletion_while_there_is_no_watch_is_told_by_the_next_list(maps: World) -> None:
    maps.put("map-0", CHURN)
    maps.put("map-1", CHURN)
    heard = Heard(maps)
    async with running(heard):
        await until(lambda: heard.store.complete(MAPS))
    heard.news.clear()
    maps.delete("map-0")
    async with running(heard):
        await until(lambda: heard.news)
    assert heard.news == [("map-0", "churn", None)]


async def test_what_changes_between_a_list_and_its_watch_is_told(maps: World, monkeypatch: pytest.MonkeyPatch) -> None:
    maps.put("map-0", CHURN)
    heard = Heard(maps)
    real = heard.informer.list

    async def listed() -> str:
        version = await real()
        maps.put("map-0", CHURN, "2")
        maps.put("map-1", CHURN)
        return version

    monkeypatch.setattr(heard.informer, "list", listed)
    async with running(heard):
        await until(lambda: heard.values() == {"map-0": "2", "map-1": "1"}, heard.values)


async def test_another_owner_is_told_to_both(maps: World) -> None:
    maps.put("map-0", CHURN)
    heard = Heard(maps)
    async with running(heard):
        await until(lambda: heard.store.complete(MAPS))
        heard.news.clear()
        maps.put("map-0", {names.DEPLOYMENT: "fraud"})
        await until(lambda: len(heard.news) >= 2)
    assert [owner for _, owner, _ in heard.news] == ["churn", "fraud"]
    found = heard.store.labelled(MAPS.collection, maps.namespace, names.DEPLOYMENT, ["churn"])
    assert list(found) == []


# --- what only a server in memory can be made to do -------------------------------------------------------------------


async def test_a_watch_from_a_version_that_is_forgotten_says_so(fake: FakeWorld) -> None:
    fake.put("map-0", CHURN)
    fake.compact()
    with pytest.raises(Expired):
        async for _ in fake.api.watch(MAPS.path(fake.namespace), since="1", within=10):
            pass


async def test_a_token_that_is_forgotten_says_so(fake: FakeWorld) -> None:
    fake.put("map-0", CHURN)
    fake.compact()
    token = base64.b64encode(b"[1,0]").decode()
    with pytest.raises(Expired):
        await fake.api.page(MAPS.path(fake.namespace), token=token, most=1)


async def test_a_watch_that_is_cut_goes_on_from_the_last_version_and_lists_nothing(fake: FakeWorld) -> None:
    fake.put("map-0", CHURN)
    heard = Heard(fake)
    async with running(heard):
        await until(lambda: fake.watched)
        fake.put("map-1", CHURN)
        await until(lambda: "map-1" in heard.values())
        fake.cut()
        fake.put("map-2", CHURN)
        await until(lambda: "map-2" in heard.values())
    assert fake.asked["list"] == 1
    assert fake.versions == ["11", "12"]


async def test_a_bookmark_is_a_version_to_go_on_from(fake: FakeWorld) -> None:
    fake.put("map-0", CHURN)
    heard = Heard(fake)
    async with running(heard):
        await until(lambda: fake.watched)
        fake.pass_by()
        fake.pass_by()
        fake.put("map-0", CHURN, "2")
        fake.pass_by()
        await until(lambda: heard.values() == {"map-0": "2"})
        fake.compact()
        fake.cut()
        await until(lambda: len(fake.versions) == 2 and fake.watched)
    assert fake.versions == ["11", "15"]
    assert fake.asked["list"] == 1


@pytest.mark.parametrize("in_mid_watch", [True, False])
async def test_a_watch_that_has_fallen_behind_lists_again_and_tells_the_difference(
    fake: FakeWorld, *, in_mid_watch: bool
) -> None:
    for name in ("map-0", "map-1", "map-2"):
        fake.put(name, CHURN)
    heard = Heard(fake)
    async with running(heard):
        await until(lambda: fake.watched)
        heard.news.clear()
        fake.loses = True
        fake.put("map-0", CHURN, "2")
        fake.delete("map-1")
        fake.loses = False
        fake.compact()
        if in_mid_watch:
            fake.fail(410)
        else:
            fake.cut()
        await until(lambda: len(heard.news) >= 2)
        await until(lambda: fake.watched)
    assert sorted(heard.news, key=str) == [("map-0", "churn", "2"), ("map-1", "churn", None)]


async def test_a_token_that_grows_too_old_in_mid_list_is_a_list_without_parts(
    fake: FakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        fake.put(f"map-{number}", CHURN)
    heard, real = Heard(fake), fake.api.page

    async def page(*given: Any, **named: Any) -> dict[str, Any]:
        found = await real(*given, **named)
        if not named["token"] and named["most"]:
            fake.delete("map-0")
            fake.put("map-5", CHURN)
            fake.compact()
        return found

    monkeypatch.setattr(fake.api, "page", page)
    await heard.informer.list()
    assert heard.values().keys() == {f"map-{number}" for number in range(1, 6)}


async def test_an_event_that_was_lost_is_found_by_a_relist_and_only_what_differs_is_told(
    fake: FakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("map-0", "map-1", "map-2"):
        fake.put(name, CHURN)
    monkeypatch.setattr(module, "RECENT", 0.0)
    heard = Heard(fake)
    async with running(heard):
        await until(lambda: fake.watched)
        heard.news.clear()
        fake.loses = True
        fake.put("map-0", CHURN, "2")
        fake.delete("map-1")
        await heard.informer.relist()
    assert sorted(heard.news, key=str) == [("map-0", "churn", "2"), ("map-1", "churn", None)]


async def test_a_watch_from_a_version_that_is_yet_to_come_again_is_given_up(
    fake: FakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """etcd is restored from a backup: what happens then has versions below that of the watch, which tells nothing."""
    monkeypatch.setattr(module, "RECENT", 0.0)
    fake.put("map-0", CHURN)
    fake.put("map-1", CHURN)
    heard = Heard(fake)
    async with running(heard):
        await until(lambda: fake.watched)
        fake.restore(5)
        fake.put("map-0", CHURN, "2")
        await heard.informer.relist()
        assert heard.values()["map-0"] == "2"
        fake.cut()
        await until(lambda: len(fake.versions) == 2 and fake.watched)
        fake.put("map-0", CHURN, "3")
        await until(lambda: heard.values()["map-0"] == "3")
    assert fake.versions == ["12", "6"]


async def test_a_version_that_is_refused_again_and_again_is_given_up(fake: FakeWorld) -> None:
    fake.put("map-0", CHURN)
    heard = Heard(fake)
    refused = {"reason": "Timeout", "message": "Too large resource version"}
    async with running(heard):
        await until(lambda: fake.watched)
        fake.answers = [web.json_response(refused, status=504) for _ in range(module.DOUBTED)]
        fake.cut()
        await until(lambda: fake.asked["list"] == 2)
        await until(lambda: fake.watched)


async def test_what_was_told_while_a_list_was_under_way_is_newer_than_the_list(
    fake: FakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("map-0", "map-1", "map-2"):
        fake.put(name, CHURN)
    heard = Heard(fake)
    async with running(heard):
        await until(lambda: fake.watched)
        real = fake.api.page

        async def page(*given: Any, **named: Any) -> dict[str, Any]:
            found = await real(*given, **named)  # it is on its way, and meanwhile:
            if not named["token"]:
                fake.put("map-0", CHURN, "2")
                fake.delete("map-1")
                fake.put("map-3", CHURN)
                await until(lambda: "map-3" in heard.values())
            return found

        monkeypatch.setattr(fake.api, "page", page)
        await heard.informer.list()
    assert heard.values() == {"map-0": "2", "map-2": "1", "map-3": "1"}


async def test_what_changes_nothing_that_is_kept_is_no_news(fake: FakeWorld) -> None:
    fake.put("map-0", CHURN)
    heard = Heard(fake)
    async with running(heard):
        await until(lambda: fake.watched)
        heard.news.clear()
        fake.put("map-0", CHURN)  # a heartbeat: another version of the same
        fake.put("map-1", CHURN)
        await until(lambda: "map-1" in heard.values())
    assert [name for name, *_ in heard.news] == ["map-1"]


async def test_it_waits_as_long_as_the_api_server_says(fake: FakeWorld) -> None:
    busy = {"reason": "TooManyRequests", "message": "priority and fairness"}
    fake.answers = [web.json_response(busy, status=429, headers={"Retry-After": "1"})]
    heard, began = Heard(fake), time.monotonic()
    async with running(heard):
        await until(lambda: heard.store.complete(MAPS))
    assert time.monotonic() - began >= 1.0
    assert fake.asked["list"] == 2


async def test_what_is_no_event_at_all_ends_no_informer(fake: FakeWorld) -> None:
    fake.put("map-0", CHURN)
    heard = Heard(fake)
    async with running(heard):
        await until(lambda: fake.watched)
        fake._send({"type": "ADDED", "object": {"metadata": {}}})
        await until(lambda: len(fake.versions) == 2)
        fake.put("map-1", CHURN)
        await until(lambda: "map-1" in heard.values())


async def test_a_list_of_nothing_that_can_be_watched_from_is_an_error(fake: FakeWorld) -> None:
    fake.answers = [web.json_response({"items": []})]
    with pytest.raises(PodiumError, match="resourceVersion"):
        await Heard(fake).informer.list()
