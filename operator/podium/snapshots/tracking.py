"""MLflow's client, imported when it is used, and its errors in the words of those who keep snapshots."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, Final

from podium.errors import NotFound, PodiumError, Rejected

MISSING: Final = "snapshots need MLflow's client, and {name} is not installed. Do: pip install 'podium[runtime]'"
_OF_THIS_DIRECTORY: Final = ("sqlite:", "file:", "/", "./")


def mlflow() -> ModuleType:
    """MLflow. Raises Rejected where it is not installed, and where no tracking URI is set.

    Without one MLflow makes a database in the working directory, and what is written there is found by no one.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    try:
        import mlflow as module  # noqa: PLC0415  optional, and takes seconds
    except ModuleNotFoundError as missing:
        raise Rejected(MISSING.format(name=missing.name)) from missing
    if not module.tracking.is_tracking_uri_set() and str(module.get_tracking_uri()).startswith(_OF_THIS_DIRECTORY):
        raise Rejected(
            "no tracking URI is set; required: that of the MLflow server that keeps the snapshots. Set "
            "MLFLOW_TRACKING_URI, or call mlflow.set_tracking_uri (on the command line: --tracking-uri)"
        )
    return module  # type: ignore[no-any-return]


def client() -> Any:
    """MLflow's client for the process's tracking URI. Raises as `mlflow` does, and Rejected for a URI of no store."""
    module = mlflow()
    with doing("keep snapshots"):
        return module.MlflowClient()


@contextmanager
def doing(what: str, advice: str = "") -> Iterator[None]:
    """What MLflow raises within this block is raised as an error of Podium: what could not be done, where, and why.

    `what` continues "could not …"; `advice` is what to do where something is not there.
    """
    try:
        yield
    except PodiumError:
        raise
    except Exception as error:
        raise _translated(error, what, advice) from error


def _translated(error: Exception, what: str, advice: str) -> PodiumError:
    from podium.adapters.registries.mlflow.faults import fault_of  # noqa: PLC0415  imports MLflow
    from podium.adapters.registries.mlflow.plain_text import plain, plain_uri  # noqa: PLC0415

    fault, cause = fault_of(error)
    place = plain_uri(str(mlflow().get_tracking_uri()))
    hint = advice if issubclass(fault.error, NotFound) else "Check that it runs, and MLFLOW_TRACKING_URI"
    if issubclass(fault.error, Rejected):
        hint = ""
    found = plain(cause, longest=400).rstrip(".")
    return fault.error(f"could not {what} at {place}: {found}. {hint}".strip(), reason=fault.reason)
