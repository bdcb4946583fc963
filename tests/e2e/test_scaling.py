"""The size on the real cluster: `kubectl scale` and a HorizontalPodAutoscaler write one number, and all follow it."""

from typing import Any

import pytest

from podium.api.v1alpha1.status import Phase
from testbed.waiting import wait_until
from tests.e2e.rollout import Rollout, clients

pytestmark = pytest.mark.cluster

REQUESTS = {"requests": {"cpu": "10m", "memory": "128Mi"}}


def champions_pods(rollout: Rollout) -> int:
    champion = rollout.status().champion
    assert champion is not None
    deployment = rollout.kubectl.get("deployment", f"{rollout.name}-{champion.slot}")
    return int(deployment["status"].get("readyReplicas", 0))


def test_scaled_in_mid_trial_the_champion_grows_and_the_promotion_has_its_size(
    rollout: Rollout, rows: list[bytes]
) -> None:
    rollout.apply("1")
    rollout.settle("1")
    with clients(rollout.port, rows, rate=50):
        rollout.apply("2", rollout={"steps": [{"weight": 20, "duration": "10s"}], "soak": "2s"})
        rollout.reach(Phase.CANARY)
        rollout.kubectl("scale", "md/churn", "--replicas=3")
        status = rollout.until("the champion has three pods", lambda s: s.replicas == 3)
        assert status.phase is Phase.CANARY
        wait_until("all three are ready", lambda: champions_pods(rollout) == 3, 120)
        status = rollout.settle("2")
    # A trial that had begun anew would be told here too, as superseded.
    assert [(entry.version, entry.outcome) for entry in status.history] == [("1", "Promoted"), ("2", "Promoted")]
    assert champions_pods(rollout) == 3


def test_an_autoscaler_sets_the_size_and_one_that_is_refused_is_told(rollout: Rollout) -> None:
    def scaled(**autoscaling: Any) -> dict[str, Any]:
        return {"drain": "0s", "resources": REQUESTS, "autoscaling": {"maxReplicas": 3, **autoscaling}}

    rollout.apply("1", serving=scaled(metrics=[{"type": "Podz"}]))
    rollout.settle("1")
    rollout.until("it is refused", lambda s: any(c.reason == "AutoscalerRejected" for c in s.conditions))
    assert "metrics" in rollout.condition("AutoscalerInSync")[2]
    # With no metrics at all, an HPA still keeps its limits.
    rollout.apply("1", serving=scaled(minReplicas=2))
    wait_until("the HPA has written the size", lambda: rollout.object()["spec"]["serving"].get("replicas") == 2, 120)
    wait_until("the champion follows", lambda: champions_pods(rollout) == 2, 120)
    assert rollout.condition("AutoscalerInSync")[:2] == ("True", "InSync")
    rollout.apply("1", serving={"drain": "0s", "resources": REQUESTS})
    wait_until("the HPA is gone", lambda: not rollout.kubectl.get("hpa")["items"], 60)
    assert rollout.object()["spec"]["serving"]["replicas"] == 2, "the size stays as it was"
