"""Somebody changes a version's bytes in the artifact store: what loads them never gets traffic."""

import pytest

from demo import stage
from podium.api.v1alpha1.status import Phase
from tests.e2e.conftest import Mlflow
from tests.e2e.rollout import QUICK, Rollout, clients

pytestmark = pytest.mark.cluster


def tamper(mlflow: Mlflow, version: str) -> None:
    """Append a byte to a file of the version that is loaded, on the node that keeps MLflow's artifacts."""
    _on_its_file(mlflow, version, "printf ' ' >>")


def restore(mlflow: Mlflow, version: str) -> None:
    """Take the byte away again."""
    _on_its_file(mlflow, version, "truncate -s -1")


def _on_its_file(mlflow: Mlflow, version: str, command: str) -> None:
    source = mlflow.client.get_model_version(mlflow.model, version).source
    model_id = source.removeprefix("models:/").strip("/").rpartition("/")[2]
    find = f"find /var/lib/podium-demo/mlflow/artifacts -type d -name '{model_id}'"
    script = f'set -e; d=$({find}); test -n "$d"; {command} $d/artifacts/MLmodel'
    mlflow.cluster.on_node(mlflow.cluster.nodes()[0], "sh", "-c", script)


def test_a_pod_that_loads_other_bytes_than_the_pinned_ones_never_gets_traffic(
    rollout: Rollout, mlflow: Mlflow, rows: list[bytes]
) -> None:
    tag = f"signed-{rollout.kubectl.namespace}"
    rollout.apply("1")
    rollout.settle("1")
    with clients(rollout.port, rows) as ledger:
        rollout.apply("2", gates=[{"name": "signed", "tags": {"required": [tag]}}], rollout=QUICK)
        status = rollout.reach(Phase.BLOCKED)
        assert status.challenger is not None
        pinned = status.challenger.digest
        tamper(mlflow, "2")
        try:
            mlflow.client.set_model_version_tag(mlflow.model, "2", tag, "ann")
            status = rollout.reach(Phase.REJECTED)
        finally:
            restore(mlflow, "2")
    assert status.rejected[-1].reason == "IdentityMismatch"
    assert status.rejected[-1].digest == pinned
    assert set(ledger.by_version()) == {"1"}
    assert [(each.status, each.trouble) for each in ledger.failures] == []


def test_the_stage_keeps_artifacts_where_this_test_looks_for_them() -> None:
    assert "/var/lib/podium-demo/mlflow" in (stage.HERE / "mlflow.yaml").read_text()
