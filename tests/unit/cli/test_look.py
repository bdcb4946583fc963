"""The verbs that look, against an API server: list, get, status, history, events."""

import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from click.testing import CliRunner, Result

from podium.cli import get as get_module
from podium.cli.main import main
from podium.cli.screen import Screen
from tests.unit.cli.api_server import ALL, EVENTS, NAMED, PODS, ApiServer
from tests.unit.cli.conftest import CHURN, EXPLAINED, saved

HOSTILE = "\x1b[2Jgone\x07\x9b\u202e"
COMMANDS = ("\x1b", "\x07", "\x9b", "\u202e")
LOOKS = (["list"], ["list", "-A"], ["get", "churn"], ["status", "churn"], ["history", "churn"], ["events", "churn"])


def podium(*words: str) -> Result:
    return CliRunner().invoke(main, list(words), env={"COLUMNS": "120"})


def pod(slot: str, version: str, *, ready: bool = True, **container: Any) -> dict[str, Any]:
    labels = {"podium.dev/deployment": "churn", "podium.dev/slot": slot, "podium.dev/version": version}
    conditions = [{"type": kind, "status": str(ready)} for kind in ("Ready", "ContainersReady")]
    status = {"phase": "Running", "conditions": conditions, "containerStatuses": [{"name": "model", **container}]}
    return {"metadata": {"name": f"churn-{slot}-x", "uid": slot, "labels": labels}, "status": status}


def event(at: str, message: str, uid: str = "1") -> dict[str, Any]:
    return {
        "metadata": {"name": f"churn.{at}.{uid}", "namespace": "ml"},
        "eventTime": at,
        "type": "Warning",
        "reason": "GuardFailed",
        "note": message,
        "reportingController": "podium.dev/operator",
        "regarding": {"kind": "ModelDeployment", "name": "churn", "uid": uid},
    }


def hostile(value: Any) -> Any:
    """The same, with every message of its status trying to command the terminal."""
    if isinstance(value, dict):
        return {key: HOSTILE if key in {"message", "note"} else hostile(part) for key, part in value.items()}
    return [hostile(one) for one in value] if isinstance(value, list) else value


# --- list -------------------------------------------------------------------------------------------------------------


def test_the_fleet_is_one_line_each_with_versions_phase_weight_guard_and_last_decision(cluster: ApiServer) -> None:
    cluster.put(f"{NAMED}/fraud", saved("rejected", name="fraud"))
    head, churn, fraud = podium("list").stdout.splitlines()
    assert head.split("  ")[0] == "NAME"
    assert churn.split()[:7] == ["churn", "6", "→", "7", "Canary", "50%", "errors"]
    assert "Promoted 6, " in churn
    assert fraud.split()[:4] == ["fraud", "6", "Rejected", "-"]
    assert "False" in fraud


def test_the_fleet_as_json_has_what_the_table_has(cluster: ApiServer) -> None:
    (row,) = json.loads(podium("list", "--json").stdout)
    assert (row["namespace"], row["name"], row["phase"], row["weight"]) == ("ml", "churn", "Canary", 50)
    assert row["nearest_guard"]["guard"] == "errors"
    assert (row["decision"], row["decided_version"], row["decided_at"]) == ("Promoted", "6", "2026-01-05T09:00:03Z")


def test_all_namespaces_are_another_list_with_a_column_more(cluster: ApiServer) -> None:
    cluster.put(CHURN.replace("/ml/", "/other/"), saved("settled", namespace="other"))
    lines = podium("list", "-A").stdout.splitlines()
    assert [line.split()[:2] for line in lines[1:]] == [["ml", "churn"], ["other", "churn"]]
    assert len(podium("list").stdout.splitlines()) == 2
    assert podium("list", "-A", "-n", "ml").exit_code == 2


def test_an_object_that_cannot_be_read_hides_no_other(cluster: ApiServer) -> None:
    broken = saved("settled", name="broken")
    broken["status"]["phase"] = "Dancing"
    cluster.put(f"{NAMED}/broken", broken)
    result = podium("list")
    assert result.exit_code == 0
    assert "ml/broken cannot be read: status.phase: " in result.stdout
    assert "\nchurn " in result.stdout
    assert "Dancing" not in json.loads(podium("list", "--json").stdout)[0]["phase"]


