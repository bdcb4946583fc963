"""The operator under measurement: `python -m podium.controller` as a process of its own."""

import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.scale.virtual import IMAGE

PACKAGE: Final = Path(__file__).parents[2] / "operator"
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_MIB: Final = 1024
_PATIENCE: Final = 120.0  # seconds: one that is busy with a thousand objects answers late


@dataclass(frozen=True)
class Subject:
    """A running operator."""

    process: "subprocess.Popen[bytes]"
    port: int
    log: Path

    def cpu(self) -> float:
        """Seconds of CPU that it has used, in all of its threads."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def memory(self) -> float:
        """Its resident memory in MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE)
        assert found is not None
        return int(found[1]) / _MIB

    def reconciles(self) -> float:
        """How many reconciles it has ended."""
        asked = f"http://127.0.0.1:{self.port}/metrics?name[]=controller_runtime_reconcile_total"  # all take a while
        with urllib.request.urlopen(asked, timeout=_PATIENCE) as answer:
            text = answer.read().decode()
        return sum(
            float(each) for each in re.findall(r"^controller_runtime_reconcile_total\{.*\} (\S+)", text, re.MULTILINE)
        )


@contextmanager
def operator(
    folder: Path, *, api: str, mlflow: str, port: int, namespace: str = "", python: Path = Path(sys.executable)
) -> Iterator[Subject]:
    """An operator that works on these two servers, in one namespace or in all. Its log stays in the folder."""
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "bench",
        "clusters": [{"name": "bench", "cluster": {"server": api}}],
        "users": [{"name": "bench", "user": {"token": "bench"}}],
        "contexts": [{"name": "bench", "context": {"cluster": "bench", "user": "bench"}}],
    }
    kubeconfig, log = folder / "kubeconfig.json", folder / "operator.log"
    kubeconfig.write_text(json.dumps(config))
    environment = os.environ | {
        "PYTHONPATH": str(PACKAGE),
        "KUBECONFIG": str(kubeconfig),
        "PODIUM_REGISTRY_URI": mlflow,
        "PODIUM_RUNTIME_IMAGE": IMAGE,
        "PODIUM_SCRAPE": "proxy",
        "PODIUM_HTTP_PORT": str(port),
        "PODIUM_LOG_LEVEL": "WARNING",
    }
    if namespace:
        environment |= {"PODIUM_NAMESPACE": namespace, "PODIUM_WATCH_NAMESPACES": namespace}
    with log.open("wb") as written:
        process = subprocess.Popen([python, "-m", "podium.controller"], env=environment, stdout=written, stderr=written)
    try:
        yield Subject(process, port, log)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
