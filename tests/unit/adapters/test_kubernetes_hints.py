"""What the informers keep is enough: the Cluster and the routers read the same of it as of the API server itself."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from bench.scale.virtual import IMAGE, NAMESPACE, name_of, objects
from podium.adapters.kubernetes import names
from podium.adapters.kubernetes.api import Api
from podium.adapters.kubernetes.cluster import KubernetesCluster
from podium.adapters.kubernetes.informers.informers import Informers
from podium.adapters.kubernetes.informers.kinds import KINDS, MODEL_DEPLOYMENTS
from podium.adapters.kubernetes.pod_specs import Defaults
from podium.adapters.routers.choice import Routers
from podium.adapters.routers.hints import KubernetesHints
from podium.core.facts import Key
from podium.ports import AliasClaim, NotKnown
from podium.testing import FakeClock
from tests.unit.adapters.api_in_memory import Objects, served

REGISTRY = "http://mlflow.test"
KEY = Key(NAMESPACE, name_of(0))
OF = {kind.collection: kind for kind in KINDS}
Json = dict[str, Any]


def given() -> list[tuple[str, Json]]:
    """All objects of one ModelDeployment, with what an API server adds and Podium does not read."""
    made = []
    for version, (collection, body) in enumerate(objects(0, "stable", REGISTRY), start=1):
        each = json.loads(json.dumps(body, default=str))
        each["metadata"] |= {"resourceVersion": str(version), "managedFields": [{"manager": "podium"}]}
        each["metadata"].setdefault("annotations", {})["others/say"] = "something"
        made.append((collection, each))
    return made


class Both:
    """The API server, and what the informers keep of it."""

    def __init__(self, api: Api, kept: Objects) -> None:
        defaults, clock = Defaults(IMAGE, REGISTRY), FakeClock()
        self.informers = Informers(api, clock)
        self.cluster = KubernetesCluster(api, clock, defaults, "test")
        self.router = Routers(api, clock)
        self.hints = KubernetesHints(self.informers, clock, defaults)
        self._kept = kept

    def put(self, collection: str, body: Json) -> None:
        self._kept.kept[names.path(collection, NAMESPACE, body["metadata"]["name"])] = body
        self.informers.store.put(OF[collection], body)

    def listed(self) -> None:
        for kind in KINDS:
            self.informers.store.listed(kind, "", served=not kind.optional)


@pytest.fixture
async def both() -> AsyncIterator[Both]:
    kept = Objects()
    async with served(kept) as api:
        yield Both(api, kept)


async def filled(both: Both, changed: Callable[[str, Json], None] = lambda *_: None) -> Both:
    for collection, body in given():
        changed(collection, body)
        both.put(collection, body)
    both.listed()
    return both


def not_ready(collection: str, body: Json) -> None:
    if collection == names.PODS:
        body["status"]["conditions"] = [{"type": "Ready", "status": "False"}]
        waiting = {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}
        body["status"]["containerStatuses"] = [{"name": "model", "state": waiting}]
    if collection == names.ENDPOINT_SLICES:
        body["endpoints"][0]["conditions"]["ready"] = False


def drifted(collection: str, body: Json) -> None:
    if collection in (names.SERVICES, names.DISRUPTION_BUDGETS):
        body["spec"]["selector"] = {"by": "hand"}


def stuck(collection: str, body: Json) -> None:
    if collection == names.DEPLOYMENTS:
        failure = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "a quota"}
        body["status"] |= {"updatedReplicas": 0, "conditions": [failure]}


@pytest.mark.parametrize("changed", [lambda *_: None, not_ready, drifted, stuck])
async def test_both_read_the_same(both: Both, changed: Callable[[str, Json], None]) -> None:
    await filled(both, changed)
    md = await both.cluster.get(KEY)
    assert md is not None
    assert await both.hints.get(KEY) == md
    slots = await both.cluster.slots(md)
    assert slots["a"].pods
    assert await both.hints.slots(md) == slots
    both.router._clean[KEY] = (md.uid, md.generation)  # the server in memory serves no HTTPRoutes
    assert await both.hints.observe(md, slots) == await both.router.observe(md, slots)
    assert await both.hints.autoscaler(md) == await both.cluster.autoscaler(md)


async def test_what_is_gone_is_read_as_gone(both: Both) -> None:
    await filled(both)
    md = await both.cluster.get(KEY)
    assert md is not None
    for kind in KINDS:
        for key in both.informers.store.keys(kind):
            both.informers.store.remove(kind, key)
    assert await both.hints.get(KEY) is None
    assert (await both.hints.slots(md))["a"].runs is None
    assert (await both.hints.observe(md, {})).desired == {}


@pytest.mark.parametrize(
    "kind", [kind for kind in KINDS if kind.collection != names.JOBS], ids=lambda kind: kind.plural
)
async def test_nothing_is_said_before_all_of_a_kind_are_listed(both: Both, kind: Any) -> None:
    await filled(both)
    md = await both.cluster.get(KEY)
    assert md is not None
    both.informers.store._objects[kind.collection].listed.clear()

    async def look() -> None:
        assert await both.hints.get(KEY) == md
        await both.hints.autoscaler(md)
        await both.hints.observe(md, await both.hints.slots(md))

    with pytest.raises(NotKnown):
        await look()


async def test_a_hint_writes_nothing(both: Both) -> None:
    await filled(both)
    md = await both.hints.get(KEY)
    assert md is not None
    cluster, routers = both.hints._cluster, both.hints._routers
    with pytest.raises(NotKnown):
        await cluster.write_status(md, md.status)
    with pytest.raises(NotKnown):
        await cluster.stop_slot(md, "a")
    with pytest.raises(NotKnown):
        await routers.route(md, {"a": 0, "b": 100})


class Heard:
    def __init__(self) -> None:
        self.news: list[object] = []

    def told(self, key: Key, claim: AliasClaim | None) -> None:
        self.news.append((key, claim.alias if claim is not None else None))

    def changed(self, key: Key) -> None:
        self.news.append(key)

    def routed(self, route: Key) -> None:
        self.news.append(f"route {route}")


async def test_news_is_told_to_whom_it_concerns_once_all_are_listed(both: Both) -> None:
    heard, told = Heard(), both.informers._told
    both.informers.listen(heard)
    body = next(body for collection, body in given() if collection == names.MODEL_DEPLOYMENTS)
    pods, routes = OF[names.PODS], OF[names.HTTP_ROUTES]
    told(MODEL_DEPLOYMENTS, KEY, None, body)
    assert heard.news == []
    both.listed()
    told(MODEL_DEPLOYMENTS, KEY, None, body)
    told(MODEL_DEPLOYMENTS, KEY, None, None)
    told(pods, Key(NAMESPACE, "a-pod"), KEY, {})
    told(pods, Key(NAMESPACE, "of-others"), None, {})
    told(routes, Key(NAMESPACE, "theirs"), None, {})
    assert heard.news == [(KEY, f"champion-{KEY.name}"), (KEY, None), KEY, f"route {NAMESPACE}/theirs"]


async def test_all_that_are_known_are_listed_in_short(both: Both) -> None:
    await filled(both)
    (one,) = both.hints.listed()
    assert (one.key, one.phase, one.deleting) == (KEY, "Stable", False)
    assert one.claim is not None
    assert one.claim.alias == f"champion-{KEY.name}"
