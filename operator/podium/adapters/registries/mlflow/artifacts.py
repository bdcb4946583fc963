"""The files of a model version, hashed one by one as bytes. None is opened as what it claims to be."""

import posixpath
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from urllib.parse import urlsplit

from mlflow import MlflowClient
from mlflow.entities import FileInfo
from mlflow.entities.model_registry import ModelVersion as Entry
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

from podium.adapters.registries.mlflow.faults import Target, asking
from podium.adapters.registries.mlflow.plain_text import plain, plain_uri
from podium.adapters.registries.mlflow.s3 import S3Files
from podium.adapters.registries.mlflow.streamed import Budget, content_of, sha256_of
from podium.adapters.registries.mlflow.versions import LOGGED_MODEL
from podium.api.v1alpha1 import reasons
from podium.core.digest import DEEPEST, MOST_FILES, digest_of, is_plain
from podium.errors import NotFound, Rejected
from podium.ports import RegistryLogin

_NOWHERE = frozenset({"", "file", "models", "runs"})  # paths on some disk, and names that only a registry resolves
_S3: Final = "s3"
_ASKED_WITH_A_LOGIN: Final = frozenset({"mlflow-artifacts", "http", "https"})
_RUN: Final = re.compile(r"runs:/+(?P<id>[0-9A-Za-z][\w-]{0,255})/(?P<path>.+)")


def digest_of_version(login: RegistryLogin, entry: Entry) -> str:
    """Download the version's files one after another and return their digest. Blocking: for use in a thread.

    Raises NotFound where there are none, Rejected where a name or a place is not to be trusted, or where they are more
    than a version may have, and Unavailable.
    """
    named = artifacts_named(entry)
    budget = Budget(named)
    advice = "Log and register the model again: its files are gone"
    target = Target(login, named, "spec.model.version", reasons.ARTIFACTS_MISSING, advice)
    with asking(target), TemporaryDirectory(prefix="podium-digest-") as scratch:
        repository = repository_of(login, entry, target)
        found = list(islice(_entries(repository, target, budget), MOST_FILES + 1))
        if len(found) > MOST_FILES:
            raise Rejected(
                f"{named} are too many files and folders; allowed: at most {MOST_FILES}", reason=reasons.REGISTRY_ERROR
            )
        files = {
            each.path: sha256_of(repository, each.path, each.file_size, Path(scratch), budget)
            for each in found
            if not each.is_dir
        }
    if not files:
        raise NotFound(f"{named} not found: there is not one file. {advice}", reason=reasons.ARTIFACTS_MISSING)
    return digest_of(files)


def small_file(login: RegistryLogin, entry: Entry, path: str, target: Target, largest: int) -> bytes:
    """Return what is in one file of the version. Blocking: for use in a thread, with the login of this call.

    Raises NotFound where it is not there, Rejected where it has more than so many bytes, and Unavailable.
    """
    with asking(target), TemporaryDirectory(prefix="podium-file-") as scratch:
        return content_of(repository_of(login, entry, target), path, Path(scratch), Budget(target.what, largest))


def keep_text(repository: Any, path: str, text: str) -> None:
    """Write a file of the repository. Blocking. Raises what the repository raises."""
    folder, name = posixpath.split(path)
    with TemporaryDirectory(prefix="podium-file-") as scratch:
        (written := Path(scratch, name)).write_text(text)
        repository.log_artifact(str(written), folder or None)


def artifacts_named(entry: Entry) -> str:
    """What messages call the version's files."""
    return f'the artifacts of version {plain(entry.version)} of registered model "{plain(entry.name)}"'


def safe_path(path: str, target: Target) -> str:
    """Return a relative path with slashes. Raises Rejected where it would lead out of the model's folder."""
    if not is_plain(path):
        raise Rejected(
            f'{target.what} hold a file named "{plain(path)}"; required: relative names without "..", backslashes and '
            "control characters. Log the model again under plain names",
            reason=reasons.REGISTRY_ERROR,
        )
    return path


def repository_of(login: RegistryLogin, entry: Entry, target: Target) -> Any:
    """The client of the store where the version's files are. Raises as `files_at`."""
    return files_at(login, _location(login, entry), target)


def files_at(login: RegistryLogin, location: str, target: Target) -> Any:
    """The client of the store that the location names.

    Raises Rejected where no other machine could read it, and where this login may not ask such a store.
    """
    scheme = urlsplit(location).scheme
    if scheme in _NOWHERE:
        raise Rejected(
            f"{target.what} are at {plain_uri(location)}, which only the registry's own machine can read. Start "
            "MLflow with --serve-artifacts or an object store, and log and register the model again",
            reason=reasons.ARTIFACTS_MISSING,
        )
    if scheme == _S3:
        return S3Files(login, location)
    if not login.ambient and scheme not in _ASKED_WITH_A_LOGIN:
        raise Rejected(
            f"{target.what} are at {plain_uri(location)}, whose client knows no login but that of the operator's own "
            "environment. Keep them in S3, or let the registry serve its artifacts itself (--serve-artifacts)",
            reason=reasons.REGISTRY_ERROR,
        )
    return get_artifact_repository(location, tracking_uri=login.uri, registry_uri=login.uri)


def _location(login: RegistryLogin, entry: Entry) -> str:
    """Where the files are, by a URI that no registry has to resolve: MLflow would ask its default one."""
    client = MlflowClient(tracking_uri=login.uri, registry_uri=login.uri)
    uri = str(client.get_model_version_download_uri(entry.name, entry.version))
    if found := LOGGED_MODEL.fullmatch(uri):
        uri = str(client.get_logged_model(found["id"]).artifact_location)
    elif found := _RUN.fullmatch(uri):
        uri = _of_run(client, found["id"], found["path"].strip("/"))
    return uri


def _of_run(client: MlflowClient, run_id: str, path: str) -> str:
    """The location of a model that is named by its run: MLflow 3 keeps it apart, MLflow 2 among the run's artifacts."""
    run = client.get_run(run_id)
    name = path.split("/", 1)[0]
    models = client.search_logged_models([run.info.experiment_id], filter_string=f"name = '{name}'") if name else []
    for model in models:
        if model.source_run_id == run_id and path == name:
            return str(model.artifact_location)
    return posixpath.join(str(run.info.artifact_uri), path)


def _entries(
    repository: Any, target: Target, budget: Budget, folder: str | None = None, depth: int = 0
) -> Iterator[FileInfo]:
    """All files and folders below the folder. A folder comes before it is asked for what is in it."""
    within = f"{folder}/" if folder else ""
    budget.take(0)  # folders in folders without a file cost time alone
    for found in repository.list_artifacts(folder):
        path = safe_path(found.path, target)
        if not path.startswith(within) or depth > DEEPEST:
            raise Rejected(
                f'{target.what} hold "{plain(path)}", which is not in its own folder or lies below {DEEPEST} folders',
                reason=reasons.REGISTRY_ERROR,
            )
        yield found
        if found.is_dir:
            yield from _entries(repository, target, budget, path, depth + 1)
