"""What is still to be told, and to whom: the outbox of a ModelDeployment, written with the decision itself.

An event leaves it once every Alert has delivered it, or does not want it. What an Alert has delivered is kept for as
long as another one is behind, so that another operator does not begin at the first event again.
"""

from collections.abc import Mapping, Sequence

from podium.api.v1alpha1.outbox import PENDING_LIMIT, RECEIVERS_LIMIT, Delivery, Outbox, PendingEvent
from podium.api.v1alpha1.status import Status


def enqueued(outbox: Outbox, events: Sequence[PendingEvent]) -> Outbox:
    """The outbox with these events at its end. The oldest ones go where there is no room."""
    if not events:
        return outbox
    numbered = [event.model_copy(update={"sequence": outbox.sequence + n}) for n, event in enumerate(events, start=1)]
    pending = [*outbox.pending, *numbered]
    update = {
        "sequence": numbered[-1].sequence,
        "pending": pending[-PENDING_LIMIT:],
        "dropped": outbox.dropped + max(0, len(pending) - PENDING_LIMIT),
    }
    return outbox.model_copy(update=update)


def settled(outbox: Outbox, known: Mapping[str, Delivery] | None) -> Outbox:
    """The outbox without what no Alert needs any more. `known`: all Alerts there are, by UID; None: not known yet."""
    if known is None or not outbox.pending:
        return outbox
    recorded = {each.uid: each.sequence for each in outbox.delivered}
    now = [
        each.model_copy(update={"sequence": max(each.sequence, recorded.get(each.uid, 0))}) for each in known.values()
    ]
    through = min((each.sequence for each in now), default=outbox.sequence)
    pending = [event for event in outbox.pending if event.sequence > through]
    ahead = [each for each in now if pending and each.sequence >= pending[0].sequence]
    return outbox.model_copy(update={"pending": pending, "delivered": ahead[:RECEIVERS_LIMIT]})


def with_settled(status: Status, known: Mapping[str, Delivery] | None) -> Status:
    """The status with the outbox without what no Alert needs any more."""
    outbox = settled(status.outbox, known)
    return status if outbox is status.outbox else status.model_copy(update={"outbox": outbox})
