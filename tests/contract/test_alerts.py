"""The alerts of manifests/monitoring, tried by Prometheus' own tool."""

import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.contract.metrics_worlds import prometheus_installed
from tests.yaml_files import ROOT

RULES: Final = yaml.safe_load((ROOT / "manifests/monitoring/rules.yaml").read_text())["spec"]
TRIED: Final = Path(__file__).parent / "alerts.yaml"


def promtool(folder: Path, *arguments: str) -> str:
    """What promtool says in this folder, with the rules and what tries them. Raises AssertionError where it fails."""
    (folder / "rules.yaml").write_text(yaml.safe_dump(RULES))
    (folder / TRIED.name).write_text(TRIED.read_text())
    done = subprocess.run(["promtool", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module", autouse=True)
def _installed() -> None:
    prometheus_installed()


def test_prometheus_reads_every_rule(tmp_path: Path) -> None:
    count = sum(len(group["rules"]) for group in RULES["groups"])
    assert f"{count} rules found" in promtool(tmp_path, "check", "rules", "rules.yaml")


def test_each_alert_fires_when_it_should_and_says_what_to_do(tmp_path: Path) -> None:
    promtool(tmp_path, "test", "rules", TRIED.name)


def test_every_alert_is_tried() -> None:
    tests: list[dict[str, Any]] = yaml.safe_load(TRIED.read_text())["tests"]
    fired = {one["alertname"] for test in tests for one in test["alert_rule_test"] if one.get("exp_alerts")}
    assert fired == {rule["alert"] for group in RULES["groups"] for rule in group["rules"]}
