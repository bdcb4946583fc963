"""One commit with a new version and a broken image, on the real cluster: the champion's pods are not touched."""

import pytest

from podium.api.v1alpha1.status import Phase
from testbed.waiting import wait_until
from tests.e2e.rollout import Rollout, clients

pytestmark = pytest.mark.cluster
BROKEN = "registry.invalid/podium-runtmie:1"


def test_a_broken_image_that_comes_with_a_version_does_not_reach_the_champion(
    rollout: Rollout, rows: list[bytes]
) -> None:
    rollout.apply("1")
    rollout.settle("1")
    before, good = {pod["metadata"]["uid"] for pod in rollout.pods("1")}, rollout.spec["serving"]
    with clients(rollout.port, rows) as ledger:
        rollout.apply("2", serving=good | {"image": BROKEN})
        wait_until("a pod of version 2 cannot pull its image", lambda: _waits_for_an_image(rollout, "2"), 120)
        assert {pod["metadata"]["uid"] for pod in rollout.pods("1")} == before
        assert _image(rollout, "a") != BROKEN
        rollout.apply("1", serving=good)
        rollout.reach(Phase.STABLE)
    assert [(each.status, each.trouble) for each in ledger.strays("2")] == []
    assert {pod["metadata"]["uid"] for pod in rollout.pods("1")} == before


def _waits_for_an_image(rollout: Rollout, version: str) -> bool:
    waiting = [
        (status.get("state", {}).get("waiting") or {}).get("reason")
        for pod in rollout.pods(version)
        for status in pod["status"].get("containerStatuses", [])
    ]
    return bool({"ErrImagePull", "ImagePullBackOff"} & set(waiting))


def _image(rollout: Rollout, slot: str) -> str:
    made = rollout.kubectl.get("deployment", f"{rollout.name}-{slot}")
    return str(made["spec"]["template"]["spec"]["containers"][0]["image"])
