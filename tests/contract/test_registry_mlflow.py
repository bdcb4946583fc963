"""What only a real MLflow has: several places where a version's files and metrics may be."""

import hashlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from podium.adapters.registries.mlflow import MlflowRegistry
from podium.core.digest import digest_of
from podium.core.facts import ModelVersion
from tests.contract.registry_fixtures import query
from tests.contract.registry_worlds import EDITOR, PASSWORDS, MlflowWorld, login

FILES = {"MLmodel": b"flavors: {}\n", "data/model.bin": b"\x00\x01"}
DIGEST = digest_of({path: hashlib.sha256(content).hexdigest() for path, content in FILES.items()})


@pytest.fixture
async def registry() -> AsyncIterator[MlflowRegistry]:
    made = MlflowRegistry()
    yield made
    await made.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for path, content in FILES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    return tmp_path


async def test_a_metric_of_the_logged_model_comes_before_one_of_its_run(
    mlflow_world: MlflowWorld, registry: MlflowRegistry, model: str
) -> None:
    version = mlflow_world.publish(model, metrics={"auc": 0.5, "loss": 0.1})
    with mlflow_world.client() as client:
        entry = client.get_model_version(model, version)
        for step, value in ((2, 0.9), (1, 0.7)):
            client.log_metric(entry.run_id, "auc", value, step=step, model_id=entry.source.removeprefix("models:/"))
        client.log_metric(entry.run_id, "auc", 0.3, step=3)  # of another model of the same run
    seen = await _look(registry, mlflow_world, model, version)
    assert seen.metrics == {"auc": 0.9, "loss": 0.1}


@pytest.mark.parametrize("name", ["50% off?", "a%2Fb#c", "Größe Modell (v2)!", "x@y"])
async def test_a_model_may_have_any_name_that_mlflow_takes(
    mlflow_world: MlflowWorld, registry: MlflowRegistry, name: str
) -> None:
    version = mlflow_world.publish(name, files=FILES)
    seen = await _look(registry, mlflow_world, name, version)
    assert seen.digest == DIGEST


async def test_the_record_of_a_decision_is_kept_with_the_run_and_changes_no_digest(
    mlflow_world: MlflowWorld, registry: MlflowRegistry, model: str
) -> None:
    version = mlflow_world.publish(model)
    before = await _look(registry, mlflow_world, model, version)
    editor = login(mlflow_world.uri, EDITOR)
    for text in ("{}", '{"é": 1}'):  # a repeat replaces it
        await registry.write_record(editor, model, version, "podium/now-promoted.json", text)
    with mlflow_world.client() as client:
        run_id = client.get_model_version(model, version).run_id
        assert [found.path for found in client.list_artifacts(run_id, "podium")] == ["podium/now-promoted.json"]
        kept = client.get_run(run_id).info.artifact_uri.removeprefix("mlflow-artifacts:/")
    assert (mlflow_world.database.parent / "artifacts" / kept / "podium/now-promoted.json").read_text() == '{"é": 1}'
    fresh = MlflowRegistry()
    assert (await _look(fresh, mlflow_world, model, version)).digest == before.digest
    await fresh.close()


async def test_a_version_that_is_its_runs_whole_folder_gets_no_record_in_it(
    mlflow_world: MlflowWorld, registry: MlflowRegistry, model: str, folder: Path
) -> None:
    with mlflow_world.client() as client:
        run = _run(client, model)
        client.log_artifacts(run, str(folder))
        version = _register(client, model, client.get_run(run).info.artifact_uri, run)
    await registry.write_record(login(mlflow_world.uri, EDITOR), model, version, "podium/now.json", "{}")
    with mlflow_world.client() as client:
        assert "podium" not in {found.path for found in client.list_artifacts(run)}


async def test_a_model_among_its_runs_artifacts_is_found_as_in_mlflow_2(
    mlflow_world: MlflowWorld, registry: MlflowRegistry, model: str, folder: Path
) -> None:
    with mlflow_world.client() as client:
        run = _run(client, model)
        client.log_artifacts(run, str(folder), "churn/model")
        version = _register(client, model, f"runs:/{run}/churn/model", run)
    assert (await _look(registry, mlflow_world, model, version)).digest == DIGEST


