"""MLflow stops in mid-canary: a rollback still happens, and the registry is put right once it is back."""

from collections.abc import Iterator

import pytest

from podium.api.v1alpha1.status import Phase
from testbed.waiting import wait_until
from tests.e2e.conftest import Mlflow
from tests.e2e.rollout import QUICK, Rollout, clients
from tests.e2e.test_circumstances import held_by, quota

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


def test_a_revert_waits_for_the_registry_and_keeps_its_trust(
    rollout: Rollout, stoppable: Mlflow, rows: list[bytes]
) -> None:
    rollout.apply("1")
    rollout.settle("1")
    with clients(rollout.port, rows, rate=50) as ledger:
        rollout.apply("2")
        rollout.settle("2")
        stoppable.stop()
        rollout.apply("1", rollout={**QUICK, "startupTimeout": "90s"})
        status = rollout.until("it is held", lambda s: held_by("ModelNotFetched", s))
        assert status.rejected == []
        stoppable.start()
        status = rollout.settle("1", seconds=300)
    assert status.rejected == []
    assert status.history[-1].previously_promoted
    assert [(each.status, each.trouble) for each in ledger.failures] == []


def test_a_version_whose_pods_cannot_fetch_it_goes_on_once_the_registry_is_back(
    rollout: Rollout, stoppable: Mlflow, rows: list[bytes]
) -> None:
    rollout.apply("1", rollout={**QUICK, "startupTimeout": "90s"})
    rollout.settle("1")
    quota(rollout, 2)  # the pods begin after MLflow has stopped
    with clients(rollout.port, rows) as ledger:
        rollout.apply("2")
        rollout.reach(Phase.STARTING)
        stoppable.stop()
        rollout.kubectl("delete", "resourcequota", "few")
        status = rollout.until("it is held", lambda s: held_by("ModelNotFetched", s))
        assert status.rejected == []
        stoppable.start()
        status = rollout.settle("2", seconds=300)
    assert status.rejected == []
    assert [(each.status, each.trouble) for each in ledger.failures] == []


def _decision(mlflow: Mlflow, rollout: Rollout) -> str:
    tags = mlflow.client.get_model_version(mlflow.model, "3").tags
    mine = tags.get("podium.dev/decided-by", "").startswith(f"{rollout.kubectl.namespace}/")
    return tags.get("podium.dev/decision", "") if mine else ""
