"""Gates: one row a criterion, with the words that a person reads when it does not hold."""

import math
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from podium.api.v1alpha1.status import GateStatus, HistoryEntry, Phase, Status
from podium.core.actions import CallWebhook, RunJob
from podium.core.decide import decide
from podium.core.evaluations import Dataset, Evaluation
from podium.core.facts import Facts, GateResponse, ModelVersion, ObservedState, RegistryState
from podium.core.fingerprints import request_id
from podium.core.gates import GateCheck, check, messages
from podium.core.signature import Column, Signature
from tests.unit.core.factories import NOW, facts, pinned

CHAMPION = ModelVersion("1", "sha256:1", {"auc": 0.90})
NEW = ModelVersion("2", "sha256:2", {"auc": 0.90}, created=NOW - timedelta(hours=2))
HOLDOUT, OTHER = Dataset("holdout", "aaaa"), Dataset("holdout", "bbbb")


def failures(given: Facts, version: ModelVersion) -> list[str]:
    registry = replace(given.observed.registry, desired=version)
    return messages("Failed", replace(given, observed=replace(given.observed, registry=registry)))


def asked(
    gate: dict[str, Any], version: ModelVersion = NEW, champion: ModelVersion = CHAMPION, **parts: Any
) -> GateCheck:
    """What one gate says of a version beside a champion."""
    world = ObservedState(registry=RegistryState(desired=version, champion=champion))
    given = facts(champion=pinned("1"), world=world, gates=[{"name": "asked", **gate}], **parts)
    (answer,) = check(given)
    return answer


@pytest.mark.parametrize(
    ("gate", "metrics", "words"),
    [
        ({"atLeast": 0.75}, {"auc": 0.75}, ""),
        ({"atLeast": 0.75}, {"auc": 0.74}, "auc of version 2 is 0.74; required: at least 0.75"),
        ({"atMost": 0.5}, {"auc": 0.5}, ""),
        ({"atMost": 0.5}, {"auc": 0.6}, "auc of version 2 is 0.6; required: at most 0.5"),
        ({"maxDropFromChampion": 0.01}, {"auc": 0.895}, ""),
        (
            {"maxDropFromChampion": 0.01},
            {"auc": 0.88},
            "auc of version 2 is 0.88, of champion 1 0.9; allowed drop: at most 0.01",
        ),
        ({"atLeast": 0.75}, {}, "metric auc not found in the run of version 2"),
        ({"atLeast": 0.75}, {"auc": math.nan}, "auc of version 2 is nan; required: a finite number"),
        ({"atLeast": 0.75}, {"auc": math.inf}, "auc of version 2 is inf; required: a finite number"),
    ],
)
def test_metric(gate: dict[str, float], metrics: dict[str, float], words: str) -> None:
    found = asked({"metric": {"key": "auc", **gate}}, replace(NEW, metrics=metrics))
    assert found.state == ("Failed" if words else "Passed")
    assert words in found.message


@pytest.mark.parametrize(
    ("ours", "theirs", "state"),
    [
        ({}, {}, "Passed"),
        ({"evaluated_on": (HOLDOUT,)}, {"evaluated_on": (HOLDOUT,)}, "Passed"),
        ({"evaluated_on": (HOLDOUT,)}, {}, "Passed"),
        ({"evaluated_on": (HOLDOUT,)}, {"evaluated_on": (OTHER,)}, "Failed"),
        ({"evaluated_on": (HOLDOUT, OTHER)}, {"evaluated_on": (OTHER,)}, "Failed"),
        ({"measured_on": {"auc": HOLDOUT}, "evaluated_on": (OTHER,)}, {"evaluated_on": (HOLDOUT,)}, "Passed"),
        ({"measured_on": {"auc": OTHER}}, {"measured_on": {"auc": HOLDOUT}}, "Failed"),
        ({"measured_on": {"f1": OTHER}}, {"measured_on": {"auc": HOLDOUT}}, "Passed"),
        ({"evaluated_on": (Dataset("other name", "aaaa"),)}, {"evaluated_on": (HOLDOUT,)}, "Passed"),
    ],
)
def test_metrics_of_different_datasets_are_not_compared(ours: Any, theirs: Any, state: str) -> None:
    gate = {"metric": {"key": "auc", "maxDropFromChampion": 0.01}}
    found = asked(gate, replace(NEW, **ours), replace(CHAMPION, **theirs))
    assert found.state == state
    if state == "Failed":
        assert "holdout (bbbb)" in found.message
        assert "Evaluate both on the same dataset" in found.message


