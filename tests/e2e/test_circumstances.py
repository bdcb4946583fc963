"""What is not the version's own fault takes its traffic back, and rejects nothing: it is tried again."""

import json

import pytest

from podium.api.v1alpha1.status import Status
from tests.e2e.rollout import QUICK, Rollout, clients

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

IMPATIENT = {**QUICK, "startupTimeout": "45s"}  # a pod that may start does so by then, on a busy machine too


def quota(rollout: Rollout, pods: int) -> None:
    """No more pods than these in the test's namespace."""
    manifest = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "few"}}
    rollout.kubectl.apply(json.dumps({**manifest, "spec": {"hard": {"pods": str(pods)}}}))


def held_by(reason: str, status: Status) -> bool:
    return status.held is not None and status.held.reason == reason


def test_a_quota_rejects_no_version_and_the_trial_begins_once_it_is_gone(rollout: Rollout, rows: list[bytes]) -> None:
    rollout.apply("1")
    rollout.settle("1")
    quota(rollout, 2)
    with clients(rollout.port, rows) as ledger:
        rollout.apply("2", rollout=IMPATIENT)
        status = rollout.until("it is held", lambda s: held_by("PodsRefused", s))
        assert status.rejected == []
        assert rollout.condition("Ready")[0] != "True"
        rollout.kubectl("delete", "resourcequota", "few")
        rollout.settle("2")
    assert [(each.status, each.trouble) for each in ledger.failures] == []
    assert any(event.startswith("PodsRefused: ") for event in rollout.events())
