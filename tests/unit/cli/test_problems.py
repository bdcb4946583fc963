"""What is wrong with an object, said as a person would say it."""

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from podium.api.v1alpha1.schema.jsonschema import everywhere, json_schema
from podium.cli.documents import read_documents
from podium.cli.problems import WANTED, problems
from tests.yaml_files import EXAMPLES, INVALID, refused, title

GOOD = {
    "apiVersion": "podium.dev/v1alpha1",
    "kind": "ModelDeployment",
    "metadata": {"name": "churn"},
    "spec": {"model": {"name": "churn", "version": "7"}},
}


def with_spec(**spec: Any) -> dict[str, Any]:
    return GOOD | {"spec": GOOD["spec"] | spec}  # type: ignore[operator]


def said(value: Any) -> dict[str, str]:
    return {problem.field: problem.message for problem in problems(value)}


@pytest.mark.parametrize("file", EXAMPLES, ids=title)
def test_an_example_has_no_problem(file: Path) -> None:
    (document,) = read_documents(file.read_text())
    assert not problems(document.value)


@pytest.mark.parametrize("file", INVALID, ids=title)
def test_a_mistake_is_found_in_the_field_where_it_is(file: Path) -> None:
    (document,) = read_documents(file.read_text())
    assert set(said(document.value)) == refused(file)


@pytest.mark.parametrize(
    ("spec", "field", "message"),
    [
        (
            {"model": {"name": "churn", "version": 7}},
            "spec.model.version",
            'expected text, found 7; do: write it in quotes, "7"',
        ),
        (
            {"rollout": {"steps": [{"weight": 5}, {"weight": 101}]}},
            "spec.rollout.steps[1].weight",
            "expected at most 100, found 101",
        ),
        (
            {"rollout": {"steps": [{"duration": "5m"}]}},
            "spec.rollout.steps[0].weight",
            "a step has either a weight of at least 1, or a shadow; found nothing",
        ),
        (
            {"rollout": {"steps": [{"weight": 5, "duration": "5 min"}]}},
            "spec.rollout.steps[0].duration",
            'expected text such as 90s or 5m or 1h30m, found "5 min"',
        ),
        (
            {"rollout": {"steps": [{"weight": 5, "duration": "200h"}]}},
            "spec.rollout.steps[0].duration",
            'must be between 0s and 168h; found "200h"',
        ),
        (
            {"rollout": {"steps": [{"weight": 5}, {"weight": 5}]}},
            "spec.rollout.steps",
            "each step must have a higher weight than the one before it; steps with a shadow come first; "
            'found [{"weight": 5}, {"weight": 5}]',
        ),
        (
            {"rollout": {"onInconclusive": "Waits"}},
            "spec.rollout.onInconclusive",
            'expected one of Wait, Proceed, RollBack, found "Waits"; do: write Wait, if that is meant',
        ),
        ({"rolout": {}}, "spec.rolout", "unknown field; do: write rollout, if that is meant"),
        (
            {"xyz": {}},
            "spec.xyz",
            "unknown field; do: remove it, or write one of "
            "approvals, gates, model, paused, registry, rollout, serving, traffic",
        ),
        (
            {"serving": {"resources": {"limits": {"cpu": 0.5}}}},
            "spec.serving.resources.limits.cpu",
            'expected a whole number or text, found 0.5; do: write it in quotes, "0.5"',
        ),
        (
            {"paused": None},
            "spec.paused",
            "expected true or false, found nothing; do: give it a value, or remove it",
        ),
        (
            {"serving": {"replicas": "3"}},
            "spec.serving.replicas",
            'expected a whole number, found "3"; do: write 3, without quotes',
        ),
        (
            {"rollout": {"steps": [{"weight": "5%"}]}},
            "spec.rollout.steps[0].weight",
            'expected a whole number, found "5%"; do: write 5, without quotes',
        ),
        ({"paused": "yes"}, "spec.paused", 'expected true or false, found "yes"'),
        (
            {"paused": "true"},
            "spec.paused",
            'expected true or false, found "true"; do: write true, without quotes',
        ),
        (
            {"model": {"name": "churn", "version": True}},
            "spec.model.version",
            "expected text, found true; do: write it in quotes",
        ),
        ({"paused": 1}, "spec.paused", "expected true or false, found 1"),
        ({"serving": {"replicas": True}}, "spec.serving.replicas", "expected a whole number, found true"),
        (
            {"gates": {"name": "a"}},
            "spec.gates",
            'expected a list, found {"name": "a"}; do: write each item after a dash (- …)',
        ),
        ({"model": ["churn"]}, "spec.model", 'expected fields, found ["churn"]'),
        (
            {"serving": {"image": "x" * 600}},
            "spec.serving.image",
            f'expected at most 512 characters, found "{"x" * 59}…',
        ),
    ],
)
def test_it_says_what_is_wanted_and_found_and_what_to_do(spec: dict[str, Any], field: str, message: str) -> None:
    assert said(with_spec(**spec)) == {field: message}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"apiVersion": "podium.dev/v1"}, "apiVersion"),
        ({"kind": "ModelDeploymnet"}, "kind"),
        ({"metadata": {}}, "metadata.name"),
        ({"metadata": {"name": "churn", "labels": {"team": 7}}}, "metadata.labels.team"),
        ({"spec": []}, "spec"),
        ({"stauts": {}}, "stauts"),
        ({"metadata": {"name": "churn", "anotations": {}}}, "metadata.anotations"),
    ],
)
def test_what_is_around_the_spec_is_looked_at_too(change: dict[str, Any], field: str) -> None:
    assert set(said(GOOD | change)) == {field}


