"""The whole life of a model on MLflow with PostgreSQL and S3, straight, and what happens when any of them is away."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch
from uuid import uuid4

import pytest
from mlflow import MlflowClient

from demo import registry
from podium.api.v1alpha1.status import Phase
from podium.core.facts import Key
from podium.core.status.record import tag_of
from testbed import s3
from testbed.cluster import Cluster
from testbed.waiting import wait_until
from tests.e2e.conftest import ROOT, Operator
from tests.e2e.rollout import QUICK, Rollout, clients
from tests.kubectl import Kubectl

pytestmark = [pytest.mark.cluster, pytest.mark.production, pytest.mark.timeout(1200)]
HERE = Path(__file__).parent / "production"
INSIDE, OUTSIDE = "http://mlflow.production:5000", "http://127.0.0.1:31007"
SECRET = "the-secret-of-the-store"
STORE = {"AWS_ACCESS_KEY_ID": "access", "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_DEFAULT_REGION": "us-east-1"}
LOGIN = {"MLFLOW_TRACKING_USERNAME": "editor", "MLFLOW_TRACKING_PASSWORD": "a-password-of-the-editor"}
FROM_HERE = {**STORE, **LOGIN, "MLFLOW_S3_ENDPOINT_URL": "http://127.0.0.1:31008", "MLFLOW_DISABLE_TELEMETRY": "true"}
STEADY = {**QUICK, "steps": [{"weight": 50, "duration": "1h"}]}


@dataclass(frozen=True)
class Production:
    """MLflow, its database and its store in the namespace `production`."""

    kubectl: Kubectl
    model: str  # versions as in the demo: 1 fair, 2 better, 3 raises for one case in five

    def stop(self, name: str) -> None:
        self.kubectl("scale", f"deployment/{name}", "--replicas=0")
        gone = f"--selector=app={name}"
        wait_until(f"{name} has stopped", lambda: not self.kubectl.get("pods", gone)["items"], 120)

    def start(self, name: str) -> None:
        self.kubectl("scale", f"deployment/{name}", "--replicas=1")
        self.kubectl("rollout", "status", f"deployment/{name}", "--timeout=180s", timeout=200)


@pytest.fixture(scope="module")
def production(cluster: Cluster, images: dict[str, str]) -> Iterator[Production]:
    with TemporaryDirectory() as folder:
        for file in (HERE / "Containerfile", HERE / "database.sh", s3.server()):
            shutil.copy2(file, folder)
        image = cluster.build_and_load("podium-production", Path(folder) / "Containerfile", Path(folder))
    manifest = (HERE / "production.yaml").read_text()
    for name, full in {"podium-production": image, "podium-mlflow": images["mlflow"]}.items():
        manifest = manifest.replace(f"image: {name}\n", f"image: {full}\n")
    cluster.kubectl("apply", "--filename=-", input=manifest)
    made = Production(Kubectl(cluster, "production"), f"production-{uuid4().hex[:6]}")
    for name in ("database", "s3", "mlflow"):
        made.start(name)
    wait_until(f"MLflow answers at {OUTSIDE}", lambda: registry.healthy(OUTSIDE), 60)
    command = [sys.executable, "-W", "ignore", "-m", "demo.models", OUTSIDE, made.model]
    subprocess.run(command, cwd=ROOT, env=os.environ | FROM_HERE, check=True, capture_output=True)
    yield made
    cluster.kubectl("delete", "namespace", "production")


@pytest.fixture
def churn(kubectl: Kubectl, operator: Operator, production: Production, ports: Iterator[int]) -> Iterator[Rollout]:
    """A ModelDeployment of that registry. Its Secret is not there yet."""
    made = Rollout(kubectl, production.model, next(ports))
    reference = {"uri": INSIDE, "secretName": "mlflow-login", "aliases": {"champion": made.alias}}
    made.spec = {"registry": reference, "rollout": QUICK}
    yield made
    kubectl("delete", "md", "--all", "--timeout=120s", timeout=150)
    for name in ("database", "s3", "mlflow"):
        production.start(name)


def log_in(rollout: Rollout, **changed: str) -> None:
    keys = {**STORE, **LOGIN, "MLFLOW_S3_ENDPOINT_URL": "http://s3.production:7070", **changed}
    words = [f"--from-literal={name}={value}" for name, value in keys.items()]
    made = rollout.kubectl("create", "secret", "generic", "mlflow-login", *words, "--dry-run=client", "--output=yaml")
    rollout.kubectl.apply(made)


def told(rollout: Rollout, reason: str) -> str:
    """Until a condition has the reason; its message."""
    found: list[str] = []

    def has() -> bool:
        found[:] = [each.message for each in rollout.status().conditions if each.reason == reason]
        return bool(found)

    wait_until(f"a condition says {reason}", has, 120)
    return found[0]


def test_a_version_is_promoted_and_a_bad_one_is_taken_back(
    churn: Rollout, production: Production, rows: list[bytes]
) -> None:
    log_in(churn)
    churn.apply("1")
    churn.settle("1")
    with clients(churn.port, rows) as promoted:
        churn.apply("2")
        churn.settle("2")
    assert [(each.status, each.trouble) for each in promoted.failures] == []
    churn.apply("3", rollout=STEADY)
    churn.reach(Phase.CANARY)
    with clients(churn.port, rows, rate=50) as taken_back:
        status = churn.reach(Phase.REJECTED)
    assert [(each.status, each.trouble) for each in taken_back.strays("3")] == []
    assert status.champion is not None
    assert status.champion.version == "2"
    churn.recorded()
    with patch.dict(os.environ, LOGIN):
        client = MlflowClient(OUTSIDE, OUTSIDE)
        assert client.get_model_version_by_alias(production.model, churn.alias).version == "2"
        tags = client.get_model_version(production.model, "3").tags
    assert tag_of(tags, Key(churn.kubectl.namespace, churn.name), "decision") == "rejected"
    assert SECRET not in str(churn.object()) + str(churn.events())


def test_a_login_that_comes_late_and_one_that_is_rotated(churn: Rollout, rows: list[bytes]) -> None:
    churn.apply("1")
    assert "mlflow-login" in told(churn, "LoginMissing")
    log_in(churn, AWS_SECRET_ACCESS_KEY="the one before it was rotated")
    assert "s3://models/" in told(churn, "LoginRejected")
    log_in(churn)
    churn.settle("1")
    log_in(churn, MLFLOW_TRACKING_PASSWORD="one that is not in force yet")
    with clients(churn.port, rows) as served:
        churn.apply("2")
        told(churn, "LoginRejected")
        log_in(churn)
        churn.settle("2")
    assert [(each.status, each.trouble) for each in served.failures] == []


@pytest.mark.parametrize("away", ["database", "s3"])
def test_a_trial_goes_on_while_the_database_or_the_store_is_away(
    churn: Rollout, production: Production, rows: list[bytes], away: str
) -> None:
    log_in(churn)
    churn.apply("2")
    churn.settle("2")
    churn.apply("3", rollout=STEADY)
    churn.until("the canary has all its pods", lambda s: s.trial is not None and s.trial.weight_reached_at is not None)
    production.stop(away)
    with clients(churn.port, rows, rate=50) as taken_back:
        churn.reach(Phase.REJECTED)
    assert [(each.status, each.trouble) for each in taken_back.strays("3")] == []
    production.start(away)
    churn.recorded()


@pytest.mark.parametrize("away", ["database", "s3"])
def test_a_version_that_cannot_be_fetched_for_a_while_is_not_blamed(
    churn: Rollout, production: Production, rows: list[bytes], away: str
) -> None:
    log_in(churn)
    churn.apply("1")
    churn.settle("1")
    production.stop(away)
    with clients(churn.port, rows) as served:
        churn.apply("2")
        told(churn, "RegistryUnreachable")
        production.start(away)
        churn.settle("2")
    assert [(each.status, each.trouble) for each in served.failures] == []
    assert churn.status().rejected == []
