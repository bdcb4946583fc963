"""`podium schema`, and the files that are made with it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from podium.cli.main import main
from podium.cli.schema import FORMS
from tests.yaml_files import ROOT

FILES = {
    "crd": ROOT / "crds/podium.dev_modeldeployments.yaml",
    "json": ROOT / "schemas/modeldeployment.json",
    "markdown": ROOT / "docs/reference.md",
}


@pytest.mark.parametrize(("form", "write"), FORMS.items(), ids=FORMS)
def test_the_file_in_the_repository_is_current(form: str, write: Callable[[], str]) -> None:
    file: Path = FILES[form]
    assert file.read_text() == write(), f"{file.name} is not what the models say; do: make crds"


def test_an_editors_schema_is_printed_unless_another_form_is_asked_for() -> None:
    assert CliRunner().invoke(main, ["schema"]).stdout == FILES["json"].read_text()
    assert CliRunner().invoke(main, ["schema", "crd"]).stdout == FILES["crd"].read_text()
