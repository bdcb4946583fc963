"""MLflow stops in mid-canary: a rollback still happens, and the registry is put right once it is back."""

from collections.abc import Iterator

import pytest

from podium.api.v1alpha1.status import Phase
from podium.core.facts import Key
from podium.core.status.record import tag_of
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


def test_a_rollback_and_a_promotion_need_no_registry_and_are_told_to_it_later(
    rollout: Rollout, neighbour: Rollout, stoppable: Mlflow, rows: list[bytes]
) -> None:
    rollout.apply("2")
    neighbour.apply("1")
    rollout.settle("2")
    neighbour.settle("1")
    rollout.apply("3", rollout={**QUICK, "steps": [{"weight": 50, "duration": "1h"}]})
    neighbour.apply("2", rollout={**QUICK, "steps": [{"weight": 50, "duration": "5s"}]})
    rollout.reach(Phase.CANARY)
    neighbour.until(
        "the canary has all its pods", lambda s: s.trial is not None and s.trial.weight_reached_at is not None
    )
    stoppable.stop()
    outage_told(rollout)
    assert rollout.status().phase is Phase.CANARY
    with clients(rollout.port, rows, rate=50) as taken_back:
        status = rollout.reach(Phase.REJECTED)
    assert status.champion is not None
    assert status.champion.version == "2"
    assert [(each.status, each.trouble) for each in taken_back.strays("3")] == []
    with clients(neighbour.port, rows, rate=50) as promoted:
        neighbour.settle("2")
    assert [(each.status, each.trouble) for each in promoted.failures] == []
    outage_told(neighbour)
    stoppable.start()
    wait_until("the rejection is recorded", lambda: _decision(stoppable, rollout) == "rejected", 120)
    at = stoppable.client.get_model_version_by_alias
    assert at(stoppable.model, rollout.alias).version == "2"
    wait_until("the alias is at 2", lambda: at(stoppable.model, neighbour.alias).version == "2", 120)
    neighbour.until(
        "it is told", lambda s: any(c.type == "RegistryInSync" and c.status == "True" for c in s.conditions)
    )


def test_what_cannot_be_fetched_waits_for_the_registry_a_former_champion_and_a_version_on_trial(
    rollout: Rollout, neighbour: Rollout, stoppable: Mlflow, rows: list[bytes]
) -> None:
    patient = {**QUICK, "startupTimeout": "90s"}
    rollout.apply("1")
    neighbour.apply("1", rollout=patient)
    rollout.settle("1")
    neighbour.settle("1")
    quota(neighbour, 2)  # its pods begin after MLflow has stopped
    with clients(rollout.port, rows, rate=50) as reverted, clients(neighbour.port, rows) as tried:
        rollout.apply("2")
        rollout.settle("2")
        neighbour.apply("2")
        neighbour.reach(Phase.STARTING)
        stoppable.stop()
        neighbour.kubectl("delete", "resourcequota", "few")
        rollout.apply("1", rollout=patient)
        for each in (neighbour, rollout):
            status = each.until("it is held", lambda s: held_by("ModelNotFetched", s))
            assert status.rejected == []
        stoppable.start()
        back, promoted = rollout.settle("1", seconds=300), neighbour.settle("2", seconds=300)
    assert (back.rejected, promoted.rejected) == ([], [])
    assert back.history[-1].previously_promoted
    for ledger in (reverted, tried):
        assert [(each.status, each.trouble) for each in ledger.failures] == []


def outage_told(rollout: Rollout) -> None:
    rollout.until("the outage is told", lambda s: any(c.reason == "RegistryUnreachable" for c in s.conditions))


def _decision(mlflow: Mlflow, rollout: Rollout) -> str:
    tags = mlflow.client.get_model_version(mlflow.model, "3").tags
    return tag_of(tags, Key(rollout.kubectl.namespace, "churn"), "decision")
