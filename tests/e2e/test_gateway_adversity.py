"""A rollback behind a gateway while something else is broken too: it happens as soon as it can, and says what hinders.

Version 3 raises for one case in five. It has half of the traffic when the trouble begins, and no client asks before.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from demo import stage
from demo.ledger import Ledger
from podium.api.v1alpha1.status import Phase, Status
from testbed import gateway
from testbed.waiting import wait_until
from tests.e2e.conftest import ROOT, Mlflow, Operator
from tests.e2e.envoy import Envoy, in_force, weights
from tests.e2e.faulty_api import REFUSALS, FaultyApi
from tests.e2e.rollout import Rollout, clients
from tests.kubectl import Kubectl

pytestmark = [pytest.mark.cluster, pytest.mark.gateway, pytest.mark.timeout(600)]

RATE = 200
SOON = 5.0  # seconds from the first bad answer to the last one; most of it is evidence, and looks
HINDERED = 30.0  # seconds likewise, where half of all calls fail
BACK = {"a": 100, "b": 0}
STAYS: dict[str, Any] = {"steps": [{"weight": 50, "duration": "1h"}], "soak": "5s"}


@pytest.fixture
def halved(routed: Rollout) -> Rollout:
    """Version 2 is champion with two pods, version 3 has half of the traffic, and nobody has asked yet."""
    halve(routed)
    return routed


def halve(rollout: Rollout, **more: Any) -> None:
    rollout.apply("2")
    rollout.settle("2")
    rollout.apply("3", rollout={**STAYS, **more})
    rollout.until("half is in force", in_force)


def rolled_back(ledger: Ledger, within: float) -> None:
    """Nobody else's answers failed, and those of version 3 came to an end soon."""
    assert [(each.status, each.version, each.trouble) for each in ledger.strays("3")] == []
    rollback = ledger.rollback("3")
    assert rollback is not None
    assert rollback.seconds <= within


def lost(status: Status) -> str:
    """Why the last version was rejected."""
    assert status.history[-1].outcome == "Rejected"
    assert status.history[-1].reason == "GuardFailed"
    return status.history[-1].message


def test_with_the_gateways_controller_stopped_the_weight_goes_back_at_once_and_the_traffic_with_its_return(
    halved: Rollout, envoy: Envoy, host: str, rows: list[bytes]
) -> None:
    with clients(gateway.PORT, rows, rate=RATE, host=host) as ledger:
        with envoy.stopped():
            said = halved.until("it is said what is in the way", lambda status: "its controller" in status.message)
            assert said.phase is Phase.ROLLING_BACK
            assert "errors" in lost(said)
            assert weights(halved, "churn") == BACK
            assert halved.pods("3"), "Envoy still sends them requests"
        halved.reach(Phase.REJECTED)
    assert [(each.status, each.version, each.trouble) for each in ledger.strays("3")] == []


def test_a_stale_status_of_the_route_is_told_and_is_not_waited_for(
    halved: Rollout, host: str, rows: list[bytes]
) -> None:
    grow_stale(halved, "churn")
    halved.until("it is told", lambda status: "has not taken generation" in traffic_in_sync(status))
    assert halved.status().phase is Phase.CANARY
    with clients(gateway.PORT, rows, rate=RATE, host=host) as ledger:
        status = halved.reach(Phase.REJECTED)
    assert "errors" in lost(status)
    rolled_back(ledger, SOON)


def grow_stale(rollout: Rollout, route: str) -> None:
    """The route's status becomes that of its generation before."""
    found = rollout.kubectl.get(f"httproute/{route}")
    older = found["metadata"]["generation"] - 1
    places = [
        f"/status/parents/{parent}/conditions/{at}/observedGeneration"
        for parent, each in enumerate(found["status"]["parents"])
        for at in range(len(each["conditions"]))
    ]
    patch = json.dumps([{"op": "replace", "path": place, "value": older} for place in places])
    rollout.kubectl("patch", f"httproute/{route}", "--subresource=status", "--type=json", f"--patch={patch}")


def traffic_in_sync(status: Status) -> str:
    return next((each.message for each in status.conditions if each.type == "TrafficInSync"), "")


@pytest.fixture
def stopped_later(mlflow: Mlflow, prometheus: str) -> Iterator[Kubectl]:
    """Prometheus and MLflow, both of which run again when the test is over."""
    kubectl = Kubectl(mlflow.cluster, "prometheus")
    yield kubectl
    kubectl("scale", "deployment/prometheus", "--replicas=1")
    kubectl("rollout", "status", "deployment/prometheus", "--timeout=180s", timeout=200)
    mlflow.start()


