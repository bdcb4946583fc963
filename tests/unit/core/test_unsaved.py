"""What a reconcile decided and could not write stays decided, though what spoke against the version may be gone."""

from dataclasses import replace
from datetime import timedelta

import pytest

from podium.api.v1alpha1.evidence import Evidence
from podium.api.v1alpha1.spec.rollout import Step
from podium.api.v1alpha1.status import Phase, Status, Trial
from podium.core.decide import Decision, decide, decide_without_evidence
from podium.core.facts import Crash, Facts, ObservedState, PodState, SlotState, TrafficState
from podium.core.fingerprints import terms_hash
from tests.unit.core.factories import NOW, facts, pinned

OLD, NEW = pinned("1", "a"), pinned("2", "b")
HALF = TrafficState({"a": 50, "b": 50}, {"a": 50, "b": 50})


def world(*challengers: PodState) -> ObservedState:
    slots = {
        "a": SlotState(OLD, 1, pods=(PodState("a", "a", "1", ready=True),)),
        "b": SlotState(NEW, 1, pods=challengers),
    }
    return ObservedState(slots=slots, traffic=HALF)  # type: ignore[arg-type]


def crashed() -> Facts:
    """A pod of version 2 has crashed, in its trial."""
    pod = PodState("b", "b", "2", ready=False, crash=Crash(NOW, 139, "Error"))
    known = facts(world=world(pod))
    trial = Trial(
        generation=1,
        started_at=NOW - timedelta(minutes=5),
        terms_hash=terms_hash(known.spec),
        steps=[Step(weight=50)],
        guards=[],
        on_inconclusive="Wait",
        step_timeout=timedelta(hours=1),
        soak=timedelta(minutes=30),
        evidence=Evidence(observed_at=NOW - timedelta(minutes=1)),
    )
    status = Status(phase=Phase.CANARY, phase_since=NOW, champion=OLD, challenger=NEW, trial=trial)
    return replace(known, status=status)


def without_the_pod(before: Facts, decision: Decision, **parts: object) -> Decision:
    """The next reconcile: the pod is gone, and the status is as it was."""
    return decide(replace(before, observed=world(), unsaved=decision.unwritten, **parts))  # type: ignore[arg-type]


def test_a_version_that_lost_stays_lost_while_the_status_cannot_be_written() -> None:
    """It got its share back once: its crash had gone with its pod."""
    before = crashed()
    first = decide(before)
    again = without_the_pod(before, first)
    third = without_the_pod(before, again)
    assert first.move is not None
    assert [each.move and each.move.verdict for each in (again, third)] == [first.move.verdict] * 2
    assert third.status.phase is Phase.ROLLING_BACK


def test_it_does_so_where_the_evidence_cannot_be_evaluated() -> None:
    before, error = crashed(), ZeroDivisionError()
    first = decide_without_evidence(before, error)
    assert first.move is not None
    assert first.unwritten is not None
    again = decide_without_evidence(replace(before, observed=world(), unsaved=first.unwritten), error)
    assert again.move is not None
    assert again.move.verdict == first.move.verdict


def test_beside_another_status_it_is_worth_nothing() -> None:
    before = crashed()
    first, trial = decide(before), before.status.trial
    assert trial is not None
    later = trial.model_copy(update={"started_at": NOW})
    assert without_the_pod(before, first, status=before.status.model_copy(update={"trial": later})).move is None


def test_what_git_says_is_read_again() -> None:
    """A newer commit that is taken back before anything was written ends no trial."""
    before = replace(crashed(), observed=world())
    terms = before.spec.rollout.model_copy(update={"consecutive_failures": 99})
    changed = decide(replace(before, spec=before.spec.model_copy(update={"rollout": terms})))
    assert changed.status.phase is Phase.ROLLING_BACK
    assert without_the_pod(before, changed).move is None


@pytest.mark.parametrize("phase", [Phase.PENDING, Phase.STABLE])
def test_without_a_trial_there_is_nothing_to_remember(phase: Phase) -> None:
    assert decide(facts(phase=phase, champion=OLD)).unwritten is None
