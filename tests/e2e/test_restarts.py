"""`kill -9` of the operator in each phase: the rollout goes on from the status, and nothing is made twice."""

import itertools
import os
import subprocess
from collections import Counter
from collections.abc import Callable

import pytest

from podium.api.v1alpha1.status import Phase
from tests.e2e.conftest import Mlflow, Operator
from tests.e2e.rollout import QUICK, Rollout, clients

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]


def kill_when(rollout: Rollout, operator: Operator, phase: Phase, what: Callable[[], None]) -> None:
    """Do something, and kill the operator as soon as the API server tells that the phase has begun."""
    columns = "{.metadata.generation} {.status.observedGeneration} {.status.phase}{'\\n'}"
    cluster = rollout.kubectl.cluster
    command = [str(cluster.backend.kubectl()), f"--namespace={rollout.kubectl.namespace}", "get", "md", rollout.name]
    command += ["--watch", f"--output=jsonpath={columns}"]
    with subprocess.Popen(command, env=os.environ | cluster.env, stdout=subprocess.PIPE, text=True) as watch:
        assert watch.stdout is not None
        try:
            now = watch.stdout.readline()  # from here on it misses nothing: a phase may last for a tenth of a second
            what()
            for line in itertools.chain([now], watch.stdout):
                generation, _, rest = line.strip().partition(" ")
                if rest == f"{generation} {phase}":
                    break
            operator.kill()
        finally:
            watch.kill()


def made(rollout: Rollout) -> Counter[str]:
    """How many ReplicaSets there are for each version: more than one would be a version started twice."""
    found = rollout.kubectl.get("replicasets", f"--selector=podium.dev/deployment={rollout.name}")["items"]
    return Counter(each["spec"]["template"]["metadata"]["labels"]["podium.dev/version"] for each in found)


def test_a_promotion_goes_on_after_a_kill_in_each_of_its_phases(
    rollout: Rollout, lone_operator: Operator, mlflow: Mlflow, rows: list[bytes]
) -> None:
    tag = f"signed-{rollout.kubectl.namespace}"
    gates = [{"name": "signed", "tags": {"required": [tag]}}]
    rollout.apply("1")
    rollout.settle("1")
    with clients(rollout.port, rows, rate=50) as ledger:
        kill_when(rollout, lone_operator, Phase.GATING, lambda: rollout.apply("2", gates=gates))
        kill_when(rollout, lone_operator, Phase.BLOCKED, lambda: None)
        sign = mlflow.client.set_model_version_tag
        kill_when(rollout, lone_operator, Phase.STARTING, lambda: sign(mlflow.model, "2", tag, "ann"))
        for phase in (Phase.CANARY, Phase.PROMOTING, Phase.SOAKING):
            kill_when(rollout, lone_operator, phase, lambda: None)
        status = rollout.settle("2")
    assert [(each.status, each.trouble) for each in ledger.failures] == []
    assert [entry.version for entry in status.history if entry.outcome == "Promoted"] == ["1", "2"]
    assert made(rollout) == {"1": 1, "2": 1}
    assert Counter(rollout.events()).most_common(1)[0][1] == 1, "no Event is told twice"
    rollout.recorded()
    assert mlflow.client.get_model_version_by_alias(mlflow.model, rollout.alias).version == "2"


def test_a_rollback_goes_on_after_a_kill(
    rollout: Rollout, lone_operator: Operator, mlflow: Mlflow, rows: list[bytes]
) -> None:
    rollout.apply("1")
    rollout.settle("1")
    with clients(rollout.port, rows, rate=50) as ledger:
        kill_when(rollout, lone_operator, Phase.ROLLING_BACK, lambda: rollout.apply("3", rollout=QUICK))
        status = rollout.reach(Phase.REJECTED)
    assert [(each.status, each.trouble) for each in ledger.strays("3")] == []
    assert [rejected.version for rejected in status.rejected] == ["3"]
    assert made(rollout) == {"1": 1, "3": 1}
    assert rollout.pods("3") == []
    rollout.recorded()
    assert mlflow.client.get_model_version_by_alias(mlflow.model, rollout.alias).version == "1"
