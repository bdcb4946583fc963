"""What tools read from a ModelDeployment is true: `kubectl wait`, and a champion whose new pods cannot start."""

import json

import pytest
from mlflow import MlflowClient

from podium.api.v1alpha1.status import Status
from testbed.errors import CommandFailed
from tests.e2e.conftest import Mlflow, register_models
from tests.e2e.rollout import Rollout, clients

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]


def waited(rollout: Rollout, seconds: int) -> bool:
    """Whether `kubectl wait` says that it is ready."""
    try:
        rollout.kubectl("wait", "--for=condition=Ready", "md/churn", f"--timeout={seconds}s", timeout=seconds + 20)
    except CommandFailed:
        return False
    return True


def champion(status: Status) -> str:
    return status.champion.version if status.champion is not None else ""


def test_whoever_waits_for_ready_gets_what_was_committed(rollout: Rollout, rows: list[bytes]) -> None:
    """Each commit was followed by Ready=True of the version before it, under the new generation."""
    rollout.apply("1")
    assert waited(rollout, 180)
    with clients(rollout.port, rows, rate=50):
        for version in ("2", "1", "2"):
            rollout.apply(version)
            assert waited(rollout, 180)
            assert champion(rollout.status()) == version


def test_a_version_that_does_not_exist_and_a_pause_are_never_ready(rollout: Rollout, rows: list[bytes]) -> None:
    rollout.apply("1")
    assert waited(rollout, 180)
    rollout.apply("99")
    assert not waited(rollout, 5)
    assert rollout.condition("Ready")[0] != "True"
    rollout.apply("2", paused=True)
    assert not waited(rollout, 5)
    rollout.apply("2", paused=False)
    with clients(rollout.port, rows, rate=50):
        assert waited(rollout, 180)
    assert champion(rollout.status()) == "2"


@pytest.fixture
def own_model(mlflow: Mlflow, namespace: str) -> str:
    """A registered model that no other test uses, with the same three versions."""
    model = f"own-{namespace}"
    register_models(model)
    return model


def append_to_its_mlmodel(mlflow: Mlflow, model: str, version: str) -> None:
    """Change the artifact where the registry keeps it, as a person with access to the store could."""
    client: MlflowClient = mlflow.client
    place = client.get_model_version_download_uri(model, version)
    file = f"/data/artifacts/{place.removeprefix('mlflow-artifacts:/')}/MLmodel"
    command = [
        "exec",
        "deployment/mlflow",
        "--namespace=mlflow",
        "--",
        "sh",
        "-c",
        f"test -f {file} && echo '# other' >> {file}",
    ]
    mlflow.cluster.kubectl(*command)


def test_an_artifact_that_was_changed_in_the_registry_is_told_and_the_old_pods_serve(
    rollout: Rollout, mlflow: Mlflow, own_model: str
) -> None:
    rollout.model = own_model
    rollout.apply("1")
    rollout.settle("1")
    append_to_its_mlmodel(mlflow, own_model, "1")
    [first, _] = [pod["metadata"]["name"] for pod in rollout.pods("1")]
    rollout.kubectl("delete", "pod", first, "--wait=false")
    rollout.until(
        "it is not ready", lambda s: any(c.type == "Ready" and c.reason == "PodsNotStarting" for c in s.conditions)
    )
    state, _, message = rollout.condition("Ready")
    assert state == "False"
    assert "digest" in message
    assert any(_ready(pod) for pod in rollout.pods("1"))
    assert any(event.startswith("PodsNotStarting: ") for event in rollout.events())
    assert json.loads(rollout.kubectl("get", "md/churn", "--output=json"))["status"]["champion"]["version"] == "1"


def _ready(pod: dict[str, object]) -> bool:
    found = {each["type"]: each["status"] for each in pod["status"].get("conditions", [])}  # type: ignore[attr-defined]
    return found.get("Ready") == "True"
