"""`podium explain` on saved objects. explained/*.txt is what people read; PODIUM_GOLDEN=write writes it anew."""

import json
import os
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from click.testing import CliRunner, Result

from podium.cli import live
from podium.cli.explanation_text import as_text
from podium.cli.main import main
from podium.cli.options import Place
from podium.cli.screen import Screen
from podium.core.status.explanation import Unexplained, explanation
from podium.errors import NotFound, Unavailable

EXPLAINED = Path(__file__).parent / "explained"
NAMES = sorted(path.stem for path in EXPLAINED.glob("*.yaml"))


def load(name: str) -> dict[str, Any]:
    value: dict[str, Any] = yaml.safe_load((EXPLAINED / f"{name}.yaml").read_text())
    return value


def explain(*words: str | Path, stdin: str = "", env: dict[str, str] | None = None) -> Result:
    return CliRunner().invoke(main, ["explain", *map(str, words)], input=stdin, env=env)


@pytest.mark.parametrize("name", NAMES)
def test_people_read_what_the_golden_files_say(name: str) -> None:
    golden = EXPLAINED / f"{name}.txt"
    result = explain("--file", EXPLAINED / f"{name}.yaml", env={"COLUMNS": "100"})
    assert result.exit_code == 0, result.output
    if os.environ.get("PODIUM_GOLDEN") == "write":
        golden.write_text(result.stdout)
    assert result.stdout == golden.read_text()


def test_the_docs_show_what_is_shown() -> None:
    docs = Path(__file__).parents[3] / "docs" / "simulate-and-explain.md"
    assert (EXPLAINED / "second_step.txt").read_text() in docs.read_text()


def test_programs_get_the_same_as_one_object() -> None:
    result = explain("--file", EXPLAINED / "canary.yaml", "--json")
    said = json.loads(result.stdout)
    (criterion,) = said["guards"][0]["criteria"]
    assert (said["phase"], said["champion"], said["challenger"]) == ("Canary", "6", "7")
    assert criterion["subject"] == {"version": "7", "answers": 1152, "bad": 10}
    assert (criterion["limit"], criterion["verdict"]) == (0.01, "Inconclusive")
    assert said["trial"]["weight_reached_at"] == "2026-01-05T09:01:02.500Z"


def test_json_is_read_as_kubectl_gives_it_and_so_is_a_list() -> None:
    value = load("watched")
    assert explain("--file", "-", stdin=json.dumps(value)).exit_code == 0
    other = {**value, "metadata": {"name": "fraud"}}
    both = json.dumps({"apiVersion": "v1", "kind": "List", "items": [value, other]})
    assert explain("fraud", "--file", "-", stdin=both).stdout.startswith("fraud: Soaking\n")
    assert "expected one ModelDeployment, found churn, fraud" in explain("--file", "-", stdin=both).output


def test_a_terminal_without_these_letters_gets_plain_ones() -> None:
    text = as_text(explanation(load("canary")), Screen(width=80, unicode=False))
    assert "#" in text
    assert "|" in text
    assert text.isascii()


def test_no_line_is_wider_than_the_terminal() -> None:
    for name in NAMES:
        lines = as_text(explanation(load(name)), Screen(width=80)).splitlines()
        assert max(len(line) for line in map(click.unstyle, lines) if "about" not in line) <= 80


def test_what_pods_wrote_cannot_command_the_terminal() -> None:
    value = load("rejected")
    value["status"]["message"] = "version 7: \x1b[2Jgone\x07"
    value["status"]["history"][0]["message"] = "\x1b]0;title\x07"
    text = explain("--file", "-", stdin=json.dumps(value)).stdout
    assert "gone" in text
    assert not any(letter in text for letter in "\x1b\x07")


def test_a_proof_shows_as_a_full_bar_and_a_wait_says_how_long() -> None:
    (guard,) = explanation(load("watched")).guards
    assert guard.verdict == "Passed"
    assert guard.criteria[0].towards_passed == 1.0
    waiting = explanation(load("second_step")).guards[0].criteria[0]
    assert waiting.more_answers > 0
    assert waiting.more_seconds == pytest.approx(waiting.more_answers * 23.25 / waiting.subject.answers, rel=0.05)


def test_a_guard_with_many_questions_shows_the_worst_and_counts_the_others() -> None:
    value = load("canary")
    drift = explanation(value).guards[2]
    assert len(drift.criteria) == 16
    text = as_text(explanation(value), Screen())
    assert "  the worst of 16 criteria (16 Passed); --json has them all" in text
    assert text.count("scores above") == 1


def test_a_guard_that_cannot_be_asked_yet_says_what_it_waits_for() -> None:
    value = load("canary")
    del value["status"]["trial"]["evidence"]["baselines"]
    text = as_text(explanation(value), Screen())
    assert "drift waits for the champion's baseline" in text


def test_a_gate_that_was_not_asked_yet_says_so() -> None:
    value = load("blocked")
    del value["status"]["gates"]
    assert {gate.state for gate in explanation(value).gates} == {"not checked yet"}
    assert [gate.state for gate in explanation(load("blocked")).gates] == ["Failed", "Passed"]


def test_an_object_that_has_no_status_yet_is_pending() -> None:
    value = load("canary")
    del value["status"]
    said = explanation(value)
    assert (said.phase, said.trial, said.guards) == ("Pending", None, [])


def test_what_cannot_be_explained_says_where() -> None:
    value = load("canary")
    value["status"]["trial"]["falseRollbackRate"] = "much"
    result = explain("--file", "-", stdin=json.dumps(value))
    assert result.exit_code == 1
    assert "status.trial.falseRollbackRate: " in result.output


@pytest.mark.parametrize("words", [[], ["churn", "--file", "x.yaml", "-n", "ml"], ["--nonsense"]])
def test_wrong_words_are_another_matter(words: list[str]) -> None:
    assert explain(*words).exit_code == 2


def test_a_file_that_is_not_there_or_no_yaml_is_told(tmp_path: Path) -> None:
    assert explain("--file", tmp_path / "missing.yaml").exit_code == 1
    result = explain("--file", "-", stdin="a: [1\n")
    assert result.exit_code == 1
    assert "-:2: not valid YAML for kubectl" in result.output


async def _found(name: str, place: Place) -> dict[str, Any]:
    assert (name, place) == ("churn", Place("ml", "laptop", "bob"))
    return load("settled")


def test_a_name_is_looked_up_in_the_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "model_deployment", _found)
    result = explain("churn", "-n", "ml", "--context", "laptop", "--as", "bob")
    assert result.stdout.startswith("churn in ml: Stable\n")


@pytest.mark.parametrize(
    ("error", "said"),
    [(NotFound("GET: 404"), "ModelDeployment churn was deleted"), (Unavailable("no route"), "could not read churn")],
)
def test_what_the_cluster_does_not_have_is_an_error(
    monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    async def fails(name: str, place: Place) -> dict[str, Any]:
        raise error

    monkeypatch.setattr(live, "model_deployment", fails)
    result = explain("churn")
    assert result.exit_code == 1
    assert said in result.output


def test_a_time_that_is_none_is_named() -> None:
    value = load("canary")
    value["metadata"]["creationTimestamp"] = "yesterday"
    with pytest.raises(Unexplained, match=r"metadata\.creationTimestamp: expected a time as in RFC 3339"):
        explanation(value)


def test_without_a_look_at_the_evidence_no_one_knows_how_long_the_answers_take() -> None:
    value = load("second_step")
    del value["status"]["trial"]["evidence"]["observedAt"]
    assert {criterion.more_seconds for guard in explanation(value).guards for criterion in guard.criteria} == {None}
