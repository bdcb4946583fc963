"""A registry at another address, on the real cluster: pods that load from there are tried before they serve alone."""

import pytest

from podium.api.v1alpha1.status import Phase, Status
from tests.e2e.conftest import Mlflow
from tests.e2e.rollout import Rollout, clients

pytestmark = pytest.mark.cluster
ELSEWHERE = "http://mlflow.mlflow.svc:5000"  # the same server, by another name
NOWHERE = "http://gone.mlflow.svc:5000"


def at(rollout: Rollout, uri: str) -> None:
    rollout.apply("1", registry={"aliases": {"champion": rollout.alias}, "uri": uri})


def settled(rollout: Rollout) -> set[str]:
    """Version 1 serves from where the operator's registry is. Returns the UIDs of its pods."""
    rollout.apply("1")
    rollout.settle("1")
    return {pod["metadata"]["uid"] for pod in rollout.pods("1")}


def moves(rollout: Rollout, before: set[str]) -> None:
    """All pods load from elsewhere in the end."""
    rollout.until("it has moved", lambda status: status.phase is Phase.STABLE and loads_from(status) == ELSEWHERE)
    assert not before & {pod["metadata"]["uid"] for pod in rollout.pods("1")}


def loads_from(status: Status) -> str:
    return status.champion.registry if status.champion is not None else ""


def test_a_registry_that_moves_is_tried_and_no_request_fails(
    rollout: Rollout, mlflow: Mlflow, rows: list[bytes]
) -> None:
    before = settled(rollout)
    with clients(rollout.port, rows) as ledger:
        at(rollout, ELSEWHERE)
        tried = rollout.until("it is tried", lambda status: status.phase is Phase.CANARY)
        assert loads_from(tried) != ELSEWHERE, "the champion keeps its pods"
        moves(rollout, before)
    assert [(each.status, each.trouble) for each in ledger.failures] == []
    assert rollout.condition("Ready")[0] == "True"
    assert rollout.status().rejected == []
    assert mlflow.client.get_model_version_by_alias(rollout.model, rollout.alias).version == "1"


def test_an_address_where_no_registry_answers_takes_nothing_from_the_champion(
    rollout: Rollout, rows: list[bytes]
) -> None:
    before = settled(rollout)
    with clients(rollout.port, rows) as ledger:
        at(rollout, NOWHERE)
        rollout.until(
            "it is told", lambda status: any(each.reason == "RegistryUnreachable" for each in status.conditions)
        )
        assert rollout.condition("Ready")[0] != "True"
        assert NOWHERE in rollout.status().message
        at(rollout, ELSEWHERE)
        moves(rollout, before)
    assert [(each.status, each.trouble) for each in ledger.failures] == []
