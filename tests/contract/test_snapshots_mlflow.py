"""Snapshots on a real MLflow: what it loses in silence is refused, and what was written is what is read."""

import json
import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import mlflow
import pandas as pd
import pytest
import yaml
from click.testing import CliRunner, Result
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.tracking import fluent
from mlflow.tracking._tracking_service import utils

from podium import snapshots
from podium.cli.main import main
from podium.errors import NotFound, Rejected, Temporary, Unavailable
from podium.snapshots import BestBy, EvaluationJob, Snapshot
from tests.contract.registry_worlds import EDITOR, PASSWORDS, MlflowWorld

FIRST = {"model": "x", "tables": [{"name": "orders"}]}
MLFLOW_WARNS = pytest.mark.filterwarnings("ignore")  # its evaluation calls pandas in ways that are about to change
SECOND = {"model": "z", "tables": [{"name": "orders"}, {"name": "customers"}]}


@pytest.fixture
def client(mlflow_world: MlflowWorld, monkeypatch: pytest.MonkeyPatch) -> Iterator[MlflowClient]:
    """MLflow's client, and the process's own tracking URI and experiment, as a person's notebook has them.

    MLflow keeps both in modules and in the environment; all of it is as before when the test ends.
    """
    monkeypatch.delenv("MLFLOW_TRACKING_AUTH", raising=False)
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_ID"):
        monkeypatch.setenv(name, "")  # so that the end of the test removes what MLflow sets
        monkeypatch.delenv(name)
    monkeypatch.setattr(utils, "_tracking_uri", None)
    monkeypatch.setattr(fluent, "_active_experiment_id", None)
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", EDITOR)
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", PASSWORDS[EDITOR])
    monkeypatch.setenv("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    mlflow.set_tracking_uri(mlflow_world.uri)
    yield MlflowClient()
    while mlflow.active_run() is not None:
        mlflow.end_run()


@pytest.fixture
def experiment() -> str:
    """One that no other test uses: the server is shared."""
    return f"agents-{uuid4().hex[:8]}"


def made(experiment: str, configuration: Any = None, iteration: int = 1, **more: Any) -> Snapshot:
    configuration = FIRST if configuration is None else configuration
    return snapshots.create(
        configuration, kind="agent", domain="sales", iteration=iteration, experiment=experiment, **more
    )


def runs(client: MlflowClient, experiment: str) -> list[Any]:
    found = client.get_experiment_by_name(experiment)
    return [] if found is None else list(client.search_runs([found.experiment_id]))


# --- creating ---------------------------------------------------------------------------------------------------------


def test_a_snapshot_has_its_files_in_a_run_of_its_own(client: MlflowClient, experiment: str) -> None:
    found = made(
        experiment, metadata={"columns": ["a"]}, params={"temperature": 0.1}, tags={"owner": "x"}, summary="first"
    )
    model = client.get_logged_model(found.model_id)
    assert model.source_run_id == found.run_id != ""
    assert client.get_run(found.run_id).info.status == "FINISHED"
    state = {each.path for each in client.list_artifacts(found.run_id, "model_state")}
    assert state == {f"model_state/{name}.json" for name in ("columns", "configuration", "parent_diff")}
    assert {each.path for each in client.list_artifacts(found.run_id, "patches")} == {
        "patches/patch_set.json",
        "patches/summary.json",
    }
    assert found.name == model.name == f"agent-sales-iter1-{found.configuration_sha256[:12]}"
    assert (found.params, found.tags["owner"]) == ({"temperature": "0.1"}, "x")
    assert snapshots.missing(found) == ""
    assert snapshots.configuration(found.model_id) == FIRST


def test_a_run_of_the_callers_stays_as_it_is(client: MlflowClient, experiment: str) -> None:
    """Two snapshots within it would overwrite each other's files."""
    mlflow.set_experiment(experiment)
    with mlflow.start_run() as own:
        first, second = made(experiment), made(experiment, SECOND, iteration=2)
        assert mlflow.active_run().info.run_id == own.info.run_id
    assert len({own.info.run_id, first.run_id, second.run_id}) == 3
    assert client.list_artifacts(own.info.run_id) == []
    assert client.get_run(first.run_id).data.tags["mlflow.parentRunId"] == own.info.run_id
    assert snapshots.configuration(first.model_id) == FIRST


def test_no_model_is_made_active(client: MlflowClient, experiment: str) -> None:
    before = mlflow.get_active_model_id()
    made(experiment)
    assert mlflow.get_active_model_id() == before


def test_a_model_of_set_active_model_has_no_files_and_is_no_snapshot(client: MlflowClient, experiment: str) -> None:
    mlflow.set_experiment(experiment)
    with mlflow.set_active_model(name="agent-sales-iter1-0123456789ab") as active:
        assert client.get_logged_model(active.model_id).source_run_id == ""
        with pytest.raises(Rejected, match="is no snapshot"):
            snapshots.show(active.model_id)
        assert snapshots.find(experiment) == []


@pytest.mark.parametrize("empty", [{}, {"model": ""}, [], None])
def test_an_empty_configuration_is_refused_before_anything_is_written(
    client: MlflowClient, experiment: str, empty: Any
) -> None:
    with pytest.raises(Rejected, match=r"^configuration is"):
        snapshots.create(empty, kind="agent", domain="sales", iteration=1, experiment=experiment)
    assert client.get_experiment_by_name(experiment) is None


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"tags": {"reason": None}}, r"tags\[reason\] is None"),
        ({"params": {"podium.snapshot.digest": "x"}}, "are not the caller's"),
        ({"prompts": {"system": "prompts:/no-such-prompt/1"}}, "no-such-prompt"),
        ({"prompts": {"system": "no-such-prompt"}}, "required: prompts:/name/version"),
        ({"prompts": {"A B": "prompts:/x/1"}}, "prompts has a key"),
        ({"parent": ""}, "parent is an empty text"),
        ({"parent": "m-" + "0" * 32}, "Logged model with ID"),
        ({"experiment": " "}, "required: the name of an experiment"),
    ],
)
def test_what_is_refused_writes_nothing(client: MlflowClient, experiment: str, more: dict[str, Any], told: str) -> None:
    with pytest.raises((Rejected, NotFound), match=told):
        made(**{"experiment": experiment, **more})
    assert client.get_experiment_by_name(experiment) is None


