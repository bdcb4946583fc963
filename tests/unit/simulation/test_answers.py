"""Draws that stand for many answers, and the counters that they become."""

import random
import statistics
from math import sqrt

import pytest

from podium.api.v1alpha1.spec.guards import Guard
from podium.core.analysis.measures import Measure, scores_above, slower_than
from podium.simulation.answers import Answers, Chances, binomial, chances


@pytest.mark.parametrize(("number", "share"), [(1000, 0.002), (1000, 0.3), (41, 0.97), (100_000, 0.01)])
def test_a_draw_has_the_mean_and_the_spread_of_a_binomial(number: int, share: float) -> None:
    chance = random.Random(1)
    drawn = [binomial(chance, number, share) for _ in range(4000)]
    deviation = sqrt(number * share * (1 - share))
    assert statistics.mean(drawn) == pytest.approx(number * share, abs=5 * deviation / sqrt(4000))
    assert statistics.stdev(drawn) == pytest.approx(deviation, rel=0.06)
    assert min(drawn) >= 0
    assert max(drawn) <= number


@pytest.mark.parametrize(("share", "drawn"), [(0.0, 0), (1.0, 500)])
def test_what_is_certain_is_not_drawn(share: float, drawn: int) -> None:
    assert binomial(random.Random(1), 500, share) == drawn


def guard(**parts: object) -> Guard:
    return Guard.model_validate({"name": next(iter(parts)).lower(), **parts})


def bad(measure: Measure, answers: Answers) -> int:
    assert measure.of is not None
    counts = measure.of(answers.counters())
    assert counts is not None
    return counts.bad


def test_latencies_have_an_edge_at_each_limit_and_at_the_champions_percentile() -> None:
    guards = [
        guard(latency={"percentile": 95, "atMost": "120ms"}),
        guard(latency={"percentile": 90, "maxSlowerThanChampion": "2%"}).model_copy(update={"name": "beside"}),
    ]
    champion = {"latency": 0.01, "beside": 0.1}
    mine = Answers(chances(guards, {"latency": 0.2, "beside": 0.3}, champion), random.Random(1))
    its = Answers(chances(guards, champion, champion), random.Random(1))
    mine.history(10_000)
    its.history(10_000)
    limit, floating = slower_than(0.12, 0), slower_than(min(its.counters().latency.edges), 0)
    assert (bad(limit, mine), bad(limit, its)) == (2000, 100)
    assert (bad(floating, mine), bad(floating, its)) == (3000, 1000)


def test_answers_that_exceed_a_limit_are_slower_than_the_champions_percentile_below_it_too() -> None:
    guards = [
        guard(latency={"percentile": 95, "atMost": "120ms"}),
        guard(latency={"percentile": 95, "maxSlowerThanChampion": "2%"}).model_copy(update={"name": "beside"}),
    ]
    made = chances(guards, {"latency": 0.25, "beside": 0.05}, {"latency": 0.01, "beside": 0.05})
    assert [(edge.slower, edge.champion) for edge in made.slow] == [(0.25, pytest.approx(0.05)), (0.25, 0.01)]


def test_a_shift_is_the_largest_gap_between_the_two_distributions() -> None:
    guards = [guard(predictionShift={"maxShift": "10%"})]
    mine = Answers(chances(guards, {"predictionshift": 0.2}, {"predictionshift": 0.0}), random.Random(1))
    mine.history(90_000)
    gaps = [bad(scores_above(tenth / 10), mine) / 90_000 - (1 - tenth / 10) for tenth in range(1, 10)]
    assert max(gaps) == pytest.approx(0.2, abs=0.001)


def test_invalid_answers_are_bad_ones_too() -> None:
    guards = [guard(invalidOutput={"atMost": "1%"}), guard(errorRate={"atMost": "1%"})]
    mine = Answers(chances(guards, {"invalidoutput": 0.3, "errorrate": 0.1}, {}), random.Random(1))
    mine.serve(10_000, 1, 10)
    counters = mine.counters()
    assert counters.bad == counters.invalid == pytest.approx(3000, abs=300)


def test_a_run_of_bad_answers_is_seen_if_it_was_there_at_any_moment() -> None:
    mine = Answers(Chances(errors=1.0), random.Random(1))
    mine.serve(4, 2, 10)
    assert mine.consecutive_bad == 4
    mine.serve(8, 2, 10)
    assert mine.consecutive_bad >= 10
    good = Answers(Chances(errors=0.01), random.Random(1))
    good.serve(100_000, 1000, 10)
    assert good.consecutive_bad == 0
