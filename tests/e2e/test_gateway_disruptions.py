"""Pods are deleted, evicted and drained in every phase of a rollout behind a gateway: with two a side, nobody feels it.

Nor is it a fault of the version whose pod it was: no disruption is a reason for a rollback.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from demo.ledger import Ledger
from podium.api.v1alpha1.status import Phase
from testbed import gateway
from testbed.cluster import Cluster
from testbed.errors import CommandFailed
from testbed.waiting import wait_until
from tests.e2e.envoy import in_force, weights
from tests.e2e.rollout import Rollout, clients

pytestmark = [pytest.mark.cluster, pytest.mark.gateway, pytest.mark.timeout(900)]

RATE = 200
BEFORE, NEXT = "1", "2"  # the versions
# Above half, so that the challenger has two pods as well. The hold is there to be paused in.
STEPS: dict[str, Any] = {"steps": [{"weight": 60, "duration": "15s"}], "soak": "10m"}
AGAIN = 120.0  # seconds until a side has its two pods again
KUBELET = "/usr/bin/kubelet"
LOST = 120.0  # seconds until a node counts as lost; Kubernetes gives it 40 or 50

Disrupt = Callable[[Rollout, str], None]


def delete(rollout: Rollout, version: str) -> None:
    rollout.kubectl("delete", "pod", _one(rollout, version)["metadata"]["name"], "--timeout=60s")


def evict(rollout: Rollout, version: str) -> None:
    """By the API that a PodDisruptionBudget may refuse for a while."""
    name = _one(rollout, version)["metadata"]["name"]

    def evicted() -> bool:
        try:
            rollout.kubectl.evict(name)
        except CommandFailed as error:
            if "disruption budget" in str(error).lower():
                return False
            raise
        return True

    wait_until(f"pod {name} may be evicted", evicted, AGAIN)


def drain(rollout: Rollout, version: str) -> None:
    """The node of one of its pods, as far as this side is concerned: Envoy and MLflow are not what is tried here."""
    node = _one(rollout, version)["spec"]["nodeName"]
    selector = f"--pod-selector=podium.dev/deployment={rollout.name},podium.dev/version={version}"
    words = ("--ignore-daemonsets", "--delete-emptydir-data", f"--timeout={AGAIN:.0f}s")
    try:
        rollout.kubectl("drain", node, selector, *words, timeout=AGAIN + 20)
        wait_until("the pods are elsewhere", lambda: len(ready(rollout, version)) == 2, AGAIN)
    finally:
        rollout.kubectl("uncordon", node)


def _one(rollout: Rollout, version: str) -> dict[str, Any]:
    """The first of its ready pods."""
    return ready(rollout, version)[0]


def ready(rollout: Rollout, version: str) -> list[dict[str, Any]]:
    """Its ready pods."""
    return [
        pod
        for pod in rollout.pods(version)
        if any((one["type"], one["status"]) == ("Ready", "True") for one in pod["status"].get("conditions") or [])
    ]


@pytest.fixture(params=[delete, evict, drain], ids=lambda how: how.__name__)
def disrupt(request: pytest.FixtureRequest) -> Disrupt:
    how: Disrupt = request.param
    if how is drain:
        request.getfixturevalue("two_nodes")
    return how


@pytest.fixture
def two_nodes(cluster: Cluster) -> None:
    """Two nodes at the least on which pods may run."""
    found = cluster.get("nodes")["items"]
    closed = [node for node in found if any(t["effect"] == "NoSchedule" for t in node["spec"].get("taints") or [])]
    if len(found) - len(closed) < 2:
        pytest.skip("pods of one node need another one to go to; do: make cluster-up WORKERS=2")


def test_a_disruption_of_either_side_in_any_phase_fails_no_request(
    routed: Rollout, disrupt: Disrupt, host: str, rows: list[bytes]
) -> None:
    routed.apply(BEFORE)
    routed.settle(BEFORE)
    with clients(gateway.PORT, rows, rate=RATE, host=host) as ledger:
        disrupted = Disrupted(routed, disrupt, ledger)
        disrupted.side(BEFORE, Phase.STABLE)
        routed.apply(NEXT, rollout=STEPS)
        routed.reach(Phase.STARTING)
        routed.apply(NEXT, paused=True)
        disrupted.both_sides(Phase.STARTING)
        routed.apply(NEXT, paused=False)
        routed.until("the challenger has its share", in_force)
        routed.apply(NEXT, paused=True)
        disrupted.both_sides(Phase.CANARY)
        # Promoting is over within a second or two, so it begins while the pods are at it.
        routed.apply(NEXT, paused=False)
        disrupted.both_sides()
        routed.reach(Phase.SOAKING)
        disrupted.both_sides(Phase.SOAKING)
    assert [entry.outcome for entry in routed.status().history] == ["Promoted", "Promoted"]
    assert set(ledger.by_version()) == {BEFORE, NEXT}


@pytest.mark.usefixtures("two_nodes")
def test_a_node_that_is_lost_takes_the_challengers_share_until_it_is_back_and_rejects_nobody(
    routed: Rollout, cluster: Cluster, host: str, rows: list[bytes]
) -> None:
    routed.apply(BEFORE)
    routed.settle(BEFORE)
    with clients(gateway.PORT, rows, rate=50, host=host):
        routed.apply(NEXT, rollout={"steps": [{"weight": 40, "duration": "10s"}], "soak": "2s"})  # one pod of two
        routed.until("the challenger has its share", in_force)
        routed.apply(NEXT, paused=True)
        node = str(_one(routed, NEXT)["spec"]["nodeName"])
        cluster.kill_on_node(node, KUBELET, "STOP")
        try:
            wait_until("the share is handed back", lambda: weights(routed, routed.name) == {"a": 100, "b": 0}, LOST)
            assert routed.status().phase is Phase.CANARY
        finally:
            cluster.kill_on_node(node, KUBELET, "CONT")
        routed.apply(NEXT, paused=False)
        status = routed.settle(NEXT)
    assert [entry.outcome for entry in status.history] == ["Promoted", "Promoted"]
    assert status.rejected == []


@dataclass(frozen=True)
class Disrupted:
    """A rollout under load whose pods are disrupted one after another."""

    rollout: Rollout
    disrupt: Disrupt
    ledger: Ledger

    def both_sides(self, phase: Phase | None = None) -> None:
        """In that phase, or in whatever it goes through meanwhile."""
        self.side(BEFORE, phase)
        self.side(NEXT, phase)

    def side(self, version: str, phase: Phase | None) -> None:
        """Disrupt it, and wait until it has its two pods again. All that failed until then is this one's doing."""
        wait_until(f"version {version} has two pods", lambda: len(ready(self.rollout, version)) == 2, AGAIN)
        before = _uids(self.rollout, version)
        self.disrupt(self.rollout, version)
        wait_until(f"version {version} has two again", lambda: _replaced(self.rollout, version, before), AGAIN)
        failures = [(each.status, each.version, each.trouble) for each in self.ledger.failures]
        assert failures == [], f"{self.disrupt.__name__} of a pod of version {version}, {phase or 'on its way'}"
        status = self.rollout.status()
        assert status.phase is phase or phase is None
        assert not status.rejected


def _uids(rollout: Rollout, version: str) -> set[str]:
    return {pod["metadata"]["uid"] for pod in ready(rollout, version)}


def _replaced(rollout: Rollout, version: str, before: set[str]) -> bool:
    """Whether there are two ready pods, at least one of which was not there before."""
    now = _uids(rollout, version)
    return len(now) == 2 and now != before