def test_a_fleet_of_none_says_so(server: ApiServer, kubeconfig: object) -> None:
    assert podium("list").stdout == "no ModelDeployments in this namespace; -A shows all\n"
    assert podium("list", "-A").stdout == "no ModelDeployments\n"
    assert json.loads(podium("list", "--json").stdout) == []


def test_a_cluster_without_the_crd_is_told(cluster: ApiServer) -> None:
    cluster.refused[NAMED] = (404, "page not found")
    result = podium("list")
    assert result.exit_code == 1
    assert "ModelDeployments not found (is the CRD installed?)" in result.output


# --- get --------------------------------------------------------------------------------------------------------------


def test_a_deployment_is_a_tree_of_versions_pods_steps_gates_and_guards(cluster: ApiServer) -> None:
    cluster.put(f"{PODS}/churn-a-x", pod("a", "6"))
    waiting = {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}
    cluster.put(f"{PODS}/churn-b-x", pod("b", "7", ready=False, state=waiting))
    lines = podium("get", "churn").stdout.splitlines()
    assert lines[0] == "churn in ml: Canary"
    assert "├─ champion 6  slot a, 50% of the traffic" in lines
    assert "│  └─ pod churn-a-x  version 6  ready" in lines
    assert "│  └─ pod churn-b-x  version 7  not ready: ImagePullBackOff: no such image" in lines
    assert "│  ├─ ✓  25% for 20s" in lines
    assert "│  └─ ▶  50% for 10m, since 2026-01-05T09:00:56.500Z" in lines
    assert "│  ├─ accurate  Passed: auc is 0.9" in lines
    assert any(line.startswith("   ├─ errors  Inconclusive  failed ····") for line in lines)


def test_people_read_the_tree_of_the_golden_file_and_of_the_docs(cluster: ApiServer) -> None:
    for slot, version in (("a", "6"), ("b", "7")):
        cluster.put(f"{PODS}/churn-{slot}-x", pod(slot, version))
    golden, shown = EXPLAINED / "second_step.tree", podium("get", "churn").stdout
    if os.environ.get("PODIUM_GOLDEN") == "write":
        golden.write_text(shown)
    assert shown == golden.read_text()


def test_a_pod_that_ended_says_how(cluster: ApiServer) -> None:
    ended = {"exitCode": 137, "reason": "OOMKilled", "finishedAt": "2026-01-05T09:00:00Z"}
    cluster.put(f"{PODS}/churn-b-x", pod("b", "7", ready=False, lastState={"terminated": ended}))
    assert "not ready: ended with exit code 137 (OOMKilled)" in podium("get", "churn").stdout


def test_a_tree_without_unicode_and_before_any_status_is_drawn_too(cluster: ApiServer, monkeypatch: Any) -> None:
    monkeypatch.setattr(Screen, "present", lambda: Screen(width=80, unicode=False))
    assert podium("get", "churn").stdout.isascii()
    cluster.update(CHURN, lambda it: it.pop("status"))
    assert podium("get", "churn").stdout.startswith("churn in ml: Pending\n  desired 7; Ready Unknown\n")


def test_pods_that_may_not_be_listed_hide_nothing_else(cluster: ApiServer) -> None:
    cluster.refused[PODS] = (403, "pods is forbidden")
    result = podium("get", "churn")
    assert result.exit_code == 0
    assert "the pods could not be read: " in result.stdout
    assert "pods is forbidden" in result.stdout
    assert "no pods" not in result.stdout


def test_programs_get_the_explanation_and_the_pods(cluster: ApiServer) -> None:
    cluster.put(f"{PODS}/churn-a-x", pod("a", "6"))
    found = json.loads(podium("get", "churn", "--json").stdout)
    assert (found["deployment"]["champion"], found["deployment"]["trial"]["ladder"][0]["weight"]) == ("6", 25)
    assert found["pods"] == [{"name": "churn-a-x", "slot": "a", "version": "6", "ready": True, "why": ""}]


def watched(cluster: ApiServer, acts: Callable[[], None], *words: str) -> Result:
    """`podium get churn -w`, while another client acts, and deletes the object in the end."""

    def other_client() -> None:
        cluster.read_times(PODS, 1)
        acts()
        cluster.delete(CHURN)

    with ThreadPoolExecutor() as others:
        acting = others.submit(other_client)
        result = podium("get", "churn", "-w", *words)
        acting.result()
    assert result.exit_code == 1
    assert "ModelDeployment churn was deleted" in result.output
    return result


def turned(cluster: ApiServer) -> None:
    cluster.put(CHURN, saved("watched"))
    cluster.shown(CHURN, "Soaking")


