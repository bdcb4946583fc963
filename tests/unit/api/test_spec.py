"""The models: what the operator makes of what the API server has."""

from typing import Any

import pytest
from pydantic import ValidationError

from podium.adapters.kubernetes.pod_specs import Defaults, environment
from podium.api.v1alpha1.manifest import ModelDeploymentManifest
from podium.api.v1alpha1.spec.pod import RESERVED
from podium.api.v1alpha1.spec.serving import Serving
from podium.api.v1alpha1.spec.spec import Spec
from podium.api.v1alpha1.status import Pinned, Status

MODEL = {"name": "churn", "version": "7"}


def test_the_shortest_useful_file_has_defaults_for_all_else() -> None:
    spec = Spec.model_validate({"model": MODEL})
    assert [step.weight for step in spec.rollout.steps] == [5, 25, 50]
    assert [guard.error_rate and guard.error_rate.at_most for guard in spec.rollout.guards] == [0.01]
    assert not spec.paused


def test_defaults_keep_the_rules_that_they_are_under() -> None:
    """Pydantic does not check them by itself."""
    written = Spec.model_validate({"model": MODEL}).model_dump(by_alias=True, exclude_none=True)
    assert Spec.model_validate(written).model_dump() == Spec.model_validate({"model": MODEL}).model_dump()


def test_a_spec_with_a_field_of_a_newer_podium_is_refused() -> None:
    """A guard that this operator does not know must not be skipped in silence."""
    guards = [{"name": "cost", "costPerAnswer": {"atMost": "1%"}}]
    with pytest.raises(ValidationError):
        Spec.model_validate({"model": MODEL, "rollout": {"guards": guards}})


def test_a_status_with_a_field_of_a_newer_podium_is_read() -> None:
    """After a downgrade the operator must still be able to roll back."""
    champion = {"version": "6", "digest": "sha256:00", "slot": "a", "flavor": "sklearn"}
    status = Status.model_validate({"phase": "Canary", "champion": champion, "seenBy": "podium 9"})
    assert status.champion is not None
    assert status.champion.version == "6"


def test_pod_details_reach_the_pod_as_they_were_written() -> None:
    env = [{"name": "LEVEL", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]
    resources = {"limits": {"cpu": 2, "memory": "1Gi"}}
    spec = Spec.model_validate({"model": MODEL, "serving": {"env": env, "resources": resources}})
    assert spec.serving.env == env
    assert spec.serving.resources == resources
    assert spec.model_dump(by_alias=True)["serving"]["env"] == env


PUBLIC_KEY = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END PUBLIC KEY-----\n"


@pytest.mark.parametrize(
    "key", ["", "a key", PUBLIC_KEY.replace("PUBLIC", "PRIVATE"), PUBLIC_KEY + "# mine", PUBLIC_KEY * 2]
)
def test_what_is_no_public_key_is_refused(key: str) -> None:
    with pytest.raises(ValidationError, match="publicKeys"):
        Spec.model_validate({"model": MODEL, "serving": {"verify": {"publicKeys": [key]}}})


def test_the_variables_that_nobody_may_set_are_those_that_podium_sets() -> None:
    late = {"fallback": {"after": "500ms"}}
    ways = ("Recreate", "InPlace")
    specs = [Spec.model_validate({"model": MODEL, "serving": {"reload": way}, "traffic": late}) for way in ways]
    specs.append(Spec.model_validate({"model": MODEL, "traffic": {"fallback": {"enabled": False}}}))
    specs.append(Spec.model_validate({"model": MODEL, "serving": {"verify": {"publicKeys": [PUBLIC_KEY]}}}))
    pinned = Pinned(version="7", digest="sha256:00", slot="a", trial_number=2)
    defaults = Defaults(image="runtime", registry_uri="http://mlflow")
    made = [variable["name"] for spec in specs for variable in environment(spec, pinned, defaults, "churn-b")]
    assert set(made) == set(RESERVED)


@pytest.mark.parametrize("name", ["churn", "c", "churn-eu-2", "c" * 50])
def test_names_from_which_services_can_be_named(name: str) -> None:
    assert deployment({"name": name}).metadata["name"] == name


@pytest.mark.parametrize("name", ["", "Churn", "2churn", "-churn", "churn-", "churn.eu", "c" * 51, "churn\n"])
def test_names_from_which_no_service_can_be_named(name: str) -> None:
    with pytest.raises(ValidationError, match="Services are named after it"):
        deployment({"name": name})


def test_the_api_server_may_make_the_name() -> None:
    assert deployment({"generateName": "churn-"}).spec.model.name == "churn"
    with pytest.raises(ValidationError, match="Services are named after it"):
        deployment({})


def deployment(metadata: dict[str, Any]) -> ModelDeploymentManifest:
    return ModelDeploymentManifest.model_validate({"metadata": metadata, "spec": {"model": MODEL}})


@pytest.mark.parametrize(("replicas", "size"), [(1, 2), (2, 2), (4, 4), (9, 6)])
def test_the_size_is_within_the_autoscalers_limits(replicas: int, size: int) -> None:
    scaled = {"replicas": replicas, "autoscaling": {"minReplicas": 2, "maxReplicas": 6, "metrics": [{"type": "Pods"}]}}
    assert Serving.model_validate(scaled).size == size
    assert Serving.model_validate({"replicas": replicas}).size == replicas


@pytest.mark.parametrize("part", ["requests", "limits"])
def test_a_cpu_limit_is_a_request_too(part: str) -> None:
    assert Serving.model_validate({"resources": {part: {"cpu": 1}}, "autoscaling": {"maxReplicas": 3}}).size == 1


def test_defaults_are_shared_and_not_copied_for_each_object_that_is_read() -> None:
    """pydantic copies a default in depth, unless it is told that it never changes: four fifths of a read."""
    one, other = (Spec.model_validate({"model": {"name": "churn", "version": each}}) for each in ("1", "2"))
    assert one.traffic is other.traffic
    assert one.rollout is other.rollout
