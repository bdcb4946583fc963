"""What is still done for a ModelDeployment that is not permitted: the champion goes on serving, and nothing begins."""

from dataclasses import replace

from podium.core.actions import (
    Action,
    AddFinalizer,
    AddRetries,
    CallWebhook,
    ClaimAlias,
    MoveAlias,
    RunAutoscaler,
    RunJob,
    RunSlot,
    SetTraffic,
    WriteRecord,
    WriteTags,
)
from podium.core.facts import Facts
from podium.core.refusal import asks_for

_SIZE = ("spec.serving.replicas", "spec.serving.autoscaling")


def still_done(actions: tuple[Action, ...], facts: Facts) -> tuple[Action, ...]:
    """Those of the actions that need no grant.

    What is written from the spec alone (a Service, a route, an autoscaler) stays as it is where that part of it is
    refused. In a trial the facts have the spec that the trial began with: traffic goes back by that.
    """
    if not facts.observed.refusals:
        return actions
    return tuple(done for action in actions if (done := _still(action, facts)) is not None)


def _still(action: Action, facts: Facts) -> Action | None:
    refusals = facts.observed.refusals
    match action:
        case RunJob() | CallWebhook() | ClaimAlias() | MoveAlias() | WriteTags() | WriteRecord():
            return None
        case SetTraffic() | AddRetries() | AddFinalizer():
            from_trial = facts.status.trial is not None
            return action if from_trial or not asks_for(refusals, "spec.traffic") else None
        case RunAutoscaler():
            return None if asks_for(refusals, *_SIZE) else action
        case RunSlot():
            return _run(action, facts)
        case _:
            return action


def _run(action: RunSlot, facts: Facts) -> RunSlot | None:
    """A version that serves already, in the size that it has where another one is refused."""
    seen = facts.observed.slot(action.pinned.slot)
    if action.pinned not in {facts.status.champion, facts.status.former} and seen.runs != action.pinned:
        return None
    if not asks_for(facts.observed.refusals, *_SIZE):
        return action
    kept = replace(action, replicas=seen.replicas or facts.status.replicas or 1)
    return None if seen.runs == action.pinned and seen.up_to_date and seen.replicas == kept.replicas else kept
