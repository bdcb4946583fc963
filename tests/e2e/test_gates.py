"""Gates on the real cluster: a job, a service, a person; each as its example has it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from podium.api.v1alpha1.status import Phase, Status
from testbed.waiting import wait_until
from tests.e2e.conftest import Mlflow
from tests.e2e.rollout import Rollout
from tests.kubectl import Kubectl
from tests.yaml_files import ROOT

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]


def gates(example: str) -> list[dict[str, Any]]:
    (file,) = ROOT.glob(f"examples/{example}-*/*.yaml")
    found: list[dict[str, Any]] = yaml.safe_load(file.read_text())["spec"]["gates"]
    return found


def said(status: Status) -> dict[str, str]:
    return {gate.name: gate.state for gate in status.gates}


def jobs(kubectl: Kubectl) -> list[str]:
    return sorted(job["metadata"]["uid"] for job in kubectl.get("jobs")["items"])


# --- what the registry knows ------------------------------------------------------------------------------------------


def registry_gates() -> list[dict[str, Any]]:
    """Of each example about the registry's facts, what a version of the demo's model can be asked."""
    accurate, not_worse, *_ = gates("02")
    return [accurate, not_worse, *gates("09"), *gates("10"), gates("11")[0], gates("12")[1]]


def evaluate(mlflow: Mlflow, version: str) -> None:
    """Log what an evaluation of the version on the example's dataset would."""
    entry = mlflow.client.get_model_version(mlflow.model, version)
    model_id = (entry.source or "").removeprefix("models:/").strip("/")
    for key, value in (("accuracy_score", 0.9), ("log_loss", 0.2)):
        mlflow.client.log_metric(
            entry.run_id, key, value, dataset_name="holdout-2026", dataset_digest="d1", model_id=model_id
        )


def test_all_gates_are_asked_and_all_failures_told_until_the_registry_says_otherwise(
    rollout: Rollout, mlflow: Mlflow
) -> None:
    rollout.apply("1")
    rollout.settle("1")
    rollout.apply("2", gates=registry_gates())
    status = rollout.reach(Phase.BLOCKED)
    holds = dict.fromkeys(("accurate", "not-worse", "compatible", "fresh"), "Passed")
    assert said(status) == {**holds, "reproducible": "Failed", "evaluated": "Failed"}
    assert "git_sha" in status.message
    assert "holdout-2026" in status.message
    assert rollout.pods("2") == []
    for key, value in (("git_sha", "0" * 40), ("stage", "prod")):
        mlflow.client.set_model_version_tag(mlflow.model, "2", key, value)
    evaluate(mlflow, "2")
    assert set(said(rollout.reach(Phase.CANARY)).values()) == {"Passed"}


def test_a_version_that_is_too_young_waits(rollout: Rollout) -> None:
    rollout.apply("1")
    rollout.settle("1")
    rollout.apply("2", gates=gates("12"))
    status = rollout.until("it waits", lambda status: said(status).get("slept-on") == "Pending")
    assert said(status)["fresh"] == "Passed"
    assert rollout.pods("2") == []


# --- job --------------------------------------------------------------------------------------------------------------


def test_a_job_that_succeeds_opens_the_gate_and_is_started_once(rollout: Rollout) -> None:
    rollout.apply("1", gates=gates("14"))
    rollout.reach(Phase.GATING)
    status = rollout.settle("1")
    assert said(status) == {"smoke": "Passed"}
    assert len(jobs(rollout.kubectl)) == 1
    rollout.kubectl("delete", "jobs", "--all", "--timeout=60s", timeout=90)
    rollout.apply("1", paused=True)
    rollout.until("it has been looked at", lambda status: status.phase is Phase.STABLE)
    assert jobs(rollout.kubectl) == []


def test_a_job_that_fails_says_why_and_starts_no_pod_of_the_version(rollout: Rollout) -> None:
    script = 'open("/dev/termination-log", "w").write("3 cases are wrong"); raise SystemExit(7)'
    (gate,) = gates("14")
    failing = {**gate, "job": {**gate["job"], "args": [script], "retries": 0}}
    rollout.apply("1")
    rollout.settle("1")
    rollout.apply("2", gates=[failing])
    status = rollout.reach(Phase.BLOCKED)
    assert "exit code 7" in status.message
    assert "3 cases are wrong" in status.message
    assert rollout.pods("2") == []
    assert len(rollout.pods("1")) == 2
    described = rollout.kubectl("describe", "md/churn")
    assert "3 cases are wrong" in described
    rollout.apply("2", gates=[gate])
    rollout.reach(Phase.CANARY)


def test_a_job_that_takes_too_long_fails(rollout: Rollout) -> None:
    (gate,) = gates("14")
    slow = {**gate, "job": {**gate["job"], "args": ["import time; time.sleep(600)"], "timeout": "3s", "retries": 0}}
    rollout.apply("1", gates=[slow])
    assert "DeadlineExceeded" in rollout.reach(Phase.BLOCKED).message


