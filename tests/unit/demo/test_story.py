"""The demo's other pure parts: the file in Git, the lines of kubectl, the questions of the story."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from demo import stage
from demo.repository import Repository, with_version
from demo.rollout import Seen, parse
from demo.screen import shares, traffic_line
from demo.story import Condition
from podium.api.v1alpha1.manifest import ModelDeploymentManifest

CHURN = (stage.HERE / "churn.yaml").read_text()


def test_the_file_in_git_is_a_model_deployment() -> None:
    assert ModelDeploymentManifest.model_validate(yaml.safe_load(CHURN)).spec.model.version == "1"


def test_the_clients_reach_the_service_that_the_file_asks_for() -> None:
    assert (
        ModelDeploymentManifest.model_validate(yaml.safe_load(CHURN)).spec.traffic.service.node_port == stage.MODEL_PORT
    )


def test_another_version_changes_one_line() -> None:
    changed = with_version(CHURN, "2")
    assert [line for line in changed.splitlines() if line not in CHURN.splitlines()] == ['    version: "2"']


@pytest.mark.parametrize("text", ["", CHURN + '\n    version: "1"\n'])
def test_a_file_without_one_line_for_the_version_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="exactly one line"):
        with_version(text, "2")


def test_a_commit_tells_what_it_changed(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "repository")
    repository.create()
    repository.commit(CHURN, "first")
    changed = repository.commit(with_version(CHURN, "2"), "second")
    assert changed == ['-    version: "1"', '+    version: "2"']


def test_a_line_of_kubectl_is_a_status() -> None:
    seen = parse('3 {"observedGeneration":3,"phase":"Canary","champion":{"version":"1"},"weight":{"desired":20}}\n')
    assert seen is not None
    assert (seen.current, seen.phase, seen.champion) == (True, "Canary", "1")
    assert seen.weight == "weight 20 (in force 0)"


@pytest.mark.parametrize("line", ["1 \n", "\n", "error: the server has gone\n"])
def test_a_line_without_a_status_tells_nothing(line: str) -> None:
    assert parse(line) is None


@pytest.mark.parametrize(
    ("status", "holds"),
    [
        ({}, True),
        ({"observedGeneration": 1}, False),
        ({"phase": "Soaking"}, False),
        ({"challenger": {"version": "3"}}, False),
        ({"champion": {"version": "1"}}, False),
        ({"conditions": []}, False),
    ],
)
def test_an_act_ends_when_the_status_for_this_generation_says_so(status: dict[str, Any], holds: bool) -> None:
    ready = {"type": "Ready", "status": "True", "reason": "Serving", "message": ""}
    usual = {"observedGeneration": 2, "phase": "Stable", "champion": {"version": "2"}, "conditions": [ready]}
    assert Condition("2", ready="True", settled=True)(Seen(2, usual | status)) is holds


def test_the_overlay_names_images_and_registry() -> None:
    made = stage.overlay({"operator": "localhost/podium-operator:abc", "runtime": "localhost/podium-runtime:def"})
    assert made["images"] == [{"name": "podium-operator", "newName": "localhost/podium-operator", "newTag": "abc"}]
    assert "localhost/podium-runtime:def" in json.dumps(made)


def test_traffic_is_told_by_version_with_its_errors() -> None:
    assert shares({"10": 1, "9": 3}) == "v9 75 %, v10 25 %"
    assert traffic_line(Counter({"2": 100}), Counter(), 2.0) == " 50/s: v2 100 %; errors: none"
    assert traffic_line(Counter({"3": 10}), Counter({"3": 4}), 2.0).endswith("errors: 4 by v3")
