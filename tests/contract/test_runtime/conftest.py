"""Real models in a real MLflow store, and the real server as a process on loopback."""

import os
import re
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # MLflow warns of itself when it is imported
    import mlflow.pyfunc  # noqa: F401

ROOT = Path(__file__).parents[3]
START_DEADLINE = 120.0  # seconds; MLflow takes 2 to import on an idle machine, and 20 beside a build
END_DEADLINE = 5.0  # seconds


@dataclass
class Process:
    """A running server and where it listens."""

    popen: subprocess.Popen[bytes]
    log: Path
    termination_log: Path
    url: str = ""

    def wait_for(self, pattern: str, deadline: float = START_DEADLINE) -> re.Match[str]:
        until = time.monotonic() + deadline
        while time.monotonic() < until:
            if found := re.search(pattern, self.log.read_text()):
                return found
            if self.popen.poll() is not None:
                break
            time.sleep(0.02)
        pytest.fail(f"{pattern!r} is not in the log of a server that ended with {self.popen.poll()}:\n{self.text()}")

    def text(self) -> str:
        return self.log.read_text()

    def ready(self) -> "Process":
        self.url = self.wait_for(r"listening on (http://\S+)").group(1)
        self.wait_for("ready: model")
        return self

    def exit_code(self, deadline: float = START_DEADLINE) -> int:
        return self.popen.wait(deadline)


def _end(popen: subprocess.Popen[bytes]) -> None:
    """Politely, so that what the process covered of the code is written down; by force where it does not end."""
    popen.terminate()
    try:
        popen.wait(END_DEADLINE)
    except subprocess.TimeoutExpired:
        popen.kill()
        popen.wait()


@contextmanager
def server(folder: Path, store: str, *python: str, **settings: str) -> Iterator[Process]:
    """Start the server with these PODIUM_* settings, by these arguments of Python, and end it when the block does."""
    log, termination_log = folder / "server.log", folder / "termination.log"
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PODIUM_", "MLFLOW_"))}
    environ |= {
        "PYTHONPATH": str(ROOT / "operator"),
        "MLFLOW_TRACKING_URI": store,
        "PODIUM_HOST": "127.0.0.1",
        "PODIUM_PORT": "0",
        "PODIUM_DRAIN_SECONDS": "0",
        "PODIUM_TERMINATION_LOG": str(termination_log),
        **{f"PODIUM_{name}": value for name, value in settings.items()},
    }
    with log.open("wb") as out:
        popen = subprocess.Popen(
            [sys.executable, *(python or ("-m", "podium.runtime"))], env=environ, stderr=out, stdout=out, cwd=folder
        )
    try:
        yield Process(popen, log, termination_log)
    finally:
        _end(popen)


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An MLflow store with these models: see models.py. Filled by a process of its own, as users fill theirs."""
    folder = tmp_path_factory.mktemp("mlflow")
    uri = f"sqlite:///{folder}/mlflow.db"
    environ = {**os.environ, "MLFLOW_TRACKING_URI": uri, "MLFLOW_DISABLE_TELEMETRY": "true"}
    subprocess.run(
        [sys.executable, Path(__file__).with_name("models.py")], env=environ, cwd=folder, check=True, timeout=300
    )
    return uri


@pytest.fixture(scope="module")
def churn(store: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """A server of `models:/churn/1`, ready."""
    with server(tmp_path_factory.mktemp("churn"), store, MODEL_URI="models:/churn/1") as process:
        yield process.ready()


@pytest.fixture
def client(churn: Process) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=churn.url, timeout=30) as client:
        yield client
