"""The judge of one version against a fixed limit, and what it must not be fooled by."""

import json
import math
from dataclasses import asdict
from statistics import median

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from podium.core.analysis.sequential import AgainstLimit, LimitTestState, bets
from podium.core.analysis.sequential.counts import _binomial_sf

LIMIT, ALPHA, BETA = 0.01, 0.01, 0.05
JUDGE = AgainstLimit(LIMIT, ALPHA, BETA)


def looks_until_broken(judge: AgainstLimit, share: float, answers: int, chance: np.random.Generator) -> float:
    for look in range(1, 1000):
        bad = int(chance.binomial(answers, share))
        judge = judge.see(bad, answers - bad)
        if judge.verdict == "Failed":
            return look
    return math.inf


def seen(judge: AgainstLimit, share: float, answers: int, looks: int, chance: np.random.Generator) -> AgainstLimit:
    for bad in chance.binomial(answers, share, looks):
        judge = judge.see(int(bad), answers - int(bad))
    return judge


def rejected_with_a_look_at_every_bad_answer(chance: np.random.Generator, answers: int) -> bool:
    judge = JUDGE
    for good in chance.geometric(LIMIT, answers):  # only a bad answer can raise the evidence to a proof
        if judge.state.bad + judge.state.good > answers:
            break
        judge = judge.see(1, int(good) - 1)
    return judge.verdict == "Failed"


def test_many_looks_do_not_raise_the_chance_of_a_false_rejection() -> None:
    chance = np.random.default_rng(1)
    rejected = sum(rejected_with_a_look_at_every_bad_answer(chance, 5000) for _ in range(400))
    assert rejected <= 11  # 4 are allowed on average; more than 11 would be a chance of 1 in 1,000


@pytest.mark.parametrize(("share", "answers"), [(1.0, 10), (0.2, 50), (0.05, 360)])
def test_ten_thousand_good_answers_do_not_shield_a_version_that_turns_bad(share: float, answers: int) -> None:
    chance = np.random.default_rng(2)
    previously_promoted = seen(JUDGE, LIMIT / 5, 10, 1000, chance)
    assert previously_promoted.verdict == "Passed"
    looks = [looks_until_broken(previously_promoted, share, 10, chance) for _ in range(40)]
    assert 10 * median(looks) <= answers


@pytest.mark.parametrize(("share", "answers"), [(1.0, 2), (0.2, 15), (0.05, 157)])
def test_a_version_that_is_bad_from_the_first_answer_is_found_near_the_bound(share: float, answers: int) -> None:
    chance = np.random.default_rng(3)
    assert median(looks_until_broken(JUDGE, share, 1, chance) for _ in range(100)) <= answers


@given(cuts=st.lists(st.integers(0, 2000), min_size=1, max_size=30), at_once=st.floats(0.01, 1))
@settings(max_examples=200, deadline=None)
def test_all_starts_together_get_one_capital_however_the_answers_are_cut(cuts: list[int], at_once: float) -> None:
    ends = np.cumsum(cuts)
    paid = sum(bets.starts_within(int(end) - cut, int(end), at_once) for cut, end in zip(cuts, ends, strict=True))
    assert paid == pytest.approx(bets.starts_within(0, int(ends[-1]), at_once), abs=1e-12)
    assert at_once + paid <= 1 + 1e-12
    assert sum(math.exp(wealth) for wealth in bets.opening(len(cuts), at_once)) == pytest.approx(at_once)


@pytest.mark.parametrize("block", [1, 10, 500, 5000])
def test_blocks_of_any_size_find_a_bad_version_and_spare_a_good_one(block: int) -> None:
    chance, looks = np.random.default_rng(4), 5000 // block
    assert seen(JUDGE, 0.05, block, looks, chance).verdict == "Failed"
    assert seen(JUDGE, LIMIT, block, looks, chance).verdict == "Inconclusive"
    assert seen(JUDGE, LIMIT / 5, block, looks, chance).verdict == "Passed"