@pytest.mark.parametrize(
    ("tags", "holds"),
    [({"git_sha": "abc", "data": "v1"}, True), ({"git_sha": "abc"}, False), ({"git_sha": " ", "data": "v1"}, False)],
)
def test_tags(tags: dict[str, str], holds: bool) -> None:
    version = ModelVersion("2", "sha256:2", {}, tags)
    given = facts(gates=[{"name": "reproducible", "tags": {"required": ["git_sha", "data"]}}])
    assert (failures(given, version) == []) is holds


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("a" * 40, ""),
        ("a" * 41, "tag git_sha of version 2 does not match [0-9a-f]{40}"),
        ("", "tags missing or empty on version 2 and its run: git_sha"),
        (f"{'a' * 40}\n", "does not match"),
    ],
)
def test_tags_by_pattern(value: str, words: str) -> None:
    found = asked({"tags": {"patterns": {"git_sha": "[0-9a-f]{40}"}}}, replace(NEW, tags={"git_sha": value}))
    assert found.state == ("Failed" if words else "Passed")
    assert words in found.message


SIGNATURE = Signature(inputs=(Column("age", "long"), Column("city", "string", required=False)))


def test_a_signature_that_differs_is_told_and_what_is_allowed_is_tolerated() -> None:
    narrow = replace(NEW, signature=Signature(inputs=(Column("age", "integer"),)))
    champion = replace(CHAMPION, signature=SIGNATURE)
    found = asked({"signature": {"compatibleWith": "champion"}}, narrow, champion)
    assert found.state == "Failed"
    assert "column age narrowed from long to integer; column city removed" in found.message
    allow = ["typeNarrowed", "columnRemoved"]
    assert asked({"signature": {"compatibleWith": "champion", "allow": allow}}, narrow, champion).state == "Passed"


@pytest.mark.parametrize(
    ("ours", "theirs", "words"),
    [
        (SIGNATURE, SIGNATURE, ""),
        (None, SIGNATURE, "version 2 has no signature"),
        (SIGNATURE, None, "version 1, the champion, has no signature to compare with"),
    ],
)
def test_a_missing_signature_is_told(ours: Signature | None, theirs: Signature | None, words: str) -> None:
    gate = {"signature": {"compatibleWith": "champion"}}
    found = asked(gate, replace(NEW, signature=ours), replace(CHAMPION, signature=theirs))
    assert found.state == ("Failed" if words else "Passed")
    assert words in found.message


WIDER = Signature(inputs=(*(SIGNATURE.inputs or ()), Column("zip", "string", required=False)))
NARROWER = Signature(inputs=SIGNATURE.inputs[:1] if SIGNATURE.inputs else ())


@pytest.mark.parametrize(
    ("signature", "numbers", "at_most", "words"),
    [
        (SIGNATURE, ("", ""), "patch", "Passed: version 2 is a patch change of version 1, the champion"),
        (WIDER, ("", ""), "minor", "Passed: version 2 is a minor change of version 1, the champion: column zip added"),
        (
            WIDER,
            ("", ""),
            "patch",
            "Failed: version 2 is a minor change of version 1, the champion: column zip added; allo",
        ),
        (NARROWER, ("", ""), "major", "Passed: version 2 is a major change"),
        (NARROWER, ("", ""), "minor", "the champion: column city removed; allowed: at most minor"),
        (WIDER, ("1.2.3", "1.3.0"), "minor", "Passed: version 2 is 1.3.0, a minor step after 1.2.3 of version 1"),
        (
            WIDER,
            ("1.2.3", "1.2.4"),
            "minor",
            "required: a minor step at least: column zip added. Do: podium models semver",
        ),
        (WIDER, ("1.2.3", "1.2.3"), "minor", "Failed: tag podium.dev/semver of version 2 is 1.2.3, after 1.2.3"),
        (
            SIGNATURE,
            ("1.2.3", "2.0.0"),
            "minor",
            "is 2.0.0, a major step after 1.2.3 of version 1, the champion; allowed",
        ),
        (SIGNATURE, ("1.2.3", "two"), "minor", "Passed: version 2 is a patch change"),
        (None, ("", ""), "major", "Failed: no signature, of version 2. Log it with one"),
    ],
)
def test_a_version_is_no_larger_a_step_than_allowed(
    signature: Signature | None, numbers: tuple[str, str], at_most: str, words: str
) -> None:
    theirs, ours = ({"podium.dev/semver": number} if number else {} for number in numbers)
    new = replace(NEW, signature=signature, tags=ours)
    found = asked({"semver": {"atMost": at_most}}, new, replace(CHAMPION, signature=SIGNATURE, tags=theirs))
    assert words in f"{found.state}: {found.message}"