def test_each_change_is_one_line_where_there_is_no_terminal(cluster: ApiServer) -> None:
    lines = watched(cluster, lambda: turned(cluster)).stdout.splitlines()
    assert [line.split(" ", 1)[1].split(" Ready=")[0] for line in lines] == ["Canary 6 -> 7 50%", "Soaking 7"]


def test_each_change_is_one_json_object_for_programs(cluster: ApiServer) -> None:
    lines = watched(cluster, lambda: turned(cluster), "--json").stdout.splitlines()
    assert [json.loads(line)["deployment"]["phase"] for line in lines] == ["Canary", "Soaking"]


def test_each_change_is_drawn_again_on_a_terminal_and_pods_are_changes(cluster: ApiServer, monkeypatch: Any) -> None:
    monkeypatch.setattr(Screen, "present", lambda: Screen(terminal=True))

    def acts() -> None:
        cluster.put(f"{PODS}/churn-b-x", pod("b", "7"))
        cluster.shown(PODS, "churn-b-x")

    drawn = watched(cluster, acts).stdout.split(get_module._CLEAR)
    assert [part.splitlines()[0] for part in drawn[1:]] == ["churn in ml: Canary"] * 2
    assert "churn-b-x" not in drawn[1]
    assert "pod churn-b-x  version 7  ready" in drawn[2]


def test_what_is_not_there_is_not_watched(cluster: ApiServer) -> None:
    result = podium("get", "fraud", "-w")
    assert result.exit_code == 1
    assert "ModelDeployment fraud not found" in result.output


def test_a_watch_that_is_refused_is_told(cluster: ApiServer) -> None:
    cluster.refused[NAMED] = (403, "may not watch")
    result = podium("get", "churn", "-w")
    assert result.exit_code == 1
    assert "may not watch" in result.output


def test_a_watch_that_breaks_is_told_once_and_begun_again(cluster: ApiServer) -> None:
    cluster.refused[NAMED] = (503, "etcd is away")
    cluster.refused[PODS] = (403, "may not watch pods")

    def acts() -> None:
        cluster.read_times(NAMED, 2)
        del cluster.refused[NAMED]
        turned(cluster)

    result = watched(cluster, acts)
    assert result.stderr.count("lost the watch, trying again: ") == 1
    assert "etcd is away" in result.stderr


# --- status -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "code", "word"),
    [
        ("settled", 0, "stable"),
        ("watched", 0, "stable"),
        ("rejected", 1, "failed"),
        ("blocked", 1, "failed"),
        ("second_step", 2, "in progress"),
        ("degraded", 2, "in progress"),
    ],
)
def test_the_exit_code_says_where_it_stands(cluster: ApiServer, state: str, code: int, word: str) -> None:
    cluster.put(CHURN, saved(state))
    result = podium("status", "churn")
    assert result.exit_code == code
    assert result.stdout.startswith(f"{word}: ")
    found = podium("status", "churn", "--json")
    assert found.exit_code == code
    assert json.loads(found.stdout)["standing"] == word


def test_a_status_about_an_older_generation_is_no_end(cluster: ApiServer) -> None:
    for state in ("settled", "rejected"):
        cluster.put(CHURN, saved(state, generation=3))
        assert podium("status", "churn").exit_code == 2


def test_what_cannot_be_read_is_no_verdict_on_the_rollout(cluster: ApiServer) -> None:
    result = podium("status", "fraud")
    assert result.exit_code == 3
    assert "ModelDeployment fraud not found" in result.output
    cluster.refused[CHURN] = (403, "forbidden")
    assert podium("status", "churn", "--wait").exit_code == 3
    assert podium("status", "churn", "--timeout", "soon").exit_code == 2


@pytest.mark.parametrize(("end", "code"), [("settled", 0), ("rejected", 1)])
def test_waiting_ends_with_the_rollout(cluster: ApiServer, end: str, code: int) -> None:
    def other_client() -> None:
        cluster.read_times(CHURN, 1)
        cluster.put(CHURN, saved("canary", labels={"seen": "canary"}))
        cluster.shown(CHURN, "seen")
        cluster.put(CHURN, saved(end))

    with ThreadPoolExecutor() as others:
        acting = others.submit(other_client)
        result = podium("status", "churn", "--wait", "--timeout", "1m")
        acting.result()
    assert result.exit_code == code, result.output


