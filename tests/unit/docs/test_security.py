"""Each attack that SECURITY.md lists is a test that exists."""

import re

import pytest
import yaml

from tests.yaml_files import ROOT

LISTED = re.findall(r"`(test_\w+)`", (ROOT / "SECURITY.md").read_text())
DEFINED = {
    name
    for file in (ROOT / "tests").rglob("test_*.py")
    for name in re.findall(r"^(?:async )?def (test_\w+)\(", file.read_text(), re.MULTILINE)
}


def test_there_are_twenty_attacks_at_least() -> None:
    assert len(set(LISTED)) >= 20


@pytest.mark.parametrize("name", LISTED)
def test_an_attack_that_is_listed_is_tried(name: str) -> None:
    assert name in DEFINED


def test_no_role_but_the_operators_may_write_a_status() -> None:
    files = (ROOT / "manifests").rglob("*.yaml")
    found = [one for file in files for one in yaml.safe_load_all(file.read_text()) if isinstance(one, dict)]
    roles = [one for one in found if one.get("kind") in {"Role", "ClusterRole"}]
    assert not [one for one in roles if any("aggregate-to" in label for label in one["metadata"].get("labels", {}))]
    writes = [
        one["metadata"]["name"]
        for one in roles
        for rule in one["rules"]
        if {"modeldeployments/status", "*"} & set(rule["resources"]) and {"update", "patch", "*"} & set(rule["verbs"])
    ]
    assert writes == ["podium-operator"]