def test_a_semver_gate_says_which_signature_is_missing_and_needs_a_champion_that_is_there() -> None:
    gate = {"semver": {"atMost": "major"}}
    assert "no signature, of version 1 and version 2." in asked(gate).message
    world = ObservedState(registry=RegistryState(desired=NEW, champion=None))
    (gone,) = check(facts(champion=pinned("1"), world=world, gates=[{"name": "asked", **gate}]))
    assert (gone.state, "signatures cannot be compared" in gone.message) == ("Failed", True)
    assert failures(facts(gates=[{"name": "asked", **gate}]), ModelVersion("1", "sha256:1")) == []


def test_a_first_version_has_nobody_to_be_compatible_with() -> None:
    gates = [{"name": "compatible", "signature": {"compatibleWith": "champion"}}]
    assert failures(facts(gates=gates), ModelVersion("1", "sha256:1")) == []


def evaluated(dataset: Dataset | None, auc: float, hours: int) -> Evaluation:
    return Evaluation(f"eval-{hours}", dataset, NOW + timedelta(hours=hours), {"auc": auc})


@pytest.mark.parametrize(
    ("made", "dataset", "words"),
    [
        ((), None, "no evaluation of version 2 is linked to its logged model"),
        ((evaluated(HOLDOUT, 0.9, 1),), "test", "no evaluation of version 2 on dataset test is linked"),
        ((evaluated(HOLDOUT, 0.9, 1),), "holdout", ""),
        ((evaluated(None, 0.9, 1),), None, ""),
        ((evaluated(HOLDOUT, 0.9, 1), evaluated(HOLDOUT, 0.7, 2)), "holdout", "auc is 0.7; required: at least 0.8"),
        ((evaluated(HOLDOUT, 0.7, 1), evaluated(HOLDOUT, 0.9, 2)), "holdout", ""),
        ((evaluated(HOLDOUT, math.nan, 1),), None, "auc is nan; required: a finite number"),
        ((replace(evaluated(HOLDOUT, 0.9, 1), metrics={}),), None, "it has no metric auc"),
    ],
)
def test_the_newest_evaluation_counts(made: tuple[Evaluation, ...], dataset: str | None, words: str) -> None:
    gate: dict[str, Any] = {"metrics": [{"key": "auc", "atLeast": 0.8}]}
    gate |= {"dataset": dataset} if dataset else {}
    found = asked({"evaluation": gate}, replace(NEW, evaluations=made))
    assert found.state == ("Failed" if words else "Passed")
    assert words in found.message


@pytest.mark.parametrize(
    ("gate", "state", "words"),
    [
        ({"atLeast": "2h"}, "Passed", ""),
        ({"atLeast": "3h"}, "Pending", "required: at least 3h ago, reached at 2026-01-05T10:00:00Z"),
        ({"atMost": "2h"}, "Passed", ""),
        ({"atMost": "1h"}, "Failed", "required: at most 1h ago. Register a new version"),
    ],
)
def test_age(gate: dict[str, str], state: str, words: str) -> None:
    found = asked({"age": gate})
    assert (found.state, words in found.message) == (state, True)


def test_a_version_of_unknown_age_does_not_pass() -> None:
    assert asked({"age": {"atMost": "1h"}}, replace(NEW, created=None)).state == "Failed"


ANN = [{"version": "2", "by": "ann"}]
HYBRID = {"metric": {"key": "auc", "autoAtLeast": 0.95, "refusedBelow": 0.8}}
APPROVED, OTHER_BYTES = f"sha256:{'2' * 64}", f"sha256:{'3' * 64}"
LESS = {"metric": {"key": "auc", "autoAtMost": 0.5, "refusedAbove": 0.95}}


