"""`podium explain` against an API server: a small one of the test's own, which a kubeconfig leads to."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from podium.cli.main import main
from tests.unit.cli.api_server import ApiServer
from tests.unit.cli.conftest import CHURN, saved


def explain(*words: str) -> Result:
    return CliRunner().invoke(main, ["explain", *words])


def test_the_object_is_read_with_the_kubeconfig_from_the_namespace_of_its_context(cluster: ApiServer) -> None:
    cluster.put(CHURN, saved("settled"))
    result = explain("churn")
    assert result.stdout.startswith("churn in ml: Stable\n"), result.output


def test_another_namespace_can_be_named_and_what_is_not_there_is_told(kubeconfig: Path) -> None:
    result = explain("churn", "--namespace", "other")
    assert result.exit_code == 1
    assert "ModelDeployment churn not found" in result.output
    assert "/namespaces/other/modeldeployments/churn" in result.output


def test_an_api_server_that_does_not_answer_is_told(kubeconfig: Path) -> None:
    kubeconfig.write_text(kubeconfig.read_text().replace("127.0.0.1", "127.0.0.2").replace("http:", "https:"))
    result = explain("churn")
    assert result.exit_code == 1
    assert "could not read churn" in result.output


def test_without_a_kubeconfig_it_says_what_to_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "missing"))
    result = explain("churn")
    assert result.exit_code == 1
    assert "set KUBECONFIG" in result.output


@pytest.mark.parametrize("text", ["", "hello\n", "a: [1\n"])
def test_a_file_that_is_no_kubeconfig_is_named(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty one ended in a traceback."""
    path = tmp_path / "kubeconfig"
    path.write_text(text)
    monkeypatch.setenv("KUBECONFIG", str(path))
    result = explain("churn")
    assert result.exit_code == 1
    assert f"could not read churn: {path} is no kubeconfig (" in result.output
    assert "do: set KUBECONFIG" in result.output
