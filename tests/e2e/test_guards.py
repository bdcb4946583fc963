"""Each kind of guard on the real cluster, with the guards of the examples and a version that breaks just that one."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args
from uuid import uuid4

import pytest
import yaml

from demo import stage
from podium.api.v1alpha1.status import Phase, Status
from testbed.cluster import Cluster
from tests.conftest import a_namespace
from tests.e2e.conftest import Mlflow, Operator
from tests.e2e.faulty_model import COLUMN, Fault
from tests.e2e.rollout import Rollout, clients
from tests.kubectl import Kubectl

pytestmark = pytest.mark.cluster

ROOT = Path(__file__).parents[2]
VERSIONS = {fault: str(number) for number, fault in enumerate(get_args(Fault), start=1)}
ALIKE = str(len(VERSIONS) + 1)
RATE = 50
# A pod that shares two cores with a whole cluster is slow at times, and so is its champion.
PATIENT = {"steps": [{"weight": 50, "duration": "5s"}], "soak": "5s", "stepTimeout": "5m"}
# So a limit in milliseconds is one that the champion keeps all the same: failed by both, a guard rejects no version.
SLOWEST = "600ms"


@pytest.fixture(scope="session")
def faulty(mlflow: Mlflow) -> str:
    """A registered model with one version for each fault."""
    model = f"faulty-{uuid4().hex[:6]}"
    environment = os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true"}
    command = [sys.executable, "-W", "ignore", "-m", "tests.e2e.faulty_model", stage.MLFLOW_OUTSIDE, model]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
    return model


@pytest.fixture(scope="module")
def on_trial(cluster: Cluster, crd: str, operator: Operator, faulty: str, ports: Iterator[int]) -> Iterator[Rollout]:
    """Version 1, which has no fault, is champion in all tests: other guards give a version another trial."""
    with a_namespace(cluster) as namespace:
        kubectl = Kubectl(cluster, namespace)
        subject = Rollout(kubectl, faulty, next(ports))
        subject.apply(VERSIONS["none"])
        subject.settle(VERSIONS["none"])
        yield subject
        kubectl("delete", "modeldeployment", "--all", "--cascade=foreground", "--timeout=120s", timeout=150)


def lost_this_trial(status: Status) -> bool:
    return status.phase is Phase.REJECTED and status.rejected[-1].generation == status.observed_generation


def bodies() -> list[bytes]:
    """Rows from all over the range, in no order."""
    numbers = [number / 500 for number in range(500)]
    random.Random(7).shuffle(numbers)
    return [json.dumps({"dataframe_split": {"columns": [COLUMN], "data": [[x]]}}).encode() for x in numbers]


def guards(example: str) -> list[dict[str, Any]]:
    (file,) = (ROOT / "examples" / example).glob("*.yaml")
    found: list[dict[str, Any]] = yaml.safe_load(file.read_text())["spec"]["rollout"]["guards"]
    for guard in found:
        if "atMost" in guard.get("latency", {}):
            guard["latency"]["atMost"] = SLOWEST
    return found


@pytest.mark.parametrize(
    ("fault", "example", "guard"),
    [
        ("raises", "16-guard-errors", "errors"),
        ("raises", "16-guard-errors", "errors-vs-champion"),
        ("slow", "17-guard-latency", "quick"),
        ("slow", "17-guard-latency", "as-quick"),
        ("nan", "18-guard-predictions", "valid"),
        ("shifted", "18-guard-predictions", "drift"),
        ("raises", "19-guard-prometheus", "failures"),
    ],
)
def test_a_version_is_taken_back_by_the_guard_that_it_breaks(
    on_trial: Rollout, prometheus: str, fault: Fault, example: str, guard: str
) -> None:
    asked = [each for each in guards(example) if each["name"] == guard]
    with clients(on_trial.port, bodies(), rate=RATE) as ledger:
        on_trial.until("the champion has answered", lambda _: ledger.requests >= 4 * RATE)
        on_trial.apply(VERSIONS[fault], rollout={**PATIENT, "guards": asked})
        status = on_trial.until("it is rejected", lost_this_trial)
    # kube-proxy may lead to them for as long as they are there, and the next test's clients would meet this fault.
    gone = ("pods", f"--selector=podium.dev/version={VERSIONS[fault]}", "--for=delete", "--timeout=120s")
    on_trial.kubectl("wait", *gone, timeout=150)
    assert status.rejected[-1].reason == "GuardFailed"
    assert status.rejected[-1].message.startswith(guard)
    assert [(each.status, each.trouble) for each in ledger.strays(VERSIONS[fault])] == []


def test_a_version_that_is_like_its_champion_passes_every_guard(on_trial: Rollout, prometheus: str) -> None:
    every = [*guards("16-guard-errors"), *guards("18-guard-predictions"), *guards("19-guard-prometheus")]
    every += [guard for guard in guards("17-guard-latency") if guard["name"] == "as-quick"]
    with clients(on_trial.port, bodies(), rate=2 * RATE) as ledger:
        on_trial.until("the champion has answered", lambda _: ledger.requests >= 4 * RATE)
        on_trial.apply(ALIKE, rollout={**PATIENT, "falsePromotionRate": "20%", "guards": every})
        on_trial.settle(ALIKE, seconds=280)
    assert [(each.status, each.trouble) for each in ledger.failures] == []
