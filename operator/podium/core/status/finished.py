"""The status as it is written: with its message, its conditions, and the events that tell of the decision."""

from dataclasses import replace

from podium.api.v1alpha1.status import Status
from podium.core.facts import Facts
from podium.core.rollout.transitions import Move
from podium.core.status.conditions import conditions
from podium.core.status.messages import message
from podium.core.status.model_events import model_events
from podium.core.status.outbox import enqueued


def finished(before: Facts, move: Move | None, after: Facts) -> Status:
    """The status after a decision, and the generation that it is about."""
    update = {"observed_generation": after.generation, "message": message(after)}
    status = after.status.model_copy(update=update)
    told = replace(after, status=status)
    more = {
        "conditions": conditions(told, before.status),
        "outbox": enqueued(status.outbox, model_events(before, move, told)),
    }
    return status.model_copy(update=more)
