"""What an HTTPRoute says: weights, the word of its gateways, and who wrote it."""

from typing import Any

import pytest

from podium.adapters.routers.gateway_api.conflicts import OFTEN, WITHIN, RouteConflicts
from podium.adapters.routers.gateway_api.routes import Rule, find_rule, last_writer, standing, weights_patch
from podium.api.v1alpha1 import reasons
from podium.core.facts import Problem
from podium.testing import FakeClock

A: dict[str, Any] = {"name": "churn-a", "port": 80, "weight": 90}
B: dict[str, Any] = {"name": "churn-b", "port": 80, "weight": 10}
OTHER: dict[str, Any] = {"name": "other", "port": 80}
PUBLIC = {"name": "public", "namespace": "infra"}


def route(*rules: dict[str, Any], parents: tuple[Any, ...] = (PUBLIC,), said: tuple[Any, ...] = ()) -> dict[str, Any]:
    return {
        "metadata": {"name": "theirs", "namespace": "ml", "generation": 5},
        "spec": {"parentRefs": list(parents), "rules": list(rules)},
        "status": {"parents": list(said)},
    }


def rule(*backends: dict[str, Any], **parts: Any) -> dict[str, Any]:
    return {"backendRefs": list(backends), **parts}


def says(
    parent: Any = PUBLIC,
    *,
    generation: int = 5,
    accepted: str = "True",
    resolved: str = "True",
    reason: str = "Accepted",
    controller: str = "example.com/gateway",
) -> dict[str, Any]:
    conditions = [
        {"type": kind, "status": status, "reason": reason, "message": "in its words", "observedGeneration": generation}
        for kind, status in (("Accepted", accepted), ("ResolvedRefs", resolved))
    ]
    return {"parentRef": parent, "controllerName": controller, "conditions": conditions}


# --- the rule ---------------------------------------------------------------------------------------------------------


def test_the_rule_with_both_slots_is_found_among_others_in_whatever_order_they_are() -> None:
    found = find_rule(route(rule(OTHER), rule(B, A)), None, "churn")
    assert found == Rule(index=1, backends={"b": 0, "a": 1}, written={"b": 10, "a": 90})


def test_a_weight_that_is_left_out_is_1_and_weights_that_are_no_percent_are_not_taken_for_it() -> None:
    found = find_rule(route(rule({"name": "churn-a"}, {"name": "churn-b"})), None, "churn")
    assert isinstance(found, Rule)
    assert (found.written, found.weights) == ({"a": 1, "b": 1}, {})


@pytest.mark.parametrize(
    ("rules", "name", "message"),
    [
        ([rule(A)], None, "rule 0 of HTTPRoute ml/theirs does not have churn-a and churn-b as backends of one rule: "),
        ([rule(A)], None, "add churn-b (port 80, weight 0)"),
        ([], None, "add churn-a and churn-b (port 80, weight 0)"),
        ([rule(A), rule(B)], None, "add churn-a and churn-b (port 80, weight 0)"),
        ([rule(A, {**B, "namespace": "elsewhere"})], None, "add churn-b"),
        ([rule(A, {**B, "kind": "ServiceImport", "group": "x.io"})], None, "add churn-b"),
        ([rule(A, B, OTHER)], None, "rule 0 of HTTPRoute ml/theirs has other backends beside the two slots"),
        ([rule(A, B), rule(A, B)], None, "name one in spec.traffic.httpRouteRef.rule"),
        ([rule(A, B)], "model", "has no rule named model"),
        ([rule(A, B), rule(A, name="model")], "model", "add churn-b"),
    ],
)
def test_a_route_that_cannot_be_used_is_refused_with_what_it_lacks(
    rules: list[Any], name: str | None, message: str
) -> None:
    found = find_rule(route(*rules), name, "churn")
    assert isinstance(found, Problem)
    assert found.reason == reasons.ROUTE_INVALID
    assert message in found.message


def test_a_rule_can_be_chosen_by_its_name() -> None:
    found = find_rule(route(rule(A, B, name="one"), rule(A, B, name="two")), "two", "churn")
    assert isinstance(found, Rule)
    assert found.index == 1


def test_only_the_weights_are_written_and_only_where_the_backends_still_are() -> None:
    found = find_rule(route(rule(OTHER), rule(B, A)), None, "churn")
    assert isinstance(found, Rule)
    assert weights_patch(found, "churn", {"a": 75, "b": 25}) == [
        {"op": "test", "path": "/spec/rules/1/backendRefs/0/name", "value": "churn-b"},
        {"op": "test", "path": "/spec/rules/1/backendRefs/1/name", "value": "churn-a"},
        {"op": "add", "path": "/spec/rules/1/backendRefs/0/weight", "value": 25},
        {"op": "add", "path": "/spec/rules/1/backendRefs/1/weight", "value": 75},
    ]


