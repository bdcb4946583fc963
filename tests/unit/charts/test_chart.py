"""charts/podium is what `python -m charts` makes of manifests/ and the operator's settings."""

import json
import tomllib
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from jsonschema import Draft7Validator

from charts.__main__ import generated
from charts.source import CHART
from charts.template import Block, Inline, Lines, rendered
from charts.values import settings
from tests.yaml_files import ROOT

MADE: Final = dict(generated())
BY_HAND: Final = {CHART / "Chart.yaml", CHART / "templates/NOTES.txt"}
SCHEMA: Final = Draft7Validator(json.loads((CHART / "values.schema.json").read_text()))
INSTALLING: Final = (ROOT / "manifests/README.md").read_text()


@pytest.mark.parametrize("path", MADE, ids=lambda path: str(path.relative_to(CHART)))
def test_the_chart_is_current(path: Path) -> None:
    assert path.read_text() == MADE[path], "run `python -m charts`"


def test_the_chart_has_no_other_files() -> None:
    assert {path for path in CHART.rglob("*") if path.is_file()} == MADE.keys() | BY_HAND


def test_the_chart_has_the_projects_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert (chart["version"], chart["appVersion"]) == (version, version)


def test_the_default_values_fit_their_schema() -> None:
    SCHEMA.validate(yaml.safe_load((CHART / "values.yaml").read_text()))


@pytest.mark.parametrize(
    "values",
    [
        {"replica": 3},
        {"replicas": 0},
        {"registry": {"uri": "mlflow:5000"}},
        {"settings": {"PODIUM_REGISTRYPOLL": "30s"}},
        {"settings": {"PODIUM_REGISTRY_URI": "http://elsewhere"}},
        {"monitoring": True},
    ],
    ids=str,
)
def test_a_value_that_means_nothing_is_refused(values: Any) -> None:
    assert not SCHEMA.is_valid(values)


def test_every_setting_of_the_operator_can_be_a_value() -> None:
    assert {"PODIUM_REGISTRY_POLL", "PODIUM_WORKERS", "PODIUM_PROMETHEUS_URI"} <= set(settings())
    assert not [name for name in settings() if name.removeprefix("PODIUM") not in INSTALLING]


def test_an_objects_own_braces_stay_as_they_are() -> None:
    assert rendered({"summary": "of {{ $labels.name }}"}) == "summary: of {{ `{{` }} $labels.name }}\n"


def test_values_stand_where_the_object_has_them() -> None:
    found = {
        "replicas": Inline(".Values.n"),
        "list": [{"a": 1}, Lines("- b: {{ .Values.b }}")],
        "c": Block(".Values.c"),
    }
    assert rendered(found) == (
        "replicas: {{ .Values.n }}\nlist:\n- a: 1\n- b: {{ .Values.b }}\n"
        "{{- with .Values.c }}\nc:\n  {{- toYaml . | nindent 2 }}\n{{- end }}\n"
    )
