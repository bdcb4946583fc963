"""Completion by the shells themselves: verbs, options, files, and names from the cluster."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from podium.cli.main import VERBS, main
from tests.unit.cli.api_server import NAMED, ApiServer
from tests.unit.cli.conftest import CHURN, saved

GIVEN_UP = 60  # seconds that a shell may take: far more than the one that completion gives itself
RUN = "import sys; sys.argv[0] = 'podium'; from podium.cli.main import main; main()"
BASH = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(( $# - 1 ))
compopt() { echo "files"; }
_podium_completion podium
printf '%s\\n' "${COMPREPLY[@]}"
"""
ZSH = """
autoload -Uz compinit; compinit -u -d "$TMPDIR/zcompdump"
script=$1; shift
words=("$@"); CURRENT=$#
_describe() { print -rl -- "${(@)completions_with_descriptions%%:*}"; }
compadd() { print -rl -- "${(@)completions}"; }
_path_files() { print files; }
source "$script"
_podium_completion
"""


def needs(shell: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(shutil.which(shell) is None, reason=f"{shell} is not installed")


SHELLS = [pytest.param(shell, marks=needs(shell)) for shell in ("bash", "zsh", "fish")]


class Shell:
    """A shell that has sourced the script, with `podium` on its PATH."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind = kind
        self.folder = folder
        command = folder / "bin" / "podium"
        command.parent.mkdir()
        command.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{RUN}" "$@"\n')
        command.chmod(0o755)
        self.script = folder / f"podium.{kind}"
        self.script.write_text(CliRunner().invoke(main, ["completion", kind]).stdout)

    def completes(self, *words: str) -> list[str]:
        """What it offers for the last of the words."""
        asked = {
            "bash": ["bash", "--norc", "-c", BASH, "bash", str(self.script), *words],
            "zsh": ["zsh", "-f", "-c", ZSH, "zsh", str(self.script), *words],
            "fish": ["fish", "--no-config", "-c", f"source {self.script}; complete -C '{' '.join(words)}'"],
        }[self.kind]
        path = f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
        env = {**os.environ, "PATH": path, "TMPDIR": str(self.folder), "HOME": str(self.folder)}
        done = subprocess.run(
            asked, capture_output=True, text=True, env=env, check=True, cwd=self.folder, timeout=GIVEN_UP
        )
        assert done.stderr == ""
        return [line.partition("\t")[0] for line in done.stdout.splitlines() if line]


@pytest.fixture
def fleet(cluster: ApiServer) -> ApiServer:
    """ModelDeployments churn and chat in ml, and fraud in shop."""
    cluster.put(f"{NAMED}/chat", saved("settled", name="chat"))
    cluster.put(CHURN.replace("/ml/", "/shop/").replace("churn", "fraud"), saved("settled", name="fraud"))
    cluster.put("/api/v1/namespaces", {"items": [{"metadata": {"name": name}} for name in ("ml", "shop")]})
    return cluster


@pytest.fixture
def served(fleet: ApiServer) -> ApiServer:
    """Also the collection of the other namespace, which the test's server does not list by itself."""
    path = NAMED.replace("/ml/", "/shop/")
    fleet.put(path, {"items": [{"metadata": {"name": "fraud"}}]})
    return fleet


@pytest.mark.parametrize("kind", SHELLS)
def test_the_shell_itself_completes_verbs_names_namespaces_and_files(
    kind: str, served: ApiServer, tmp_path: Path
) -> None:
    shell = Shell(kind, tmp_path)
    assert set(shell.completes("podium", "re")) == {"resume", "retry"}
    assert set(shell.completes("podium", "get", "ch")) == {"chat", "churn"}
    assert shell.completes("podium", "get", "-n", "s") == ["shop"]
    assert shell.completes("podium", "get", "-n", "shop", "") == ["fraud"]
    assert shell.completes("podium", "pause", "--context", "t") == ["test"]
    assert shell.completes("podium", "completion", "f") == ["fish"]
    assert "--watch" in shell.completes("podium", "get", "--w")


@needs("bash")
def test_a_cluster_that_fails_is_silent(fleet: ApiServer, tmp_path: Path) -> None:
    fleet.refused[NAMED] = (403, "modeldeployments is forbidden")
    assert Shell("bash", tmp_path).completes("podium", "get", "ch") == []


def offered(*words: str) -> list[str]:
    class Plain(ShellComplete):
        name = "plain"
        source_template = ""

    *before, typed = words
    return [each.value for each in Plain(main, {}, "podium", "").get_completions(before, typed)]


def test_every_verb_with_a_name_completes_it(fleet: ApiServer) -> None:
    context = click.Context(main)
    ours = [name for name, verb in VERBS.items() if "runtime" not in verb.extra]
    verbs = [name for name in ours if _takes_name(main.get_command(context, name))]
    assert len(verbs) > 10
    for verb in [*verbs, "set version", "set alias"]:
        assert offered(*verb.split(), "chu") == ["churn"], verb


def _takes_name(command: click.Command | None) -> bool:
    return command is not None and any(
        isinstance(param, click.Argument) and param.name == "name" for param in command.params
    )


@pytest.fixture
def silent() -> Iterator[int]:
    """A port where connections are taken, and nothing is answered."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield int(listening.getsockname()[1])


@needs("bash")
def test_a_cluster_that_does_not_answer_is_given_up(
    fleet: ApiServer, kubeconfig: Path, silent: int, tmp_path: Path
) -> None:
    value = yaml.safe_load(kubeconfig.read_text())
    value["clusters"][0]["cluster"]["server"] = f"http://127.0.0.1:{silent}"
    kubeconfig.write_text(yaml.safe_dump(value))
    assert Shell("bash", tmp_path).completes("podium", "get", "ch") == []


@needs("bash")
def test_a_program_for_credentials_that_hangs_and_complains_is_given_up_and_is_silent(
    fleet: ApiServer, kubeconfig: Path, tmp_path: Path
) -> None:
    value = yaml.safe_load(kubeconfig.read_text())
    program = {"apiVersion": "client.authentication.k8s.io/v1", "command": "sh", "interactiveMode": "Never"}
    asked = tmp_path / "asked"
    script = f"echo $$ > {asked}; echo trouble >&2; exec sleep {2 * GIVEN_UP}"
    value["users"][0]["user"] = {"exec": {**program, "args": ["-c", script]}}
    kubeconfig.write_text(yaml.safe_dump(value))
    assert Shell("bash", tmp_path).completes("podium", "get", "ch") == []
    assert not Path("/proc", asked.read_text().strip()).exists(), "the program is left running"


def test_without_a_kubeconfig_nothing_is_offered(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    for words in (("get", ""), ("get", "-n", ""), ("get", "--context", "")):
        assert offered(*words) == []


def test_verbs_are_completed_without_importing_them() -> None:
    code = (
        "import sys; from click.shell_completion import ShellComplete; from podium.cli.main import main;"
        "found = ShellComplete(main, {}, 'podium', '').get_completions([], 'g');"
        "sys.exit([one.value for one in found] != ['get'] or 'kubernetes' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def kubectl(*words: str) -> list[str]:
    command = [sys.executable, "-m", "podium.cli.kubectl_complete", *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def test_kubectl_is_answered_in_its_own_form(fleet: ApiServer) -> None:
    assert kubectl("get", "ch") == ["chat", "churn", ":4"]
    assert kubectl("ge") == [f"get\t{VERBS['get'].help}", ":4"]
    assert kubectl("validate", "x")[-1] == ":0"
