"""The verbs that steer, against an API server: what they write, what they refuse, and where Git owns the object."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from podium.cli.main import main
from tests.unit.cli.api_server import ApiServer
from tests.unit.cli.conftest import CHURN, saved

GATED = [{"name": "legal", "approval": {"by": ["alice", "bob"]}}]
HOSTILE = "\x1b[2Jgone\x07"
ARGO = {"annotations": {"argocd.argoproj.io/tracking-id": "shop:podium.dev/ModelDeployment:ml/churn"}}
OWNERS: list[tuple[dict[str, Any], str]] = [
    (ARGO, "Argo CD's application shop owns it"),
    (
        {"labels": {"app.kubernetes.io/instance": "shop"}, "managedFields": [{"manager": "argocd-controller"}]},
        "Argo CD's application shop owns it",
    ),
    ({"labels": {"argocd.argoproj.io/instance": "shop"}}, "Argo CD's application shop owns it"),
    (
        {
            "labels": {
                "kustomize.toolkit.fluxcd.io/name": "apps",
                "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
            }
        },
        "Flux's Kustomization flux-system/apps owns it",
    ),
    ({"labels": {"helm.toolkit.fluxcd.io/name": "shop"}}, "Flux's HelmRelease shop owns it"),
]
# each verb, a state in which it has something to do, and what it patches
VERBS: list[tuple[list[str], str, dict[str, Any]]] = [
    (["pause", "churn"], "second_step", {"paused": True}),
    (["resume", "churn"], "paused", {"paused": False}),
    (["approve", "churn", "--by", "alice"], "gated", {"approvals": [{"version": "7", "by": "alice"}]}),
    (["retry", "churn", "--reason", "store is back"], "rejected", {"rollout": {"retry": "store is back"}}),
    (["undo", "churn"], "second_step", {"model": {"version": "6"}}),
    (["undo", "churn", "--to", "5"], "settled", {"model": {"version": "5"}}),
    (["set", "version", "churn", "8"], "second_step", {"model": {"version": "8"}}),
    (["set", "alias", "churn", "prod"], "second_step", {"model": {"alias": "prod", "version": None}}),
]
EACH = pytest.mark.parametrize(("words", "state", "patch"), VERBS, ids=[" ".join(words) for words, _, _ in VERBS])


def podium(*words: str) -> Result:
    return CliRunner().invoke(main, list(words), env={"COLUMNS": "120"})


def state_of(name: str, **metadata: Any) -> dict[str, Any]:
    value = saved({"paused": "second_step", "gated": "blocked"}.get(name, name), **metadata)
    if name == "paused":
        value["spec"]["paused"] = True
    if name == "gated":
        value["spec"]["gates"] = GATED
    return value


@EACH
def test_a_verb_sets_its_field_on_what_it_has_read_and_says_what_follows(
    cluster: ApiServer, words: list[str], state: str, patch: dict[str, Any]
) -> None:
    cluster.put(CHURN, state_of(state))
    version = cluster.kept[CHURN]["metadata"]["resourceVersion"]
    result = podium(*words, "--as", "bob")
    assert result.exit_code == 0, result.output
    assert cluster.patches == [(CHURN, {"metadata": {"resourceVersion": version}, "spec": patch})]
    assert set(cluster.users) == {"bob"}
    assert len(result.stdout.splitlines()) == 2


@EACH
def test_a_verb_says_the_same_as_json(cluster: ApiServer, words: list[str], state: str, patch: dict[str, Any]) -> None:
    cluster.put(CHURN, state_of(state))
    done = json.loads(podium(*words, "--json").stdout)
    assert (done["written"], done["patch"], done["name"]) == ("cluster", patch, "churn")


@EACH
def test_what_another_client_wrote_meanwhile_is_read_first(
    cluster: ApiServer, words: list[str], state: str, patch: dict[str, Any]
) -> None:
    cluster.put(CHURN, state_of(state))
    cluster.races = 3
    assert podium(*words).exit_code == 0
    assert [each["spec"] for _, each in cluster.patches] == [patch]
    assert cluster.reads[CHURN] == 4


@pytest.mark.parametrize("owner", OWNERS, ids=[said for _, said in OWNERS])
@EACH
def test_what_git_owns_is_not_written_but_shown_as_a_patch(
    cluster: ApiServer, words: list[str], state: str, patch: dict[str, Any], owner: tuple[dict[str, Any], str]
) -> None:
    metadata, said = owner
    cluster.put(CHURN, state_of(state, **metadata))
    result = podium(*words)
    assert result.exit_code == 1
    assert cluster.patches == []
    assert said in result.stderr
    assert "--git PATH" in result.stderr
    assert "within minutes" in result.stderr
    assert yaml.safe_load(result.stdout) == {"spec": patch}
    done = podium(*words, "--json")
    assert (done.exit_code, json.loads(done.stdout)["written"]) == (1, "nothing")


@EACH
def test_force_writes_and_says_that_git_will_put_it_back(
    cluster: ApiServer, words: list[str], state: str, patch: dict[str, Any]
) -> None:
    cluster.put(CHURN, state_of(state, **ARGO))
    result = podium(*words, "--force")
    assert result.exit_code == 0
    assert [each["spec"] for _, each in cluster.patches] == [patch]
    assert "Argo CD's application shop owns the object: what Git says of these fields comes back" in result.stdout


@pytest.mark.parametrize(
    "metadata",
    [
        {"labels": {"app.kubernetes.io/instance": "release", "app.kubernetes.io/managed-by": "Helm"}},
        {
            "labels": {"kustomize.toolkit.fluxcd.io/name": "apps"},
            "annotations": {"kustomize.toolkit.fluxcd.io/reconcile": "disabled"},
        },
        {
            "labels": {"kustomize.toolkit.fluxcd.io/name": "apps"},
            "annotations": {"kustomize.toolkit.fluxcd.io/ssa": "IfNotPresent"},
        },
    ],
)
def test_what_nothing_puts_back_is_written(cluster: ApiServer, metadata: dict[str, Any]) -> None:
    cluster.put(CHURN, saved("second_step", **metadata))
    assert podium("pause", "churn").exit_code == 0


@pytest.mark.parametrize(
    ("words", "state", "said"),
    [
        (["pause", "churn"], "paused", "nothing to do: churn is paused"),
        (["resume", "churn"], "second_step", "nothing to do: churn is not paused"),
        (["set", "version", "churn", "7"], "second_step", "nothing to do: churn names version 7"),
    ],
)
def test_what_is_so_already_is_not_written(cluster: ApiServer, words: list[str], state: str, said: str) -> None:
    cluster.put(CHURN, state_of(state))
    result = podium(*words)
    assert (result.exit_code, result.stdout) == (0, f"{said}\n")
    assert cluster.patches == []


@pytest.mark.parametrize(
    ("words", "state", "said"),
    [
        (["retry", "churn"], "settled", "expected a version that is rejected, blocked or held, found phase Stable"),
        (["approve", "churn", "--by", "alice"], "second_step", "no gate asks for an approval"),
        (["approve", "churn", "--by", "carol"], "gated", "expected an approval by alice or bob, found carol"),
        (["set", "version", "churn", "seven"], "second_step", "spec.model.version: "),
        (["set", "alias", "churn", "champion"], "second_step", "must differ from registry.aliases.champion"),
        (["retry", "churn", "--reason", "x" * 65], "rejected", "spec.rollout.retry: "),
    ],
)
def test_what_would_change_nothing_or_is_not_valid_is_refused(
    cluster: ApiServer, words: list[str], state: str, said: str
) -> None:
    cluster.put(CHURN, state_of(state))
    result = podium(*words)
    assert result.exit_code == 1
    assert said in result.output
    assert cluster.patches == []


def test_undo_returns_to_the_champion_before_where_the_named_version_serves(cluster: ApiServer) -> None:
    cluster.put(CHURN, saved("watched"))
    assert podium("undo", "churn").exit_code == 0
    assert cluster.patches[0][1]["spec"] == {"model": {"version": "6"}}


def test_what_follows_depends_on_what_is_known_of_the_version(cluster: ApiServer) -> None:
    for state, version, said in (
        ("second_step", "6", "all requests go to this champion"),
        ("settled", "6", "it was champion before"),
        ("settled", "9", "its gates are checked"),
    ):
        cluster.put(CHURN, saved(state))
        assert said in podium("set", "version", "churn", version).stdout
    rejected = saved("rejected")
    rejected["spec"]["model"]["version"] = "6"
    cluster.put(CHURN, rejected)
    assert "it stays rejected unless the spec has changed since" in podium("set", "version", "churn", "7").stdout


@EACH
def test_what_others_wrote_cannot_command_the_terminal(
    cluster: ApiServer, words: list[str], state: str, patch: dict[str, Any]
) -> None:
    value = state_of(state, labels={"argocd.argoproj.io/instance": HOSTILE})
    cluster.put(CHURN, value)
    for more in ([], ["--force"], ["--json"]):
        cluster.refused_writes[CHURN] = (422, HOSTILE)
        result = podium(*words, *more)
        assert result.exit_code == 1
        assert "gone" in result.output
        assert not any(letter in result.output for letter in "\x1b\x07")


# --- in a checkout ----------------------------------------------------------------------------------------------------

FILE = """\
# what the team serves
apiVersion: podium.dev/v1alpha1
kind: ModelDeployment
metadata: {name: churn}
spec:  # all of it
  # the version
  model:
    name: churn
    version: '7'   # since monday
  gates:
    - {name: legal, approval: {by: [alice]}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: churn}