def test_a_part_that_is_missing_is_described() -> None:
    """It said: do: add it ()."""
    (message,) = said(GOOD | {"spec": {}}).values()
    assert message == "expected a value, found nothing; do: add it (The model version to serve as champion)"


@pytest.mark.parametrize(("name", "expected"), [("apiVersion", "podium.dev/v1alpha1"), ("kind", "ModelDeployment")])
def test_of_a_field_with_one_value_the_value_is_said(name: str, expected: str) -> None:
    """It said: do: add it ()."""
    assert said({key: part for key, part in GOOD.items() if key != name}) == {
        name: f"expected {expected}, found nothing; do: add it"
    }


def test_numbers_that_json_cannot_hold_are_refused() -> None:
    gates = [{"name": "accurate", "metric": {"key": "auc", "atLeast": float("nan")}}]
    assert set(said(with_spec(gates=gates))) == {"spec.gates[0].metric.atLeast"}


def test_what_the_api_server_gave_back_has_no_problem() -> None:
    stored = deepcopy(GOOD) | {"status": {"phase": "Stable", "champion": {"version": "7"}}}
    stored["metadata"] = {"name": "churn", "uid": "1", "generation": 3, "managedFields": []}
    assert not problems(stored)


def test_there_are_words_for_every_keyword_of_the_schema() -> None:
    notes = {"$schema", "$defs", "$ref", "title", "description", "default", "examples", "readOnly"}
    structure = {"properties", "items", "additionalProperties", "required"}
    used: set[str] = set()

    def look(schema: dict[str, Any]) -> dict[str, Any]:
        used.update(schema)
        return schema

    everywhere(look, json_schema())
    assert used - notes - structure <= set(WANTED)


@pytest.mark.parametrize(
    "parts",
    [
        lambda given: {"model": {"name": "churn", "version": given(7.0)}},
        lambda given: {"rollout": {"soak": given(90)}},
        lambda given: {"rollout": {"steps": [{"weight": 5, "duration": given(1.5)}]}},
        lambda given: {"rollout": {"falseRollbackRate": given(0.01)}},
        lambda given: {"rollout": {"guards": [{"name": "e", "errorRate": {"atMost": given(0.005)}}]}},
    ],
)
def test_advice_for_a_bare_number_is_taken_when_it_is_followed(parts: Callable[[Callable[[float], Any]], Any]) -> None:
    """It said to write 90 in quotes, and then that a duration such as 90s was expected."""
    (message,) = said(with_spec(**parts(lambda number: number))).values()
    advice = message.partition("; do: write ")[2]
    assert said(with_spec(**parts(lambda _: advice.removeprefix("it in quotes, ").strip('"')))) == {}
