"""`podium schema`, and the files that are made with it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from podium.cli.main import main
from podium.cli.schema import FORMS
from tests.yaml_files import ROOT

MD = "ModelDeployment"
FILES = {
    ("crd", MD): ROOT / "crds/podium.dev_modeldeployments.yaml",
    ("crd", "Provider"): ROOT / "crds/podium.dev_providers.yaml",
    ("crd", "Alert"): ROOT / "crds/podium.dev_alerts.yaml",
    ("json", MD): ROOT / "schemas/modeldeployment.json",
    ("json", "Provider"): ROOT / "schemas/provider.json",
    ("json", "Alert"): ROOT / "schemas/alert.json",
    ("crd", "PodiumPolicy"): ROOT / "crds/podium.dev_podiumpolicies.yaml",
    ("json", "PodiumPolicy"): ROOT / "schemas/podiumpolicy.json",
    ("markdown", MD): ROOT / "docs/reference.md",
    ("admission", MD): ROOT / "manifests/admission/policy.yaml",
    ("events", MD): ROOT / "schemas/cloudevents.json",
}


@pytest.mark.parametrize(("form", "write"), FORMS.items(), ids=map("-".join, FORMS))
def test_the_file_in_the_repository_is_current(form: tuple[str, str], write: Callable[[], str]) -> None:
    file: Path = FILES[form]
    assert file.read_text() == write(), f"{file.name} is not what the models say; do: make crds"


def test_an_editors_schema_is_printed_unless_another_form_is_asked_for() -> None:
    assert CliRunner().invoke(main, ["schema"]).stdout == FILES["json", MD].read_text()
    assert CliRunner().invoke(main, ["schema", "crd"]).stdout == FILES["crd", MD].read_text()


def test_another_kind_can_be_named_where_a_form_is_about_one() -> None:
    asked = ["schema", "crd", "--kind", "Alert"]
    assert CliRunner().invoke(main, asked).stdout == FILES["crd", "Alert"].read_text()
    wrong = CliRunner().invoke(main, ["schema", "events", "--kind", "Alert"])
    assert wrong.exit_code == 2
    assert "events is about all kinds: leave out --kind" in wrong.output
