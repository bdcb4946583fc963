"""`podium explain` against an API server: a small one of the test's own, which a kubeconfig leads to."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from podium.cli.main import main
from tests.unit.cli.api_server import NAMED, ApiServer
from tests.unit.cli.conftest import CHURN, saved


def explain(*words: str) -> Result:
    return CliRunner().invoke(main, ["explain", *words])


def test_the_object_is_read_with_the_kubeconfig_from_the_namespace_of_its_context(cluster: ApiServer) -> None:
    cluster.put(CHURN, saved("settled"))
    result = explain("churn")
    assert result.stdout.startswith("churn in ml: Stable\n"), result.output


VERBS_OF_ONE = {
    "abort": [],
    "approve": ["--by", "bob"],
    "drift": [],
    "events": [],
    "explain": [],
    "get": [],
    "history": [],
    "logs": [],
    "pause": [],
    "promote": [],
    "resume": [],
    "retry": [],
    "rollback": [],
    "set version": ["7"],
    "status": [],
    "undo": [],
}


def verb(name: str, deployment: str, *options: str) -> Result:
    return CliRunner().invoke(main, [*name.split(), deployment, *VERBS_OF_ONE[name], *options])


@pytest.mark.parametrize("name", VERBS_OF_ONE)
def test_each_verb_says_of_what_is_not_there_what_it_expected_and_found_and_what_to_do(
    name: str, cluster: ApiServer
) -> None:
    result = verb(name, "fraud")
    assert result.exit_code == (3 if name == "status" else 1)
    expected = (
        "ModelDeployment fraud not found in namespace ml: expected one of that name, found churn; do: podium list"
    )
    assert expected in result.output
    assert "/apis/" not in result.output


def test_every_verb_with_a_name_is_among_them() -> None:
    context = click.Context(main)
    offline = {"score", "serve"}  # they need more packages, and know no cluster
    commands = {verb: main.get_command(context, verb) for verb in main.list_commands(context) if verb not in offline}
    named = {verb for verb, command in commands.items() if command is not None and _has_name(command)}
    assert named == {name.split()[0] for name in VERBS_OF_ONE}


def _has_name(command: click.Command) -> bool:
    if isinstance(command, click.Group):
        return any(map(_has_name, command.commands.values()))
    return any(part.human_readable_name == "NAME" for part in command.params)


def test_another_namespace_can_be_named_and_what_is_not_there_is_told(server: ApiServer, kubeconfig: Path) -> None:
    server.refused["/apis/podium.dev/v1alpha1/namespaces/other/modeldeployments"] = (403, "may not list")
    result = explain("churn", "--namespace", "other")
    assert result.exit_code == 1
    assert "ModelDeployment churn not found in namespace other; do: podium list -A" in result.output
    assert "/apis/" not in result.output


def test_where_there_are_many_a_few_are_named(cluster: ApiServer) -> None:
    for each in range(9):
        cluster.put(f"{NAMED}/other-{each}", saved("settled", name=f"other-{each}"))
    result = explain("fraud")
    assert result.output.count("other-") == 4
    assert "other-3 …; do: " in result.output


def test_a_cluster_without_the_crd_says_so_of_a_name_too(cluster: ApiServer) -> None:
    cluster.refused[NAMED] = (404, "page not found")
    assert "the API server serves no ModelDeployments; do: install the CRD" in explain("fraud").output


def test_what_is_deleted_while_a_verb_is_at_work_is_told(cluster: ApiServer) -> None:
    cluster.refused_writes[CHURN] = (404, "gone")
    result = verb("pause", "churn")
    assert result.exit_code == 1
    assert "ModelDeployment churn was deleted before podium had done with it; do: podium list -A" in result.output


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
