"""`podium serve`: the same server by the command line, and nothing of it is lost at its end."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import mlflow
import pytest
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, Schema

from tests.contract.test_runtime.conftest import ROOT, START_DEADLINE
from tests.contract.test_runtime.scored import Answering

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow warns of itself


def test_the_prediction_log_is_whole_where_its_output_is_a_pipe(tmp_path: Path) -> None:
    """What stood in the buffer of the standard output was lost: three lines of three."""
    signature = ModelSignature(inputs=Schema([ColSpec(DataType.double, "x")]))
    model = Answering(lambda frame: [1.5] * len(frame))
    mlflow.pyfunc.save_model(tmp_path / "model", python_model=model, signature=signature, pip_requirements=[])
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PODIUM_", "PYTHONUNBUF"))}
    environ |= {"PYTHONPATH": f"{ROOT / 'operator'}:{ROOT}", "PODIUM_PREDICTION_LOG": "on", "PODIUM_DRAIN_SECONDS": "0"}
    command = [sys.executable, "-W", "ignore", "-m", "podium.cli.serve", str(tmp_path / "model"), "--port", "0"]
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        url = ""
        for line in process.stderr:
            url = found.group(1) if (found := re.search(r"listening on (http://\S+)", line)) else url
            if "ready: model" in line:
                break
        for _ in range(3):
            assert httpx.post(f"{url}/invocations", json={"inputs": {"x": [1.0]}}).status_code == 200
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=START_DEADLINE)
    assert process.returncode == 0
    assert [json.loads(line)["outcome"] for line in out.splitlines()] == ["ok"] * 3
