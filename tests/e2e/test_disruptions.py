"""Nodes are drained and pods deleted while a version is on trial: that is no fault of the version."""

import contextlib

import pytest

from testbed.errors import CommandFailed
from testbed.waiting import wait_until
from tests.e2e.rollout import Rollout, clients

pytestmark = pytest.mark.cluster

TRIAL = {"steps": [{"weight": 50, "duration": "20s"}], "soak": "2s"}


def evicted(rollout: Rollout, version: str) -> str:
    """Evict one pod of the version, as soon as its disruption budget lets one go."""
    name = str(rollout.pods(version)[0]["metadata"]["name"])

    def taken() -> bool:
        with contextlib.suppress(CommandFailed):
            return bool(rollout.kubectl.evict(name))
        return False

    wait_until(f"pod {name} is evicted", taken, 60)
    return name


def names(rollout: Rollout, version: str) -> set[str]:
    return {pod["metadata"]["name"] for pod in rollout.pods(version)}


def test_evicted_and_deleted_pods_in_mid_canary_cause_no_rollback(rollout: Rollout, rows: list[bytes]) -> None:
    rollout.apply("1")
    rollout.settle("1")
    with clients(rollout.port, rows, rate=50):
        rollout.apply("2", rollout=TRIAL)
        rollout.until("the share is in force", lambda s: bool(s.trial and s.trial.weight_reached_at))
        gone = {evicted(rollout, "1"), evicted(rollout, "2")}
        (deleted, *_) = names(rollout, "2") - gone
        rollout.kubectl("delete", "pod", deleted)
        status = rollout.settle("2")
    assert [entry.outcome for entry in status.history] == ["Promoted", "Promoted"]
    assert status.rejected == []
    assert not {deleted, *gone} & (names(rollout, "1") | names(rollout, "2"))
