"""`podium migrate` beside a real MLflow: what it would change, what it changes, and that twice is once."""

import json
import os
import pickle
import shutil
import warnings
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from podium.cli.migrate import migrate
from podium.registry import Registry, Stage
from tests.contract.registry_worlds import EDITOR, MlflowWorld, login

VERSIONS = 200


@pytest.fixture
def variables(mlflow_world: MlflowWorld) -> Mapping[str, str]:
    return {"MLFLOW_TRACKING_URI": mlflow_world.uri, **login(mlflow_world.uri, EDITOR).variables}


@pytest.fixture
def registry(mlflow_world: MlflowWorld, variables: Mapping[str, str]) -> Registry:
    return Registry(mlflow_world.uri, login=variables)


@pytest.fixture
def staged(mlflow_world: MlflowWorld, model: str) -> Any:
    """Versions, and their stages as MLflow's deprecated call sets them."""

    def stages(*wanted: str) -> None:
        mlflow_world.publish(model)
        with mlflow_world.client() as client:
            entry = client.get_model_version(model, "1")
            logged = entry.source.removeprefix("models:/")
            for _ in wanted[1:]:
                client.create_model_version(model, entry.source, entry.run_id, await_creation_for=0, model_id=logged)
            for number, stage in enumerate(wanted, 1):
                if stage != "None":
                    with warnings.catch_warnings():
                        warnings.simplefilter("ignore")
                        client.transition_model_version_stage(model, str(number), stage)

    return stages


def migrated(variables: Mapping[str, str], *words: str) -> dict[str, Any]:
    done = CliRunner(env=variables).invoke(migrate, ["stages", *words, "--json"])
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.output)
    return found


def test_stages_become_aliases_and_the_lifecycle_and_a_dry_run_changes_nothing(
    variables: Mapping[str, str], registry: Registry, staged: Any, model: str
) -> None:
    staged("Archived", "Production", "None", "Staging", "Production")
    planned = migrated(variables, model)
    assert (planned["written"], planned["looked_at"], planned["left"]) == (False, 5, [])
    assert [(each["kind"], each["version"], each["key"], each["value"]) for each in planned["changes"]] == [
        ("alias", "5", "champion", ""),
        ("alias", "4", "staging", ""),
        ("tag", "4", "podium.dev/lifecycle", "staging"),
        ("tag", "2", "podium.dev/lifecycle", "deprecated"),
        ("tag", "1", "podium.dev/lifecycle", "deprecated"),
    ]
    assert registry.model(model).aliases == {}
    assert migrated(variables, model, "--write")["changes"] == planned["changes"]
    assert registry.model(model).aliases == {"champion": "5", "staging": "4"}
    assert [each.stage for each in registry.versions(model)] == [
        Stage.CHAMPION, Stage.STAGING, Stage.TRAINED, Stage.DEPRECATED, Stage.DEPRECATED,
    ]  # fmt: skip
    assert migrated(variables, model, "--write")["changes"] == []


def test_what_a_person_has_said_since_is_left_and_named(
    variables: Mapping[str, str], registry: Registry, mlflow_world: MlflowWorld, staged: Any, model: str
) -> None:
    staged("Production", "Staging", "None")
    mlflow_world.point(model, "champion", "3")
    registry.set_tags(model, "2", {"podium.dev/lifecycle": "archived"})
    found = migrated(variables, model, "--write")
    assert [each["why"] for each in found["left"]] == [
        "alias champion points to another version already",
        "its lifecycle is archived already",
    ]
    assert [each["kind"] for each in found["changes"]] == ["alias"]
    assert registry.model(model).aliases == {"champion": "3", "staging": "2"}
    text = CliRunner(env=variables).invoke(migrate, ["stages", model])
    assert f"left: {model} version 2, in stage Staging: its lifecycle is archived already" in text.output
    assert "3 looked at: nothing to change, 2 left as they are" in text.output


@pytest.mark.timeout(900)
def test_a_registry_of_200_versions_is_migrated_once_and_the_second_time_changes_nothing(
    variables: Mapping[str, str], registry: Registry, mlflow_world: MlflowWorld, model: str
) -> None:
    mlflow_world.publish(model)
    with mlflow_world.client() as client:
        entry = client.get_model_version(model, "1")
        body = {
            "name": model,
            "source": entry.source,
            "run_id": entry.run_id,
            "model_id": entry.source[len("models:/") :],
        }
    rest = registry.rest
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: rest.post("model-versions/create", "a version", body), range(VERSIONS - 1)))
    mlflow_world.execute(
        "UPDATE model_versions SET current_stage = CASE version % 4 WHEN 0 THEN 'Production' WHEN 1 THEN 'Staging' "
        "WHEN 2 THEN 'Archived' ELSE 'None' END WHERE name = ?",
        model,
    )
    first = migrated(variables, model, "--write")
    assert first["looked_at"] == VERSIONS
    assert len(first["changes"]) == 2 + 50 + 50 + 49  # two aliases; staging, archived, and all but the champion
    again = migrated(variables, model, "--write")
    assert (again["changes"], again["left"]) == ([], [])
    assert registry.model(model).aliases == {"champion": "200", "staging": "197"}


