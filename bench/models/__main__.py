"""Measures the commands, and prints one JSON object as the last line."""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from bench.models.server import MODEL, fill, mlflow

SLOWEST: Final = 2.0  # seconds that a command may take
COMMANDS: Final[Mapping[str, Sequence[str]]] = {
    "list": ("list", MODEL, "-m", "auc", "--max-results", "500"),
    "list models": ("list",),
    "search": ("search", MODEL, "metrics.auc > 0.1 and tags.team = 'team 3'", "-m", "auc"),
    "info": ("info", MODEL, "champion"),
    "compare": ("compare", MODEL, "champion", "1"),
    "tag": ("tag", MODEL, "1", "owner=bench"),
    "semver": ("semver", MODEL, "1"),
    "promote": ("promote", MODEL, "2", "validated"),
    "load-production": ("load-production", MODEL),
}


def main() -> None:
    """Fill a registry, then run each command some times as a process of its own."""
    options = argparse.ArgumentParser(prog="bench.models", description=__doc__)
    options.add_argument("--versions", type=int, default=500)
    options.add_argument("--rounds", type=int, default=5)
    chosen = options.parse_args()
    with TemporaryDirectory(prefix="bench-models-") as folder, mlflow(Path(folder)) as rest:
        fill(rest, chosen.versions)
        measured = {name: _measured(words, rest.uri, folder, chosen.rounds) for name, words in COMMANDS.items()}
    totals = {
        "versions": chosen.versions,
        "seconds": {name: seconds for name, (seconds, _) in measured.items()},
        "cpu_seconds": {name: cpu for name, (_, cpu) in measured.items()},
    }
    print(json.dumps(totals))
    raise SystemExit(0 if max(totals["seconds"].values()) <= SLOWEST else 1)


def _measured(words: Sequence[str], uri: str, folder: str, rounds: int) -> tuple[float, float]:
    """The median time of the command in seconds, and of its own CPU."""
    found = [_once(words, uri, folder) for _ in range(rounds)]
    return (
        round(statistics.median(seconds for seconds, _ in found), 2),
        round(statistics.median(cpu for _, cpu in found), 2),
    )


def _once(words: Sequence[str], uri: str, folder: str) -> tuple[float, float]:
    environment = os.environ | {"MLFLOW_TRACKING_URI": uri, "KUBECONFIG": f"{folder}/none"}
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = [sys.executable, "-m", "podium.cli.main", "models", *words]
    subprocess.run(command, env=environment, cwd=folder, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)
    return time.perf_counter() - began, cpu


if __name__ == "__main__":
    main()
