"""An event of the outbox as a CloudEvent: by the schema that is published, bounded, and without secrets."""

import json
from dataclasses import replace
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from podium.adapters.notifiers.cloud_events import artifact_id, cloud_event
from podium.api.v1alpha1 import event_types
from podium.api.v1alpha1.outbox import MESSAGE_LIMIT, PendingEvent
from podium.api.v1alpha1.schema.events import events_schema
from podium.api.v1alpha1.status import Phase, Pinned, Status, Verdict
from podium.core.facts import Key
from podium.core.rollout.steering_checks import aborted
from podium.core.rollout.transitions import Move
from podium.core.rollout.trial_checks import promoted
from podium.core.status.model_events import model_events
from tests.unit.core.factories import NOW, facts

KEY = Key("ml", "churn")


def event(**parts: Any) -> PendingEvent:
    given: dict[str, Any] = {
        "id": "0f" * 12,
        "sequence": 7,
        "type": event_types.PROMOTED,
        "at": NOW,
        "generation": 3,
        "registry": "http://mlflow.ml:5000",
        "model": "churn",
        "version": "3",
        "stage": "champion",
        "origin": "ab" * 16,
        "from_version": "2",
        "to_version": "3",
        "reason": "Promoted",
        "message": "version 3 is champion",
    }
    return PendingEvent(**(given | parts))


@pytest.mark.parametrize("kind", [*event_types.MODEL_EVENTS, *event_types.SERVICE_EVENTS])
def test_each_type_is_as_the_published_schema_says(kind: str) -> None:
    found = json.loads(json.dumps(cloud_event("uid-1", KEY, event(type=kind, template="0123abcd"))))
    Draft202012Validator(events_schema()).validate(found)
    assert (found["type"], found["id"], found["sequence"]) == (kind, f"uid-1.{'0f' * 12}", "7")


def test_the_schema_is_one_that_refuses() -> None:
    found: dict[str, Any] = dict(cloud_event("uid-1", KEY, event()))
    validator = Draft202012Validator(events_schema())
    assert not validator.is_valid(found | {"type": "ml.model.guessed.v1"})
    assert not validator.is_valid(found | {"data": {**found["data"], "timestamp": "2026-01-05"}})
    assert not validator.is_valid({name: value for name, value in found.items() if name != "id"})


def test_the_fields_that_consumers_know_have_their_names_and_forms() -> None:
    data = cloud_event("uid-1", KEY, event())["data"]
    known = ("event_type", "model_name", "version", "stage", "run_id", "timestamp")
    assert [data[name] for name in known] == [
        "ml.model.promoted.v1",
        "churn",
        "3",
        "champion",
        "ab" * 16,
        round(NOW.timestamp() * 1000),
    ]


@pytest.mark.parametrize(
    ("registry", "expected"),
    [
        ("http://mlflow.ml:5000", "pkg:mlflow/churn@3?repository_url=http://mlflow.ml:5000"),
        (
            "https://bob:secret@mlflow.example.com/a?token=secret",
            "pkg:mlflow/churn@3?repository_url=https://mlflow.example.com/a",
        ),
        ("", "pkg:mlflow/churn@3"),
    ],
)
def test_an_artifact_is_named_by_a_package_url_without_a_login(registry: str, expected: str) -> None:
    assert artifact_id(event(registry=registry)) == expected


def test_a_name_cannot_leave_its_place_in_a_package_url() -> None:
    assert artifact_id(event(model="a/b@9?x", registry="")) == "pkg:mlflow/a%2Fb%409%3Fx@3"


def test_what_pods_and_people_wrote_is_bounded_and_on_one_line() -> None:
    status = Status(phase=Phase.GATING)
    verdict = Verdict(reason="Aborted", message="by\nalice\x1b[31m\u202e " + "x" * 9999)
    before = facts(status=status)
    blocked = facts(status=status.model_copy(update={"phase": Phase.BLOCKED, "challenger": _pinned()}))
    (found,) = model_events(before, Move(Phase.GATING, aborted, Phase.BLOCKED, verdict), blocked)
    assert len(found.message) == MESSAGE_LIMIT
    assert found.message.isprintable()
    assert found.message.startswith("by\N{REPLACEMENT CHARACTER}alice")


def test_the_same_decision_on_the_same_facts_has_the_same_id_and_another_one_has_another() -> None:
    verdict = Verdict(reason="GatesFailed", message="no")

    def made(generation: int) -> str:
        before = replace(facts(status=Status(phase=Phase.GATING, challenger=_pinned())), generation=generation)
        after = replace(facts(status=Status(phase=Phase.BLOCKED, challenger=_pinned())), generation=generation)
        (found,) = model_events(before, Move(Phase.GATING, promoted, Phase.BLOCKED, verdict), after)
        return found.id

    assert made(1) == made(1)
    assert made(1) != made(2)


def _pinned() -> Pinned:
    return Pinned(version="3", digest="sha256:33", slot="b", model="churn")
