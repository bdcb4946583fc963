"""What is remembered of a cluster between two commands."""

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from testbed import places


@dataclass(frozen=True)
class State:
    """How a cluster was made; written only once it has been seen to work."""

    backend: str
    workers: int
    recipe: str

    def write(self, cluster: str) -> None:
        """Remember it."""
        places.write(folder(cluster) / "state.json", json.dumps(asdict(self)))


def read(cluster: str) -> State | None:
    """What is remembered of a cluster; None where there is nothing readable."""
    try:
        return State(**json.loads((folder(cluster) / "state.json").read_text()))
    except (FileNotFoundError, json.JSONDecodeError, TypeError):
        return None


def forget(cluster: str) -> None:
    """Forget a cluster."""
    shutil.rmtree(folder(cluster), ignore_errors=True)


def folder(cluster: str) -> Path:
    """The folder of a cluster's files."""
    return places.folder("clusters", cluster)