def test_a_deleted_experiment_is_named(client: MlflowClient, experiment: str) -> None:
    client.delete_experiment(client.create_experiment(experiment))
    with pytest.raises(Rejected, match=f"experiment {experiment} was deleted"):
        made(experiment)


def test_files_that_cannot_be_written_leave_no_snapshot(
    client: MlflowClient, experiment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise MlflowException("no space left on the store")

    monkeypatch.setattr(MlflowClient, "log_artifacts", full)
    with pytest.raises(Temporary, match=r"could not write the snapshot agent-sales-iter1-.*no space left"):
        made(experiment)
    assert [run.info.status for run in runs(client, experiment)] == ["FAILED"]
    assert snapshots.find(experiment) == []


def test_a_snapshot_that_is_not_whole_is_removed(
    client: MlflowClient, experiment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a store does that drops what it took."""
    monkeypatch.setattr(MlflowClient, "log_artifacts", lambda *_, **__: None)
    with pytest.raises(Rejected, match="has no artifacts in model_state/"):
        made(experiment)
    assert [run.info.status for run in runs(client, experiment)] == ["FAILED"]
    assert snapshots.find(experiment) == []


def test_what_could_not_be_tidied_up_is_said_beside_the_error(
    client: MlflowClient, experiment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object, **__: object) -> None:
        raise MlflowException("the server went away")

    monkeypatch.setattr(MlflowClient, "log_artifacts", lambda *_, **__: None)
    monkeypatch.setattr(MlflowClient, "set_terminated", gone)
    with pytest.raises(Rejected) as raised:
        made(experiment)
    assert raised.value.__notes__ == ["the run could not be ended: the server went away"]


def test_a_server_that_does_not_answer_is_named(client: MlflowClient, experiment: str) -> None:
    mlflow.set_tracking_uri("http://127.0.0.1:1")
    with pytest.raises(Unavailable, match=r"could not write the snapshot .* at http://127.0.0.1:1.*Connection refused"):
        made(experiment)


def test_without_a_tracking_uri_nothing_is_written_beside_the_caller(
    client: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MLflow would make a database in the working directory."""
    monkeypatch.setattr(mlflow.tracking, "is_tracking_uri_set", lambda: False)
    monkeypatch.setattr(mlflow, "get_tracking_uri", lambda: "sqlite:///mlflow.db")
    with pytest.raises(Rejected, match="no tracking URI is set"):
        made("agents")


def test_prompts_are_pinned_to_versions(client: MlflowClient, experiment: str) -> None:
    name = f"{experiment}-system"
    client.register_prompt(name, "You sell.")
    client.set_prompt_alias(name, "production", 1)
    found = made(experiment, prompts={"system": f"prompts:/{name}@production", "again": f"prompts:/{name}/1"})
    client.register_prompt(name, "You sell more.")
    client.set_prompt_alias(name, "production", 2)
    assert snapshots.show(found.model_id).prompts == dict.fromkeys(("system", "again"), f"prompts:/{name}/1")
    assert json.loads(found.tags["mlflow.linkedPrompts"]) == [{"name": name, "version": "1"}]


# --- reading ----------------------------------------------------------------------------------------------------------


def test_a_chain_can_be_walked_and_its_differences_read(client: MlflowClient, experiment: str) -> None:
    first = made(experiment)
    second = made(experiment, SECOND, iteration=2, parent=first.model_id)
    third = made(experiment, {**SECOND, "temperature": 0}, iteration=3, parent=second.model_id)
    chain = snapshots.lineage(third.model_id)
    assert [each.model_id for each in chain] == [third.model_id, second.model_id, first.model_id]
    assert [each.path for each in snapshots.diff(second.model_id)] == [
        "configuration.model",
        "configuration.tables[customers]",
    ]
    assert [each.path for each in snapshots.diff(third.model_id, second.model_id)] == ["configuration.temperature"]
    with pytest.raises(Rejected, match="has no parent"):
        snapshots.diff(first.model_id)


def test_a_parent_that_was_deleted_hides_none_of_its_children(client: MlflowClient, experiment: str) -> None:
    first = made(experiment)
    second = made(experiment, SECOND, iteration=2, parent=first.model_id)
    third = made(experiment, {**SECOND, "temperature": 0}, iteration=3, parent=second.model_id)
    client.delete_logged_model(first.model_id)
    chain = snapshots.lineage(third.model_id)
    assert [each.model_id for each in chain] == [third.model_id, second.model_id]
    assert chain[-1].parent == first.model_id
    shown = run("show", third.model_id)
    assert shown.exit_code == 0, shown.output
    assert f"{first.model_id}  was deleted" in shown.output
    with pytest.raises(NotFound, match=f"{first.model_id}, the parent of {second.model_id}, is not there"):
        snapshots.diff(second.model_id)


def test_several_that_are_kept_at_once_in_a_new_experiment_are_all_kept(client: MlflowClient, experiment: str) -> None:
    with ThreadPoolExecutor(4) as threads:
        kept = list(threads.map(lambda number: made(experiment, iteration=number), range(4)))
    assert {each.model_id for each in snapshots.find(experiment)} == {each.model_id for each in kept}


def test_a_tracking_uri_of_no_store_is_refused(client: MlflowClient) -> None:
    refused = run("list", "--experiment", "any", "--tracking-uri", "ftp://mlflow.example.com")
    assert refused.exit_code == 1
    assert "could not keep snapshots at ftp://mlflow.example.com" in refused.output


def test_a_file_that_says_a_key_twice_or_is_too_deep_is_refused(client: MlflowClient) -> None:
    asked = ("create", "-", "--experiment", "any", "--kind", "agent", "--domain", "sales", "--iteration", "1")
    twice = run(*asked, given='{"model": "x", "model": "y"}')
    assert (twice.exit_code, twice.output) == (1, "Error: -: the key 'model' is there twice in one object\n")
    deep = run(*asked, given='{"a":' + "[" * 100_000 + "]" * 100_000 + "}")
    assert (deep.exit_code, deep.output) == (1, "Error: -: nested too deeply to be read\n")


def test_they_are_listed_the_newest_first(client: MlflowClient, experiment: str) -> None:
    kept = [made(experiment, iteration=number) for number in range(3)]
    mlflow.create_external_model(name="other", experiment_id=kept[0].experiment_id)
    assert [each.iteration for each in snapshots.find(experiment)] == [2, 1, 0]
    assert [each.iteration for each in snapshots.find(experiment, kind="agent", domain="sales", most=2)] == [2, 1]
    assert snapshots.find(experiment, kind="space") == []
    with pytest.raises(NotFound, match="experiment no-such-one not found"):
        snapshots.find("no-such-one")
    with pytest.raises(Rejected, match="holds a quote"):
        snapshots.find(experiment, kind="x' OR name != '")


def test_files_that_were_changed_or_are_gone_are_noticed(client: MlflowClient, experiment: str) -> None:
    found = made(experiment)
    client.log_text(found.run_id, "{}", "model_state/configuration.json")
    assert "They were changed, or some are gone" in snapshots.missing(found)
    with pytest.raises(Rejected, match="They were changed"):
        snapshots.configuration(found.model_id)


@pytest.mark.parametrize("value", ["", " ", None])
def test_an_empty_model_id_is_refused_wherever_one_is_given(client: MlflowClient, value: Any) -> None:
    for given in (snapshots.show, snapshots.lineage, snapshots.configuration, snapshots.diff, EvaluationJob.of):
        with pytest.raises(Rejected, match="required: the id of a LoggedModel"):
            given(value)


# --- evaluations ------------------------------------------------------------------------------------------------------


@pytest.fixture
def data() -> Any:
    frame = pd.DataFrame({"answer": [1.0, 0.0, 1.0, 1.0], "truth": [1.0, 0.0, 0.0, 1.0]})
    return mlflow.data.from_pandas(frame, name="holdout", targets="truth", predictions="answer")


@MLFLOW_WARNS
def test_an_evaluation_of_mlflow_links_to_the_snapshot(client: MlflowClient, experiment: str, data: Any) -> None:
    found = made(experiment)
    mlflow.set_experiment(experiment)
    with mlflow.start_run() as run:
        mlflow.models.evaluate(data=data, model_type="regressor", model_id=found.model_id, evaluators="default")
    (linked,) = snapshots.show(found.model_id).evaluations
    assert (linked.name, linked.dataset and linked.dataset.name) == (run.info.run_id, "holdout")
    assert linked.metrics["mean_absolute_error"] == 0.25
    assert EvaluationJob.of(found.model_id).finished(run.info.run_id) == [linked]


@MLFLOW_WARNS
def test_an_evaluation_of_an_empty_id_links_nothing_and_says_nothing(
    client: MlflowClient, experiment: str, data: Any
) -> None:
    """What the job's check is for."""
    found = made(experiment)
    mlflow.set_experiment(experiment)
    with mlflow.start_run() as run:
        mlflow.models.evaluate(data=data, model_type="regressor", model_id="", evaluators="default")
    assert snapshots.show(found.model_id).evaluations == ()
    with pytest.raises(Rejected, match=f"names no model; expected: {found.model_id}"):
        EvaluationJob.of(found.model_id).finished(run.info.run_id)


@MLFLOW_WARNS
def test_an_evaluation_of_genai_links_to_the_snapshot(client: MlflowClient, experiment: str) -> None:
    found = made(experiment)

    def right(outputs: str, expectations: dict[str, str]) -> bool:
        return outputs == expectations["expected"]

    mlflow.set_experiment(experiment)
    case = {"inputs": {"question": "a"}, "outputs": "b", "expectations": {"expected": "b"}}
    done = mlflow.genai.evaluate(data=[case], scorers=[mlflow.genai.scorer(right)], model_id=found.model_id)
    (linked,) = EvaluationJob.of(found.model_id).finished(done.run_id)
    assert linked.metrics == {"right/mean": 1.0}


def test_a_jobs_run_is_checked(client: MlflowClient, experiment: str) -> None:
    found, other = made(experiment), made(experiment, SECOND, iteration=2)
    job = EvaluationJob.of(found.model_id)
    assert job.parameters == {"model_id": found.model_id}
    run = client.create_run(found.experiment_id).info.run_id
    with pytest.raises(Temporary, match="is RUNNING"):
        job.finished(run)
    client.log_metric(run, "accuracy", 0.9, model_id=other.model_id)
    client.set_terminated(run)
    with pytest.raises(Rejected, match="names no model"):
        job.finished(run)
    client.log_metric(run, "accuracy", math.nan, model_id=found.model_id)
    (linked,) = job.finished(run)
    assert math.isnan(linked.metrics["accuracy"]), "a LoggedModel says 0 for it"
    client.set_terminated(run, "FAILED")
    with pytest.raises(Rejected, match="is FAILED"):
        job.finished(run)
    with pytest.raises(NotFound, match=r"could not read run 0{32}"):
        job.finished("0" * 32)
    with pytest.raises(Rejected, match="the job returned the run id ''"):
        job.finished("")


@MLFLOW_WARNS
def test_a_job_of_another_model_is_named(client: MlflowClient, experiment: str, data: Any) -> None:
    found, other = made(experiment), made(experiment, SECOND, iteration=2)
    mlflow.set_experiment(experiment)
    with mlflow.start_run() as run:
        mlflow.models.evaluate(data=data, model_type="regressor", model_id=other.model_id, evaluators="default")
    with pytest.raises(Rejected, match=f"names {other.model_id}; expected: {found.model_id}"):
        EvaluationJob.of(found.model_id).finished(run.info.run_id)


def test_the_best_evaluated_snapshot_is_found(client: MlflowClient, experiment: str) -> None:
    kept = [made(experiment, {"model": str(number)}, iteration=number) for number in range(5)]
    with pytest.raises(NotFound, match=f"experiment {experiment}: none of 5 versions has an evaluation with accuracy"):
        snapshots.best(experiment, BestBy("accuracy", dataset="holdout", at_least=0.5))
    for snapshot, value in zip(kept, [0.7, 0.9, math.nan, 0.9], strict=False):
        run = client.create_run(snapshot.experiment_id).info.run_id
        where = {"dataset_name": "holdout", "dataset_digest": "d1"}
        client.log_metric(run, "accuracy", value, model_id=snapshot.model_id, **where)
    found = snapshots.best(experiment, BestBy("accuracy", dataset="holdout", at_least=0.5))
    assert (found.snapshot.iteration, found.value) == (1, 0.9)
    assert snapshots.best(experiment, BestBy("accuracy", at_most=0.8), domain="sales").snapshot.iteration == 0


# --- the verb ---------------------------------------------------------------------------------------------------------


def run(*words: str, given: str = "") -> Result:
    return CliRunner().invoke(main, ["snapshots", *words], input=given)


def test_the_verb_keeps_lists_compares_and_shows_snapshots(
    client: MlflowClient, experiment: str, tmp_path: Path
) -> None:
    (tmp_path / "first.json").write_text(json.dumps(FIRST))
    (tmp_path / "second.yaml").write_text(yaml.safe_dump(SECOND))
    (tmp_path / "patches.json").write_text('[{"op": "add"}]')
    kept = ["create", f"--experiment={experiment}", "--kind=agent", "--domain=sales"]
    first = run(*kept, "--iteration=1", "--tag=owner=x", str(tmp_path / "first.json"))
    assert first.exit_code == 0, first.output
    parent = f"--parent={first.stdout.strip()}"
    more = [
        "--iteration=2",
        parent,
        f"--patches={tmp_path / 'patches.json'}",
        f"--metadata=columns={tmp_path / 'first.json'}",
    ]
    second = run(*kept, *more, str(tmp_path / "second.yaml"))
    made = second.stdout.strip()
    assert (second.exit_code, snapshots.configuration(made)) == (0, SECOND), second.output
    listed = run("list", f"--experiment={experiment}", "--json")
    assert [each["model_id"] for each in json.loads(listed.stdout)] == [made, first.stdout.strip()]
    table = run("list", f"--experiment={experiment}").stdout
    assert "not evaluated" in table
    compared = run("diff", made)
    assert (compared.exit_code, compared.stdout.splitlines()[0]) == (1, '  ~ configuration.model: "x" → "z"')
    assert run("diff", made, made).exit_code == 0
    shown = run("show", made)
    assert (shown.exit_code, "as they were written" in shown.stdout) == (0, True)
    client.log_text(snapshots.show(made).run_id, "{}", "model_state/configuration.json")
    assert run("show", made, "--json").exit_code == 1


CREATE = ["create", "-", "--kind=agent", "--domain=sales", "--iteration=1"]


@pytest.mark.parametrize(
    ("words", "given", "code", "told"),
    [
        ([], "{}", 1, "configuration is empty"),
        ([], "a: 1\n---\nb: 2", 1, "expected one document"),
        ([], "{a: [", 1, "neither JSON nor YAML"),
        (["--tag=x"], "a: 1", 2, "expected KEY=VALUE"),
        (["--tag=x=1", "--tag=x=2"], "a: 1", 2, "given twice"),
        (["--patches=/dev/null"], "a: 1", 1, "a list of patches"),
        (["--parent="], "a: 1", 1, "parent is an empty text"),
    ],
)
@pytest.mark.usefixtures("client")
def test_the_verb_says_what_it_refuses(experiment: str, words: list[str], given: str, code: int, told: str) -> None:
    done = run(*CREATE, f"--experiment={experiment}", *words, given=given)
    assert (done.exit_code, told in done.output) == (code, True), done.output
    assert (run("list", f"--experiment={experiment}").exit_code) == 1, "there is no such experiment"


def test_that_snapshots_cannot_be_compared_is_another_exit_code(client: MlflowClient) -> None:
    assert run("diff", "m-0123").exit_code == 2
    assert run("show", "m-0123").exit_code == 1


@pytest.mark.usefixtures("client")
def test_the_verb_names_a_server_that_does_not_answer() -> None:
    done = run("list", "--experiment=x", "--tracking-uri=http://127.0.0.1:1")
    assert (done.exit_code, "Connection refused" in done.output) == (1, True)
