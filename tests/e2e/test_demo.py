"""The demo plays as told: it exits with 0 only if every act did."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from testbed.cluster import Cluster
from tests.e2e.conftest import Mlflow, Operator

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]
ROOT = Path(__file__).parents[2]


def test_the_demo_plays_as_told(cluster: Cluster, mlflow: Mlflow, operator: Operator) -> None:
    played = subprocess.run([sys.executable, "-m", "demo"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert played.returncode == 0, played.stdout[-4000:] + played.stderr[-4000:]
    told = json.loads(played.stdout.strip().splitlines()[-1])
    assert told["champion"] == "2"
    assert told["rejected"] == ["3"]
    assert told["failed"] == told["failed_during_rollback"] == 0
    assert told["saved_by_champion"] > 0
