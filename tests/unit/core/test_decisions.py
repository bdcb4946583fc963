from datetime import datetime, timedelta

from podium.api.v1alpha1.outage import Suspicion
from podium.api.v1alpha1.status import GateStatus, HistoryEntry, Outcome, Phase, Status
from podium.core.status.decisions import decisions, first_sight
from tests.unit.core.factories import NOW, pinned

LATER = NOW + timedelta(minutes=5)


def entry(version: str, outcome: Outcome, at: datetime = NOW) -> HistoryEntry:
    said = {"reason": "x", "message": "", "outcome": outcome, "at": at, "generation": 1}
    return HistoryEntry(**pinned(version).identity, **said)


def suspicion(version: str) -> Suspicion:
    said = {"reason": "x", "message": "", "since": NOW, "until": LATER, "rejection_hash": "", "guards": []}
    return Suspicion(**pinned(version).identity, **said)


def test_a_decision_is_what_the_history_has_and_had_not() -> None:
    before = Status(history=[entry("1", "Promoted")])
    after = Status(history=[entry("1", "Promoted"), entry("2", "Rejected", LATER)])
    assert [(each.version, each.outcome) for each in decisions(before, after)] == [("2", "Rejected")]


def test_a_decision_that_the_registry_has_recorded_is_no_other_one() -> None:
    known = entry("1", "Promoted")
    recorded = known.model_copy(update={"recorded": True})
    assert not decisions(Status(history=[known]), Status(history=[recorded]))


def test_a_rollback_is_no_decision_while_the_champions_answers_are_awaited() -> None:
    waiting = Status(history=[entry("2", "RolledBack")], suspected=suspicion("2"))
    assert not decisions(Status(), waiting)
    decided = Status(history=[entry("2", "Rejected", LATER)])
    assert [each.outcome for each in decisions(waiting, decided)] == ["Rejected"]


def test_a_suspicion_that_ends_without_a_word_leaves_the_rollback() -> None:
    waiting = Status(history=[entry("2", "RolledBack")], suspected=suspicion("2"))
    forgotten = waiting.model_copy(update={"suspected": None})
    assert [each.outcome for each in decisions(waiting, forgotten)] == ["RolledBack"]


def test_a_challenger_is_known_since_the_earliest_moment_that_the_status_tells() -> None:
    gate = GateStatus(name="auc", state="Passed", version="2", at=NOW)
    other = GateStatus(name="age", state="Passed", version="1", at=NOW - timedelta(days=1))
    status = Status(phase=Phase.CANARY, phase_since=LATER, challenger=pinned("2"), gates=[other, gate])
    assert first_sight(status) == NOW


def test_without_a_challenger_there_is_no_first_sight() -> None:
    assert first_sight(Status(phase=Phase.STABLE, phase_since=NOW, champion=pinned("1"))) is None
