"""What counts prove: the figures that the design states, and the error rates that it promises."""

import math
import random
from statistics import median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import betainc

from podium.core.analysis.sequential import answers_to_expose, answers_to_hold, proves_above, proves_below
from podium.core.analysis.sequential.beta import log_cdf, log_sf

LIMIT, ALPHA, BETA = 0.01, 0.01, 0.05


def answers_until_proof(share: float, seed: int, most: int = 4000) -> int | None:
    """Answers that were looked at, one by one, until a share above the limit was verified."""
    chance, bad = random.Random(seed), 0
    for answers in range(1, most + 1):
        failed = chance.random() < share
        bad += failed
        if failed and proves_above(bad, answers - bad, LIMIT, ALPHA):  # only a bad answer can raise the evidence
            return answers
    return None


@pytest.mark.parametrize(("share", "stated"), [(0.05, 118), (0.20, 13), (1.0, 2)])
def test_a_bad_version_is_found_as_quickly_as_the_design_says(share: float, stated: int) -> None:
    found = [answers_until_proof(share, seed) or math.inf for seed in range(400)]
    assert median(found) <= stated * 1.15


def test_a_version_at_the_limit_is_rarely_rejected_however_often_one_looks() -> None:
    rejected = sum(answers_until_proof(LIMIT, seed) is not None for seed in range(1000))
    assert rejected <= 20  # 1 % are allowed; more than 2 % of 1,000 would be a chance of 1 in 600


def test_a_version_at_the_limit_is_rarely_said_to_hold() -> None:
    wrong = 0
    for seed in range(300):
        chance, bad = random.Random(seed), 0
        for answers in range(1, 4001):
            bad += chance.random() < LIMIT
            if answers % 20 == 0 and proves_below(bad, answers - bad, LIMIT, BETA):
                wrong += 1
                break
    assert wrong <= 25  # 5 % are allowed


@given(a=st.floats(0.5, 1e5), b=st.floats(0.5, 1e5), x=st.floats(1e-6, 1 - 1e-6, exclude_min=True, exclude_max=True))
@settings(max_examples=1500, deadline=None)
def test_the_incomplete_beta_function_agrees_with_scipy(a: float, b: float, x: float) -> None:
    assert math.exp(log_cdf(x, a, b)) == pytest.approx(betainc(a, b, x), rel=1e-6, abs=1e-12)
    assert math.exp(log_sf(x, a, b)) == pytest.approx(betainc(b, a, 1 - x), rel=1e-6, abs=1e-12)


def test_a_share_below_nothing_has_no_chance() -> None:
    assert log_cdf(0.0, 2.0, 3.0) == -math.inf


@given(bad=st.integers(0, 300), good=st.integers(0, 20_000), limit=st.floats(0.0001, 0.5))
@settings(max_examples=500, deadline=None)
def test_no_counts_prove_both_sides(bad: int, good: int, limit: float) -> None:
    assert not (proves_above(bad, good, limit, ALPHA) and proves_below(bad, good, limit, BETA))


@given(bad=st.integers(0, 300), good=st.integers(0, 20_000))
@settings(max_examples=300, deadline=None)
def test_one_more_bad_answer_never_weakens_the_proof_of_a_bad_share(bad: int, good: int) -> None:
    if proves_above(bad, good, LIMIT, ALPHA):
        assert proves_above(bad + 1, good, LIMIT, ALPHA)


def test_silence_proves_nothing() -> None:
    assert not proves_above(0, 0, LIMIT, ALPHA)
    assert not proves_below(0, 0, LIMIT, BETA)


def test_ten_million_answers_are_judged_without_losing_precision() -> None:
    at_limit = 10_000_000
    assert not proves_above(int(at_limit * LIMIT), int(at_limit * (1 - LIMIT)), LIMIT, ALPHA)
    assert proves_above(int(at_limit * 0.011), int(at_limit * 0.989), LIMIT, ALPHA)
    assert proves_below(int(at_limit * 0.009), int(at_limit * 0.991), LIMIT, BETA)


def test_the_answers_that_a_step_needs_expose_a_bad_version_with_the_power_asked_for() -> None:
    needed = answers_to_expose(LIMIT, 10, ALPHA)
    found = [answers_until_proof(10 * LIMIT, seed, most=needed) is not None for seed in range(500)]
    assert needed == 116
    assert sum(found) / len(found) >= 0.93


@pytest.mark.parametrize("bad", [0, 1, 5, 40])
def test_the_answers_that_a_promotion_needs_are_the_first_that_prove_it(bad: int) -> None:
    needed = answers_to_hold(bad, LIMIT, BETA)
    assert proves_below(bad, needed - bad, LIMIT, BETA)
    assert not proves_below(bad, needed - 1 - bad, LIMIT, BETA)