def test_a_wait_ends_when_its_time_is_over(cluster: ApiServer) -> None:
    result = podium("status", "churn", "--wait", "--timeout", "100ms")
    assert result.exit_code == 2
    assert result.stdout.startswith("in progress after 100ms: Canary 6 -> 7 50% Ready=Unknown: step 2 of 2")
    assert json.loads(podium("status", "churn", "--wait", "--timeout", "50ms", "--json").stdout)["timed_out"] is True


# --- history, events --------------------------------------------------------------------------------------------------


def test_the_history_is_a_table_the_newest_first(cluster: ApiServer) -> None:
    cluster.put(CHURN, saved("rejected"))
    head, *rows = podium("history", "churn").stdout.splitlines()
    assert head.split() == ["AGO", "VERSION", "OUTCOME", "REASON", "ANSWERS", "BAD", "MESSAGE"]
    assert [row.split()[1:3] for row in rows] == [["7", "Rejected"], ["6", "Promoted"]]
    found = json.loads(podium("history", "churn", "--json").stdout)
    assert [(one["version"], one["outcome"], one["answers"]) for one in found] == [
        ("7", "Rejected", 269),
        ("6", "Promoted", 13),
    ]
    cluster.update(CHURN, lambda it: it["status"].pop("history"))
    assert podium("history", "churn").stdout == "no decisions yet\n"


def test_events_are_a_table_the_newest_last_and_of_this_object_alone(cluster: ApiServer) -> None:
    for number, (at, uid) in enumerate(
        (("2026-01-05T09:02:00Z", "1"), ("2026-01-05T09:01:00Z", "1"), ("2026-01-05T09:03:00Z", "0"))
    ):
        cluster.put(f"{EVENTS}/{number}", event(at, f"seen at {at}", uid))
    _, *rows = podium("events", "churn").stdout.splitlines()
    assert [row.rpartition(" ")[2] for row in rows] == ["2026-01-05T09:01:00Z", "2026-01-05T09:02:00Z"]
    assert "fieldSelector=regarding.kind=ModelDeployment,regarding.name=churn" in cluster.queries
    found = json.loads(podium("events", "churn", "--json").stdout)
    assert found[0] == {
        "at": "2026-01-05T09:01:00Z",
        "type": "Warning",
        "reason": "GuardFailed",
        "message": "seen at 2026-01-05T09:01:00Z",
        "reporter": "podium.dev/operator",
    }


def test_no_events_are_told(cluster: ApiServer) -> None:
    assert podium("events", "churn").stdout.startswith("no Events; ")


# --- what all of them share -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", LOOKS, ids=" ".join)
def test_the_caller_may_be_another_user_and_name_the_context(cluster: ApiServer, words: list[str]) -> None:
    assert podium(*words, "--as", "bob").exit_code == podium(*words).exit_code
    assert set(cluster.users) == {"bob", None}
    elsewhere = podium(*words, "--context", "bare")
    there = any(said in elsewhere.output for said in ("in namespace default", "/namespaces/default/"))
    assert there == ("-A" not in words)
    wrong = podium(*words, "--context", "nowhere")
    assert wrong.exit_code in {1, 3}
    assert "expected a context nowhere, found test, bare" in wrong.output


@pytest.mark.parametrize("words", LOOKS, ids=" ".join)
def test_what_others_wrote_cannot_command_the_terminal(cluster: ApiServer, words: list[str]) -> None:
    cluster.put(CHURN, hostile(saved("rejected")))
    cluster.put(f"{NAMED}/broken", {"metadata": {"name": HOSTILE, "namespace": "ml"}, "spec": {"model": HOSTILE}})
    cluster.put(f"{EVENTS}/1", hostile(event("2026-01-05T09:02:00Z", "")))
    cluster.put(f"{PODS}/churn-a-x", pod("a", HOSTILE, ready=False, state={"waiting": {"reason": HOSTILE}}))
    for more in ([], ["--json"]):
        output = podium(*words, *more).output
        assert "gone" in output
        assert not any(letter in output for letter in COMMANDS)


@pytest.mark.parametrize("words", LOOKS, ids=" ".join)
def test_what_the_api_server_says_cannot_command_it_either(cluster: ApiServer, words: list[str]) -> None:
    for path in (CHURN, NAMED, ALL):
        cluster.refused[path] = (403, HOSTILE)
    result = podium(*words)
    assert result.exit_code in {1, 3}
    assert "gone" in result.output
    assert not any(letter in result.output for letter in COMMANDS)
