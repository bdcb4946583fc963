"""Where a model comes from: a reference is resolved once to a version and its files on this disk."""

import logging
import pickle
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import mlflow.sklearn
from mlflow import MlflowClient
from mlflow.artifacts import download_artifacts
from mlflow.entities import ViewType
from mlflow.exceptions import MlflowException

from podium.core.digest import digest_of
from podium.runtime.exits import Exit, StartError, one_line
from podium.runtime.identity import Identity
from podium.runtime.loading.artifact import LinkFound, digest_of_directory, sha256_of
from podium.runtime.loading.cache import Cache
from podium.runtime.reference import Kind, Reference

log = logging.getLogger(__name__)

# The registry has spoken: the cache must not overrule it.
_FINAL = frozenset(
    {"RESOURCE_DOES_NOT_EXIST", "PERMISSION_DENIED", "UNAUTHENTICATED", "INVALID_PARAMETER_VALUE", "BAD_REQUEST"}
)


@dataclass(frozen=True, slots=True)
class Fetched:
    """A model's files on this disk, what they hash to, and whose they are."""

    directory: Path  # or a pickle, of which `model_folder` makes a model once its digest is proved
    identity: Identity  # with its digest
    attempts: list[dict[str, str]] = field(default_factory=list)
    from_cache: bool = False
    reference: Reference | None = None  # the one that gave it, where a copy of the files is worth keeping


class _Failed(Exception):
    """One source did not give the model. `final`: it has spoken, rather than been silent."""

    def __init__(self, reason: str, *, final: bool) -> None:
        super().__init__(reason)
        self.final = final


def fetch(
    references: tuple[Reference, ...], cache: Cache | None, *, fall_back: bool, place: Path | None = None
) -> Fetched:
    """Try the references in order and return the files of the first that is there, downloaded into this folder.

    A source that is silent is replaced by the last good copy of the same reference, where there is a cache.

    Raises StartError: none gave the model; its reason holds every attempt.
    """
    attempts: list[dict[str, str]] = []
    for reference in references if fall_back else references[:1]:
        log.info("trying %s %s", reference.kind, reference)
        try:
            fetched = _FETCHERS[reference.kind](reference, place)
        except _Failed as failed:
            result = one_line(str(failed))
            log.warning("%s %s: %s", reference.kind, reference, result)
            attempts.append({"source": str(reference), "kind": reference.kind.value, "result": result})
            if cache is not None and not failed.final and (fetched_before := _from_cache(reference, cache, attempts)):
                return fetched_before
            continue
        attempts.append({"source": str(reference), "kind": reference.kind.value, "result": "ok"})
        kept = None if reference.kind is Kind.LOCAL else reference
        return replace(fetched, attempts=attempts, reference=kept)
    raise StartError(Exit.NOT_FETCHED, "; ".join(f"{each['source']}: {each['result']}" for each in attempts))


def _from_cache(reference: Reference, cache: Cache, attempts: list[dict[str, str]]) -> Fetched | None:
    copy = cache.last_good(reference.text)
    if copy is None:
        return None
    log.warning("starting from the last good copy of %s, saved at %s", reference, copy.saved_at)
    attempts.append({"source": str(copy.directory), "kind": "cache", "result": f"ok, saved at {copy.saved_at}"})
    return Fetched(copy.directory, copy.identity, attempts, from_cache=True)


def _translated(ask: Callable[[], Any], expected: str) -> Any:
    """Ask MLflow, and say what was expected where it fails.

    A client of an object store raises errors of its own, which MLflow passes on. None of them is the version's fault.
    """
    try:
        return ask()
    except MemoryError:
        raise
    except Exception as error:
        final = isinstance(error, MlflowException) and error.error_code in _FINAL
        raise _Failed(f"expected {expected}, found {type(error).__name__}: {error}", final=final) from error


def _download(uri: str, place: Path | None) -> Path:
    """Copy the files to a place of our own: MLflow adds a file, and a local store's files are not ours to change."""
    folder = mkdtemp(prefix="podium-model-", dir=place)
    return _own_files(
        Path(_translated(lambda: download_artifacts(artifact_uri=uri, dst_path=folder), "the model's files"))
    )


def _own_files(directory: Path) -> Path:
    """Return where the model's own files begin, whose paths are hashed.

    MLflow downloads a model that is named by its run (runs:/<run>/<name>) into a folder of that name, and the same
    model under its own name (models:/m-…) without it.
    """
    within = list(directory.iterdir()) if directory.is_dir() and not (directory / "MLmodel").exists() else []
    return within[0] if len(within) == 1 and (within[0] / "MLmodel").is_file() else directory


