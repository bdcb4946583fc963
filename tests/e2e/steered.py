"""A whole rollout that a person steers, told once: by the command line, by YAML, and by the page's buttons."""

from collections.abc import Callable, Sequence
from typing import Any

from podium.api.v1alpha1.status import Phase, Status
from tests.e2e.rollout import Rollout

SLOW: dict[str, Any] = {"steps": [{"weight": 20, "duration": "1h"}, {"weight": 50, "duration": "1h"}], "soak": "5s"}
GATES = [{"name": "signed-off", "approval": {"by": ["alice"]}}]
APPROVED = [{"version": "1", "by": "alice"}]
Act = Callable[[str, dict[str, Any]], None]  # the verb's words, and the parts of the spec that say the same


def at_step(number: int) -> Callable[[Status], bool]:
    return lambda status: status.phase is Phase.CANARY and status.trial is not None and status.trial.step + 1 == number


def steer_a_whole_rollout(rollout: Rollout, act: Act, guards: Sequence[dict[str, Any]] = ()) -> None:
    """Version 2 is approved, paused, promoted, aborted, retried, promoted fully, rolled back, and brought back."""
    steps = SLOW | ({"guards": [*guards]} if guards else {})
    rollout.apply("1", rollout=steps, gates=GATES, approvals=APPROVED)
    rollout.settle("1")
    act("set version churn 2", {"version": "2"})
    rollout.reach(Phase.GATING)
    act("approve churn --by alice", {"approvals": [*APPROVED, {"version": "2", "by": "alice"}]})
    rollout.until("the first step", at_step(1))

    act("pause churn", {"paused": True})
    rollout.until("it is paused", lambda status: status.message.startswith("paused: "))
    act("resume churn", {"paused": False})
    rollout.until("it goes on", lambda status: not status.message.startswith("paused: "))
    act("promote churn --reason quiet", {"rollout": {"promote": {"version": "2", "skipSteps": 1, "reason": "quiet"}}})
    rollout.until("the second step", at_step(2))

    act("abort churn --reason prices", {"rollout": {"abort": {"version": "2", "reason": "prices"}}})
    status = rollout.reach(Phase.ABORTED)
    assert status.history[-1].outcome == "Aborted"
    assert status.history[-1].message.endswith(": prices")
    assert status.rejected == []
    assert rollout.condition("Stalled")[:2] == ("True", "Aborted")

    act("retry churn --reason mended", {"rollout": {"retry": "mended", "abort": None, "promote": None}})
    rollout.until("the first step again", at_step(1))
    act("promote churn --full", {"rollout": {"promote": {"version": "2", "full": True}}})
    rollout.settle("2")
    assert "steps 1, 2 skipped" in rollout.status().history[-1].message

    back = {"promote": {"version": "1", "full": True, "reason": "orders"}}
    act("rollback churn --now --reason orders", {"version": "1", "rollout": back})
    status = rollout.settle("1")
    assert status.history[-1].previously_promoted
    act("undo churn --to 2", {"version": "2", "rollout": {"promote": None}})
    rollout.settle("2")

    assert any(event.startswith("Aborted: ") and "prices" in event for event in rollout.events())
    assert any(event.startswith("StepSkipped: ") and "quiet" in event for event in rollout.events())
