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
LET_IN = {"rollout": {"abort": None}}
SKIPS = {"version": "7", "model": "churn", "trialStartedAt": "2026-01-05T09:00:33.750Z", "by": "alice"}
AT_ONCE = {"version": "6", "model": "churn", "full": True, "by": "alice"}
# each verb, a state in which it has something to do, and what it patches
VERBS: list[tuple[list[str], str, dict[str, Any]]] = [
    (["pause", "churn"], "second_step", {"paused": True}),
    (["resume", "churn"], "paused", {"paused": False}),
    (["approve", "churn", "--by", "alice"], "gated", {"approvals": [{"version": "7", "by": "alice"}]}),
    (["retry", "churn", "--reason", "store is back"], "rejected", {"rollout": {"retry": "store is back"}}),
    (["retry", "churn", "--reason", "mended"], "aborted", {"rollout": {"retry": "mended", "abort": None}}),
    (["abort", "churn"], "second_step", {"rollout": {"abort": {"version": "7", "model": "churn", "by": "alice"}}}),
    (["abort", "churn"], "watched", {"rollout": {"abort": {"version": "7", "model": "churn", "by": "alice"}}}),
    (
        ["abort", "churn", "--version", "8", "--by", "bob", "--reason", "wrong prices"],
        "aborted",
        {"rollout": {"abort": {"version": "8", "by": "bob", "reason": "wrong prices", "model": "churn"}}},
    ),
    (
        ["promote", "churn", "--reason", "seen enough"],
        "second_step",
        {"rollout": {"promote": {**SKIPS, "skipSteps": 2, "reason": "seen enough"}}},
    ),
    (["promote", "churn"], "paused", {"paused": False}),
    (["promote", "churn"], "previewed", {"rollout": {"promote": {**SKIPS, "skipSteps": 0}}}),
    (["promote", "churn", "--full"], "paused", {"rollout": {"promote": {**SKIPS, "full": True}}, "paused": False}),
    (["rollback", "churn"], "settled", {"model": {"version": "6"}}),
    (
        ["rollback", "churn", "--now", "--reason", "wrong orders"],
        "third on trial",
        {
            "model": {"version": "6"},
            "rollout": {"abort": None, "promote": {**AT_ONCE, "reason": "wrong orders", "trialStartedAt": None}},
            "paused": False,
        },
    ),
    (["rollback", "churn", "--now"], "named before", {"rollout": {"promote": AT_ONCE}}),
    (["set", "version", "churn", "7"], "aborted by alias", {"model": {"version": "7", "alias": None}, **LET_IN}),
    (["undo", "churn"], "second_step", {"model": {"version": "6"}}),
    (["undo", "churn", "--to", "5"], "settled", {"model": {"version": "5"}}),
    (["set", "version", "churn", "8"], "second_step", {"model": {"version": "8"}}),
    (["set", "alias", "churn", "prod"], "second_step", {"model": {"alias": "prod", "version": None}}),
]
EACH = pytest.mark.parametrize(("words", "state", "patch"), VERBS, ids=[" ".join(words) for words, _, _ in VERBS])


def podium(*words: str) -> Result:
    return CliRunner().invoke(main, list(words), env={"COLUMNS": "120"})


FILES = {
    **dict.fromkeys(("paused", "aborted", "aborted by alias", "previewed", "starting"), "second_step"),
    "gated": "blocked",
    "third on trial": "settled",
    "named before": "settled",
}