class Touches:
    """Something whose pickle makes a file."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[object, ...]:
        return os.system, (f"touch {self.file}",)


@pytest.fixture(scope="module")
def pickled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model in forms that people keep, and rows to try it on."""
    folder = tmp_path_factory.mktemp("pickled")
    rows = pd.DataFrame({"age": [20.0, 30.0, 40.0, 50.0], "income": [1.0, 2.0, 3.0, 4.0]})
    model = make_pipeline(StandardScaler(), RandomForestClassifier(3, random_state=1)).fit(rows, [0, 0, 1, 1])
    joblib.dump(model, folder / "model.joblib", compress=3)
    rows.to_csv(folder / "rows.csv", index=False)
    return folder


def pickle_of(variables: Mapping[str, str], *words: str) -> tuple[int, dict[str, Any]]:
    done = CliRunner(env=variables).invoke(migrate, ["pickle", *words, "--json"])
    assert done.stdout.startswith("{"), done.output
    return done.exit_code, json.loads(done.stdout)


def test_a_pickled_model_is_shown_first_and_registered_once(
    variables: Mapping[str, str], registry: Registry, pickled: Path, model: str
) -> None:
    file, rows = str(pickled / "model.joblib"), str(pickled / "rows.csv")
    code, shown = pickle_of(variables, file, "--model", model, "--write")
    assert (code, shown["written"], shown["changes"]) == (0, False, [])
    assert "sklearn.pipeline.Pipeline" in shown["scan"]["imports"]
    assert "then --load" in shown["left"][0]["why"]
    code, done = pickle_of(variables, file, "--model", model, "--example", rows, "--load", "--write")
    assert (code, done["left"], [each["version"] for each in done["changes"]]) == (0, [], ["1"])
    details = registry.details(model, "1", digest=True)
    assert details.signature is not None
    assert [each.name for each in details.signature.inputs or ()] == ["age", "income"]
    assert details.digest == details.version.tags["podium.dev/digest"]
    assert "MLmodel" in details.files
    code, again = pickle_of(variables, file, "--model", model, "--example", rows, "--load", "--write")
    assert (code, again["changes"], again["left"]) == (0, [], [])
    assert [each.number for each in registry.versions(model)] == ["1"]


def test_a_pickle_that_runs_a_command_is_refused_with_the_command(
    variables: Mapping[str, str], registry: Registry, tmp_path: Path, model: str
) -> None:
    ran, file = tmp_path / "ran", tmp_path / "model.pkl"
    file.write_bytes(pickle.dumps(Touches(ran)))
    code, found = pickle_of(variables, str(file), "--model", model, "--load", "--write")
    assert (code, found["scan"]["refused"]) == (1, [f"posix.system('touch {ran}')"])
    assert "it was not loaded: it would run posix.system" in found["left"][0]["why"]
    assert not ran.exists()


def test_a_command_that_hides_among_joblibs_arrays_is_stopped_while_it_is_loaded(
    variables: Mapping[str, str], tmp_path: Path, model: str
) -> None:
    """pickletools cannot follow it there; the process that loads looks each name up."""
    ran, file = tmp_path / "ran", tmp_path / "model.joblib"
    joblib.dump([np.zeros(3), np.array([Touches(ran)], dtype=object)], file)
    code, found = pickle_of(variables, str(file), "--model", model, "--load", "--write")
    assert (code, found["scan"]["refused"], found["scan"]["whole"]) == (1, [], False)
    assert "its loading was stopped: posix.system is not in the table" in found["left"][0]["why"]
    assert not ran.exists()


def test_code_beside_a_pickle_is_not_imported_while_it_is_loaded(
    variables: Mapping[str, str], tmp_path: Path, pickled: Path, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python's -m would look for numpy, which the table allows, in the current folder first."""
    for name in ("numpy", "joblib", "yaml", "sklearn"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    monkeypatch.chdir(tmp_path)
    code, found = pickle_of(variables, str(pickled / "model.joblib"), "--model", model, "--load")
    assert not (tmp_path / "ran").exists()
    assert (code, found["left"], len(found["changes"])) == (0, [], 1)


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("sklearn.preprocessing._polynomial", "BSpline"),  # of scipy
        ("sklearn.compose._column_transformer", "Counter"),
        ("sklearn.model_selection._search", "MaskedArray"),
        ("sklearn.utils._available_if", "MethodType"),
    ],
)
def test_what_scikit_learn_imports_from_elsewhere_is_no_class_of_its_own(
    variables: Mapping[str, str], tmp_path: Path, model: str, module: str, name: str
) -> None:
    file = tmp_path / "model.pkl"
    file.write_bytes(f"c{module}\n{name}\n.".encode())
    code, found = pickle_of(variables, str(file), "--model", model, "--load")
    assert code == 1
    assert f"its loading was stopped: {module}.{name} is no class of sklearn" in found["left"][0]["why"]