@pytest.mark.parametrize(
    ("gate", "approvals", "auc", "state", "words"),
    [
        ({}, [], 0.9, "Pending", 'Add {version: "2", by: …} to spec.approvals'),
        ({}, ANN, 0.9, "Passed", "approved by ann"),
        ({}, [{"version": "3", "by": "ann"}], 0.9, "Pending", "waiting for approval of version 2"),
        ({}, [{"version": "2", "by": "ann", "model": "churn"}], 0.9, "Passed", "approved by ann"),
        ({}, [{"version": "2", "by": "ann", "model": "fraud"}], 0.9, "Pending", "waiting for approval of version 2"),
        ({}, [{"version": "2", "by": "ann", "digest": APPROVED}], 0.9, "Passed", "approved by ann"),
        (
            {},
            [{"version": "2", "by": "ann", "digest": OTHER_BYTES}],
            0.9,
            "Pending",
            f"ann approves it with {OTHER_BYTES}, the",
        ),
        ({"by": ["bob"]}, ANN, 0.9, "Pending", "waiting for approval of version 2 by bob. ann may not approve."),
        ({"by": ["bob", "ann"]}, ANN, 0.9, "Passed", "approved by ann"),
        (HYBRID, [], 0.95, "Passed", "auc of version 2 is 0.95, approved automatically: at least 0.95"),
        (HYBRID, [], 0.9, "Pending", "automatic approval requires at least 0.95; waiting for approval of version 2"),
        (HYBRID, ANN, 0.9, "Passed", "approved by ann"),
        (HYBRID, ANN, 0.79, "Failed", "refused below 0.8, an approval cannot override it"),
        (HYBRID, ANN, math.nan, "Failed", "required: a finite number"),
        (LESS, [], 0.5, "Passed", "approved automatically: at most 0.5"),
        (LESS, [], 0.6, "Pending", "waiting for approval of version 2"),
        (LESS, ANN, 0.96, "Failed", "refused above 0.95, an approval cannot override it"),
    ],
)
def test_approval(gate: Any, approvals: Any, auc: float, state: str, words: str) -> None:
    found = asked({"approval": gate}, replace(NEW, digest=APPROVED, metrics={"auc": auc}), approvals=approvals)
    assert (found.state, words in found.message) == (state, True), found


def test_all_failures_are_told_not_only_the_first() -> None:
    gates = [
        {"name": "accurate", "metric": {"key": "auc", "atLeast": 0.9}},
        {"name": "fast", "metric": {"key": "ms", "atMost": 5}},
        {"name": "reproducible", "tags": {"required": ["git_sha"]}},
    ]
    found = failures(facts(gates=gates), ModelVersion("2", "sha256:2", {"auc": 0.1, "ms": 9}))
    assert [line.split(":")[0] for line in found] == ["gate accurate", "gate fast", "gate reproducible"]


def test_a_first_version_has_no_champion_to_fall_behind() -> None:
    gates = [{"name": "not-worse", "metric": {"key": "auc", "maxDropFromChampion": 0.01}}]
    assert failures(facts(gates=gates), ModelVersion("1", "sha256:1", {"auc": 0.1})) == []


@pytest.mark.parametrize(
    "gate",
    [{"metric": {"key": "auc", "maxDropFromChampion": 0.01}}, {"signature": {"compatibleWith": "champion"}}],
)
def test_a_champion_that_the_registry_lost_cannot_be_compared_with(gate: dict[str, Any]) -> None:
    gates = [{"name": "not-worse", **gate}]
    found = failures(facts(champion=pinned("1"), gates=gates), ModelVersion("2", "sha256:2", {"auc": 0.9}))
    assert "the champion's version is not in the registry any more" in found[0]
    elsewhere = pinned("1").model_copy(update={"registry": "http://mlflow.left", "model": "churn"})
    found = failures(facts(champion=elsewhere, gates=gates), ModelVersion("2", "sha256:2", {"auc": 0.9}))
    assert "has not the champion's version with the same artifacts" in found[0]


# --- jobs and webhooks ------------------------------------------------------------------------------------------------

CHECKS = [
    {"name": "smoke", "job": {"image": "checks"}},
    {"name": "review", "webhook": {"url": "https://review.example.com"}},
]
CHALLENGER = pinned("2", "b")


def gating(phase: Phase = Phase.GATING, said: tuple[GateStatus, ...] = (), **parts: Any) -> Facts:
    """Version 2 at its gates, beside champion 1."""
    status = Status(phase=phase, phase_since=NOW, champion=pinned("1"), challenger=CHALLENGER, gates=list(said))
    return facts(
        status=status,
        world=ObservedState(registry=RegistryState(desired=NEW, champion=CHAMPION)),
        **{"gates": CHECKS, **parts},
    )


def answered(given: Facts, **states: Any) -> Facts:
    """The facts with answers from outside to these gates' present criteria."""
    gates = {gate.name: gate for gate in given.spec.gates}
    answers = {
        name: GateResponse(request_id(given.spec, gates[name], CHALLENGER), state, f"{name} {state}")
        for name, state in states.items()
    }
    return replace(given, observed=replace(given.observed, gate_responses=answers))


def outside(given: Facts) -> list[str]:
    return [action.gate for action in decide(given).actions if isinstance(action, RunJob | CallWebhook)]


