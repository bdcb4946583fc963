"""What the demo's numbers mean."""

from demo.ledger import Answer, Ledger


def given(*answers: tuple[float, str, int]) -> Ledger:
    """Answers as (time, version, status)."""
    return Ledger([Answer(at - 0.01, at, version, status) for at, version, status in answers])


def test_an_answer_that_is_not_ok_or_not_there_has_failed() -> None:
    ledger = given((1, "2", 200), (2, "3", 500), (3, "2", 503), (4, "", 0))
    assert [answer.at for answer in ledger.failures] == [2, 3, 4]


def test_answers_are_counted_by_version_from_any_point_on() -> None:
    ledger = given((1, "1", 200), (2, "2", 200), (3, "2", 500))
    assert ledger.by_version() == {"1": 1, "2": 2}
    assert ledger.by_version(since=2) == {"2": 1}


def test_a_rollback_lasts_from_the_first_failed_answer_to_the_last_answer_of_any_kind() -> None:
    rollback = given((1, "3", 200), (2, "3", 500), (3, "2", 200), (4.5, "3", 200), (9, "2", 200)).rollback("3")
    assert rollback is not None
    assert (rollback.seconds, rollback.own_failures) == (2.5, 1)


def test_answers_may_come_in_any_order() -> None:
    rollback = given((4.5, "3", 200), (2, "3", 500), (1, "3", 200)).rollback("3")
    assert rollback is not None
    assert rollback.seconds == 2.5


def test_a_version_that_never_failed_was_not_rolled_back() -> None:
    assert given((1, "3", 200), (2, "2", 500)).rollback("3") is None


def test_bystanders_are_requests_that_failed_without_the_bad_version_once_it_had_failed() -> None:
    ledger = given((1, "", 0), (2, "3", 500), (3, "2", 503), (4, "", 0), (5, "3", 500))
    rollback = ledger.rollback("3")
    assert rollback is not None
    assert (rollback.own_failures, rollback.bystanders) == (2, 2)
    assert len(ledger.strays("3")) == 3


def test_what_the_champion_answered_in_its_place_is_felt_and_hits_no_user() -> None:
    ledger = given((1, "3", 200), (4, "3", 200))
    ledger.add(Answer(1.9, 2, "2", 200, failed_by="3"))
    ledger.add(Answer(4.9, 5, "2", 200, failed_by="3"))
    rollback = ledger.rollback("3")
    assert rollback is not None
    assert (rollback.seconds, rollback.own_failures, rollback.saved, rollback.bystanders) == (3, 0, 2, 0)
    assert not ledger.failures