# --- gateways ---------------------------------------------------------------------------------------------------------


def test_a_route_stands_once_every_parent_has_accepted_this_generation_of_it() -> None:
    two = (PUBLIC, {"name": "internal"})
    found = standing(route(rule(A, B), parents=two, said=(says(), says({"name": "internal", "namespace": "ml"}))))
    assert (found.settled, found.problem) == (True, None)
    found = standing(route(rule(A, B), parents=two, said=(says(),)))
    assert not found.settled
    assert found.problem is not None
    assert "Gateway ml/internal has not taken generation 5" in found.problem.message


def test_what_was_said_of_an_older_generation_is_not_said_of_this_one() -> None:
    found = standing(route(rule(A, B), said=(says(generation=4, accepted="False"),)))
    assert not found.settled
    assert found.problem is not None
    assert (found.problem.reason, "is its controller running?" in found.problem.message) == (reasons.IN_PROGRESS, True)


@pytest.mark.parametrize(
    ("said", "reason", "words"),
    [
        (says(accepted="False", reason="NotAllowedByListeners"), reasons.ROUTE_NOT_ACCEPTED, "allowedRoutes"),
        (says(accepted="False", reason="NoMatchingParent"), reasons.ROUTE_NOT_ACCEPTED, "sectionName or port"),
        (says(resolved="False", reason="RefNotPermitted"), reasons.BACKENDS_NOT_RESOLVED, "a ReferenceGrant beside"),
        (says(resolved="False", reason="BackendNotFound"), reasons.BACKENDS_NOT_RESOLVED, "in its words"),
    ],
)
def test_a_refusal_is_told_with_what_would_change_it(said: Any, reason: str, words: str) -> None:
    found = standing(route(rule(A, B), said=(said,)))
    assert found.settled
    assert found.problem is not None
    assert found.problem.reason == reason
    assert words in found.problem.message


def test_one_controller_that_accepts_is_enough_where_a_dead_one_has_left_its_word() -> None:
    said = (says(accepted="False", controller="dead.example.com"), says())
    assert standing(route(rule(A, B), said=said)).problem is None


def test_listeners_of_one_gateway_are_told_apart() -> None:
    listeners = tuple({**PUBLIC, "sectionName": name} for name in ("http", "https"))
    found = standing(route(rule(A, B), parents=listeners, said=(says(listeners[0]),)))
    assert found.problem is not None
    assert "Gateway infra/public, listener https" in found.problem.message


def test_words_of_others_are_cut() -> None:
    said = says(accepted="False", reason="x" * 5000)
    problem = standing(route(rule(A, B), said=(said,))).problem
    assert problem is not None
    assert len(problem.message) < 500


# --- who wrote it -----------------------------------------------------------------------------------------------------


def test_the_last_writer_of_the_spec_is_named_and_neither_podium_nor_the_gateway_is() -> None:
    def entry(manager: str, time: str, **more: Any) -> dict[str, Any]:
        return {"manager": manager, "time": time, "fieldsV1": {"f:spec": {}}, **more}

    found = route(rule(A, B))
    found["metadata"]["managedFields"] = [
        entry("argocd-controller", "2026-01-01T00:00:02Z"),
        entry("kubectl", "2026-01-01T00:00:01Z"),
        entry("podium", "2026-01-01T00:00:03Z"),
        entry("envoy-gateway", "2026-01-01T00:00:04Z", subresource="status"),
        entry("labeller", "2026-01-01T00:00:05Z", fieldsV1={"f:metadata": {}}),
    ]
    assert last_writer(found) == "argocd-controller"


def fight(contests: RouteConflicts, times: int) -> None:
    for _ in range(times):
        contests.wrote("ml/churn", {"a": 90, "b": 10})
        contests.found("ml/churn", {"a": 100, "b": 0}, "argocd-controller")
        contests.found("ml/churn", {"a": 100, "b": 0}, "argocd-controller")  # seen twice, written once


def test_drift_is_no_contest_and_a_fight_is() -> None:
    contests = RouteConflicts(FakeClock())
    fight(contests, OFTEN - 1)
    assert contests.problem("ml/churn") is None
    fight(contests, 1)
    problem = contests.problem("ml/churn")
    assert problem is not None
    assert problem.reason == reasons.ROUTE_CONFLICT
    assert "field manager argocd-controller" in problem.message


def test_a_fight_is_over_when_nobody_has_written_for_a_while() -> None:
    clock = FakeClock()
    contests = RouteConflicts(clock)
    fight(contests, OFTEN)
    clock.move(WITHIN + 1)
    assert contests.problem("ml/churn") is None


def test_what_was_not_written_by_podium_is_no_contest() -> None:
    contests = RouteConflicts(FakeClock())
    for _ in range(OFTEN):
        contests.found("ml/churn", {"a": 100, "b": 0}, "argocd-controller")
    assert contests.problem("ml/churn") is None
