"""The best of many versions, by what was measured of each."""

import math
from datetime import UTC, datetime, timedelta

import pytest

from podium.core.best_evaluated import BestBy, Candidate, best_of
from podium.core.evaluations import Dataset, Evaluation

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HOLDOUT = Dataset("holdout", "d1")


def candidate(name: str, *values: float, dataset: Dataset | None = HOLDOUT, metric: str = "accuracy") -> Candidate:
    """One evaluation for each value, the newest last."""
    made = (Evaluation(f"r{at}", dataset, NOW + timedelta(at), {metric: value}) for at, value in enumerate(values))
    return Candidate(name, tuple(made))


def best(by: BestBy, *candidates: Candidate) -> str:
    found = best_of(candidates, by)
    return found.candidate.name if found.candidate is not None else found.problem


MORE = BestBy("accuracy", "holdout", at_least=0.5)
LESS = BestBy("accuracy", "holdout", at_most=0.5)


def test_the_limit_says_which_way_is_better() -> None:
    two = candidate("one", 0.4), candidate("two", 0.6), candidate("three", 0.9), candidate("four", 0.2)
    assert (best(MORE, *two), best(LESS, *two)) == ("three", "four")


def test_of_equal_ones_the_first_stays_the_best() -> None:
    assert best(MORE, candidate("one", 0.9), candidate("two", 0.9)) == "one"
    assert best(LESS, candidate("one", 0.1), candidate("two", 0.1)) == "one"


def test_the_newest_evaluation_counts() -> None:
    assert best(MORE, candidate("one", 0.9, 0.6), candidate("two", 0.7)) == "two"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_no_value(value: float) -> None:
    assert best(MORE, candidate("one", value), candidate("two", 0.6)) == "two"
    assert best(LESS, candidate("one", value), candidate("two", 0.4)) == "two"


def test_another_dataset_does_not_count() -> None:
    other = candidate("one", 0.9, dataset=Dataset("train", "d2")), candidate("two", 0.8, dataset=None)
    assert best(MORE, *other, candidate("three", 0.6)) == "three"
    assert best(BestBy("accuracy", at_least=0.5), *other) == "one"


def test_that_none_was_evaluated_is_said() -> None:
    expected = "none of 2 versions has an evaluation with accuracy on dataset holdout"
    assert best(MORE, candidate("one"), candidate("two", 0.9, metric="recall")) == expected
    assert best(MORE) == "none of 0 versions has an evaluation with accuracy on dataset holdout"


def test_that_none_is_good_enough_is_said_with_what_was_found() -> None:
    expected = "no version has accuracy on dataset holdout of at least 0.5: one 0.4, two nan"
    assert best(MORE, candidate("one", 0.4), candidate("two", math.nan)) == expected
    assert best(LESS, candidate("one", 0.6)) == "no version has accuracy on dataset holdout of at most 0.5: one 0.6"


@pytest.mark.parametrize(("metric", "limit"), [("", 1.0), ("a", float("nan")), ("a", float("inf"))])
def test_a_metric_has_a_name_and_its_limit_is_finite(metric: str, limit: float) -> None:
    with pytest.raises(ValueError, match="required: a name, and a finite number"):
        BestBy(metric, at_most=limit)


@pytest.mark.parametrize("limits", [{}, {"at_least": 1, "at_most": 2}])
def test_one_limit_is_needed(limits: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="exactly one of at_least and at_most"):
        BestBy("accuracy", **limits)  # type: ignore[arg-type]
