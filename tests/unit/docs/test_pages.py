"""What the docs draw from code is current: reasons, commands, the picture, decisions, layers, rights."""

import re
import tomllib
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from docsite import reasons as pages
from docsite.__main__ import generated, stale
from podium.api.v1alpha1 import reasons
from tests.unit.docs.markdown import blocks
from tests.yaml_files import ROOT

REASONS = {value for name, value in vars(reasons).items() if name.isupper() and isinstance(value, str)}
BARS = re.compile(r"proof: [a-z]+")
DECISIONS = sorted(ROOT.glob("docs/decisions/[0-9]*.md"))


@pytest.mark.parametrize(("path", "made"), list(generated()), ids=lambda it: it.stem if isinstance(it, Path) else "")
def test_a_generated_page_is_current(path: Path, made: Callable[[], str]) -> None:
    assert path.exists(), f"{path} is missing; do: python -m docsite"
    assert path.read_text() == made(), f"{path.name} is not current; do: python -m docsite"


def test_every_reason_has_a_page_and_every_page_a_reason() -> None:
    assert set(pages.read()) == REASONS
    assert stale() == []


def test_what_a_condition_calls_the_page_of_a_reason_is_its_page() -> None:
    assert {reasons.page(reason) for reason in REASONS} == {
        str((pages.FOLDER / name).relative_to(ROOT)) for name in pages.pages() if name != "README.md"
    }


def test_every_reason_is_used() -> None:
    code = "\n".join(file.read_text() for file in ROOT.glob("operator/podium/**/*.py") if file.name != "reasons.py")
    unused = {name for name in vars(reasons) if name.isupper() and not re.search(rf"\b{name}\b", code)}
    assert unused == set()


@pytest.mark.parametrize("reason", sorted(REASONS))
def test_a_page_says_where_why_and_what_to_do(reason: str) -> None:
    for text in pages.read()[reason][1:]:
        assert text.strip(), f"{reason} has an empty field"


def test_a_reason_has_no_field_that_no_page_shows(tmp_path: Path) -> None:
    table = tmp_path / "reasons.yaml"
    table.write_text(
        yaml.safe_dump([{"group": "g", "reasons": {"X": {"where": "", "cause": "", "fix": "", "why": ""}}}])
    )
    with pytest.raises(TypeError, match="why"):
        pages.read(table)


def test_the_picture_can_be_read_by_a_browser() -> None:
    assert ET.parse(ROOT / "docs/podium-explain.svg").getroot().tag.endswith("svg")


# --- decisions --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("record", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_has_number_status_and_date_and_is_in_the_index(record: Path) -> None:
    text, number = record.read_text(), int(record.name[:4])
    title = re.match(rf"# {number}\. (.+)\n\nStatus: (accepted|superseded by \d+) · Date: (\d{{4}}-\d\d-\d\d)\n", text)
    assert title, f"{record.name} does not begin with its number, title, status and date"
    row = f"| {number} | [{title[1]}]({record.name}) | {title[2]} | {title[3]} |"
    assert row in (record.parent / "README.md").read_text()


def test_the_index_explains_every_number_that_is_missing() -> None:
    numbers = [int(record.name[:4]) for record in DECISIONS]
    assert len(numbers) == len(set(numbers))
    missing = set(range(1, max(numbers))) - set(numbers)
    explained = (ROOT / "docs/decisions/README.md").read_text().partition("No record")[2].partition(";")[0]
    assert missing == {int(number) for number in re.findall(r"\d+", explained)}


# --- layers -----------------------------------------------------------------------------------------------------------


def test_the_docs_show_the_layers_that_import_linter_holds() -> None:
    (shown,) = (block for block in blocks(ROOT / "docs/architecture.md") if block.language == "layers")
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (held,) = (contract["layers"] for contract in contracts if contract["name"] == "Imports go down only")
    assert shown.text.split("\n")[:-1] == held


def test_the_docs_name_every_part_of_the_package() -> None:
    text = (ROOT / "docs/architecture.md").read_text()
    parts = {path.name for path in (ROOT / "operator/podium").iterdir() if path.suffix in {"", ".py"}}
    for part in parts - {"__init__.py", "__pycache__", "py.typed"}:
        assert f"| `operator/podium/{part}` |" in text


def test_the_modules_of_the_decision_are_called_what_the_docs_call_them() -> None:
    """The table said `plan` and `routing`, which are `decide` and `weights`."""
    text = (ROOT / "docs/architecture.md").read_text().partition("## The decision")[2].partition("\n## ")[0]
    named = {name for row in re.findall(r"^\| (`.*?) \|", text, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)}
    there = {path.stem for path in (ROOT / "operator/podium/core").rglob("*") if path.suffix in {"", ".py"}}
    assert len(named) > 20
    assert named <= there


# --- words ------------------------------------------------------------------------------------------------------------


def test_the_page_about_explain_calls_the_bars_what_explain_calls_them() -> None:
    """It spoke of verdicts by names that they no longer had."""
    text = (ROOT / "docs/simulate-and-explain.md").read_text()
    shown = {found for block in blocks(ROOT / "docs/simulate-and-explain.md") for found in BARS.findall(block.text)}
    assert set(re.findall(rf"`({BARS.pattern})`", text)) == shown == {"proof: failed", "proof: passed"}


# --- rights -----------------------------------------------------------------------------------------------------------


def test_the_docs_list_the_rights_that_are_granted_and_no_others() -> None:
    assert _listed() == _granted()


def _granted() -> set[tuple[str, str, str, str]]:
    """Role, group, resource and verb."""
    objects = yaml.safe_load_all((ROOT / "manifests/rbac.yaml").read_text())
    return {
        (one["metadata"]["name"], group, resource, verb)
        for one in objects
        for rule in one.get("rules", [])
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def _listed() -> set[tuple[str, str, str, str]]:
    found = set()
    for part in re.split(r"\((?:Cluster)?Role (?=`)", (ROOT / "SECURITY.md").read_text())[1:]:
        role = re.match(r"`([\w-]+)`", part)
        assert role
        for group, resource, verbs in re.findall(r"^\| (\S+) \| `([\w/]+)` \| ([\w, ]+) \|", part, re.MULTILINE):
            name = "" if group == "core" else group.strip("`")
            found |= {(role[1], name, resource, verb) for verb in verbs.split(", ")}
    return found
