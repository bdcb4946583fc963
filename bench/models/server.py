"""A real MLflow on loopback with one model of many versions."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final
from urllib.error import URLError
from urllib.request import urlopen

from podium.registry.rest import Login, Rest

MODEL: Final = "churn"
_UP: Final = 180.0  # seconds until it must answer
_METRICS: Final = 8  # of each run
_PARAMS: Final = 8
_TOGETHER: Final = 4
_MLMODEL: Final = b"""signature:
  inputs: '[{"type": "long", "name": "age", "required": true}]'
  outputs: '[{"type": "double", "name": "score", "required": true}]'
  params: null
"""


@contextmanager
def mlflow(folder: Path) -> Iterator[Rest]:
    """The server, with database and artifacts in the folder."""
    port = _free_port()
    command = [
        sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
        "--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--serve-artifacts",
        "--artifacts-destination", str(folder / "artifacts"),
    ]  # fmt: skip
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(
            command, env=os.environ | quiet, stdout=log, stderr=log, cwd=folder, start_new_session=True
        )
    try:
        _wait(f"http://127.0.0.1:{port}/health", server)
        yield Rest(f"http://127.0.0.1:{port}", Login(), 60)
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(_UP)


def fill(rest: Rest, versions: int) -> None:
    """Register the model with so many versions; the second but last is champion."""
    experiment = rest.post("experiments/create", "an experiment", {"name": MODEL})["experiment_id"]
    rest.post("registered-models/create", "a model", {"name": MODEL})
    with ThreadPoolExecutor(_TOGETHER) as pool:
        list(pool.map(partial(_version, rest, experiment), range(versions)))
    champion = {"name": MODEL, "alias": "champion", "version": str(max(versions - 1, 1))}
    rest.post("registered-models/alias", "an alias", champion)


def _version(rest: Rest, experiment: str, number: int) -> None:
    run = rest.post("runs/create", "a run", {"experiment_id": experiment})["run"]["info"]["run_id"]
    metrics = [{"key": f"metric{each}", "value": number + each, "timestamp": 1, "step": 0} for each in range(_METRICS)]
    metrics.append({"key": "auc", "value": number / 1000, "timestamp": 1, "step": 0})
    params = [{"key": f"param{each}", "value": str(number)} for each in range(_PARAMS)]
    rest.post("runs/log-batch", "a run", {"run_id": run, "metrics": metrics, "params": params})
    made = rest.post("logged-models", "a model", {"experiment_id": experiment, "name": "model", "source_run_id": run})
    info = made["model"]["info"]
    root = str(info["artifact_uri"]).partition(":/")[2]
    rest.put(f"/api/2.0/mlflow-artifacts/artifacts/{root}/MLmodel", "a file", _MLMODEL)
    source = {"source": f"models:/{info['model_id']}", "model_id": info["model_id"], "run_id": run}
    tags = [{"key": "team", "value": f"team {number % 5}"}]
    rest.post("model-versions/create", "a version", {"name": MODEL, "tags": tags, **source})


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(address: str, server: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + _UP
    while time.monotonic() < until and server.poll() is None:
        try:
            with urlopen(address, timeout=1):
                return
        except (URLError, OSError):
            time.sleep(0.1)
    raise SystemExit(f"MLflow did not answer within {_UP:g} s")