def test_without_mlflow_and_prometheus_what_the_pods_say_is_enough(
    routed: Rollout, mlflow: Mlflow, stopped_later: Kubectl, host: str, rows: list[bytes]
) -> None:
    (example,) = (ROOT / "examples" / "19-guard-prometheus").glob("*.yaml")
    elsewhere = yaml.safe_load(example.read_text())["spec"]["rollout"]["guards"]
    halve(routed, guards=[{"name": "errors", "errorRate": {"atMost": "1%"}}, *elsewhere])
    stopped_later("scale", "deployment/prometheus", "--replicas=0")
    wait_until("Prometheus has stopped", lambda: not stopped_later.get("pods")["items"], 120)
    mlflow.stop()
    routed.until("one outage is told", lambda s: any(c.reason == "RegistryUnreachable" for c in s.conditions))
    routed.until("the other is told", lambda status: f"{elsewhere[0]['name']}: " in status.message)
    with clients(gateway.PORT, rows, rate=RATE, host=host) as ledger:
        status = routed.reach(Phase.REJECTED)
    assert lost(status).startswith("errors")
    assert routed.condition("RegistryInSync")[:2] == ("False", "RegistryUnreachable")
    rolled_back(ledger, SOON)


@contextmanager
def no_room(kubectl: Kubectl) -> Iterator[None]:
    """No node takes new pods."""
    nodes = kubectl.cluster.nodes()
    try:
        kubectl("cordon", *nodes)
        yield
    finally:
        kubectl("uncordon", *nodes)


def test_one_ready_pod_of_the_champions_two_is_enough(halved: Rollout, host: str, rows: list[bytes]) -> None:
    with no_room(halved.kubectl):
        halved.kubectl("delete", "pod", halved.pods("2")[0]["metadata"]["name"], "--timeout=60s")
        assert ready(halved, "2") == 1
        with clients(gateway.PORT, rows, rate=RATE, host=host) as ledger:
            status = halved.reach(Phase.REJECTED)
            assert ready(halved, "2") == 1
        assert "errors" in lost(status)
        assert "champion 2 serves" in status.message
        rolled_back(ledger, SOON)
    wait_until("both pods are ready", lambda: ready(halved, "2") == 2, 120)


def ready(rollout: Rollout, version: str) -> int:
    return sum(
        (condition["type"], condition["status"]) == ("Ready", "True")
        for pod in rollout.pods(version)
        for condition in pod["status"].get("conditions") or []
    )


@dataclass(frozen=True)
class ShellOperator:
    """An operator outside the cluster, in place of those in it.

    It wants the same of the pods as they do; so it looks for MLflow by a name that is known in the cluster only.
    """

    inside: Operator
    image: str
    log: Path

    @contextmanager
    def at_work(self, kubeconfig: Path) -> Iterator[None]:
        variables = {
            "KUBECONFIG": str(kubeconfig),
            "PODIUM_REGISTRY_URI": stage.MLFLOW_INSIDE,
            "PODIUM_RUNTIME_IMAGE": self.image,
            "PODIUM_HTTP_PORT": "0",
            "PODIUM_LOG_FORMAT": "text",
        }
        command = [sys.executable, "-m", "podium.controller"]
        self.inside.scale(0)
        with self.log.open("w") as output, subprocess.Popen(
            command, env=os.environ | variables, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT
        ) as process:  # fmt: skip
            try:
                wait_until("it leads", lambda: "leads now" in self.log.read_text(), 60)
                yield
            finally:
                process.terminate()


@pytest.fixture
def shell_operator(operator: Operator, images: dict[str, str], tmp_path: Path) -> Iterator[ShellOperator]:
    yield ShellOperator(operator, images["runtime"], tmp_path / "operator.log")
    operator.scale(2)


def test_an_api_server_that_refuses_half_of_the_calls_delays_it_a_little(
    halved: Rollout, shell_operator: ShellOperator, host: str, rows: list[bytes], tmp_path: Path
) -> None:
    api, kubeconfig = FaultyApi(halved.kubectl.cluster.kubeconfig), tmp_path / "kubeconfig"
    asking = clients(gateway.PORT, rows, rate=RATE, host=host)
    with api.serving(kubeconfig), shell_operator.at_work(kubeconfig), asking as ledger:
        status = halved.reach(Phase.REJECTED)
    assert "errors" in lost(status)
    rolled_back(ledger, HINDERED)
    refused = sum(api.answered[code] for code in REFUSALS)
    assert 0.4 < refused / sum(api.answered.values()) < 0.6
    assert "refused by the test" in shell_operator.log.read_text()
