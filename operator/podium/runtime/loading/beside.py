"""What must hold before a second model is loaded beside one that serves, and what is left of one that goes."""

import sys
from pathlib import Path

from mlflow.exceptions import MlflowException
from mlflow.models import Model

from podium.runtime.exits import Exit, RestartNeeded, StartError
from podium.runtime.loading.artifact import files_below

CGROUP = Path("/sys/fs/cgroup")  # of the container, version 2
_OF_CODE = "code_model_"  # how MLflow calls the modules that it makes of models from code, each by a name of its own
_MIB = 2**20


def brings_code(directory: Path) -> bool:
    """Return whether the model was logged with Python code of its own (`code_paths`). Raises StartError: it is none."""
    try:
        flavors = Model.load(str(directory)).flavors
    except (MlflowException, OSError, ValueError, TypeError, KeyError) as error:
        reason = f"the model's MLmodel cannot be read: {type(error).__name__}: {error}"
        raise StartError(Exit.NOT_LOADED, reason) from error
    return any(flavor.get("code") for flavor in flavors.values())


def check_beside(directory: Path, *, code: bool, members: int = 0, cgroup: Path = CGROUP) -> None:
    """Check that a new process would be no better. `code` is whether this one, or the model that serves, brings code.
    `members` is how many processes load it as well, to predict.

    Modules stay imported: the new version would run with the former one's code, or fail only in the next pod.

    Raises RestartNeeded: it would.
    """
    if code:
        raise RestartNeeded("it, or the version that serves, brings Python code of its own (code_paths)")
    size, free = sum(file.stat().st_size for file in files_below(directory)) * (1 + members), _free(cgroup)
    if free is not None and size > free:
        raise RestartNeeded(f"its files have {size / _MIB:.0f} MiB, and the memory limit leaves {free / _MIB:.0f} MiB")


def _free(cgroup: Path) -> int | None:
    """Bytes that the container's limit leaves; None where there is no limit. Files that are cached make room."""
    try:
        limit = (cgroup / "memory.max").read_text().strip()
        used = int((cgroup / "memory.current").read_text())
        stat = dict(line.split(" ", 1) for line in (cgroup / "memory.stat").read_text().splitlines())
    except OSError:  # no cgroup of version 2, as on a laptop
        return None
    return None if limit == "max" else int(limit) - used + int(stat.get("inactive_file", 0))


def modules_of_code() -> frozenset[str]:
    """Names of the modules that MLflow has made of models from code."""
    return frozenset(name for name in sys.modules if name.startswith(_OF_CODE))


def forget(modules: frozenset[str]) -> None:
    """Drop modules of a model that goes, whose globals would keep it."""
    for name in modules:
        sys.modules.pop(name, None)
