"""The test of pairs: wrong with the chances that it names, indifferent to blocks, and quick where a fault is large."""

import random
from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.core.analysis.sequential import AgainstPairs
from podium.core.analysis.sequential.outlook import Z95, against_pairs

MARGIN, ALPHA, BETA = 0.005, 0.01, 0.05
SEEDS = 400
Counts = tuple[int, int, int]


def judge(margin: float = MARGIN) -> AgainstPairs:
    return AgainstPairs(margin, ALPHA, BETA)


def drawn(chance: random.Random, worse: float, better: float) -> Counts:
    u = chance.random()
    return (u < worse, worse <= u < worse + better, u >= worse + better)


def end_of(worse: float, better: float, seed: int, most: int = 4000) -> tuple[str, int]:
    """The first verdict, and after how many pairs."""
    chance, test = random.Random(seed), judge()
    for number in range(1, most + 1):
        test = test.see(*drawn(chance, worse, better))
        if test.verdict != "Inconclusive":
            return test.verdict, number
    return "Inconclusive", most


@pytest.mark.parametrize(("worse", "better"), [(0.005, 0.0), (0.055, 0.05), (0.255, 0.25)])
def test_one_at_the_margin_hardly_ever_fails(worse: float, better: float) -> None:
    failed = 0
    for seed in range(SEEDS):
        chance, test = random.Random(seed), judge()
        for _ in range(100):
            some = [drawn(chance, worse, better) for _ in range(20)]
            test = test.see(*(sum(each) for each in zip(*some, strict=True)))
        failed += test.verdict == "Failed"
    assert failed <= 10, "α is 4 of 400; more than 10 has a chance of 0.3 %"


def test_one_at_the_margin_seldom_passes() -> None:
    passed = sum(end_of(0.005, 0.0, seed)[0] == "Passed" for seed in range(SEEDS))
    assert passed <= 35, "β is 20 of 400; more than 35 has a chance of 0.1 %"


def test_a_champions_twin_passes_and_a_worse_version_fails() -> None:
    assert {end_of(0.0, 0.0, seed)[0] for seed in range(3)} == {"Passed"}
    ends = [end_of(0.05, 0.0, seed) for seed in range(50)]
    assert {verdict for verdict, _ in ends} == {"Failed"}
    assert sorted(number for _, number in ends)[25] < 300


def test_hard_requests_that_both_fail_are_no_evidence_at_all() -> None:
    alike = judge().see(0, 0, 100)
    assert alike.log_failed < 0 < alike.log_passed


@given(st.lists(st.tuples(*[st.integers(0, 50)] * 3), max_size=20), st.sampled_from([0.0001, 0.005, 0.5]))
def test_it_is_the_same_in_whatever_blocks_the_pairs_come(blocks: list[Counts], margin: float) -> None:
    one_by_one, at_once = judge(margin), judge(margin)
    for block in blocks:
        one_by_one = one_by_one.see(*block)
    at_once = at_once.see(*(sum(each) for each in zip(*blocks, strict=True))) if blocks else at_once
    assert one_by_one.log_failed == pytest.approx(at_once.log_failed)
    assert one_by_one.log_passed == pytest.approx(at_once.log_passed)


@given(st.sampled_from([0.0001, 0.005, 0.3, 0.5]))
def test_the_null_expects_no_bet_to_gain(margin: float) -> None:
    """At the margin, a pair multiplies the wealth by 1 in the mean: whatever the share of discordant pairs is."""
    for better in (0.0, 0.1, (1 - margin) / 2):
        worse = better + margin
        gains = [(share, judge(margin).see(*pair)) for share, pair in _pairs(worse, better)]
        for side in ("log_failed", "log_passed"):
            assert sum(share * 2.718281828459045 ** getattr(test, side) for share, test in gains) == pytest.approx(1)


def _pairs(worse: float, better: float) -> list[tuple[float, Counts]]:
    return [(worse, (1, 0, 0)), (better, (0, 1, 0)), (1 - worse - better, (0, 0, 1))]


def test_what_was_proved_once_stays_proved() -> None:
    failed = judge().see(30, 0, 0)
    assert failed.verdict == "Failed"
    assert failed.see(0, 30, 100_000).verdict == "Failed"


def test_the_outlook_is_kept() -> None:
    test = judge().see(1, 0, 100)
    enough = against_pairs(test, times=10).enough
    assert test.see(0, 0, enough - 101).verdict == "Passed"
    assert test.see(0, 0, enough - 103).verdict == "Inconclusive"
    passed = judge().see(0, 0, enough)
    assert against_pairs(passed, times=10).enough == enough
    exposed = judge().pairs_to_expose(10, Z95)
    found = sum(end_of(0.05, 0.0, seed, most=exposed)[0] == "Failed" for seed in range(200))
    assert found >= 180


def test_a_count_below_zero_is_no_evidence() -> None:
    with pytest.raises(ValueError, match="cannot be negative: worse = -1"):
        judge().see(-1, 0, 0)


def test_it_needs_few_pairs_where_only_the_challenger_fails() -> None:
    assert judge().see(9, 0, 0).log_failed >= -log(ALPHA)
