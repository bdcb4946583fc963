"""`serving.reload: InPlace` on a real cluster: kubelet brings the file, and the pods that serve load it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from demo.ledger import Ledger
from podium.api.v1alpha1.status import Phase
from tests.e2e.rollout import Rollout, clients

pytestmark = pytest.mark.cluster

SERVING: dict[str, Any] = {
    "replicas": 2,
    "drain": "3s",
    "reload": "InPlace",
    "resources": {"requests": {"cpu": "10m", "memory": "128Mi"}},
}


def pods(rollout: Rollout) -> dict[str, int]:
    """UIDs of its pods, and how often their containers were started again."""
    found = rollout.kubectl.get("pods", f"--selector=podium.dev/deployment={rollout.name}")["items"]
    living = [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]
    return {pod["metadata"]["uid"]: pod["status"]["containerStatuses"][0]["restartCount"] for pod in living}


def named(rollout: Rollout, slot: str) -> str:
    """What the slot's ConfigMap names."""
    found = rollout.kubectl.get("configmap", f"{rollout.name}-{slot}")["data"]["model.json"]
    return str(json.loads(found)["uri"].rpartition("/")[2])


@contextmanager
def promoted(rollout: Rollout, rows: list[bytes], replicas: int) -> Iterator[Ledger]:
    """Version 2 is champion, as version 1 was before it, and clients ask all the time."""
    rollout.apply("1", serving={**SERVING, "replicas": replicas})
    rollout.settle("1")
    with clients(rollout.port, rows, rate=50) as ledger:
        rollout.apply("2")
        rollout.settle("2")
        rollout.until("its predecessor has gone", lambda _: len(pods(rollout)) == replicas)
        yield ledger


def test_a_revert_is_loaded_by_the_pods_that_serve_and_no_request_fails(rollout: Rollout, rows: list[bytes]) -> None:
    with promoted(rollout, rows, 2) as ledger:
        assert rollout.condition("ReloadedInPlace")[:2] == ("False", "NewPodsNeeded")
        before, asked, champion = pods(rollout), ledger.requests, rollout.status().champion
        rollout.apply("1")
        settled = rollout.settle("1").champion
        rollout.kubectl("wait", "--for=condition=Ready", "md/churn", "--timeout=60s", timeout=80)
    assert [(each.status, each.trouble) for each in ledger.failures] == []
    assert set(ledger.by_version(since=asked)) == {"1", "2"}
    assert pods(rollout) == before, "the same pods, and the same processes"
    assert champion is not None
    assert settled is not None
    assert (settled.slot, named(rollout, champion.slot)) == (champion.slot, "1")
    assert rollout.condition("ReloadedInPlace")[:2] == ("True", "Reloaded")
    assert any(event.startswith("Reloaded: Reloading -> Soaking") for event in rollout.events())
    during = ledger.answers[asked:]
    seconds = max(each.at for each in during if each.version == "2") - during[0].sent
    print(f"\n{ledger.requests} requests, 0 failed; the last answer of version 2 came {seconds:.1f} s after the commit")


def test_a_new_pod_serves_the_version_that_was_loaded_in_place(rollout: Rollout, rows: list[bytes]) -> None:
    """New pods, and containers that are started again, read the file: no label or template says what they serve."""
    with promoted(rollout, rows, 1):
        rollout.apply("1")
        rollout.settle("1")
    before = pods(rollout)
    rollout.kubectl("delete", "pods", f"--selector=podium.dev/deployment={rollout.name}", "--wait=true", timeout=120)
    status = rollout.until("a new pod serves", lambda _: not pods(rollout).keys() & before.keys() and _ready(rollout))
    assert status.phase is Phase.STABLE
    assert status.champion is not None
    assert status.champion.version == "1"


def _ready(rollout: Rollout) -> bool:
    state, _, message = rollout.condition("Ready")
    return state == "True" and "1 of 1 pods are ready" in message
