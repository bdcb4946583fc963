"""The outbox: what is still to be told, and to whom."""

from collections.abc import Mapping

from podium.api.v1alpha1.outbox import PENDING_LIMIT, RECEIVERS_LIMIT, Delivery, Outbox, PendingEvent
from podium.core.status.outbox import enqueued, settled
from tests.unit.core.factories import NOW


def event(name: str = "x") -> PendingEvent:
    return PendingEvent(id=name, type="ml.model.promoted.v1", at=NOW, generation=1)


def reached(**alerts: int) -> Mapping[str, Delivery]:
    return {uid: Delivery(uid=uid, alert=uid, sequence=sequence) for uid, sequence in alerts.items()}


def outbox(events: int) -> Outbox:
    return enqueued(Outbox(), [event(str(number)) for number in range(1, events + 1)])


def pending(found: Outbox) -> list[int]:
    return [each.sequence for each in found.pending]


def test_events_are_numbered_in_the_order_in_which_they_are_made() -> None:
    found = enqueued(outbox(2), [event("3"), event("4")])
    assert [(each.id, each.sequence) for each in found.pending] == [("1", 1), ("2", 2), ("3", 3), ("4", 4)]
    assert found.sequence == 4


def test_a_decision_without_events_changes_nothing() -> None:
    before = outbox(2)
    assert enqueued(before, []) is before


def test_the_oldest_events_go_where_there_is_no_room_and_it_says_how_many() -> None:
    found = outbox(PENDING_LIMIT + 3)
    assert (pending(found)[0], len(found.pending), found.dropped) == (4, PENDING_LIMIT, 3)
    assert enqueued(found, [event()]).dropped == 4


def test_an_event_stays_until_every_alert_has_passed_it() -> None:
    found = settled(outbox(3), reached(ops=3, audit=1))
    assert pending(found) == [2, 3]
    assert [(each.uid, each.sequence) for each in found.delivered] == [("ops", 3)]


def test_once_nothing_is_pending_nothing_is_kept_of_who_had_it() -> None:
    before = settled(outbox(3), reached(ops=3, audit=1))
    found = settled(before, reached(ops=3, audit=3))
    assert (found.pending, found.delivered, found.sequence) == ([], [], 3)


def test_without_an_alert_nothing_is_pending() -> None:
    assert settled(outbox(3), {}).pending == []


def test_while_the_alerts_are_not_known_everything_stays() -> None:
    before = outbox(3)
    assert settled(before, None) is before


def test_what_was_written_down_is_never_taken_back() -> None:
    """Another operator knows less of an Alert than the status does."""
    before = settled(outbox(3), reached(ops=2, audit=1))
    again = settled(before, reached(ops=0, audit=1))
    assert (again.delivered, pending(again)) == (before.delivered, [2, 3])


def test_an_alert_that_has_delivered_nothing_takes_no_room() -> None:
    many = {f"alert-{number}": 0 for number in range(RECEIVERS_LIMIT)}
    assert settled(outbox(2), reached(**many)).delivered == []
    assert len(settled(outbox(2), reached(**dict.fromkeys(many, 1), last=0)).delivered) == RECEIVERS_LIMIT