def state_of(name: str, **metadata: Any) -> dict[str, Any]:
    value = saved(FILES.get(name, name), **metadata)
    spec, status = value["spec"], value["status"]
    rollout = spec.setdefault("rollout", {})
    if name in {"paused", "third on trial"}:
        spec["paused"] = True
    if name == "gated":
        spec["gates"] = GATED
    if name.startswith("aborted"):
        rollout["abort"] = {"version": "7", "by": "alice", "model": "churn"}
        status["phase"] = "Aborted"
        del status["challenger"]
    if name == "aborted by alias":
        spec["model"] = {"name": "churn", "alias": "next"}
    if name == "starting":
        status["phase"] = "Starting"
    if name == "previewed":
        spec["traffic"] = {"gateway": {"name": "public"}, "preview": {"header": "x-test"}}
        status["phase"] = "Starting"
    if name == "third on trial":
        spec["model"]["version"] = "8"
        rollout |= {
            "abort": {"version": "6"},
            "promote": {"version": "8", "full": True, "trialStartedAt": "2026-01-05T09:00:00Z"},
        }
    if name == "named before":
        spec["model"]["version"] = "6"
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
        (["abort", "churn"], "aborted", "nothing to do: version 7 of churn is aborted"),
        (["promote", "churn"], "watched", "nothing to do: version 7 of churn has passed all its steps"),
        (["rollback", "churn"], "named before", "nothing to do: churn names version 6"),
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
        (["retry", "churn"], "settled", "expected a version that is rejected, aborted, blocked or held, found phase"),
        (["promote", "churn"], "blocked", "expected a version whose gates have passed, found phase Blocked"),
        (["promote", "churn"], "settled", "expected a version on trial, found phase Stable"),
        (["promote", "churn"], "starting", "expected a version in a step, found one whose pods start"),
        (["rollback", "churn", "--now"], "second_step", "expected a champion before this one in status.history"),
        (["abort", "churn"], "settled", "expected a version on trial, found champion 7, which serves"),
        (["abort", "churn", "--version", "seven"], "second_step", "spec.rollout.abort.version: "),
        (["abort", "churn", "--reason", "two\nlines"], "second_step", "found U+000A; do: leave it out"),
        (["abort", "churn", "--by", "\x9b2J"], "second_step", "expected a by without control and direction"),
        (["promote", "churn", "--reason", "\x7f"], "second_step", "found U+007F"),
        (["rollback", "churn", "--reason", "\u202egnp"], "settled", "found U+202E"),
        (["retry", "churn", "--reason", "\x1b[2J"], "rejected", "found U+001B"),
        (["approve", "churn", "--by", "\u2066alice"], "gated", "found U+2066"),
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


@pytest.mark.parametrize(
    ("promoted", "before"),
    [("67", "6"), ("5676", "5"), ("56757", "5"), ("7", None)],
)
def test_a_second_rollback_goes_one_champion_further_back(
    cluster: ApiServer, promoted: str, before: str | None
) -> None:
    """And not forward again to the version from which the first one went away."""
    value = saved("settled")
    entry = value["status"]["history"][-1]
    value["status"]["history"] = [{**entry, "version": version} for version in promoted]
    value["status"]["champion"]["version"] = value["spec"]["model"]["version"] = promoted[-1]
    cluster.put(CHURN, value)
    result = podium("rollback", "churn")
    assert result.exit_code == (0 if before else 1)
    assert [each["spec"]["model"]["version"] for _, each in cluster.patches] == ([before] if before else [])


def test_what_was_said_already_is_not_said_again(cluster: ApiServer) -> None:
    for words, state in ((["promote", "churn"], "second_step"), (["rollback", "churn", "--now"], "named before")):
        cluster.put(CHURN, state_of(state))
        cluster.patches.clear()
        assert podium(*words).exit_code == 0
        again = podium(*words)
        assert again.stdout.startswith("nothing to do: "), again.output
        assert len(cluster.patches) == 1


def test_where_the_api_server_does_not_say_who_the_caller_is_the_field_says_no_one(cluster: ApiServer) -> None:
    cluster.user = ""
    assert podium("abort", "churn").exit_code == 0
    assert cluster.patches[0][1]["spec"] == {"rollout": {"abort": {"version": "7", "model": "churn"}}}


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
            ["abort", "churn", "--reason", "wrong prices"],
            "all of it\n",
            'all of it\n  rollout: {abort: {version: "7", model: "churn", by: "alice", reason: "wrong prices"}}\n',
        ),
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
