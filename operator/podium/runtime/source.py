"""Where a model comes from: a reference is resolved once to a version and its files."""

import logging
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import mkdtemp

from mlflow import MlflowClient
from mlflow.artifacts import download_artifacts
from mlflow.exceptions import MlflowException

from podium.runtime.exits import Exit, StartError
from podium.runtime.identity import Identity
from podium.runtime.reference import identity_from

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Fetched:
    """A model's files, on this disk, and whose they are."""

    directory: Path
    identity: Identity


def fetch(uri: str) -> Fetched:
    """Resolve the reference at the registry and download its files.

    Raises StartError: the registry does not answer, or does not know the version, or its files cannot be had.
    """
    identity = identity_from(uri)
    log.info("asking the registry for %s", uri)
    try:
        version = MlflowClient().get_model_version(identity.model, identity.version)
        directory = download_artifacts(artifact_uri=uri, dst_path=mkdtemp(prefix="podium-model-"))
    except (MlflowException, OSError) as error:
        reason = f"{uri}: wanted from the registry, found {type(error).__name__}: {error}"
        raise StartError(Exit.NOT_FETCHED, reason) from error
    return Fetched(Path(directory), replace(identity, run_id=version.run_id or ""))