# --- webhook ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def review(kubectl: Kubectl, images: dict[str, str]) -> Iterator[str]:
    """The example's service in the test's namespace, without a pod yet; and the Secret that it wants."""
    script = (ROOT / "examples" / "15-webhook" / "service.py").read_text()
    labels = {"app": "review"}
    confined = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
    container = {
        "name": "review",
        "image": images["runtime"],
        "command": ["/opt/podium/venv/bin/python", "-c", script, "7", "1", "2"],
        "env": [{"name": "AUTHORIZATION", "value": "Bearer of-the-board"}],
        "readinessProbe": {"tcpSocket": {"port": 8080}, "periodSeconds": 1},
        "securityContext": confined,
    }
    pod = {
        "automountServiceAccountToken": False,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
    }
    template = {"metadata": {"labels": labels}, "spec": pod}
    deployment = {"replicas": 0, "selector": {"matchLabels": labels}, "template": template}
    service = {"selector": labels, "ports": [{"port": 8080}]}
    for kind, spec in (("apps/v1/Deployment", deployment), ("v1/Service", service)):
        version, _, name = kind.rpartition("/")
        kubectl.apply(json.dumps({"apiVersion": version, "kind": name, "metadata": {"name": "review"}, "spec": spec}))
    kubectl("create", "secret", "generic", "review-login", "--from-literal=authorization=Bearer of-the-board")
    yield f"http://review.{kubectl.namespace}:8080/podium"
    kubectl("delete", "deployment,service", "review", "--wait=false")


def start(kubectl: Kubectl) -> None:
    kubectl("scale", "deployment/review", "--replicas=1")
    kubectl("rollout", "status", "deployment/review", "--timeout=120s", timeout=150)


def test_a_silent_service_is_waited_for_and_its_verdict_opens_the_gate(rollout: Rollout, review: str) -> None:
    (gate,) = gates("15")
    rollout.apply("1", gates=[{**gate, "webhook": {**gate["webhook"], "url": review}}])
    rollout.until("the silence is told", lambda status: "; retrying" in status.message)
    assert rollout.status().phase is Phase.GATING
    assert rollout.pods("1") == []
    start(rollout.kubectl)
    status = rollout.settle("1")
    assert [gate.message for gate in status.gates] == ["version 1 is on the list"]
    assert "of-the-board" not in json.dumps(rollout.object())


def test_a_service_that_says_no_blocks(rollout: Rollout, review: str) -> None:
    (gate,) = gates("15")
    start(rollout.kubectl)
    rollout.apply("1")
    rollout.settle("1")
    rollout.apply("3", gates=[{**gate, "webhook": {**gate["webhook"], "url": review}}])
    status = rollout.reach(Phase.BLOCKED)
    assert "gate review: version 3 is not on the list" in status.message
    assert rollout.pods("3") == []


# --- approval ---------------------------------------------------------------------------------------------------------


def test_a_version_waits_until_somebody_who_may_approves_it(rollout: Rollout) -> None:
    (gate,) = gates("13")
    by_hand = {**gate, "approval": {"by": gate["approval"]["by"]}}
    rollout.apply("1")
    rollout.settle("1")
    rollout.apply("2", gates=[by_hand])
    status = rollout.until("it waits", lambda status: said(status) == {"signed-off": "Pending"})
    assert status.phase is Phase.GATING
    assert rollout.condition("GatesPassed")[:2] == ("Unknown", "GatesPending")
    assert "signed-off" in rollout.kubectl("describe", "md/churn")
    rollout.apply("2", approvals=[{"version": "2", "by": "mallory"}])
    rollout.until("mallory may not", lambda status: "mallory may not approve" in status.message)
    assert rollout.pods("2") == []
    rollout.apply("2", approvals=[{"version": "2", "by": "alice"}])
    rollout.reach(Phase.CANARY)


def test_a_version_that_waits_is_withdrawn_at_once(rollout: Rollout) -> None:
    rollout.apply("1")
    rollout.settle("1")
    rollout.apply("2", gates=[*gates("14"), {"name": "signed-off", "approval": {}}])
    rollout.until("it waits", lambda status: said(status).get("signed-off") == "Pending")
    rollout.apply("1")
    rollout.settle("1")
    assert rollout.pods("2") == []


def test_deleting_it_removes_the_jobs_of_its_gates(rollout: Rollout) -> None:
    rollout.apply("1", gates=gates("14"))
    rollout.settle("1")
    assert len(jobs(rollout.kubectl)) == 1
    rollout.kubectl("delete", "md/churn", "--cascade=foreground", "--timeout=120s", timeout=150)
    wait_until("the jobs are gone", lambda: jobs(rollout.kubectl) == [], 60)