def test_what_is_outside_is_asked_and_until_it_answers_nothing_starts() -> None:
    decision = decide(gating())
    assert outside(gating()) == ["smoke", "review"]
    assert decision.move is None
    assert [(gate.name, gate.state) for gate in decision.status.gates] == [("smoke", "Pending"), ("review", "Pending")]
    assert (
        "gate smoke: its pod has not started yet; gate review: its service has not been called yet"
        in decision.status.message
    )


def test_what_is_being_asked_is_not_asked_again() -> None:
    assert outside(answered(gating(), smoke="Pending", review="Pending")) == []


def test_an_answer_is_remembered_and_its_question_never_asked_again() -> None:
    decision = decide(answered(gating(), smoke="Passed", review="Pending"))
    later = gating(said=tuple(decision.status.gates))
    assert outside(later) == ["review"], "the Job may be gone by now"
    assert decide(answered(later, review="Passed")).status.phase is Phase.STARTING


@pytest.mark.parametrize(
    "change",
    [
        {"gates": [{"name": "smoke", "job": {"image": "other"}}]},
        {"rollout": {"retry": "once more"}},
        {"version": "3"},
    ],
)
def test_another_question_is_asked_anew(change: dict[str, Any]) -> None:
    known = decide(answered(gating(gates=CHECKS[:1]), smoke="Failed")).status.gates
    given = gating(said=tuple(known), **{"gates": CHECKS[:1], **change})
    if "version" in change:
        other = CHALLENGER.model_copy(update={"version": "3"})
        desired = RegistryState(desired=replace(NEW, version="3"), champion=CHAMPION)
        status = given.status.model_copy(update={"challenger": other})
        given = replace(given, status=status, observed=ObservedState(registry=desired))
    assert outside(given) == ["smoke"]
    assert decide(given).status.gates[0].state == "Pending"


def test_an_answer_to_an_older_question_is_none() -> None:
    given = gating(gates=CHECKS[:1])
    stale = replace(given.observed, gate_responses={"smoke": GateResponse("another criterion", "Passed", "")})
    decision = decide(replace(given, observed=stale))
    assert decision.move is None
    assert decision.status.gates[0].state == "Pending"


def test_a_gate_that_fails_blocks_and_the_others_are_asked_all_the_same() -> None:
    given = answered(gating(), smoke="Failed", review="Pending")
    decision = decide(given)
    assert decision.status.phase is Phase.BLOCKED
    assert "is blocked: gate smoke: smoke Failed; pending: gate review: review Pending" in decision.status.message


def test_what_no_longer_fails_and_still_waits_is_gating_again() -> None:
    gates = [{"name": "accurate", "metric": {"key": "auc", "atLeast": 0.5}}, CHECKS[1]]
    decision = decide(answered(gating(Phase.BLOCKED, gates=gates), review="Pending"))
    assert decision.status.phase is Phase.GATING


def test_paused_nothing_outside_is_asked() -> None:
    assert outside(gating(paused=True)) == []


def test_a_trusted_version_is_asked_nothing() -> None:
    promoted = HistoryEntry(
        version="2", digest="sha256:2", outcome="Promoted", reason="Promoted", message="", at=NOW, generation=1
    )
    given = gating(Phase.STABLE)
    found = given.status.model_copy(update={"challenger": None, "history": [promoted]})
    given = replace(given, status=found)
    pinned_now = decide(given).status
    assert pinned_now.phase is Phase.GATING
    assert outside(given) == []
    later = replace(given, status=pinned_now)
    assert outside(later) == []
    assert decide(later).status.phase is Phase.STARTING
    assert decide(later).status.gates == []


def test_a_version_that_is_new_is_asked_about_at_once() -> None:
    given = gating(Phase.STABLE)
    given = replace(given, status=given.status.model_copy(update={"challenger": None}))
    assert outside(given) == ["smoke", "review"]


def test_the_moment_of_an_answer_is_kept_while_it_stays_the_same() -> None:
    first = decide(gating()).status.gates
    later = replace(gating(said=tuple(first)), now=NOW + timedelta(minutes=5))
    assert [gate.at for gate in decide(later).status.gates] == [NOW, NOW]
    assert decide(answered(later, smoke="Passed")).status.gates[0].at == later.now


def test_a_message_from_outside_is_bounded() -> None:
    given = gating(gates=CHECKS[:1])
    asked_now = request_id(given.spec, given.spec.gates[0], CHALLENGER)
    loud = replace(given.observed, gate_responses={"smoke": GateResponse(asked_now, "Failed", "x" * 9999)})
    assert len(decide(replace(given, observed=loud)).status.gates[0].message) == 300
