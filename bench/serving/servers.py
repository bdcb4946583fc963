"""Servers as processes on loopback, and what they take of the machine."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

READY_SECONDS = 300.0
POLL_SECONDS = 0.02  # a start is measured to this
# One thread for numerics on both sides, as in a pod with one CPU.
SINGLE = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


@dataclass(frozen=True)
class Server:
    """A running server."""

    name: str
    url: str
    process: subprocess.Popen[bytes]

    def memory_mib(self) -> float:
        """Return the proportional set size of the process and its children."""
        return sum(_pss_kib(pid) for pid in _family(self.process.pid)) / 1024


def _family(root: int) -> list[int]:
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            pid, rest = stat.read_text().split(" ", 1)
        except OSError:  # it ended meanwhile
            continue
        parents[int(pid)] = int(rest.rpartition(")")[2].split()[1])
    found = [root]
    for each in found:
        found += [child for child, parent in parents.items() if parent == each]
    return found


def _pss_kib(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0


@contextmanager
def registry(folder: Path) -> Iterator[str]:
    """MLflow's tracking server on loopback, as pods have it: what serves a model loads no database of its own."""
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--artifacts-destination", f"{folder}/store"]
    with process("registry", command, f"http://127.0.0.1:{port}/health", {}, folder) as server:
        yield server.url


@contextmanager
def podium(model: str, store: str, folder: Path, **settings: str) -> Iterator[Server]:
    """Podium's model server with this model, as long as the block runs."""
    port = free_port()
    environ = {
        "PODIUM_MODEL_URI": f"models:/{model}/1",
        "PODIUM_HOST": "127.0.0.1",
        "PODIUM_PORT": str(port),
        "PODIUM_DRAIN_SECONDS": "0",
        "PYTHONPATH": str(Path(__file__).parents[2] / "operator"),
        "MLFLOW_TRACKING_URI": store,
        **{f"PODIUM_{name}": value for name, value in settings.items()},
    }
    command = [sys.executable, "-m", "podium.runtime"]
    with process("podium", command, f"http://127.0.0.1:{port}/readyz", environ, folder) as server:
        yield server


@contextmanager
def mlflow(model: str, store: str, folder: Path) -> Iterator[Server]:
    """MLflow's model server with this model, as long as the block runs."""
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", f"models:/{model}/1"]
    command += ["--env-manager", "local", "--host", "127.0.0.1", "--port", str(port)]
    environ = {"MLFLOW_TRACKING_URI": store, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    with process("mlflow", command, f"http://127.0.0.1:{port}/ping", environ, folder) as server:
        yield server


@contextmanager
def process(
    name: str, command: list[str], ready: str, environ: dict[str, str], folder: Path, *, asked: bytes | None = None
) -> Iterator[Server]:
    """Run a server that is ready when `ready` answers 200, to a GET or to a POST of what is `asked`."""
    environ = {**os.environ, **SINGLE, **environ}
    with (folder / f"{name}.log").open("ab") as log:
        started = subprocess.Popen(command, env=environ, stdout=log, stderr=log, cwd=folder, start_new_session=True)
    try:
        _wait(ready, started, folder / f"{name}.log", asked)
        yield Server(name, ready if asked is not None else ready.rpartition("/")[0], started)
    finally:
        os.killpg(started.pid, 15)
        try:
            started.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(started.pid, 9)
            started.wait()


def _wait(url: str, process: subprocess.Popen[bytes], log: Path, asked: bytes | None) -> None:
    request = urllib.request.Request(url, asked, {"content-type": "application/json"} if asked is not None else {})
    until = time.monotonic() + READY_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(POLL_SECONDS)
    raise SystemExit(f"{url}: expected 200 within {READY_SECONDS:g} s, found none; its log is {log}")


def free_port() -> int:
    """A port that is free now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
