"""A watch that never ends: how often it alarms wrongly is bounded, and a share that is too high is found."""

from math import log
from random import Random

import pytest

from podium.core.analysis.sequential import RunLength, unearned

LOOK, HOUR, YEAR = 15.0, 3600.0, 8760 * 3600.0


def alarmed_after(share: float, length: float, random: Random, answers: int = 100, most: float = 1e9) -> float:
    """Seconds until the alarm at a limit of 2 %, with so many answers in each look."""
    test, passed = RunLength(0.02), 0.0
    while not test.alarms and passed < most:
        bad = sum(random.random() < share for _ in range(answers))
        test = test.see(bad, answers - bad, LOOK / length)
        passed += LOOK
    return passed


def test_the_mean_time_to_a_false_alarm_is_at_least_what_was_asked_for() -> None:
    random = Random(1)
    times = [alarmed_after(0.02, HOUR, random) for _ in range(60)]
    assert sum(times) / len(times) >= HOUR


def test_looks_that_come_early_because_of_what_was_answered_cost_no_false_alarm() -> None:
    """The capital of a time is paid in after its answers: whoever looks at once after a bad one gains nothing."""
    random, times = Random(2), []
    for _ in range(60):
        test, passed = RunLength(0.02), 0.0
        while not test.alarms:
            bad, good = 0, 0
            while not bad and good < 100:
                bad, good = (bad + 1, good) if random.random() < 0.02 else (bad, good + 1)
            test = test.see(bad, good, (bad + good) / 100 * LOOK / HOUR)
            passed += (bad + good) / 100 * LOOK
        times.append(passed)
    assert sum(times) / len(times) >= HOUR


@pytest.mark.parametrize(("share", "within"), [(0.1, 2 * LOOK), (0.06, 4 * LOOK), (0.03, 40 * LOOK)])
def test_a_share_above_the_limit_is_found_after_a_year_of_good_answers(share: float, within: float) -> None:
    random, test = Random(3), RunLength(0.02)
    for _ in range(1000):
        test = test.see(100, 19_900, LOOK / YEAR)  # half of the limit
    assert test.log_wealth < log(1e-6)
    passed = 0.0
    while not test.alarms:
        bad = sum(random.random() < share for _ in range(200))
        test = test.see(bad, 200 - bad, LOOK / YEAR)
        passed += LOOK
    assert passed <= within


def test_it_suspects_before_it_alarms() -> None:
    capital = LOOK / YEAR
    test = RunLength(0.02).see(0, 100, capital)
    assert not test.suspects(capital)
    test = test.see(3, 0, capital)
    assert test.suspects(capital)
    assert not test.alarms


@pytest.mark.parametrize("length", [24 * HOUR, YEAR])
@pytest.mark.parametrize("passed", [0.1, 1.0, 10.0])
def test_time_without_any_answer_is_no_evidence(length: float, passed: float) -> None:
    """Neither an operator that was away for long, nor a clock that was set, nor no traffic for years."""
    look = LOOK / length
    test = RunLength(0.02).see(0, 1000, look, unearned(look)).see(0, 100, passed, unearned(look))
    for _ in range(1000):
        test = test.see(0, 0, passed / 1000, unearned(look))
    assert not test.alarms
    assert not test.suspects(look)
    assert not test.see(2, 200, look, unearned(look)).alarms


def test_good_answers_that_come_one_by_one_are_no_evidence_against_them() -> None:
    look = 600 / (24 * HOUR)
    test = RunLength(0.01)
    for _ in range(2000):
        test = test.see(0, 1, look, unearned(look))
    assert not test.alarms


def test_before_the_first_look_nothing_is_known() -> None:
    assert not RunLength(0.02).alarms
    assert not RunLength(0.02).suspects(LOOK / YEAR)


@pytest.mark.parametrize("limit", [0.00001, 0.01, 0.5])
def test_every_limit_that_a_guard_can_have_has_alternatives_above_it(limit: float) -> None:
    test = RunLength(limit).see(0, 0, 0.1).see(1000, 0, 0.1)
    assert test.alarms


def test_a_count_that_is_negative_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot be negative"):
        RunLength(0.02).see(-1, 0, 0.1)
