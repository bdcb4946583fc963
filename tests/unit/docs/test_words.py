"""No word of the first stage's dialect is left: in fields, enums and reasons, nor in any text. Decision 13 says why."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from podium.api.v1alpha1 import reasons
from tests.yaml_files import ROOT

FIELDS: Final = {
    *("hold", "onSilence", "patience", "warmUp", "watch", "failuresInARow", "alpha", "beta", "invalid", "scores"),
    *("counts", "route", "sticky", "cookie", "environment", "said", "asked", "inForce", "terms", "question", "idle"),
    *("judges", "memory", "marks"),
}
STILL: Final = "evidence.pods[].counts"  # what was counted of a pod: no guard
ENUMS: Final = {
    *("holds", "fails", "waits", "broken", "cannot tell", "hold", "proceed", "rollback", "immediate", "gradual"),
    *("Warming", "Watching", "Settled", "Withdrawn"),
}
REASONS: Final = {
    *("EnvironmentDegraded", "GuardBroken", "Silence", "WarmUpOverdue", "FailuresInARow", "Warmed", "WatchPassed"),
    *("Restored", "Withdrawn", "Settled", "Contested", "AliasContested", "NameTaken", "GatesWait", "FormerChampion"),
    *("NotAskedYet", "RouteUnfit", "RouteRefused", "AutoscalerRefused", "LoginRefused"),
}
TEXTS: Final = ("onSilence", "on_silence", "failuresInARow", "failures_in_a_row", "warmUp", "EnvironmentDegraded")
DIALECT: Final = re.compile(
    r"\b(nobody|somebody|anybody|everybody|anew)\b|\bGit wants\b|\b(is|are|was|were) wanted\b|wanted [^=\n]*, found ",
    re.IGNORECASE,
)
DIRECTORIES: Final = ("crds", "schemas", "examples", "tests/invalid")
ROOMS: Final = ("operator", "bench", "charts", "demo", "docsite", "testbed")
HISTORY: Final = {"CHANGELOG.md", "0013-the-fields-own-words.md", "test_words.py"}
SUFFIXES: Final = {".py", ".md", ".yaml", ".json", ".txt"}
THOUSANDS: Final = 20_000
FILES: Final = sorted(
    path
    for pattern in ("operator/**/*", "docs/**/*", "examples/**/*", "crds/*", "schemas/*", "tests/**/*", "*.md")
    for path in ROOT.glob(pattern)
    if path.suffix in SUFFIXES and path.name not in HISTORY
)


def schema_of(part: str) -> dict[str, Any]:
    crd = yaml.safe_load((ROOT / "crds/podium.dev_modeldeployments.yaml").read_text())
    found: dict[str, Any] = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"][part]
    return found


def walked(schema: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every field below, with its path."""
    yield path, schema
    for name, part in schema.get("properties", {}).items():
        yield from walked(part, f"{path}.{name}")
    if isinstance(schema.get("items"), dict):
        yield from walked(schema["items"], f"{path}[]")


@pytest.mark.parametrize("part", ["spec", "status"])
def test_no_field_and_no_enum_has_an_old_name(part: str) -> None:
    passed_through = ("spec.traffic.gateway", "spec.serving")  # the words of Kubernetes and of the Gateway API
    fields = [one for one in walked(schema_of(part), part) if not one[0].startswith(passed_through)]
    old = {path for path, _ in fields if path.rpartition(".")[2].removesuffix("[]") in FIELDS}
    assert {path for path in old if not path.endswith(STILL)} == set()
    assert {(path, value) for path, found in fields for value in found.get("enum", []) if value in ENUMS} == set()


def test_no_reason_has_an_old_name() -> None:
    assert {value for name, value in vars(reasons).items() if name.isupper()} & REASONS == set()


@pytest.mark.parametrize("term", TEXTS)
def test_no_text_has_an_old_name(term: str) -> None:
    word = re.compile(rf"(?<![A-Za-z]){term}(?![A-Za-z])")
    assert [str(path.relative_to(ROOT)) for path in FILES if word.search(_text(path))] == []


def test_no_message_and_no_description_is_in_the_old_dialect() -> None:
    """The actor has a name, and a message says expected and found."""
    held = [
        *(path for room in ROOMS for path in ROOT.glob(f"{room}/**/*.py")),
        *(path for directory in DIRECTORIES for path in ROOT.glob(f"{directory}/**/*.*")),
    ]
    lines = [(path, line.strip()) for path in held if path.suffix in SUFFIXES for line in _text(path).splitlines()]
    assert len(lines) > THOUSANDS
    assert [f"{path.relative_to(ROOT)}: {line}" for path, line in lines if DIALECT.search(line)] == []


def _text(path: Path) -> str:
    return path.read_text(errors="replace")
