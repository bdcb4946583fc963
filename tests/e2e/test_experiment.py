"""Two challengers beside one champion, behind a real Envoy."""

from typing import Any, Final

import pytest

from podium.api.v1alpha1.status import Phase
from testbed import gateway
from testbed.waiting import wait_until
from tests.e2e.envoy import weights
from tests.e2e.rollout import QUICK, Rollout, clients

pytestmark = [pytest.mark.cluster, pytest.mark.gateway, pytest.mark.timeout(600)]

ARMS: Final = [{"version": "2", "weight": 20}, {"version": "3", "weight": 20}]
EXPERIMENT: Final[dict[str, Any]] = {
    **QUICK,
    "guards": [{"name": "errors", "errorRate": {"atMost": "2%"}}],
    "experiment": {"arms": ARMS, "duration": "30s"},
}


def test_the_arm_that_fails_leaves_alone_and_the_other_one_is_tried_and_promoted(
    routed: Rollout, host: str, rows: list[bytes]
) -> None:
    routed.apply("1")
    routed.settle("1")
    with clients(gateway.PORT, rows, rate=100, host=host) as ledger:
        routed.apply("1", rollout=EXPERIMENT)
        begun = routed.reach(Phase.EXPERIMENTING)
        assert [arm.pinned.version for arm in begun.arms] == ["2", "3"]
        alone = routed.until("version 3 is rejected", lambda status: bool(status.rejected))
        assert [each.version for each in alone.rejected] == ["3"]
        routed.settle("2")
    assert set(ledger.by_version()) == {"1", "2", "3"}
    assert [(each.status, each.version, each.trouble) for each in ledger.strays("3")] == []
    wait_until("no pod of the arm is left", lambda: not routed.pods("3"), 60)
    assert {name for name, weight in weights(routed, "churn").items() if weight} <= {"a", "b"}
