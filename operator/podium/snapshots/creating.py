"""`create`: a configuration becomes a snapshot, before it is evaluated.

The order makes a snapshot that is there a whole one: first the files are in a run, then the LoggedModel is made of that
run, and read again. The run is the snapshot's own: in a run of the caller's, the next snapshot's files would overwrite
these. `mlflow.set_active_model` is no way to make one: its LoggedModel has no source run, and so no files.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from podium.errors import Rejected
from podium.snapshots.content import Content, Json, content_of
from podium.snapshots.prompts import name_and_version, pinned_prompts
from podium.snapshots.reading import configuration as configuration_of
from podium.snapshots.reading import missing, show
from podium.snapshots.snapshot import (
    CONFIGURATION_SHA256,
    DIGEST,
    DOMAIN,
    ITERATION,
    KIND,
    PARENT,
    PREFIX,
    PROMPT,
    Snapshot,
    model_id_of,
    snapshot_name,
)
from podium.snapshots.tracking import client as client_of_process
from podium.snapshots.tracking import doing, mlflow

_OF_MLFLOW: Final = "mlflow."


def create(
    configuration: Json,
    *,
    kind: str,
    domain: str,
    iteration: int,
    experiment: str,
    parent: str | None = None,
    metadata: Json | None = None,
    patches: Sequence[Any] = (),
    summary: str = "",
    params: Mapping[str, Any] | None = None,
    tags: Mapping[str, str] | None = None,
    prompts: Mapping[str, str] | None = None,
) -> Snapshot:
    """Keep a configuration as a LoggedModel of the experiment, which is made where it is not there yet.

    `metadata`: name of a part (columns, tags, routines) -> any JSON. `parent`: the model id of the snapshot that this
    one was made from. `prompts`: what each is for -> `prompts:/name/version` or `prompts:/name@alias`.

    Evaluate it afterwards with its `model_id`. Raises Rejected where something is refused (an empty configuration, an
    empty id), NotFound where the parent or a prompt is not there, and Unavailable. After an error no snapshot is left.
    """
    module, client = mlflow(), client_of_process()
    before = configuration_of(model_id_of(parent, "parent")) if parent is not None else None
    content = content_of(configuration, parent=before, metadata=metadata, patches=patches, summary=summary)
    name = snapshot_name(kind, domain, iteration, content.configuration_sha256)
    pinned = pinned_prompts(client, prompts or {})
    own = {KIND: kind, DOMAIN: domain, ITERATION: str(iteration), **({PARENT: parent} if parent is not None else {})}
    own |= {CONFIGURATION_SHA256: content.configuration_sha256, DIGEST: content.digest}
    own |= {f"{PROMPT}{purpose}": uri for purpose, uri in pinned.items()}
    model = _Model(name, kind, {**_texts("params", params), **own}, _texts("tags", tags), set(pinned.values()))
    with doing(f"write the snapshot {name}"), _run(client, _experiment(client, experiment), name) as run:
        _upload(client, run.info.run_id, content)
        return _logged(module, run, model)


@dataclass(frozen=True)
class _Model:
    """The LoggedModel that is to be made."""

    name: str
    kind: str
    params: Mapping[str, str]
    tags: Mapping[str, str]
    prompts: Collection[str]


def _logged(module: Any, run: Any, model: _Model) -> Snapshot:
    """The LoggedModel of the run, as it is read again."""
    made = module.create_external_model(
        name=model.name,
        source_run_id=run.info.run_id,
        experiment_id=run.info.experiment_id,
        params=dict(model.params),
        tags=dict(model.tags),
        model_type=model.kind,
    )
    client = module.MlflowClient()
    with _removed_on_failure(client, made.model_id):
        for uri in sorted(model.prompts):
            client.link_prompt_version_to_model(*name_and_version(uri), made.model_id)
        return _checked(made.model_id, run.info.run_id, model.params)


def _experiment(client: Any, name: str) -> str:
    if not isinstance(name, str) or not name.strip():
        raise Rejected(f"experiment is {name!r}; required: the name of an experiment")
    found = client.get_experiment_by_name(name)
    if found is None:
        found = _made_experiment(client, name)
    if found.lifecycle_stage != "active":
        raise Rejected(f"experiment {name} was deleted. Restore it (mlflow experiments restore), or name another one")
    return str(found.experiment_id)


def _made_experiment(client: Any, name: str) -> Any:
    """A new experiment, or the one that another process has made since it was looked for."""
    try:
        return client.get_experiment(client.create_experiment(name))
    except Exception:
        found = client.get_experiment_by_name(name)
        if found is None:
            raise
        return found


@contextmanager
def _run(client: Any, experiment_id: str, name: str) -> Iterator[Any]:
    """A run of the snapshot's own, below the caller's if one is active, which stays as it is."""
    active = mlflow().active_run()
    tags = {"mlflow.parentRunId": active.info.run_id} if active is not None else {}
    run = client.create_run(experiment_id, run_name=name, tags=tags)
    try:
        yield run
    except BaseException as error:
        _also(error, "the run could not be ended", lambda: client.set_terminated(run.info.run_id, "FAILED"))
        raise
    client.set_terminated(run.info.run_id, "FINISHED")


@contextmanager
def _removed_on_failure(client: Any, model_id: str) -> Iterator[None]:
    """A LoggedModel that is not as it was asked for would be taken for a snapshot."""
    try:
        yield
    except BaseException as error:
        _also(error, f"{model_id} is left and is not whole", lambda: client.delete_logged_model(model_id))
        raise


def _also(error: BaseException, what: str, tidy: Any) -> None:
    """What cannot be tidied up is said beside the error that made it necessary."""
    try:
        tidy()
    except Exception as second:  # noqa: BLE001  whatever it is, the first error is the one that tells
        error.add_note(f"{what}: {second}")


def _upload(client: Any, run_id: str, content: Content) -> None:
    with TemporaryDirectory(prefix="podium-snapshot-") as folder:
        for path, written in content.files.items():
            Path(folder, path).parent.mkdir(exist_ok=True)
            Path(folder, path).write_bytes(written)
        client.log_artifacts(run_id, folder)


def _checked(model_id: str, run_id: str, params: Mapping[str, str]) -> Snapshot:
    """The snapshot as it is read again. Raises Rejected where that is not what was written."""
    found = show(model_id)
    if found.run_id != run_id:
        raise Rejected(f"{model_id} names the source run {found.run_id or 'none'}; expected: {run_id}")
    own = {key for key in params if not key.startswith(PREFIX)}
    if changed := sorted(key for key in own if found.params.get(key) != params[key]):
        raise Rejected(f"{model_id} has other params than were written: {', '.join(changed)}. Make them shorter")
    if problem := missing(found):
        raise Rejected(problem)
    return found


def _texts(what: str, values: Mapping[str, Any] | None) -> dict[str, str]:
    """None is refused: MLflow keeps the text "None" for it."""
    for key, value in (values or {}).items():
        if value is None:
            raise Rejected(f"{what}[{key}] is None; required: a value. Leave it out where there is none")
        if str(key).startswith((PREFIX, _OF_MLFLOW)):
            raise Rejected(f"{what}[{key}]: names that begin with {PREFIX} or {_OF_MLFLOW} are not the caller's")
    return {str(key): str(value) for key, value in (values or {}).items()}
