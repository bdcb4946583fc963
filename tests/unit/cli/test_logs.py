"""`podium logs` against an API server: whose pods, which lines, and what follows."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from podium.cli import pod_logs
from podium.cli.main import main
from tests.unit.cli.api_server import PODS, ApiServer
from tests.unit.cli.conftest import CHURN, saved


def podium(*words: str) -> Result:
    return CliRunner().invoke(main, ["logs", "churn", *words], env={"COLUMNS": "120"})


def pod(name: str, slot: str, version: str, **container: Any) -> dict[str, Any]:
    labels = {"podium.dev/deployment": "churn", "podium.dev/slot": slot, "podium.dev/version": version}
    state = {"name": "model", "state": {"running": {}}, **container}
    status = {"phase": "Running", "containerStatuses": [state]}
    return {"metadata": {"name": name, "uid": name, "labels": labels}, "status": status}


def at(second: int, text: str) -> str:
    return f"2026-01-05T09:00:{second:02d}.000000001Z {text}"


@pytest.fixture
def logged(cluster: ApiServer) -> ApiServer:
    """Two pods of each version in its slot, of which one each has logged."""
    cluster.put(f"{PODS}/churn-a-x", pod("churn-a-x", "a", "6"))
    cluster.put(f"{PODS}/churn-b-x", pod("churn-b-x", "b", "7"))
    cluster.log("churn-a-x", at(1, "champion is up"))
    cluster.log("churn-b-x", at(2, "challenger is up"), at(3, "answered 200"))
    return cluster


def test_all_pods_are_shown_each_line_after_its_pod_and_version(logged: ApiServer) -> None:
    result = podium()
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == [
        "churn-a-x (6) champion is up",
        "churn-b-x (7) challenger is up",
        "churn-b-x (7) answered 200",
    ]


@pytest.mark.parametrize(
    ("words", "version"),
    [(["--challenger"], "7"), (["--champion"], "6"), (["--version", "7"], "7"), (["--version", "6"], "6")],
)
def test_one_version_is_shown_by_its_role_or_number(logged: ApiServer, words: list[str], version: str) -> None:
    versions = {json.loads(line)["version"] for line in podium("--json", *words).stdout.splitlines()}
    assert versions == {version}


def test_in_a_soak_the_version_under_judgement_is_the_new_champion(logged: ApiServer) -> None:
    logged.put(CHURN, saved("watched"))
    slots = {json.loads(line)["slot"] for line in podium("--json", "--challenger").stdout.splitlines()}
    assert slots == {saved("watched")["status"]["champion"]["slot"]}


def test_what_is_asked_of_the_api_server_is_what_the_options_say(logged: ApiServer) -> None:
    podium("--champion", "--since", "5m", "--tail", "20", "--previous")
    query = next(each for each in reversed(logged.queries) if "tailLines" in each)
    assert set(query.split("&")) == {
        "container=model",
        "timestamps=true",
        "previous=true",
        "sinceSeconds=300",
        "tailLines=20",
    }


def test_a_pod_that_has_not_started_is_named_and_the_others_are_shown(logged: ApiServer) -> None:
    waiting = {"state": {"waiting": {"reason": "ImagePullBackOff"}}, "restartCount": 0}
    logged.put(f"{PODS}/churn-b-x", pod("churn-b-x", "b", "7", **waiting))
    result = podium()
    assert (result.exit_code, result.stdout) == (0, "churn-a-x (6) champion is up\n")
    assert result.stderr == "pod churn-b-x has no log yet: ImagePullBackOff\n"
    result = podium("--challenger")
    assert result.exit_code == 1
    assert "no log of challenger 7 could be read" in result.stderr


def test_a_log_that_is_refused_says_why_and_is_exit_code_1(logged: ApiServer) -> None:
    for name in ("churn-a-x", "churn-b-x"):
        logged.refused[f"{PODS}/{name}/log"] = (403, "cannot get resource pods/log")
    result = podium()
    assert result.exit_code == 1
    assert "pod churn-a-x: " in result.stderr
    assert "cannot get resource pods/log" in result.stderr


@pytest.mark.parametrize("words", [["--version", "9"], ["--challenger"]])
def test_a_version_without_pods_says_which_there_are(logged: ApiServer, words: list[str]) -> None:
    logged.put(CHURN, saved("settled"))
    result = podium(*words)
    assert result.exit_code == 1
    assert "expected" in result.output
    assert "do: podium get churn" in result.output


def test_contradicting_options_are_wrong_arguments(logged: ApiServer) -> None:
    assert podium("--version", "7", "--challenger").exit_code == 2
    assert podium("-f", "--previous").exit_code == 2
    assert podium("--since", "soon").exit_code == 2


def test_what_a_pod_logs_cannot_command_the_terminal(logged: ApiServer) -> None:
    logged.logs[f"{PODS}/churn-a-x/log"] = [at(1, "\x1b[31mred\x1b[0m\tand \x1b[2J\x07\u202e")]
    assert podium("--champion").stdout == "churn-a-x (6) red     and \ufffd[2J\ufffd\ufffd\n"


def test_a_followed_log_goes_on_with_lines_and_pods_that_come_later(
    logged: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[str] = []

    def told(text: str, **_: Any) -> None:
        with logged.changed:
            shown.append(click.unstyle(text))
            logged.changed.notify_all()

    def seen(line: str) -> None:
        with logged.changed:
            assert logged.changed.wait_for(lambda: line in shown, timeout=20), shown

    monkeypatch.setattr(pod_logs, "_PAUSE", 0.01)
    monkeypatch.setattr("podium.cli.screen.click.echo", told)
    with ThreadPoolExecutor(1) as pool:
        end = pool.submit(podium, "-f")
        seen("churn-b-x (7) answered 200")
        logged.log("churn-b-x", at(4, "answered 500"))
        seen("churn-b-x (7) answered 500")
        logged.log("churn-b-y", at(5, "also up"))
        logged.put(f"{PODS}/churn-b-y", pod("churn-b-y", "b", "7"))
        seen("churn-b-y (7) also up")
        logged.refused[CHURN] = (403, "gone wrong")
        logged.refused[f"{PODS}"] = (403, "pods are forbidden")
        logged.put(f"{PODS}/churn-b-z", pod("churn-b-z", "b", "7"))
        assert end.result(timeout=20).exit_code == 1
    assert [line for line in shown if "up" in line].count("churn-a-x (6) champion is up") == 1
