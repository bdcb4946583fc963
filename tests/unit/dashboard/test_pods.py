"""The pods of a ModelDeployment with what is known of each, read with the viewer's rights."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, cast

from bench.page.fleets import kinds, placed
from podium.adapters.kubernetes import names
from podium.adapters.kubernetes.api import Api
from podium.dashboard.app import app
from podium.dashboard.kept import Place
from podium.dashboard.pods import MOST, Pods
from podium.errors import Rejected
from tests.unit.dashboard.browser import Browser
from tests.unit.dashboard.conftest import DOOR, NOW, browsing, keeping
from tests.unit.dashboard.reading import Document

PLACE = Place("ml", "churn")


def pod(name: str, slot: str, version: str, *, ready: bool = True, waiting: str = "") -> dict[str, Any]:
    state = {"waiting": {"reason": waiting, "message": "<b>no such image</b>"}} if waiting else {"running": {}}
    return {
        "metadata": {"name": name, "uid": name, "labels": {names.SLOT: slot, names.VERSION: version}},
        "status": {
            "phase": "Running",
            "conditions": [{"type": each, "status": str(ready)} for each in ("Ready", "ContainersReady")],
            "containerStatuses": [{"name": names.CONTAINER, "state": state}],
        },
    }


class Cluster:
    """An API server that has these pods, or an error."""

    def __init__(self, pods: Sequence[Mapping[str, Any]] = (), error: Exception | None = None) -> None:
        self.pods = pods
        self.error = error
        self.asked: list[tuple[str, str]] = []

    async def list(self, path: str, *, selector: str, most: int, within: float) -> Sequence[Mapping[str, Any]]:
        assert within <= 5
        self.asked.append((path, selector))
        if self.error is not None:
            raise self.error
        return self.pods[:most]

    def seen(self, now: float = 0.0) -> Pods:
        return Pods(cast("Api", self), lambda: now)


def canary() -> dict[str, Any]:
    return placed(kinds()["Canary"], "ml", "churn")


def shown(cluster: Cluster, value: dict[str, Any] | None = None) -> Document:
    client = Browser(app(keeping(value or canary()), DOOR, lambda: NOW, pods=cluster.seen()), {DOOR.cookie: DOOR.token})
    return Document(client.get("/deployments/ml/churn").text)


def test_each_pod_is_shown_with_role_version_digest_readiness_and_whether_it_counts() -> None:
    value = canary()
    status = value["status"]
    champion, challenger = status["champion"], status["challenger"]
    counted = pod("churn-x", challenger["slot"], "2")
    status["trial"]["evidence"]["pods"][0]["uid"] = counted["metadata"]["uid"]
    there = [counted, pod("churn-y", champion["slot"], "1", ready=False, waiting="ImagePullBackOff")]
    cluster = Cluster(there)
    document = shown(cluster, value)
    assert document.problems == []
    assert cluster.asked == [("/api/v1/namespaces/ml/pods", f"{names.DEPLOYMENT}=churn")]
    text = document.text
    assert f"churn-x challenger slot {challenger['slot']} 2 {challenger['digest']} True counts in the trial" in text
    assert f"churn-y champion slot {champion['slot']} 1 {champion['digest']} False ImagePullBackOff" in text
    assert "b" not in [tag for tag, _ in document.elements]


def test_a_pod_of_another_version_than_its_slots_has_no_digest() -> None:
    value = canary()
    slot = value["status"]["champion"]["slot"]
    assert f"old champion slot {slot} 9 ? True –" in shown(Cluster([pod("old", slot, "9")]), value).text


def test_without_the_right_to_list_pods_the_page_says_so_and_has_the_rest() -> None:
    text = shown(Cluster(error=Rejected("GET /api/v1/namespaces/ml/pods: 403: pods is forbidden"))).text
    assert "they could not be read: GET /api/v1/namespaces/ml/pods: 403: pods is forbidden" in text
    assert "Conditions" in text


def test_there_may_be_none_or_more_than_are_shown() -> None:
    assert "Pods There are none." in shown(Cluster()).text
    text = shown(Cluster([pod(f"p{at}", "a", "1") for at in range(MOST + 5)])).text
    assert f"There are more than these {MOST}." in text
    assert "Pods" not in Document(browsing(keeping(canary())).get("/deployments/ml/churn").text).text


async def test_they_are_read_once_in_a_while_for_all_who_look() -> None:
    cluster, moments = Cluster(), iter([0.0, 5.0, 11.0, 11.0, 30.0, 30.0, 31.0])
    pods = Pods(cast("Api", cluster), lambda: next(moments))
    assert "not known yet" in pods.of(PLACE).problem
    await pods.learn(PLACE)
    await pods.learn(PLACE)
    assert len(cluster.asked) == 1
    pods.refresh(PLACE)
    pods.refresh(PLACE)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert len(cluster.asked) == 2
    assert pods.of(PLACE).problem == ""


def test_an_object_that_is_not_kept_has_no_pods_read() -> None:
    cluster = Cluster()
    client = Browser(app(keeping(canary()), DOOR, lambda: NOW, pods=cluster.seen()), {DOOR.cookie: DOOR.token})
    assert client.get("/deployments/other/thing").status_code == 404
    assert cluster.asked == []
