"""Each attack that SECURITY.md lists is a test that exists."""

import re

import pytest

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
