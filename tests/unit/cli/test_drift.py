"""`podium drift` against an API server: what pods have counted, beside the profile, as a table, JSON and a page."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from podium.cli.main import main
from tests.unit.cli.api_server import PODS, ApiServer

REFERENCE = {"age": ("number", [1000] * 10 + [0]), "plan": ("category", [6000, 3000, 1000, 0])}
USUAL = {"age": [100] * 10 + [0], "plan": [600, 300, 100, 0]}
OLDER = {"age": [40, 40, 70, 70, 100, 100, 130, 130, 160, 160, 0], "plan": [600, 300, 100, 0]}


def podium(*words: str) -> Result:
    return CliRunner().invoke(main, ["drift", "churn", *words], env={"COLUMNS": "120"})


def page(counts: dict[str, list[int]], profile: int = 1) -> list[str]:
    lines = [f'podium_drift_profile{{model="churn"}} {profile}']
    for name, (kind, bins) in REFERENCE.items():
        for family, of in (("podium_drift_reference_rows", bins), ("podium_drift_rows_total", counts.get(name, []))):
            labels = f'feature="{name}",kind="{kind}"'
            lines += [f'{family}{{{labels},bin="{place}"}} {count}' for place, count in enumerate(of)]
    return lines


def counts(cluster: ApiServer, pod: str, slot: str, lines: list[str]) -> None:
    labels = {"podium.dev/deployment": "churn", "podium.dev/slot": slot, "podium.dev/version": "6"}
    value: dict[str, Any] = {"metadata": {"name": pod, "uid": pod, "labels": labels}}
    cluster.put(f"{PODS}/{pod}", value)
    cluster.logs[f"{PODS}/{pod}:8080/proxy/metrics/drift"] = lines


@pytest.fixture
def counted(cluster: ApiServer) -> ApiServer:
    """Two pods of the champion, of which one is asked by older people; and one of the challenger."""
    counts(cluster, "churn-a-x", "a", page(USUAL))
    counts(cluster, "churn-a-y", "a", page(OLDER))
    counts(cluster, "churn-b-x", "b", page(USUAL))
    return cluster


def test_the_counts_of_all_pods_of_the_champion_stand_beside_the_profile(counted: ApiServer) -> None:
    result = podium()
    assert result.exit_code == 0, result.output
    first, head, age, plan = result.stdout.splitlines()
    assert first == "version 6, 2 pods, since they started"
    assert head.split() == ["FEATURE", "ROWS", "PSI", "LARGEST", "CHANGE", "VERDICT"]
    assert age.split() == ["age", "2,000", "0.046", "part", "1", "of", "10:", "10.0%", "->", "7.0%", "Drifted"]
    assert plan.split()[:2] == ["plan", "2,000"]
    assert plan.split()[-1] == "-"


def test_the_challengers_pods_are_others(counted: ApiServer) -> None:
    found = sorted(json.loads(podium("--challenger", "--json").stdout), key=lambda one: str(one["name"]))
    assert [(one["name"], one["rows"], one["drifted"]) for one in found] == [
        ("age", 1000, False),
        ("plan", 1000, False),
    ]


def test_a_page_has_a_plot_for_each_feature(counted: ApiServer, tmp_path: Path) -> None:
    target = tmp_path / "drift.html"
    assert podium("--html", str(target)).exit_code == 0
    text = target.read_text()
    assert text.count("<svg") == 2
    assert "part 1 of 10: 10.0% in training, 7.0% now" in text
    assert "2,000 rows, drifted" in text


def test_a_page_without_a_folder_is_refused_before_any_pod_is_asked(counted: ApiServer) -> None:
    result = podium("--html", "/nowhere/drift.html")
    assert result.exit_code == 1
    assert "folder /nowhere not found" in result.output


def test_pods_that_count_nothing_say_what_to_do(cluster: ApiServer) -> None:
    result = podium()
    assert "expected a pod that counts drift, found none" in result.stderr
    counts(cluster, "churn-a-x", "a", [])
    del cluster.logs[f"{PODS}/churn-a-x:8080/proxy/metrics/drift"]
    result = podium()
    assert result.exit_code == 1
    assert "pod churn-a-x: it counts no drift; do: set PODIUM_DRIFT to 'on' in spec.serving.env" in result.stderr


def test_a_version_without_a_profile_says_what_to_do(cluster: ApiServer) -> None:
    counts(cluster, "churn-a-x", "a", ['podium_drift_profile{model="churn"} 0'])
    assert "has no training profile; do: log one with podium.profile.log" in podium().stderr


def test_pods_that_contradict_themselves_or_each_other_prove_nothing(counted: ApiServer) -> None:
    counts(counted, "churn-a-y", "a", ["podium_drift_rows_total{} 1"])
    result = podium("--json")
    assert "pod churn-a-y: its page of drift cannot be read" in result.stderr
    assert json.loads(result.stdout)[0]["rows"] == 1000
    other = [line.replace(" 1000", " 999") for line in page(USUAL)]
    counts(counted, "churn-a-y", "a", other)
    assert "its pods have profiles that differ" in podium().stderr
