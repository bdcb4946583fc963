"""`podium diff` and `podium plan` against an API server: what a file would do."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from podium.cli import plan as plan_module
from podium.cli.main import main
from podium.core.facts import ModelVersion, RegistryState
from podium.errors import PodiumError, Unavailable
from podium.planning import registry as registry_module
from podium.ports import RegistryQuery
from tests.unit.cli.api_server import NAMED, ApiServer
from tests.unit.cli.conftest import CHURN, saved

DIGEST = "sha256:000000000000000000000000000000000000000000000000000000000000000"
OTHER = f"{DIGEST}8"


class FakeRegistry:
    """One that has what it is told, or fails."""

    login_variables = ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD")

    def __init__(self) -> None:
        self.state = RegistryState()
        self.error: PodiumError | None = None
        self.asked: list[RegistryQuery] = []

    async def query(self, query: RegistryQuery) -> RegistryState:
        self.asked.append(query)
        if self.error is not None:
            raise self.error
        return self.state

    def has(self, version: str, auc: float = 0.9, **tags: str) -> None:
        desired = ModelVersion(version, f"{DIGEST}{version}", metrics={"auc": auc}, tags=tags)
        self.state = RegistryState(desired=desired, champion=ModelVersion("6", ""))


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> FakeRegistry:
    made = FakeRegistry()
    made.has("7", git_sha="1")

    @asynccontextmanager
    async def opened() -> AsyncIterator[FakeRegistry]:
        yield made

    real = registry_module.read

    async def read(*args: Any, **named: Any) -> Any:
        return await real(*args, **{**named, "registry": opened})

    monkeypatch.setattr(plan_module, "read", read)
    return made


def spec_of(value: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = value["spec"]
    return found


@pytest.fixture
def churn() -> dict[str, Any]:
    """What the file says: at first the same as the cluster."""
    value = saved("second_step")
    return {
        "apiVersion": value["apiVersion"],
        "kind": value["kind"],
        "metadata": {"name": "churn", "namespace": "ml"},
        "spec": {**value["spec"], "registry": {"uri": "http://mlflow:5000"}},
    }


@pytest.fixture
def there(cluster: ApiServer) -> ApiServer:
    """The cluster names the registry, as the file does."""
    cluster.update(CHURN, lambda it: it["spec"].update(registry={"uri": "http://mlflow:5000"}))
    return cluster


def podium(*words: str, text: str | None = None) -> Result:
    return CliRunner().invoke(main, list(words), input=text, env={"COLUMNS": "120"})


def diff(*values: Any) -> Result:
    return podium("diff", "-", text=yaml.safe_dump_all(values))


def plan(*values: Any, trials: int = 0) -> dict[str, Any]:
    result = podium("plan", "-", "--trials", str(trials), "--json", text=yaml.safe_dump_all(values))
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)[0]
    return found


# --- diff -------------------------------------------------------------------------------------------------------------


def test_no_differences_are_exit_code_0(there: ApiServer, churn: dict[str, Any]) -> None:
    result = diff(churn)
    assert (result.exit_code, result.stdout) == (0, "ModelDeployment ml/churn: no differences\n")


def test_each_field_that_differs_is_a_line_and_the_exit_code_is_1(there: ApiServer, churn: dict[str, Any]) -> None:
    spec = spec_of(churn)
    spec["gates"][0]["metric"]["atLeast"] = 0.8
    spec["rollout"]["steps"][1]["weight"] = 40
    spec["serving"] = {"replicas": 3}
    del spec["rollout"]["soak"]
    result = diff(churn)
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "ModelDeployment ml/churn: 4 fields differ",
        "  ~ spec.gates[accurate].metric.atLeast: 0.75 → 0.8",
        "  ~ spec.rollout.steps[1].weight: 50 → 40",
        '  - spec.rollout.soak: "10m"',
        '  + spec.serving: {"replicas": 3}',
    ]


def test_another_order_of_gates_is_a_difference(there: ApiServer, churn: dict[str, Any]) -> None:
    spec_of(churn)["gates"].reverse()
    result = diff(churn)
    assert '  ~ spec.gates: ["accurate", "reproducible"] → ["reproducible", "accurate"]' in result.stdout


def test_what_another_client_wrote_stays_and_what_an_apply_wrote_goes(there: ApiServer, churn: dict[str, Any]) -> None:
    def write(it: dict[str, Any]) -> None:
        it["spec"]["paused"] = True
        it["spec"]["serving"] = {"replicas": 5}
        owned: dict[str, Any] = {
            "f:spec": {"f:paused": {}, "f:model": {"f:name": {}, "f:version": {}}, "f:rollout": {"f:soak": {}}}
        }
        managed = {"manager": "kubectl", "operation": "Apply", "fieldsV1": owned}
        verb = {"manager": "podium-cli", "operation": "Update", "fieldsV1": {"f:spec": {"f:serving": {}}}}
        it["metadata"]["managedFields"] = [managed, verb]

    there.update(CHURN, write)
    result = diff(churn)
    assert result.stdout.splitlines() == [
        "ModelDeployment ml/churn: 1 field differs",
        "  - spec.paused: true",
        "  spec.serving.replicas stays: the file does not name it, and no apply wrote it",
    ]


def test_what_the_api_server_adds_by_itself_is_no_news(there: ApiServer, churn: dict[str, Any]) -> None:
    def write(it: dict[str, Any]) -> None:
        it["spec"]["serving"] = {"replicas": 1}
        it["metadata"]["managedFields"] = [{"manager": "kubectl", "operation": "Apply", "fieldsV1": {"f:spec": {}}}]

    there.update(CHURN, write)
    assert diff(churn).stdout == "ModelDeployment ml/churn: no differences\n"


def test_what_kubectl_applied_last_goes(there: ApiServer, churn: dict[str, Any]) -> None:
    last = json.dumps({"spec": {"paused": True}})

    def write(it: dict[str, Any]) -> None:
        it["spec"] |= {"paused": True, "approvals": [{"version": "7", "by": "alice"}]}
        it["metadata"]["annotations"] = {"kubectl.kubernetes.io/last-applied-configuration": last}

    there.update(CHURN, write)
    (found,) = json.loads(podium("diff", "-", "--json", text=yaml.safe_dump(churn)).stdout)
    assert [(one["path"], one["kind"]) for one in found["differences"]] == [("spec.paused", "removed")]
    assert found["kept"] == ["spec.approvals"]


def test_labels_of_the_file_are_compared_and_others_are_left(there: ApiServer, churn: dict[str, Any]) -> None:
    there.update(CHURN, lambda it: it["metadata"].update(labels={"team": "a", "other": "b"}))
    churn["metadata"]["labels"] = {"team": "c"}
    assert '  ~ metadata.labels.team: "a" → "c"' in diff(churn).stdout
    assert "other" not in diff(churn).stdout


def test_a_name_that_is_not_there_would_be_created(there: ApiServer, churn: dict[str, Any]) -> None:
    churn["metadata"]["name"] = "fraud"
    result = diff(churn)
    assert result.exit_code == 1
    assert result.stdout.startswith("ModelDeployment ml/fraud is not there yet: it would be created\n")


def test_a_file_of_many_is_many_answers_and_other_kinds_are_skipped(there: ApiServer, churn: dict[str, Any]) -> None:
    there.put(f"{NAMED}/fraud", saved("settled", name="fraud"))
    fraud = json.loads(json.dumps(churn))
    fraud["metadata"]["name"] = "fraud"
    found = diff({"kind": "Service", "metadata": {"name": "x"}}, churn, fraud)
    assert found.exit_code == 1
    assert "ml/churn: no differences\nModelDeployment ml/fraud: " in found.stdout


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda it: it["spec"]["rollout"]["steps"][0].update(weight=200),
            "-:16: spec.rollout.steps[0].weight: expected",
        ),
        (lambda it: it["metadata"].pop("name"), "metadata.name: "),
        (lambda it: it.update(kind="Service"), "-: expected at least one ModelDeployment, found none"),
    ],
)
def test_an_invalid_file_is_exit_code_2_with_the_field(
    there: ApiServer, churn: dict[str, Any], change: Any, said: str
) -> None:
    change(churn)
    result = diff(churn)
    assert result.exit_code == 2
    assert said.partition(":16")[0] in result.output
    assert said.rpartition(":16: ")[2] in result.output


def test_broken_yaml_a_file_that_is_not_there_and_no_file_are_exit_code_2(there: ApiServer, tmp_path: Path) -> None:
    result = podium("diff", "-", text="a: [")
    assert (result.exit_code, "-:1: not valid YAML" in result.output) == (2, True)
    result = podium("diff", str(tmp_path / "no.yaml"))
    assert (result.exit_code, "could not read" in result.output) == (2, True)
    assert podium("diff").exit_code == 2


def test_a_namespace_that_contradicts_the_option_is_refused(there: ApiServer, churn: dict[str, Any]) -> None:
    result = podium("diff", "-f", "-", "-n", "other", text=yaml.safe_dump(churn))
    assert result.exit_code == 2
    assert "metadata.namespace: expected other (--namespace), found ml" in result.output


def test_a_cluster_that_refuses_is_exit_code_2(there: ApiServer, churn: dict[str, Any]) -> None:
    there.refused[CHURN] = (403, "modeldeployments is forbidden")
    assert diff(churn).exit_code == 2


def test_a_field_that_stays_may_make_the_whole_invalid(there: ApiServer, churn: dict[str, Any]) -> None:
    def write(it: dict[str, Any]) -> None:
        verb = {"manager": "podium-cli", "operation": "Update", "fieldsV1": {"f:spec": {"f:model": {"f:version": {}}}}}
        it["metadata"]["managedFields"] = [verb]

    there.update(CHURN, write)
    spec_of(churn)["model"] = {"name": "churn", "alias": "candidate"}
    result = diff(churn)
    assert result.exit_code == 2
    assert "with what the cluster has, spec.model" in result.output
    assert "fields that stay: spec.model.version" in result.output


# --- plan -------------------------------------------------------------------------------------------------------------


def test_the_same_file_lets_the_trial_go_on(there: ApiServer, registry: FakeRegistry, churn: dict[str, Any]) -> None:
    found = plan(churn)
    assert (found["outlook"]["trial"], found["outlook"]["moves"]) == ("goes on", [])
    assert found["same_meaning"] is True


def test_other_guards_restart_the_trial_with_the_gates_first(
    there: ApiServer, registry: FakeRegistry, churn: dict[str, Any]
) -> None:
    spec_of(churn)["rollout"]["guards"][0]["errorRate"]["atMost"] = "2%"
    seen = plan(churn)["outlook"]
    assert seen["trial"] == "restarts"
    assert [move["phase"] for move in seen["moves"]] == ["RollingBack", "Pending", "Gating", "Starting"]
    assert seen["steps"] is True


def test_another_size_lets_the_trial_go_on_and_another_image_restarts_it(
    there: ApiServer, registry: FakeRegistry, churn: dict[str, Any]
) -> None:
    from podium.api.v1alpha1.spec.spec import Spec  # noqa: PLC0415
    from podium.core.fingerprints import template_hash  # noqa: PLC0415

    made = {"revision": "abc", "specHash": template_hash(Spec.model_validate(churn["spec"])), "image": "runtime:1"}

    def with_templates(it: dict[str, Any]) -> None:
        for role in ("champion", "challenger"):
            it["status"][role]["template"] = made

    there.update(CHURN, with_templates)
    spec_of(churn)["serving"] = {"replicas": 3}
    assert plan(churn)["outlook"]["trial"] == "goes on"
    spec_of(churn)["serving"] = {"image": "other:2"}
    seen = plan(churn)["outlook"]
    assert seen["trial"] == "restarts"
    assert "other:2" in seen["trial_message"]


def test_another_version_ends_the_trial_and_its_gates_are_read(
    there: ApiServer, registry: FakeRegistry, churn: dict[str, Any]
) -> None:
    registry.has("8", auc=0.7, git_sha="1")
    spec_of(churn)["model"]["version"] = "8"
    seen = plan(churn)["outlook"]
    assert (seen["trial"], seen["version"]) == ("ends", "8")
    assert [move["phase"] for move in seen["moves"]] == ["RollingBack", "Pending", "Gating", "Blocked"]
    assert [(gate["gate"], gate["state"]) for gate in seen["gates"]] == [
        ("accurate", "Failed"),
        ("reproducible", "Passed"),
    ]
    assert seen["gates"][0]["message"] == "auc of version 8 is 0.7; required: at least 0.75"
    assert seen["steps"] is False


def test_the_champion_again_ends_the_trial_and_needs_none(
    there: ApiServer, registry: FakeRegistry, churn: dict[str, Any]
) -> None:
    registry.has("6")
    spec_of(churn)["model"]["version"] = "6"
    seen = plan(churn)["outlook"]
    assert [move["phase"] for move in seen["moves"]] == ["RollingBack", "Pending", "Stable"]
    assert seen["steps"] is False


def test_paused_stops_what_would_follow(there: ApiServer, registry: FakeRegistry, churn: dict[str, Any]) -> None:
    registry.has("8", git_sha="1")
    spec_of(churn)["model"]["version"] = "8"
    spec_of(churn)["paused"] = True
    seen = plan(churn)["outlook"]
    assert [move["phase"] for move in seen["moves"]] == ["RollingBack", "Pending"]
    assert seen["message"].startswith("paused: ")


def test_terms_that_change_in_a_soak_are_those_of_the_next_trial(
    cluster: ApiServer, registry: FakeRegistry, churn: dict[str, Any]
) -> None:
    value = saved("watched")
    cluster.put(CHURN, value)
    spec_of(churn).update(value["spec"])
    registry.has(value["spec"]["model"]["version"], git_sha="1")
    spec_of(churn)["rollout"] = {**value["spec"]["rollout"], "steps": [{"weight": 10, "duration": "1h"}]}
    seen = plan(churn)["outlook"]
    assert seen["trial"] == "goes on"
    assert "counts from the next trial on" in seen["trial_message"]
    assert seen["steps"] is False


def test_a_registry_that_cannot_be_read_is_said_and_the_operators_last_results_stand_for_it(
    there: ApiServer, registry: FakeRegistry, churn: dict[str, Any]
) -> None:
    registry.error = Unavailable("mlflow:5000 did not answer")
    spec_of(churn)["gates"][1]["tags"]["required"] = ["owner"]
    found = plan(churn)
    assert found["registry_problem"] == "mlflow:5000 did not answer"
    accurate, reproducible = found["outlook"]["gates"]
    assert (accurate["state"], accurate["at"]) == ("Passed", "2026-01-05T09:00:33.750Z")
    assert (reproducible["state"], reproducible["at"]) == ("Unknown", None)
    assert found["outlook"]["trial"] == "restarts"
    assert found["outlook"]["moves"][-1]["phase"] == "Gating"


def test_a_first_version_is_created_and_takes_no_steps(
    there: ApiServer, registry: FakeRegistry, churn: dict[str, Any]
) -> None:
    registry.has("1", git_sha="1")
    churn["metadata"]["name"] = "fraud"
    spec_of(churn)["model"]["version"] = "1"
    found = plan(churn, trials=2)
    assert (found["new"], found["takes"]) == (True, None)
    assert [move["phase"] for move in found["outlook"]["moves"]] == ["Gating", "Starting"]


def test_a_trial_that_goes_on_has_its_time_by_simulation(
    there: ApiServer, registry: FakeRegistry, churn: dict[str, Any]
) -> None:
    takes = plan(churn, trials=2)["takes"]
    assert takes["trials"] == 2
    assert takes["promoted"]["median"] >= 620


def test_the_plan_as_a_text_says_it_all(there: ApiServer, registry: FakeRegistry, churn: dict[str, Any]) -> None:
    registry.has("8", auc=0.7)
    spec_of(churn)["model"]["version"] = "8"
    result = podium("plan", "-", text=yaml.safe_dump(churn))
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[:3] == [
        "churn in ml: 1 field differs",
        '  ~ spec.model.version: "7" → "8"',
        "trial: the trial of version 7 ends, its traffic goes back: spec.model selects version 8 now, not 7",
    ]
    assert "gates for version 8:" in lines
    assert "  accurate      Failed  auc of version 8 is 0.7; required: at least 0.75" in lines


def test_the_login_is_that_of_the_secret_and_ones_own_goes_to_no_server_that_a_file_names(
    there: ApiServer, registry: FakeRegistry, churn: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "me")
    plan(churn)
    assert registry.asked[-1].login.variables == {}
    podium("plan", "-", "--trials", "0", "--registry", "http://localhost:1", text=yaml.safe_dump(churn))
    assert registry.asked[-1].login.uri == "http://localhost:1"
    assert registry.asked[-1].login.variables == {"MLFLOW_TRACKING_USERNAME": "me"}
    there.put("/api/v1/namespaces/ml/secrets/login", {"data": {"MLFLOW_TRACKING_USERNAME": "cGxhdGZvcm0="}})
    spec_of(churn)["registry"]["secretName"] = "login"
    plan(churn)
    assert registry.asked[-1].login.variables == {"MLFLOW_TRACKING_USERNAME": "platform"}


def test_the_operators_own_registry_is_read_from_its_deployment(
    cluster: ApiServer, registry: FakeRegistry, churn: dict[str, Any]
) -> None:
    del spec_of(churn)["registry"]
    assert plan(churn)["registry_problem"].startswith("its address is not known")
    env = [{"name": "PODIUM_REGISTRY_URI", "value": "http://own:5000"}]
    operator = {"spec": {"template": {"spec": {"containers": [{"env": env}]}}}}
    cluster.put("/apis/apps/v1/namespaces/podium-system/deployments/podium-operator", operator)
    assert plan(churn)["registry"] == "http://own:5000"
    assert registry.asked[-1].login.uri == "http://own:5000"


def test_a_status_that_cannot_be_read_is_told(there: ApiServer, registry: FakeRegistry, churn: dict[str, Any]) -> None:
    there.update(CHURN, lambda it: it["status"].update(phase="Dancing"))
    result = podium("plan", "-", text=yaml.safe_dump(churn))
    assert result.exit_code == 1
    assert "this version of podium cannot read ModelDeployment ml/churn: status" in result.output


# --- policies ---------------------------------------------------------------------------------------------------------

POLICIES = "/apis/podium.dev/v1alpha1/podiumpolicies"


def grants(*registries: str) -> dict[str, Any]:
    spec = {"namespaceSelector": {"matchNames": ["ml"]}, "registries": list(registries)}
    return {"items": [{"metadata": {"name": "team"}, "spec": spec}]}


def test_what_the_clusters_policies_grant_goes_its_way(
    there: ApiServer, churn: dict[str, Any], registry: FakeRegistry
) -> None:
    before = plan(churn)
    there.put(POLICIES, grants("http://mlflow:5000"))
    found = plan(churn)
    assert found["permission"] == {"policies": ["team"], "refusals": [], "problem": ""}
    assert {**found, "permission": None} == {**before, "permission": None}


def test_what_they_do_not_grant_is_told_and_ends_the_trial(
    there: ApiServer, churn: dict[str, Any], registry: FakeRegistry
) -> None:
    there.put(POLICIES, grants("http://other:5000"))
    found = plan(churn)
    (refused,) = found["permission"]["refusals"]
    assert refused["field"] == "spec.registry.uri"
    assert found["outlook"]["trial"] == "ends"
    assert "is not permitted" in found["outlook"]["trial_message"]
    text = podium("plan", "-", "--trials", "0", text=yaml.safe_dump(churn)).stdout
    assert "not permitted, by team; nothing new begins until it is granted:" in text
    assert 'spec.registry.uri: "http://mlflow:5000": ask for registries: ["http://mlflow:5000"]' in text


def test_policies_of_files_come_before_the_clusters(
    there: ApiServer, churn: dict[str, Any], registry: FakeRegistry, tmp_path: Path
) -> None:
    there.put(POLICIES, grants("http://mlflow:5000"))
    file = tmp_path / "policies.yaml"
    own = {"apiVersion": "podium.dev/v1alpha1", "kind": "PodiumPolicy", **grants("http://other:5000")["items"][0]}
    file.write_text(yaml.safe_dump(own))
    result = podium("plan", "-", "--trials", "0", "--policies", str(file), text=yaml.safe_dump(churn))
    assert "not permitted, by team" in result.stdout


def test_policies_that_may_not_be_read_are_not_known_and_stop_no_plan(
    there: ApiServer, churn: dict[str, Any], registry: FakeRegistry
) -> None:
    there.refused[POLICIES] = (403, "forbidden")
    there.put("/apis/podium.dev/v1alpha1", {"resources": [{"name": "podiumpolicies"}]})
    assert "forbidden" in plan(churn)["permission"]["problem"]
    text = podium("plan", "-", "--trials", "0", text=yaml.safe_dump(churn)).stdout
    assert "permitted: not known for sure: " in text
