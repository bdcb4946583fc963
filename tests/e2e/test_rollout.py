"""A model's life on the real cluster: first version, better version, bad version."""

import pytest

from podium.api.v1alpha1.status import Phase
from podium.core.facts import Key
from podium.core.status.record import tag_of
from testbed.waiting import wait_until
from tests.e2e.conftest import Mlflow
from tests.e2e.rollout import Rollout, clients

pytestmark = pytest.mark.cluster


def test_a_better_version_is_promoted_and_a_bad_one_taken_back_with_no_request_failed_but_its_own(
    rollout: Rollout, mlflow: Mlflow, rows: list[bytes]
) -> None:
    rollout.apply("1")
    rollout.kubectl("wait", "--for=condition=Ready", "md/churn", "--timeout=180s", timeout=200)
    with clients(rollout.port, rows, rate=50) as ledger:
        rollout.apply("2")
        rollout.kubectl("wait", "--for=condition=Ready", "md/churn", "--timeout=180s", timeout=200)
        status = rollout.settle("2")
        assert status.champion is not None
        rollout.apply("3")
        rollout.reach(Phase.REJECTED)
    assert [(each.status, each.trouble) for each in ledger.strays("3")] == []
    assert set(ledger.by_version()) == {"1", "2", "3"}
    rollout.recorded()
    _the_rejection_is_told(rollout)
    _the_registry_knows(mlflow, rollout)
    _applying_it_again_starts_nothing(rollout)


def _the_rejection_is_told(rollout: Rollout) -> None:
    state, reason, message = rollout.condition("Ready")
    assert (state, reason) == ("False", "VersionRejected")
    assert "champion 2 serves" in message
    assert any(event.startswith("GuardFailed: ") for event in rollout.events())


def _the_registry_knows(mlflow: Mlflow, rollout: Rollout) -> None:
    assert mlflow.client.get_model_version_by_alias(mlflow.model, rollout.alias).version == "2"
    promoted = mlflow.client.get_model_version(mlflow.model, "2").tags
    rejected = mlflow.client.get_model_version(mlflow.model, "3").tags
    key = Key(rollout.kubectl.namespace, "churn")
    assert tag_of(promoted, key, "decision") == "promoted"
    assert tag_of(rejected, key, "decision") == "rejected"
    assert tag_of(rejected, key, "reason") == "GuardFailed"
    assert tag_of(rejected, key, "decided-by") == f"{key} generation 3"


def _applying_it_again_starts_nothing(rollout: Rollout) -> None:
    before = rollout.object()["metadata"]
    rollout.apply("3")
    rollout.kubectl("annotate", "md/churn", "somebody=was-here")  # wakes the operator up
    status = rollout.reach(Phase.REJECTED)
    assert status.challenger is None
    assert rollout.object()["metadata"]["generation"] == before["generation"]
    assert rollout.pods("3") == []


def test_a_gate_that_fails_starts_no_pod_and_a_tag_in_the_registry_opens_it(rollout: Rollout, mlflow: Mlflow) -> None:
    rollout.apply("1")
    rollout.settle("1")
    gate = {"name": "signed", "tags": {"required": [f"signed-{rollout.kubectl.namespace}"]}}
    rollout.apply("2", gates=[gate])
    status = rollout.reach(Phase.BLOCKED)
    assert "gate signed: tags missing or empty" in status.message
    assert rollout.condition("GatesPassed")[:2] == ("False", "GatesFailed")
    assert rollout.pods("2") == []
    mlflow.client.set_model_version_tag(mlflow.model, "2", f"signed-{rollout.kubectl.namespace}", "ann")
    rollout.reach(Phase.STARTING)
    rollout.apply("1")
    rollout.settle("1")


def test_wrong_names_are_told_and_the_champion_serves_on(rollout: Rollout) -> None:
    rollout.apply("1")
    rollout.settle("1")
    rollout.apply("99")
    rollout.until("version 99 is missed", lambda s: any(c.reason == "VersionNotFound" for c in s.conditions))
    assert "99" in rollout.condition("RegistryInSync")[2]
    assert len(rollout.pods("1")) == 2
    rollout.apply("1")
    rollout.settle("1")


def test_a_second_owner_of_the_alias_is_told_who_the_first_one_is(rollout: Rollout) -> None:
    rollout.apply("1")
    rollout.settle("1")
    younger = Rollout(rollout.kubectl, rollout.model, rollout.port, name="late")
    younger.apply("2", traffic={})
    younger.until("the contest is told", lambda s: any(c.reason == "AliasConflict" for c in s.conditions))
    state, _, message = younger.condition("Stalled")
    assert state == "True"
    assert f"{rollout.kubectl.namespace}/churn" in message
    assert younger.pods("2") == []


def test_deleting_it_removes_all_that_podium_made(rollout: Rollout) -> None:
    rollout.apply("1")
    rollout.settle("1")
    rollout.kubectl("delete", "md/churn", "--cascade=foreground", "--timeout=120s", timeout=150)

    def nothing_left() -> bool:
        left = rollout.kubectl.get("deploy,svc,pods", "--selector=podium.dev/deployment")["items"]
        return all("deletionTimestamp" in each["metadata"] for each in left)

    # The garbage collector takes one generation after the other: Deployment, ReplicaSet, pods.
    wait_until("everything is deleted", nothing_left, 60)