data: {a: b}
"""


def git(folder: Path, *words: str) -> str:
    command = ["git", "-C", str(folder), *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "test")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "test@example.com")
    folder = tmp_path / "checkout"
    folder.mkdir()
    (folder / "churn.yaml").write_text(FILE)
    (folder / "chart.yaml").write_text("{{ if }}\n")
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "first")
    return folder


@pytest.mark.parametrize(
    ("words", "before", "after"),
    [
        (["pause", "churn"], "spec:  # all of it\n", "spec:  # all of it\n  paused: true\n"),
        (["set", "version", "churn", "8"], "'7'   # since", '"8"   # since'),
        (["set", "alias", "churn", "prod"], "version: '7'   # since", 'alias: "prod"   # since'),
        (["undo", "churn"], "'7'   # since", '"6"   # since'),
        (
            ["approve", "churn", "--by", "alice"],
            "all of it\n",
            'all of it\n  approvals:\n    - {version: "7", by: "alice"}\n',
        ),
    ],
)
def test_a_commit_changes_the_fields_place_and_no_other_letter(
    cluster: ApiServer, checkout: Path, words: list[str], before: str, after: str
) -> None:
    cluster.put(CHURN, state_of("second_step", **ARGO))
    result = podium(*words, "--git", str(checkout))
    assert result.exit_code == 0, result.output
    assert cluster.patches == []
    assert (checkout / "churn.yaml").read_text() == FILE.replace(before, after)
    assert git(checkout, "status", "--porcelain") == ""
    assert git(checkout, "log", "--format=%s").splitlines()[1:] == ["first"]
    assert "not pushed yet; once Argo CD's application shop has it" in result.stdout


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (FILE.replace("version: '7'", "version: &v '7'"), "has an anchor, an alias or a tag"),
        (FILE.replace("'7'   # since monday", "|-\n      7"), "neither plain nor quoted"),
        (FILE.replace("name: churn}\nspec", "name: fraud}\nspec"), "expected one ModelDeployment churn"),
        (FILE + "---\n" + FILE, "expected one ModelDeployment churn"),
    ],
)
def test_a_file_that_is_not_certain_is_left_alone(cluster: ApiServer, checkout: Path, text: str, said: str) -> None:
    (checkout / "churn.yaml").write_text(text)
    git(checkout, "commit", "--quiet", "-am", "second")
    result = podium("set", "version", "churn", "8", "--git", str(checkout))
    assert result.exit_code == 1
    assert said in result.output
    assert (checkout / "churn.yaml").read_text() == text


def test_changes_that_are_not_committed_are_no_part_of_the_commit(cluster: ApiServer, checkout: Path) -> None:
    (checkout / "churn.yaml").write_text(FILE + "# mine\n")
    result = podium("pause", "churn", "--git", str(checkout))
    assert result.exit_code == 1
    assert "it has changes that are not committed" in result.output
    assert (checkout / "churn.yaml").read_text() == FILE + "# mine\n"


def test_a_commit_that_a_hook_refuses_leaves_the_file_as_it_was(cluster: ApiServer, checkout: Path) -> None:
    hook = checkout / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho not on friday >&2\nexit 1\n")
    hook.chmod(0o755)
    result = podium("pause", "churn", "--git", str(checkout))
    assert result.exit_code == 1
    assert "not on friday" in result.output
    assert (checkout / "churn.yaml").read_text() == FILE


def test_a_folder_that_is_no_checkout_is_told(cluster: ApiServer, tmp_path: Path) -> None:
    (tmp_path / "churn.yaml").write_text(FILE)
    result = podium("pause", "churn", "--git", str(tmp_path / "churn.yaml"))
    assert result.exit_code == 1
    assert "git ls-files failed" in result.output
    assert podium("pause", "churn", "--git", str(tmp_path), "--force").exit_code == 2