def _hashed(directory: Path, identity: Identity) -> Fetched:
    if not (directory / "MLmodel").is_file():
        raise _Failed(f"expected an MLflow model, found no MLmodel in {directory.name}", final=True)
    try:
        return Fetched(directory, replace(identity, digest=digest_of_directory(directory)))
    except LinkFound as link:
        message = f"{link} is a symbolic link; expected: only files, which can be pinned. Replace it by its target"
        raise _Failed(message, final=True) from link


def _version(reference: Reference, place: Path | None) -> Fetched:
    expected = reference.identity
    version = _translated(
        lambda: MlflowClient().get_model_version(expected.model, expected.version), "this version from the registry"
    )
    files = _download(_files(expected.model, expected.version), place)
    return _hashed(files, replace(expected, run_id=version.run_id or ""))


def _alias(reference: Reference, place: Path | None) -> Fetched:
    """Resolve the alias once, and from then on speak of the version only: an alias can move while we download."""
    name = reference.identity.model
    version = _translated(
        lambda: MlflowClient().get_model_version_by_alias(name, reference.alias), "this alias from the registry"
    )
    identity = Identity(name, str(version.version), run_id=version.run_id or "")
    return _hashed(_download(_files(name, identity.version), place), identity)


def _files(model: str, version: str) -> str:
    """Return where a version's files are: in MLflow's own models:/ URIs, a name ends at `@`, `?` and `#`."""
    if not {"@", "?", "#"} & set(model):
        return f"models:/{model}/{version}"
    return str(
        _translated(
            lambda: MlflowClient().get_model_version_download_uri(model, version), "the place of this version's files"
        )
    )


def _artifact(reference: Reference, place: Path | None) -> Fetched:
    return _hashed(_download(reference.text, place), reference.identity)


def _run(reference: Reference, place: Path | None) -> Fetched:
    return _model_of(_translated(lambda: MlflowClient().get_run(reference.text), "this run"), place)


def _run_name(reference: Reference, place: Path | None) -> Fetched:
    quoted = reference.text.replace("'", "\\'")
    condition = f"attributes.run_name = '{quoted}' and attributes.status = 'FINISHED'"
    client = MlflowClient()

    def newest() -> Any:
        experiments = [each.experiment_id for each in client.search_experiments(view_type=ViewType.ACTIVE_ONLY)]
        return client.search_runs(experiments, condition, max_results=1, order_by=["attributes.start_time DESC"])

    runs = _translated(newest, "runs from the tracking server")
    if not runs:
        raise _Failed(f"expected a finished run named {reference.text!r}, found none", final=True)
    return _model_of(runs[0], place)


def _model_of(run: Any, place: Path | None) -> Fetched:
    """Fetch the model that a run logged: MLflow 3 lists it among the run's outputs; before, it is an artifact."""
    run_id = run.info.run_id
    outputs = run.outputs.model_outputs if run.outputs is not None else []
    if len(outputs) > 1:
        found = ", ".join(f"models:/{each.model_id}" for each in outputs)
        raise _Failed(f"expected one model of run {run_id}, found {len(outputs)}; name one: {found}", final=True)
    uri = f"models:/{outputs[0].model_id}" if outputs else f"runs:/{run_id}/model"
    return _hashed(_download(uri, place), Identity(run.info.run_name or run_id, run_id, run_id=run_id))


def _local(reference: Reference, _: Path | None) -> Fetched:
    path = Path(reference.text)
    if path.is_dir():
        return _hashed(path, replace(reference.identity, version="local"))
    if path.is_file():
        return _pickle(path)
    raise _Failed("expected a directory or a pickle, found nothing there", final=True)


def _pickle(path: Path) -> Fetched:
    """The pickle itself: to read it is to run it, so its digest comes first."""
    return Fetched(path, Identity(path.stem, "local", digest=digest_of({path.name: sha256_of(path)})))


def model_folder(fetched: Fetched, place: Path | None = None) -> Path:
    """Return the folder of the MLflow model: what was fetched, or what is made of a pickled estimator in this place.

    Raises StartError: the pickle holds something else.
    """
    path = fetched.directory
    if path.is_dir():
        return path
    directory = Path(mkdtemp(prefix="podium-model-", dir=place), "model")
    try:
        with path.open("rb") as file:
            estimator = pickle.load(file)  # noqa: S301  whoever names a pickle trusts it, as MLflow's own models
        mlflow.sklearn.save_model(
            estimator, directory, pip_requirements=["scikit-learn"], serialization_format="cloudpickle"
        )
    except Exception as error:
        message = f"{path}: expected a pickled scikit-learn estimator, found {type(error).__name__}: {error}"
        raise StartError(Exit.NOT_LOADED, message) from error
    return directory


_FETCHERS: dict[Kind, Callable[[Reference, Path | None], Fetched]] = {
    Kind.VERSION: _version,
    Kind.ALIAS: _alias,
    Kind.ARTIFACT: _artifact,
    Kind.RUN: _run,
    Kind.RUN_NAME: _run_name,
    Kind.LOCAL: _local,
}
