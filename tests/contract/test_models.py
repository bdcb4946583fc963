"""`podium.registry` and `podium models` beside a real MLflow, with logins."""

import hashlib
import json
import math
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from podium.adapters.registries.mlflow.artifacts import digest_of_version
from podium.adapters.registries.mlflow.logins import logged_in
from podium.cli.models import models
from podium.core.digest import digest_of
from podium.core.signature import Column
from podium.errors import NotFound, Rejected
from podium.registry import Registry, SemanticVersion, Stage
from podium.registry.files import folder_digest
from tests.contract.registry_worlds import EDITOR, MlflowWorld, login
from tests.unit.cli.api_server import NAMED, serving

COLUMN = {"name": "age", "type": "long", "required": True}
Podium = Callable[..., Result]


def mlmodel(*inputs: Mapping[str, Any]) -> bytes:
    return yaml.safe_dump({"signature": {"inputs": json.dumps(inputs), "outputs": None, "params": None}}).encode()


@pytest.fixture
def variables(mlflow_world: MlflowWorld) -> Mapping[str, str]:
    return login(mlflow_world.uri, EDITOR).variables


@pytest.fixture
def registry(mlflow_world: MlflowWorld, variables: Mapping[str, str]) -> Registry:
    return Registry(mlflow_world.uri, login=variables)


@pytest.fixture
def podium(mlflow_world: MlflowWorld, variables: Mapping[str, str], tmp_path: Path) -> Podium:
    """Runs `podium models` as a person beside this registry, whose kubeconfig leads nowhere."""
    nowhere = {"MLFLOW_TRACKING_URI": mlflow_world.uri, "KUBECONFIG": str(tmp_path / "none")}

    def run(*words: str, **environment: str) -> Result:
        return CliRunner(env={**nowhere, **variables, **environment}).invoke(models, words)

    return run


