"""What a reconcile asks at many places, it works out once."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.status import Phase, Rejection, Status, Verdict
from podium.core import fingerprints, gates
from podium.core.analysis import counts, guards
from podium.core.decide import decide
from podium.core.facts import ModelVersion, ObservedState, RegistryState, TrafficState
from podium.core.fingerprints import rejection_hash
from podium.core.once import Once
from podium.core.rollout.lifecycle import begin_trial
from podium.core.status.trial_times import KEEP
from tests.unit.core.factories import NOW, facts, pinned

ROLLOUT = {"guards": [{"name": "errors", "errorRate": {"atMost": "1%"}}]}
SHARED = ObservedState(traffic=TrafficState(desired={"a": 95, "b": 5}, in_sync=True))
Calls = list[tuple[object, ...]]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any, str], Calls]:
    """The arguments of each call of a module's function from now on."""

    def watched(module: Any, name: str) -> Calls:
        found: Calls = []
        real = getattr(module, name)

        def noted(*values: object) -> object:
            found.append(values)
            return real(*values)

        monkeypatch.setattr(module, name, noted)
        return found

    return watched


def on_trial(since: timedelta) -> Status:
    """A canary whose evidence was written down so long ago."""
    start = facts(phase=Phase.STARTING, champion=pinned("1"), challenger=pinned("2", "b"), rollout=ROLLOUT)
    began = begin_trial(start, Verdict(reason=reasons.GATES_PASSED, message=""))
    trial = began.trial
    assert trial is not None
    evidence = trial.evidence.model_copy(update={"observed_at": NOW - since})
    moved = {"evidence": evidence, "step_started_at": NOW, "weight_reached_at": NOW - timedelta(hours=1)}
    update = {"phase": Phase.CANARY, "trial": trial.model_copy(update=moved)}
    return began.model_copy(update=update)


def test_guards_are_judged_once_a_reconcile(calls: Callable[[Any, str], Calls]) -> None:
    judged = calls(guards, "judge")
    decision = decide(facts(status=on_trial(KEEP), world=SHARED, rollout=ROLLOUT))
    assert decision.status.phase is Phase.CANARY
    assert "answers" in decision.status.message
    assert len(judged) == 1


def test_what_the_pods_counted_is_read_once_a_reconcile(calls: Callable[[Any, str], Calls]) -> None:
    given = facts(status=on_trial(KEEP), world=SHARED, rollout=ROLLOUT)
    read = calls(counts, "_sources")
    decide(given)
    assert len(read) == 1


def test_the_spec_is_hashed_once_a_reconcile_however_many_ask_whether_a_rejection_stands(
    calls: Callable[[Any, str], Calls],
) -> None:
    world = ObservedState(registry=RegistryState(desired=ModelVersion("2", "sha256:2")))
    given = facts(phase=Phase.REJECTED, champion=pinned("1"), world=world)
    lost = Rejection(
        model=given.spec.model.name,
        version="2",
        digest="sha256:2",
        reason=reasons.CRASHED,
        message="it crashed",
        at=NOW,
        generation=1,
        rejection_hash=rejection_hash(given.spec, reasons.CRASHED),
    )
    hashed = calls(fingerprints, "rejection_hash")
    decision = decide(facts(status=given.status.model_copy(update={"rejected": [lost]}), world=world, spec=given.spec))
    assert decision.status.phase is Phase.REJECTED
    assert "it crashed" in decision.status.message
    assert sorted(map(len, hashed)) == [1, 2], "of what is judged, and of what failed by serving"


def test_gates_are_checked_once_a_reconcile(calls: Callable[[Any, str], Calls]) -> None:
    checked = calls(gates, "check")
    world = ObservedState(registry=RegistryState(desired=ModelVersion("2", "sha256:2")))
    given = facts(
        phase=Phase.BLOCKED,
        challenger=pinned("2"),
        world=world,
        gates=[{"name": "reviewed", "tags": {"required": ["reviewer"]}}],
    )
    settled = given.status.model_copy(update={"gates": decide(given).status.gates})
    checked.clear()
    decision = decide(facts(status=settled, world=world, spec=given.spec))
    assert "reviewer" in decision.status.message
    assert len(checked) == 1


def test_an_answer_is_kept_for_an_equal_value_only() -> None:
    asked: list[str] = []

    def length(text: str) -> int:
        asked.append(text)
        return len(text)

    once = Once()
    assert [once(length, text) for text in ("ab", "ab", "abc", "ab")] == [2, 2, 3, 2]
    assert asked == ["ab", "abc", "ab"]
