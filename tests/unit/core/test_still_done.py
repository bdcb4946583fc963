"""What is still done for a ModelDeployment that is not permitted."""

from dataclasses import replace

import pytest

from podium.api.v1alpha1.evidence import Slot
from podium.api.v1alpha1.spec.gates import JobGate, WebhookGate
from podium.api.v1alpha1.status import Phase, Status
from podium.core.actions import (
    Action,
    AddFinalizer,
    AddRetries,
    CallWebhook,
    MoveAlias,
    RemoveFinalizer,
    RunAutoscaler,
    RunJob,
    RunSlot,
    SetTraffic,
    StopSlot,
    WriteRecord,
    WriteTags,
)
from podium.core.facts import Facts, ObservedState, SlotState
from podium.core.permissions.still_done import still_done
from podium.core.refusal import Refusal
from podium.core.rollout.trial_terms import new_trial
from tests.unit.core.factories import NOW, facts, pinned

ONE, TWO = pinned("1"), pinned("2", "b")
ROUTE = SetTraffic({"a": 100, "b": 0}, "why")
IMAGE = Refusal("spec.serving.image", "x", "ask")
TRAFFIC = Refusal("spec.traffic.service.type", "LoadBalancer", "ask")
SIZE = Refusal("spec.serving.replicas", "50", "ask")


def given(*refusals: Refusal, trial: bool = False, a: SlotState | None = None, b: SlotState | None = None) -> Facts:
    status = Status(phase=Phase.STABLE, phase_since=NOW, champion=ONE, replicas=2)
    if trial:
        status = status.model_copy(update={"trial": new_trial(facts(status=status), TWO)})
    slots: dict[Slot, SlotState] = {"a": a or SlotState(), "b": b or SlotState()}
    return facts(status=status, world=ObservedState(slots=slots, refusals=refusals))


@pytest.mark.parametrize(
    "action",
    [
        RunJob("smoke", JobGate(), "id", TWO, "why"),
        CallWebhook("review", WebhookGate(url="https://review.example.com"), "id", TWO, "why"),
        MoveAlias("champion", "1", "why"),
        WriteTags("1", {}, "why"),
        WriteRecord("1", "path", "text", "why"),
        RunSlot(TWO, 1, "why"),
    ],
)
def test_nothing_new_is_begun_whatever_is_refused(action: Action) -> None:
    assert still_done((action,), given(IMAGE)) == ()
    assert still_done((action,), given()) == (action,)


@pytest.mark.parametrize("action", [ROUTE, AddRetries("why"), AddFinalizer("why")])
def test_traffic_is_written_unless_it_is_what_is_refused(action: Action) -> None:
    assert still_done((action,), given(IMAGE)) == (action,)
    assert still_done((action,), given(TRAFFIC)) == ()
    assert still_done((action,), given(TRAFFIC, trial=True)) == (action,), "by the spec that the trial began with"


def test_the_autoscaler_is_made_unless_the_size_is_refused() -> None:
    action = RunAutoscaler("why")
    assert still_done((action,), given(IMAGE)) == (action,)
    assert still_done((action,), given(SIZE)) == ()


@pytest.mark.parametrize("action", [StopSlot("b", "why"), RemoveFinalizer("why")])
def test_what_takes_away_is_done(action: Action) -> None:
    assert still_done((action,), given(IMAGE, TRAFFIC, SIZE)) == (action,)


def test_the_champion_is_healed_in_its_own_size() -> None:
    runs = RunSlot(ONE, 50, "why")
    assert still_done((runs,), given(IMAGE)) == (runs,)
    assert still_done((runs,), given(SIZE, a=SlotState(runs=ONE, replicas=3))) == (), "it is as it is to be"
    drifted = SlotState(runs=ONE, replicas=3, up_to_date=False)
    assert still_done((runs,), given(SIZE, a=drifted)) == (replace(runs, replicas=3),)
    assert still_done((runs,), given(SIZE)) == (replace(runs, replicas=2),), "its Deployment is gone"


def test_the_only_version_that_runs_is_kept() -> None:
    runs = RunSlot(TWO, 2, "why")
    assert still_done((runs,), given(IMAGE, b=SlotState(runs=TWO, replicas=1))) == (runs,)