async def test_a_logged_model_that_is_named_by_its_run_is_found(
    mlflow_world: MlflowWorld, registry: MlflowRegistry, model: str, folder: Path
) -> None:
    with mlflow_world.client() as client:
        run = _run(client, model)
        _log(client, run, folder)
        version = _register(client, model, f"runs:/{run}/churn", run)
    assert (await _look(registry, mlflow_world, model, version)).digest == DIGEST


@pytest.mark.parametrize("source", ["runs:/{run}/churn", "models:/{logged}", "runs:/{run}/old/model"])
async def test_the_model_server_hashes_the_same_files_wherever_mlflow_puts_them(
    mlflow_world: MlflowWorld, registry: MlflowRegistry, model: str, folder: Path, source: str
) -> None:
    with mlflow_world.client() as client:
        run = _run(client, model)
        logged = _log(client, run, folder)
        client.log_artifacts(run, str(folder), "old/model")
        place = source.format(run=run, logged=logged)
        version = _register(client, model, place, run, logged if logged in place else None)
    assert _served(mlflow_world, f"models:/{model}/{version}") == DIGEST
    assert (await _look(registry, mlflow_world, model, version)).digest == DIGEST


async def test_a_version_of_a_run_that_is_gone_is_seen_without_its_metrics(
    mlflow_world: MlflowWorld, registry: MlflowRegistry, model: str
) -> None:
    version = mlflow_world.publish(model, metrics={"auc": 0.5}, tags={"own": "tag"})
    mlflow_world.execute("UPDATE model_versions SET run_id = ? WHERE name = ?", "f" * 32, model)
    seen = await _look(registry, mlflow_world, model, version)
    assert (dict(seen.metrics), dict(seen.tags)) == ({}, {"own": "tag"})


async def test_the_alias_latest_is_mlflows_own(mlflow_world: MlflowWorld, registry: MlflowRegistry, model: str) -> None:
    mlflow_world.publish(model)
    newest = mlflow_world.publish(model)
    seen = await registry.query(query(login(mlflow_world.uri, EDITOR), model, alias="latest"))
    assert seen.desired is not None
    assert seen.desired.version == newest


async def _look(registry: MlflowRegistry, world: MlflowWorld, model: str, version: str) -> ModelVersion:
    seen = await registry.query(query(login(world.uri, EDITOR), model, version))
    assert seen.desired is not None
    return seen.desired


def _run(client: Any, name: str, tags: Mapping[str, str] | None = None) -> str:
    return str(client.create_run(client.create_experiment(name), tags=dict(tags or {})).info.run_id)


def _log(client: Any, run: str, folder: Path) -> str:
    """Log a model of the run as MLflow 3 does. Returns its id."""
    experiment = client.get_run(run).info.experiment_id
    logged = client.create_logged_model(experiment, name="churn", source_run_id=run).model_id
    client.log_model_artifacts(logged, str(folder))
    client.finalize_logged_model(logged, "READY")
    return str(logged)


def _register(client: Any, model: str, source: str, run: str, logged: str | None = None) -> str:
    client.create_registered_model(model)
    return str(client.create_model_version(model, source, run, await_creation_for=0, model_id=logged).version)


def _served(world: MlflowWorld, uri: str) -> str:
    """The digest of what the model server fetches, in a process of its own with its login in the environment."""
    code = (
        "from podium.runtime.reference import references\nfrom podium.runtime.loading.source import fetch\n"
        f"fetched = fetch(references({{'PODIUM_MODEL_URI': {uri!r}}}), None, fall_back=False)\n"
        "assert (fetched.directory / 'MLmodel').is_file()\nprint(fetched.identity.digest)"
    )
    pod = {"TRACKING_URI": world.uri, "TRACKING_USERNAME": EDITOR, "TRACKING_PASSWORD": PASSWORDS[EDITOR]}
    environ = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
    environ |= {f"MLFLOW_{name}": value for name, value in pod.items()}
    done = subprocess.run([sys.executable, "-c", code], env=environ, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.splitlines()[-1]