def tree_of(variables: Mapping[str, str], *words: str) -> dict[str, Any]:
    done = CliRunner(env=variables).invoke(migrate, ["tree", *words, "--json"])
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def kept(folder: Path, content: str, **records: str) -> None:
    """One version as folder registries keep it."""
    folder.mkdir(parents=True)
    (folder / "MLmodel").write_text(f"run: {content}\n")
    for name, text in records.items():
        (folder / f"{name}.json").write_text(text)


def test_a_folder_registry_is_registered_in_order_with_its_environments_and_once(
    variables: Mapping[str, str], registry: Registry, tmp_path: Path, pickled: Path, model: str
) -> None:
    root = tmp_path / "models"
    kept(root / model / "v10", "ten", params='{"depth": 6}', metrics='{"auc": 0.9}')
    kept(root / model / "v9", "nine")
    kept(root / "production" / model, "nine")
    kept(root / model / "broken", "x", metrics='{"auc": "high"}')
    (root / model / "v11").mkdir()
    shutil.copy(pickled / "model.joblib", root / model / "v11")
    (root / model / "empty").mkdir()
    (root / model / "empty" / "params.json").write_text("{}")
    (root / model / "v12").mkdir()
    (root / model / "v12" / "model.pkl").write_bytes(pickle.dumps(Touches(tmp_path / "ran")))
    planned = tree_of(variables, str(root))
    assert {(each["kind"], each["version"]) for each in planned["changes"]} == {("version", ""), ("alias", "")}
    assert registry.models() == [each for each in registry.models() if each.name != model]
    done = tree_of(variables, str(root), "--load", "--write")
    assert [(each["version"], Path(each["key"]).name) for each in done["changes"]] == [
        ("1", "v9"), ("2", "v10"), ("3", "model.joblib"), ("1", "champion"),
    ]  # fmt: skip
    why = " | ".join(each["why"] for each in done["left"])
    assert "metrics.json cannot be read" in why
    assert "it has no model: expected MLmodel" in why
    assert "it would run posix.system" in why
    assert not (tmp_path / "ran").exists()
    second = registry.version(model, "2")
    assert (second.params, second.metrics) == ({"depth": "6"}, {"auc": 0.9})
    assert registry.model(model).aliases == {"champion": "1"}
    again = tree_of(variables, str(root), "--load", "--write")
    assert (again["changes"], len(again["left"])) == ([], len(done["left"]))
    assert len(registry.versions(model)) == 3


@pytest.mark.timeout(900)  # two thousand requests, beside whatever else the machine does
def test_a_name_that_no_model_may_have_keeps_no_other_folder_from_being_migrated(
    variables: Mapping[str, str], tmp_path: Path, model: str
) -> None:
    kept(tmp_path / model / "v1", "one")
    kept(tmp_path / "a:b" / "v1", "two")
    kept(tmp_path / os.fsdecode(b"\xff") / "v1", "three")
    found = tree_of(variables, str(tmp_path))
    assert [each["model"] for each in found["changes"]] == [model]
    assert "Invalid model name" in next(each["why"] for each in found["left"] if each["what"] == "a:b")
    assert "its name is no UTF-8" in {each["why"] for each in found["left"]}


def test_a_link_that_leads_out_of_the_tree_is_not_uploaded(
    variables: Mapping[str, str], tmp_path: Path, model: str
) -> None:
    """Whoever may write a shared folder would have the files of whoever migrates it."""
    (tmp_path / "private").write_text("secret")
    kept(tmp_path / "tree" / model / "v1", "one")
    kept(tmp_path / "tree" / model / "v2", "two")
    (tmp_path / "tree" / model / "v1" / "notes").symlink_to(tmp_path / "private")
    (tmp_path / "tree" / model / "v2" / "notes").symlink_to("MLmodel")
    found = tree_of(variables, str(tmp_path / "tree"))
    assert [each["key"] for each in found["changes"]] == [str(tmp_path / "tree" / model / "v2")]
    (left,) = found["left"]
    assert "notes is a link that leads out of" in left["why"]


def test_a_folder_registry_of_200_versions_is_registered_once(
    variables: Mapping[str, str], registry: Registry, tmp_path: Path, model: str
) -> None:
    for number in range(VERSIONS):
        kept(tmp_path / "models" / f"{number}", str(number), metrics=f'{{"auc": {number}}}')
    words = (str(tmp_path / "models"), "--model", model, "--write")
    assert len(tree_of(variables, *words)["changes"]) == VERSIONS
    found = registry.versions(model, most=VERSIONS + 1)
    assert [each.metrics["auc"] for each in found] == [float(number) for number in reversed(range(VERSIONS))]
    again = tree_of(variables, *words)
    assert (again["changes"], again["left"], again["looked_at"]) == ([], [], VERSIONS)
