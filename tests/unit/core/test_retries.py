"""When the gateway's retries are asked for, and what the condition says of them."""

from dataclasses import replace

import pytest

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.status import Phase
from podium.core.actions import Action, AddRetries, RemoveRetries
from podium.core.decide import decide
from podium.core.facts import Facts
from podium.core.retry_state import RetryState
from podium.core.status.readiness import condition_of
from podium.core.traffic.retries import retries_wanted
from tests.stories.simulator import spec_of
from tests.unit.core.test_plan import ALL_OLD, HALF, NEW, OLD, at, runs

NAME = "BackendTrafficPolicy ml/churn"
THERE = RetryState(NAME, there=True, up_to_date=True, accepted=True)
PARTS = {"serving": {"replicas": 2}, "rollout": {"steps": [{"weight": 50}]}}
BEHIND = spec_of("2", traffic={"gateway": {"name": "public"}}, **PARTS)
OFF = spec_of("2", traffic={"gateway": {"name": "public"}, "retries": {"enabled": False}}, **PARTS)
SERVICE = spec_of("2", **PARTS)


def with_retries(given: Facts, found: RetryState | None) -> Facts:
    traffic = replace(given.observed.traffic, retries=found)
    return replace(given, spec=BEHIND, observed=replace(given.observed, traffic=traffic))


def canary(found: RetryState | None) -> Facts:
    return with_retries(at(Phase.CANARY, runs(OLD, 2), runs(NEW, 2), HALF), found)


def rolled_back(found: RetryState | None, pods: int) -> Facts:
    return with_retries(at(Phase.ROLLING_BACK, runs(OLD, 2), runs(NEW, pods, pods), ALL_OLD), found)


def asked(given: Facts) -> list[type[Action]]:
    return [type(each) for each in decide(given).actions if isinstance(each, AddRetries | RemoveRetries)]


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (None, []),
        (RetryState(NAME), [AddRetries]),
        (RetryState(NAME, there=True), [AddRetries]),  # changed by hand
        (THERE, []),
        (RetryState(NAME, refusal="forbidden"), [AddRetries]),  # tried again
        (RetryState(NAME, obstacle="theirs"), []),
        (replace(THERE, obstacle="theirs"), [RemoveRetries]),
    ],
)
def test_in_a_trial_they_are_asked_for_unless_a_persons_policy_is_there(
    found: RetryState | None, expected: list[type[Action]]
) -> None:
    assert asked(canary(found)) == expected


@pytest.mark.parametrize(
    ("found", "pods", "expected"),
    [(THERE, 2, []), (RetryState(NAME), 2, [AddRetries]), (THERE, 0, [RemoveRetries]), (RetryState(NAME), 0, [])],
)
def test_after_a_rollback_they_go_with_the_last_pod(found: RetryState, pods: int, expected: list[type[Action]]) -> None:
    assert asked(rolled_back(found, pods)) == expected


def test_without_another_version_or_a_gateway_or_where_they_are_turned_off_there_are_none() -> None:
    given = canary(THERE)
    assert retries_wanted(given)
    for other in (
        replace(given, spec=OFF),
        replace(given, spec=SERVICE),
        replace(given, status=given.status.model_copy(update={"champion": None})),
    ):
        assert not retries_wanted(other)
        assert asked(other) == [RemoveRetries]
    first = given.status.model_copy(update={"phase": Phase.SOAKING, "challenger": None, "trial": None})
    assert not retries_wanted(replace(given, status=first))


@pytest.mark.parametrize(
    ("found", "status", "reason", "words"),
    [
        (RetryState(NAME), "False", reasons.IN_PROGRESS, "the gateway has not taken"),
        (replace(THERE, accepted=False), "False", reasons.IN_PROGRESS, NAME),
        (replace(THERE, up_to_date=False), "False", reasons.IN_PROGRESS, NAME),
        (THERE, "True", reasons.IN_SYNC, f"({NAME})"),
        (RetryState(NAME, refusal="forbidden"), "False", reasons.RETRIES_REJECTED, f"{NAME}: forbidden"),
        (RetryState(NAME, obstacle="theirs says so"), "False", reasons.RETRIES_LEFT_ALONE, "theirs says so"),
    ],
)
def test_the_condition_and_an_event_say_how_it_stands(found: RetryState, status: str, reason: str, words: str) -> None:
    decision = decide(canary(found))
    condition = condition_of(decision.status, "RetriesInSync")
    assert condition is not None
    assert (condition.status, condition.reason) == (status, reason)
    assert words in condition.message
    told = [event.reason for event in decision.events if event.reason.startswith("Retries")]
    assert told == ([reason] if reason.startswith("Retries") else [])
    again = replace(canary(found), status=decision.status)
    assert [event for event in decide(again).events if event.reason.startswith("Retries")] == []
    unread = condition_of(decide(with_retries(again, None)).status, "RetriesInSync")
    assert unread is not None
    assert (unread.status, unread.reason, unread.message) == (status, reason, condition.message)


def test_at_rest_and_where_a_gateway_has_none_there_is_no_condition() -> None:
    assert condition_of(decide(canary(None)).status, "RetriesInSync") is None
    assert condition_of(decide(rolled_back(THERE, 0)).status, "RetriesInSync") is None
    assert [
        event for event in decide(rolled_back(replace(THERE, refusal="no"), 0)).events if "Retries" in event.reason
    ] == []
