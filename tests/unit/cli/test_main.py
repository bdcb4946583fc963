"""The command `podium`: its verbs, imported only when they are used."""

import subprocess
import sys
import tomllib

import click
import pytest
from click.testing import CliRunner

from podium.cli import main as module
from podium.cli.main import VERBS, main
from tests.yaml_files import ROOT


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_verb_is_there_and_can_explain_itself(verb: str) -> None:
    """In a process of its own: what a verb imports is its own matter, and MLflow warns of itself when imported."""
    command = [sys.executable, "-m", "podium.cli.main", verb, "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"Usage: python -m podium.cli.main {verb} ")


def test_the_help_lists_the_verbs_without_importing_them() -> None:
    code = (
        "import sys; from click.testing import CliRunner; from podium.cli.main import main;"
        "print(CliRunner().invoke(main, ['--help']).output);"
        "sys.exit(any(name in sys.modules for name in ['jsonschema', 'yaml', 'starlette', 'mlflow', 'kubernetes']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert all(verb in done.stdout for verb in VERBS)


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_jsonschema(name: str) -> None:
        raise ModuleNotFoundError(f"No module named 'jsonschema', wanted by {name}", name="jsonschema")

    monkeypatch.setattr(module, "import_module", no_jsonschema)
    result = CliRunner().invoke(main, ["validate", "x.yaml"])
    assert result.exit_code == 1
    assert "validate needs jsonschema, which is not installed. Do: pip install 'podium[cli]'" in result.output


def test_a_module_of_podium_that_is_missing_is_a_fault_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str) -> None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(module, "import_module", broken)
    assert isinstance(CliRunner().invoke(main, ["validate", "x.yaml"]).exception, ModuleNotFoundError)


def test_another_word_is_no_verb() -> None:
    result = CliRunner().invoke(main, ["valdate"])
    assert result.exit_code == 2
    assert isinstance(main, click.Group)


def test_kubectl_finds_the_command_as_its_plugin() -> None:
    """kubectl runs `kubectl-podium` for `kubectl podium`."""
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert scripts["kubectl-podium"] == scripts["podium"] == "podium.cli.main:main"
    code = "import sys; sys.argv[0] = 'kubectl-podium'; from podium.cli.main import main; main()"
    done = subprocess.run([sys.executable, "-c", code, "list", "--help"], capture_output=True, text=True, check=True)
    assert "kubectl-podium list" in done.stdout
