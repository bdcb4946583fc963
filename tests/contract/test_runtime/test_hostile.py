"""A small run of the bench of hostile bodies and connections: `make bench-hostile` is the large one."""

import json
import os
import subprocess
import sys

from tests.contract.test_runtime.conftest import ROOT


def test_hostile_bodies_and_connections_bring_no_fault_of_the_server_and_no_late_probe() -> None:
    command = [sys.executable, "-W", "ignore", "-m", "bench.serving.hostile", "--bodies", "300", "--connections", "84"]
    environ = {**os.environ, "PYTHONPATH": f"{ROOT / 'operator'}:{ROOT}"}
    done = subprocess.run(command, env=environ, cwd=ROOT, capture_output=True, text=True, timeout=200, check=False)
    found = json.loads(done.stdout.splitlines()[-1])
    assert (found["faults"], found["kinds_of_faults"], found["healthz"]["failures"]) == (0, {}, 0)
    assert found["healthz"]["probes"] > 0