def test_a_fault_after_one_large_good_block_is_found_as_after_many_small_ones() -> None:
    assert JUDGE.see(0, 10_000).see(3, 0).verdict == "Failed"


def test_silence_is_no_evidence() -> None:
    judge = JUDGE
    for _ in range(1000):
        judge = judge.see(0, 0)
    assert judge == JUDGE
    assert judge.verdict == "Inconclusive"


def test_one_answer_an_hour_is_enough_where_all_are_bad() -> None:
    judge = JUDGE.see(1, 0).see(0, 0)
    assert judge.verdict == "Inconclusive"
    assert judge.see(1, 0).verdict == "Failed"


def test_what_was_proved_broken_stays_broken() -> None:
    assert JUDGE.see(50, 50).see(0, 100_000).verdict == "Failed"


def test_what_held_is_doubted_again_when_it_turns_bad() -> None:
    good = JUDGE.see(0, 1000)
    assert good.verdict == "Passed"
    turned = good
    while turned.verdict == "Passed":
        turned = turned.see(1, 19)
    assert turned.state.bad <= 15


@pytest.mark.parametrize("answers", [10**7, 10**9, 10**12])
def test_any_number_of_answers_is_judged_without_losing_precision(answers: int) -> None:
    for share, verdict in [(LIMIT, "Inconclusive"), (1.1 * LIMIT, "Failed"), (0.9 * LIMIT, "Passed")]:
        bad = int(answers * share)
        assert JUDGE.see(bad, answers - bad).verdict == verdict


def test_a_version_that_is_good_for_ever_wears_no_number_out() -> None:
    judge = JUDGE
    for _ in range(200):
        judge = judge.see(0, 10**15)
    assert all(map(math.isfinite, judge.state.late))
    assert all(map(math.isfinite, bets.settled(judge.state.late, [-1e13] * 10, starts=0.0)))


@pytest.mark.parametrize("limit", [0.00001, 0.001, 0.2, 0.5])
def test_every_limit_that_can_be_asked_for_is_judged(limit: float) -> None:
    judge = AgainstLimit(limit, ALPHA, BETA)
    answers = int(30 / limit)
    assert judge.see(int(answers * min(1, 5 * limit)), answers - int(answers * min(1, 5 * limit))).verdict == "Failed"
    assert judge.see(0, answers).verdict == "Passed"
    assert judge.see(int(answers * limit), answers - int(answers * limit)).verdict == "Inconclusive"


def test_the_memory_is_a_few_plain_numbers_that_survive_a_restart() -> None:
    judge = seen(JUDGE, 0.012, 10, 100, np.random.default_rng(5))
    text = json.dumps(asdict(judge.state))
    assert len(text) < 400
    memory = LimitTestState(**json.loads(text))
    again = AgainstLimit(LIMIT, ALPHA, BETA, memory)
    assert again.see(1, 9).state == judge.see(1, 9).state
    assert again.verdict == judge.verdict


@pytest.mark.parametrize(("bad", "good"), [(0, 0), (0, 50), (3, 40), (4, 40), (5, 40), (0, 700), (1, 900), (3, 2000)])
def test_the_wealth_of_both_bets_says_how_far_the_verdict_is(bad: int, good: int) -> None:
    judge = JUDGE.see(bad, good)
    assert (judge.log_failed >= -math.log(ALPHA)) == (judge.verdict == "Failed")
    assert (judge.log_passed >= -math.log(BETA)) == (judge.verdict == "Passed")


def test_counts_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot be negative: good = -1"):
        JUDGE.see(0, -1)


@pytest.mark.parametrize(
    ("successes", "trials", "share"), [(0, 9, 0.3), (1, 9, 0.3), (4, 9, 0.3), (9, 9, 0.3), (30, 900, 0.02)]
)
def test_the_tail_of_the_binomial_is_scipys(successes: int, trials: int, share: float) -> None:
    assert _binomial_sf(successes, trials, share) == pytest.approx(binom.sf(successes - 1, trials, share), rel=1e-9)