@pytest.fixture
def checkout(tmp_path: Path, model: str) -> Path:
    """A Git checkout with the ModelDeployment of the model, which serves version 1."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    written = {
        "apiVersion": "podium.dev/v1alpha1",
        "kind": "ModelDeployment",
        "metadata": {"name": "churn", "namespace": "ml"},
        "spec": {"model": {"name": model, "version": "1"}},
    }
    (folder / "churn.yaml").write_text(yaml.safe_dump(written))
    for words in (
        ["init", "-q"],
        ["config", "user.email", "ann@example.com"],
        ["config", "user.name", "Ann"],
        ["add", "."],
        ["commit", "-qm", "x"],
    ):
        subprocess.run(["git", "-C", str(folder), *words], check=True)
    return folder


def test_versions_come_newest_first_with_their_aliases_and_their_runs_metrics(
    registry: Registry, mlflow_world: MlflowWorld, model: str
) -> None:
    for value in (0.8, math.nan, 0.9):
        mlflow_world.publish(model, metrics={"auc": value})
    mlflow_world.point(model, "champion", "2")
    found = registry.versions(model)
    assert [(each.number, each.aliases, each.stage) for each in found] == [
        ("3", (), Stage.TRAINED),
        ("2", ("champion",), Stage.CHAMPION),
        ("1", (), Stage.TRAINED),
    ]
    assert found[0].metrics == {"auc": 0.9}
    assert math.isnan(found[1].metrics["auc"])
    assert [each.number for each in registry.versions(model, most=2, metrics=False)] == ["3", "2"]
    assert registry.version(model, "champion").number == "2"


def test_a_version_without_a_run_and_one_whose_run_is_gone_say_so(
    registry: Registry, podium: Podium, mlflow_world: MlflowWorld, model: str
) -> None:
    number = mlflow_world.publish(model, metrics={"auc": 0.8})
    with mlflow_world.client() as client:
        entry = client.get_model_version(model, number)
        logged = client.get_logged_model(entry.source.removeprefix("models:/"))
        bare = client.create_logged_model(logged.experiment_id, name="model").model_id
        client.create_model_version(model, f"models:/{bare}", await_creation_for=0, model_id=bare)
        run = entry.run_id
    mlflow_world.execute("DELETE FROM latest_metrics WHERE run_uuid = ?", run)
    mlflow_world.execute("UPDATE model_versions SET run_id = ? WHERE name = ? AND version = ?", "f" * 32, model, number)
    one, two = registry.version(model, "1"), registry.version(model, "2")
    assert (one.stage, one.run_found, one.metrics) == (Stage.TRAINED, False, {})
    assert (two.stage, two.run, two.run_found) == (Stage.CREATED, "", False)
    assert [each.metrics for each in registry.versions(model)] == [{}, {}]
    assert "deleted: its metrics and params are gone" in podium("info", model, "1", "--no-deployments").output
    assert "none: it was registered without one" in podium("info", model, "2", "--no-deployments").output


def test_runs_of_several_experiments_are_found(registry: Registry, mlflow_world: MlflowWorld, model: str) -> None:
    mlflow_world.publish(model, metrics={"auc": 0.1})
    other = f"{model}-elsewhere"
    mlflow_world.publish(other, metrics={"auc": 0.2})
    with mlflow_world.client() as client:
        entry = client.get_model_version(other, "1")
        logged = entry.source.removeprefix("models:/")
        client.create_model_version(model, entry.source, entry.run_id, await_creation_for=0, model_id=logged)
    assert [each.metrics for each in registry.versions(model)] == [{"auc": 0.2}, {"auc": 0.1}]


def test_the_digest_is_the_one_that_the_operator_pins(
    registry: Registry, mlflow_world: MlflowWorld, model: str, tmp_path: Path
) -> None:
    number = mlflow_world.publish(model, files={"MLmodel": b"x", "data/model bin": b"y", "code/a.py": b"z"})
    details = registry.details(model, number, digest=True)
    asker = login(mlflow_world.uri, EDITOR)
    with mlflow_world.client() as client, logged_in(asker):
        pinned = digest_of_version(asker, client.get_model_version(model, number))
    assert details.digest == pinned
    assert details.files == ("MLmodel", "code/a.py", "data/model bin")
    loaded = registry.download(registry.version(model, number), tmp_path / "loaded")
    assert (loaded.digest, folder_digest(tmp_path / "loaded")) == (details.digest, details.digest)


def test_a_download_is_whole_or_not_at_all_and_writes_over_nothing(
    registry: Registry, mlflow_world: MlflowWorld, model: str, tmp_path: Path
) -> None:
    number = mlflow_world.publish(model, tags={"podium.dev/digest": "sha256:other"})
    version, to = registry.version(model, number), tmp_path / "model"
    with pytest.raises(Rejected, match="expected sha256:other, which Podium recorded, found sha256:"):
        registry.download(version, to)
    assert not to.exists()
    assert list(tmp_path.iterdir()) == []
    registry.remove_tags(model, number, ["podium.dev/digest"])
    version = registry.version(model, number)
    assert registry.download(version, to).fresh
    assert not registry.download(version, to).fresh
    (to / "MLmodel").write_text("mine")
    with pytest.raises(Rejected, match=r"found other files .*; do: name another folder with --to"):
        registry.download(version, to)
    assert (to / "MLmodel").read_text() == "mine"


def test_a_version_without_files_cannot_be_downloaded(
    registry: Registry, mlflow_world: MlflowWorld, model: str, tmp_path: Path
) -> None:
    number = mlflow_world.publish(model, files={})
    with pytest.raises(NotFound, match="there is not one file"):
        registry.download(registry.version(model, number), tmp_path / "model")


def test_a_comparison_says_what_the_second_is_for_callers_of_the_first(
    registry: Registry, podium: Podium, mlflow_world: MlflowWorld, model: str
) -> None:
    optional = {"name": "zip", "type": "string", "required": False}
    mlflow_world.publish(model, files={"MLmodel": mlmodel(COLUMN)}, metrics={"auc": 0.8}, tags={"team": "a"})
    mlflow_world.publish(model, files={"MLmodel": mlmodel(COLUMN, optional)}, metrics={"auc": 0.9})
    mlflow_world.publish(model, files={"MLmodel": b"flavors: {}"})
    assert registry.details(model, "1").signature is not None
    assert registry.details(model, "1").signature.inputs == (Column("age", "long"),)  # type: ignore[union-attr]
    shown = podium("compare", model, "1", "2").output
    assert "signature: minor (column zip added)" in shown
    assert "metrics.auc  0.8        0.9        +0.1" in shown
    assert "tags.team    a          -          differs" in shown
    backwards = json.loads(podium("compare", model, "2", "1", "--json").output)
    assert backwards["signature"] == {"change": "major", "why": ["column zip removed"]}
    assert json.loads(podium("compare", model, "1", "3", "--json").output)["problem"] == "no signature: version 3"


def test_semantic_versions_are_proposed_from_the_champion_and_written_as_a_tag(
    registry: Registry, podium: Podium, mlflow_world: MlflowWorld, model: str
) -> None:
    for columns in ((COLUMN,), (COLUMN,), ({"name": "income", "type": "double"},)):
        mlflow_world.publish(model, files={"MLmodel": mlmodel(*columns)})
    assert "would be 1.0.0" in podium("semver", model, "1").output
    assert "is now 1.0.0" in podium("semver", model, "1", "--write").output
    assert "is 1.0.0" in podium("semver", model, "1", "--write").output
    mlflow_world.point(model, "champion", "1")
    assert json.loads(podium("semver", model, "2", "--write", "--json").output)["semver"] == "1.0.1"
    assert json.loads(podium("semver", model, "3", "--json").output) == {
        "model": model, "version": "3", "semver": "2.0.0", "written": False,
    }  # fmt: skip
    taken = podium("semver", model, "3", "1.0.1")
    assert (taken.exit_code, "found 1.0.1 on version 2" in taken.output) == (1, True)
    assert registry.version(model, "2").semver == SemanticVersion(1, 0, 1)
    mlflow_world.publish(model, files={"MLmodel": b"flavors: {}"})
    none = podium("semver", model, "4")
    assert (none.exit_code, "no semantic version can be proposed" in none.output) == (1, True)
    assert podium("semver", model, "4", "two").exit_code == 2


def test_a_list_shows_chosen_metrics_and_names_those_that_no_run_has(
    podium: Podium, mlflow_world: MlflowWorld, model: str
) -> None:
    mlflow_world.publish(model, metrics={"auc": 0.8})
    mlflow_world.publish(model, metrics={"auc": math.nan})
    listed = podium("list", model, "-m", "auc", "-m", "f1")
    assert "no version has a metric f1; their runs have: auc" in listed.output
    assert listed.output.splitlines()[0].split() == [
        "VERSION", "SEMVER", "LIFECYCLE", "ALIASES", "RUN", "AUC", "F1", "CREATED",
    ]  # fmt: skip
    values = json.loads(podium("list", model, "--json", "--max-results", "1").output)
    assert [(each["version"], each["metrics"]) for each in values] == [("2", {"auc": "NaN"})]
    assert model in podium("list").output
    assert model in {each["model"] for each in json.loads(podium("list", "--json").output)}


def test_a_search_knows_metrics_aliases_and_lifecycle(podium: Podium, mlflow_world: MlflowWorld, model: str) -> None:
    for value, team in ((0.8, "a"), (math.nan, "a"), (0.9, "a"), (0.95, "b")):
        mlflow_world.publish(model, metrics={"auc": value}, tags={"team": team})
    mlflow_world.point(model, "champion", "3")
    found = json.loads(podium("search", model, "metrics.auc > 0.1 and tags.team = a", "--json").output)
    assert [each["version"] for each in found] == ["3", "1"]
    assert [each["version"] for each in json.loads(podium("search", model, "alias = champion", "--json").output)] == [
        "3"
    ]
    assert f"none of the 4 versions of {model} fulfils it" in podium("search", model, "lifecycle = archived").output
    wrong = podium("search", model, "auc > 1")
    assert (wrong.exit_code, "expected one of alias" in wrong.output) == (1, True)


def test_tags_are_set_and_removed_and_podiums_own_are_not(
    podium: Podium, mlflow_world: MlflowWorld, model: str
) -> None:
    mlflow_world.publish(model, tags={"old": "1"})
    done = podium("tag", model, "1", "team=growth", "old-", "note=a=b", "--json")
    assert json.loads(done.output) == {"note": "a=b", "team": "growth"}
    assert (
        podium("tag", model, "1", "team=growth").output == f"version 1 of {model} has the tags note=a=b, team=growth\n"
    )
    kept = podium("tag", model, "1", "podium.dev/decision=promoted")
    assert (kept.exit_code, "is a tag that Podium keeps" in kept.output) == (1, True)
    assert podium("tag", model, "1", "team").exit_code == 2
    strange = podium("tag", model, "1", "a:b=1")
    assert (strange.exit_code, "expected a tag of letters" in strange.output) == (1, True)


def test_a_move_is_a_tag_and_an_illegal_one_names_the_legal_ones(
    podium: Podium, registry: Registry, mlflow_world: MlflowWorld, model: str
) -> None:
    mlflow_world.publish(model)
    refused = podium("promote", model, "1", "staging")
    assert (refused.exit_code, "its legal moves: validated, archived" in refused.output) == (1, True)
    for stage in ("validated", "validated", "staging", "archived"):
        done = podium("promote", model, "1", stage)
        assert (done.exit_code, done.output) == (0, f"version 1 of {model} is {stage}\n")
    assert registry.version(model, "1").tags["podium.dev/lifecycle"] == "archived"
    assert podium("promote", model, "1", "validated").exit_code == 1


def test_production_is_a_patch_for_git(podium: Podium, mlflow_world: MlflowWorld, model: str, checkout: Path) -> None:
    for _ in range(2):
        mlflow_world.publish(model)
    early = podium("promote", model, "2", "production", "--git", str(checkout))
    assert (early.exit_code, "version 2 is trained, and may not become champion" in early.output) == (1, True)
    podium("promote", model, "2", "validated")
    done = podium("promote", model, "2", "production", "--git", str(checkout), "--json")
    assert json.loads(done.output)["patch"] == {"model": {"version": "2"}}
    assert yaml.safe_load((checkout / "churn.yaml").read_text())["spec"]["model"]["version"] == "2"
    log = subprocess.run(
        ["git", "-C", str(checkout), "log", "-1", "--format=%s"], capture_output=True, text=True, check=True
    )
    assert log.stdout == "Set churn to version 2\n"
    again = podium("promote", model, "2", "champion", "--git", str(checkout))
    assert again.output == "nothing to do: churn names version 2\n"
    other = podium("promote", model, "2", "champion", "--git", str(checkout), "--deployment", "other")
    assert (other.exit_code, "found none; do: apply one, or name its checkout with --git" in other.output) == (1, True)


def test_without_a_checkout_the_clusters_deployment_is_asked_and_the_patch_printed(
    podium: Podium, mlflow_world: MlflowWorld, model: str, checkout: Path, tmp_path: Path
) -> None:
    for _ in range(2):
        mlflow_world.publish(model)
    podium("promote", model, "2", "validated")
    kubeconfig = tmp_path / "kubeconfig"
    with serving() as server:
        server.put(f"{NAMED}/churn", yaml.safe_load((checkout / "churn.yaml").read_text()))
        user = {"name": "x", "context": {"cluster": "x", "user": "x", "namespace": "ml"}}
        written = {
            "apiVersion": "v1", "kind": "Config", "current-context": "x", "contexts": [user],
            "clusters": [{"name": "x", "cluster": {"server": server.url}}],
            "users": [{"name": "x", "user": {"token": "secret"}}],
        }  # fmt: skip
        kubeconfig.write_text(yaml.safe_dump(written))
        done = podium("promote", model, "2", "production", KUBECONFIG=str(kubeconfig))
        known = podium("info", model, "1", KUBECONFIG=str(kubeconfig))
    assert done.exit_code == 0, done.output
    assert "spec:\n  model:\n    version: '2'\n" in done.output
    assert "not written: churn names version 2 once this patch of churn is" in done.output
    assert "deployments: ml/churn (wanted)" in known.output


def test_an_alias_that_nothing_in_git_says_is_moved_with_a_word(
    podium: Podium, registry: Registry, mlflow_world: MlflowWorld, model: str, checkout: Path
) -> None:
    mlflow_world.publish(model)
    file = checkout / "churn.yaml"
    value = yaml.safe_load(file.read_text())
    value["spec"]["model"] = {"name": model, "alias": "candidate"}
    file.write_text(yaml.safe_dump(value))
    refused = podium("promote", model, "1", "candidate", "--git", str(checkout))
    assert (refused.exit_code, "ml/churn follows it, and no file in Git" in refused.output) == (1, True)
    done = podium("promote", model, "1", "candidate", "--git", str(checkout), "--write")
    assert done.output == f"alias candidate points to version 1 of {model}, followed by ml/churn\n"
    assert registry.model(model).aliases == {"candidate": "1"}
    assert "nothing to do" in podium("promote", model, "1", "candidate", "--git", str(checkout), "--write").output


def test_production_is_loaded_into_a_folder_or_the_command_fails(
    podium: Podium, mlflow_world: MlflowWorld, model: str, tmp_path: Path
) -> None:
    mlflow_world.publish(model, files={"MLmodel": b"x", "model.bin": b"y"})
    to = tmp_path / "production"
    none = podium("load-production", model, "--to", str(to))
    assert (none.exit_code, "expected alias champion, found none; do: promote a version" in none.output) == (1, True)
    mlflow_world.point(model, "champion", "1")
    for _ in range(2):
        done = podium("load-production", model, "--to", str(to))
        assert (done.exit_code, done.output) == (0, f"{to}\n")
    expected = digest_of({name: _sha256(content) for name, content in (("MLmodel", b"x"), ("model.bin", b"y"))})
    assert json.loads(podium("load-production", model, "--to", str(to), "--json").output)["digest"] == expected


def test_whatever_is_missing_is_named_with_what_to_check(podium: Podium, model: str) -> None:
    for words, said in (
        (("list", model), f'registered model "{model}" not found'),
        (("info", model, "1"), f'registered model "{model}" not found'),
        (("list", "--registry", "http://127.0.0.1:1"), "does not answer"),
        (("list", "--registry", "sqlite:///x.db"), "expected the http(s) address of an MLflow server"),
    ):
        done = podium(*words)
        assert (done.exit_code, said in done.output) == (1, True), done.output
    without = podium("list", MLFLOW_TRACKING_USERNAME="", MLFLOW_TRACKING_PASSWORD="")
    assert (without.exit_code, "wants another login" in without.output) == (1, True)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
