"""The e-variable of a block: under every pair of the null, its expectation is at most 1."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.stats import binom

from podium.core.analysis.sequential.projection import log_e_variable, nearest_champion

shares = st.floats(0.0005, 0.95)


def log_expectation(
    a: tuple[float, float], answers: tuple[int, int], margin: float, null: tuple[float, float]
) -> float:
    """Log of the expectation of S under a pair of the null, in closed form: each answer is one factor."""
    t = nearest_champion(a, answers, margin)
    edge = (t + margin, t)
    gains = [(null[i] - edge[i]) * (a[i] - edge[i]) / (edge[i] * (1 - edge[i])) for i in (0, 1)]
    return math.fsum(n * math.log1p(gain) for n, gain in zip(answers, gains, strict=True))


@given(
    champion=shares,
    worse=st.floats(0.001, 1),
    truth=st.floats(0, 1),
    margin=st.floats(0, 0.04),
    answers=st.tuples(st.integers(1, 10**5), st.integers(1, 10**7)),
)
@settings(max_examples=500, deadline=None)
def test_no_pair_within_the_null_lets_a_bet_on_worse_gain(
    champion: float, worse: float, truth: float, margin: float, answers: tuple[int, int]
) -> None:
    a = (champion + margin + worse * (0.999 - champion - margin), champion)
    null = (min(1.0, truth * (1 - margin) + margin), truth * (1 - margin))  # the edge is where it can gain the most
    assert log_expectation(a, answers, margin, null) <= 1e-6


@given(
    champion=shares,
    better=st.floats(0, 0.999),
    truth=st.floats(0, 1),
    margin=st.floats(0.001, 0.04),
    answers=st.tuples(st.integers(1, 10**5), st.integers(1, 10**7)),
)
@settings(max_examples=500, deadline=None)
def test_no_pair_within_the_null_lets_a_bet_on_no_worse_gain(
    champion: float, better: float, truth: float, margin: float, answers: tuple[int, int]
) -> None:
    a = (max(1e-5, better * (champion + margin)), champion)
    null = (min(1.0, truth * (1 - margin) + margin), truth * (1 - margin))
    assert log_expectation(a, answers, margin, null) <= 1e-6


@pytest.mark.parametrize("truth", [(0.015, 0.01), (0.01, 0.01), (0.105, 0.1), (0.505, 0.5), (1.0, 0.995)])
def test_the_expectation_over_all_outcomes_of_a_block_is_at_most_one(truth: tuple[float, float]) -> None:
    n1, n0, expected = 4, 9, 0.0
    for s1 in range(n1 + 1):
        for s0 in range(n0 + 1):
            chance = binom.pmf(s1, n1, truth[0]) * binom.pmf(s0, n0, truth[1])
            expected += chance * math.exp(log_e_variable((0.2, 0.01), (s1, s0), (n1 - s1, n0 - s0), 0.005))
    assert expected <= 1 + 1e-12


@pytest.mark.parametrize("answers", [(5, 95), (50, 50), (100, 10**7)])
@pytest.mark.parametrize("a", [(0.05, 0.01), (0.9, 0.01), (0.011, 0.01), (0.002, 0.01), (0.6, 0.5)])
def test_the_projection_is_where_the_divergence_is_least(answers: tuple[int, int], a: tuple[float, float]) -> None:
    def divergence(t: float) -> float:
        return sum(
            n * (share * math.log(share / null) + (1 - share) * math.log((1 - share) / (1 - null)))
            for n, share, null in zip(answers, a, (t + 0.005, t), strict=True)
        )

    least = minimize_scalar(divergence, bounds=(1e-9, 0.994), method="bounded", options={"xatol": 1e-12})
    assert nearest_champion(a, answers, 0.005) == pytest.approx(least.x, rel=1e-4)
    assert divergence(nearest_champion(a, answers, 0.005)) <= least.fun * (1 + 1e-8)


def test_a_block_of_one_side_is_worth_nothing_to_a_bet_on_worse() -> None:
    assert log_e_variable((0.5, 0.01), (7, 0), (3, 0), 0.005) == 0
    assert log_e_variable((0.5, 0.01), (0, 7), (0, 3), 0.005) == 0
