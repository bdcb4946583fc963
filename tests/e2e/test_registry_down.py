"""MLflow stops in mid-canary: a rollback still happens, and the registry is put right once it is back."""

from collections.abc import Iterator

import pytest

from podium.api.v1alpha1.status import Phase
from testbed.waiting import wait_until
from tests.e2e.conftest import Mlflow
from tests.e2e.rollout import QUICK, Rollout, clients

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]


@pytest.fixture
def stoppable(mlflow: Mlflow) -> Iterator[Mlflow]:
    """MLflow, running again when the test is over."""
    yield mlflow
    mlflow.start()


def test_a_rollback_needs_no_registry(rollout: Rollout, stoppable: Mlflow, rows: list[bytes]) -> None:
    rollout.apply("2")
    rollout.settle("2")
    rollout.apply("3", rollout={**QUICK, "steps": [{"weight": 50, "duration": "1h"}]})
    rollout.reach(Phase.CANARY)
    stoppable.stop()
    rollout.until("the outage is told", lambda s: any(c.reason == "RegistryUnreachable" for c in s.conditions))
    assert rollout.status().phase is Phase.CANARY
    with clients(rollout.port, rows, rate=50) as ledger:
        status = rollout.reach(Phase.REJECTED)
    assert status.champion is not None
    assert status.champion.version == "2"
    assert [(each.status, each.trouble) for each in ledger.strays("3")] == []
    stoppable.start()
    wait_until("the rejection is recorded", lambda: _decision(stoppable, rollout) == "rejected", 120)
    assert stoppable.client.get_model_version_by_alias(stoppable.model, rollout.alias).version == "2"


def test_the_alias_is_put_right_after_a_promotion_without_a_registry(
    rollout: Rollout, stoppable: Mlflow, rows: list[bytes]
) -> None:
    rollout.apply("1")
    rollout.settle("1")
    rollout.apply("2", rollout={**QUICK, "steps": [{"weight": 50, "duration": "5s"}]})
    rollout.until(
        "the canary has all its pods", lambda s: s.trial is not None and s.trial.weight_reached_at is not None
    )
    stoppable.stop()
    with clients(rollout.port, rows, rate=50) as ledger:
        rollout.settle("2")
    assert [(each.status, each.trouble) for each in ledger.failures] == []
    rollout.until("the outage is told", lambda s: any(c.reason == "RegistryUnreachable" for c in s.conditions))
    stoppable.start()
    at = stoppable.client.get_model_version_by_alias
    wait_until("the alias is at 2", lambda: at(stoppable.model, rollout.alias).version == "2", 120)
    rollout.until("it is told", lambda s: any(c.type == "RegistryInSync" and c.status == "True" for c in s.conditions))


def _decision(mlflow: Mlflow, rollout: Rollout) -> str:
    tags = mlflow.client.get_model_version(mlflow.model, "3").tags
    mine = tags.get("podium.dev/decided-by", "").startswith(f"{rollout.kubectl.namespace}/")
    return tags.get("podium.dev/decision", "") if mine else ""
