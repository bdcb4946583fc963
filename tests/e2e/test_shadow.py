"""A shadow step on the real cluster: the challenger answers copies, and no user, until it has passed."""

import pytest

from podium.api.v1alpha1.status import Phase, Status
from podium.core.analysis.measures import ONLY_CHALLENGER_BAD
from tests.e2e.rollout import Rollout, clients

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]
SHADOW = {
    "steps": [{"shadow": "100%", "duration": "20s"}, {"weight": 50, "duration": "2s"}],
    "guards": [
        {"name": "pairs", "shadow": {"maxAboveChampion": "2%"}},
        {"name": "errors", "errorRate": {"atMost": "1%"}},
    ],
    "soak": "5s",
}


def test_a_bad_version_is_rejected_before_a_user_meets_it_and_a_good_one_is_promoted(
    rollout: Rollout, rows: list[bytes]
) -> None:
    rollout.apply("1", rollout=SHADOW)
    rollout.settle("1")
    with clients(rollout.port, rows, rate=50) as ledger:
        rollout.apply("3")
        lost = rollout.reach(Phase.REJECTED)
    assert set(ledger.by_version()) == {"1"}
    assert ledger.saved("3") == []
    assert [(each.status, each.trouble) for each in ledger.failures] == []
    assert "only the challenger's answer is bad in" in lost.rejected[0].message

    with clients(rollout.port, rows, rate=50) as ledger:
        rollout.apply("2")
        rollout.until("its pairs are counted", lambda s: _pairs(s) > 0)
        met_by_pairs = ledger.by_version()["2"]
        rollout.settle("2", seconds=300)
    assert met_by_pairs == 0
    assert ledger.by_version()["2"] > 0
    assert [(each.status, each.trouble) for each in ledger.failures] == []


def _pairs(status: Status) -> int:
    trial = status.trial
    return trial.evidence.measured(ONLY_CHALLENGER_BAD.name).challenger.answers if trial is not None else 0
