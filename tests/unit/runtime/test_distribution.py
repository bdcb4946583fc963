"""How predictions are counted by bucket and by class."""

import math
import threading
from bisect import bisect_left
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.runtime.prediction.distribution import CLASSES, LONGEST_NAME, OTHERS, Predictions, edge, ranks

EDGES = [edge(rank) for rank in range(-1921, 1922)]
NUMBERS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(-2, 2),
    st.sampled_from(EDGES),
    st.sampled_from(EDGES).map(lambda number: math.nextafter(number, math.inf)),
    st.sampled_from(EDGES).map(lambda number: math.nextafter(number, -math.inf)),
)


def counted(*answers: Any) -> Predictions:
    predictions = Predictions()
    for answer in answers:
        predictions.add(answer)
    return predictions


def buckets(*answers: Any) -> list[tuple[float, int]]:
    return counted(*answers).scores()[0]


def classes(*answers: Any) -> dict[str, int]:
    return dict(counted(*answers).classes())


def test_edges_rise_from_the_largest_negative_to_the_largest_positive_and_never_far_apart() -> None:
    assert sorted(set(EDGES)) == EDGES
    assert (EDGES[0], EDGES[1921], EDGES[-1]) == (-(2.0**40), 0.0, 2.0**40)
    positive = EDGES[1922:]
    assert positive[0] == 2.0**-20
    assert all(high / low <= 1 + 1 / 32 for low, high in pairwise(positive))


@given(NUMBERS)
def test_a_number_is_counted_at_the_lowest_edge_that_it_is_not_above(number: float) -> None:
    assert ranks(np.array([number])).tolist() == [bisect_left(EDGES, number) - 1921]


@given(st.lists(NUMBERS, max_size=50), NUMBERS)
def test_an_edge_that_is_left_out_has_the_count_of_the_one_before_it(numbers: list[float], probe: float) -> None:
    at = EDGES[min(bisect_left(EDGES, probe), len(EDGES) - 1)]
    told = [0, *(count for each, count in buckets(np.array(numbers)) if each <= at)]
    assert told[-1] == sum(number <= at for number in numbers)


def test_only_the_edges_of_what_was_seen_are_told_and_infinity_holds_the_total() -> None:
    assert buckets(np.array([1.0, 3.0, 3.0, 2.0**50, np.nan, np.inf])) == [
        (0.984375, 0),
        (1.0, 1),
        (2.9375, 1),
        (3.0, 3),
        (2.0**40, 3),
        (math.inf, 6),
    ]
    assert buckets() == [(math.inf, 0)]


@pytest.mark.parametrize(
    "answer",
    [
        np.array([[1.0, 9.0], [2.0, 9.0]]),
        np.array([[[1.0], [9.0]], [[2.0], [9.0]]]),
        pd.DataFrame({"score": [1.0, 2.0], "other": ["x", "y"]}),
        pd.Series([1.0, 2.0]),
        {"score": np.array([1.0, 2.0]), "other": np.array([9.0, 9.0])},
        [1.0, 2.0],
        [[1.0, 9.0], [2.0, 9.0]],
        np.array([1.0, 2.0], dtype=np.float16),
    ],
)
def test_the_first_column_is_counted_whatever_the_form_of_the_answer(answer: Any) -> None:
    assert [each for each in buckets(answer) if each[0] in {1.0, 2.0, math.inf}] == [(1.0, 1), (2.0, 2), (math.inf, 2)]
    assert classes(answer) == {}


@pytest.mark.parametrize("missing", [math.nan, math.inf, None, pd.NA])
def test_what_is_no_number_is_above_all_edges_and_not_in_the_sum(missing: Any) -> None:
    """It was left out: a version that answers nothing else had the distribution of none, which no guard can judge."""
    edges, total = counted(np.array([1.0, missing], dtype=object)).scores()
    assert edges == [(0.984375, 0), (1.0, 1), (2.0**40, 1), (math.inf, 2)]
    assert total == 1.0


def test_infinity_below_zero_is_below_all_edges() -> None:
    assert buckets(np.array([-math.inf, 1.0])) == [(-(2.0**40), 1), (0.984375, 1), (1.0, 2), (math.inf, 2)]


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (np.array([1, 0, 1]), {"0": 1, "1": 2}),
        (np.array([1, 2], dtype=np.uint8), {"1": 1, "2": 1}),
        (np.array([True, False, True]), {"true": 2, "false": 1}),
        (np.array(["yes", "no"]), {"yes": 1, "no": 1}),
        (np.array(["yes", None], dtype=object), {"yes": 1}),
        (pd.DataFrame({"label": ["yes", "no"]}), {"yes": 1, "no": 1}),
        (["yes", "yes"], {"yes": 2}),
        (np.array(["a" * 5000, "b"]), {OTHERS: 1, "b": 1}),
    ],
)
def test_whole_numbers_truths_and_texts_are_classes(answer: Any, found: dict[str, int]) -> None:
    assert classes(answer) == found
    assert buckets(answer) == [(math.inf, 0)]


def test_the_first_classes_have_names_and_all_later_ones_none() -> None:
    found = classes(*(np.array([number]) for number in range(300)), np.array([0, 299]))
    assert sum(found.values()) == 302
    assert len(found) == CLASSES + 1
    assert found[OTHERS] == 302 - sum(count for name, count in found.items() if name != OTHERS)


@pytest.mark.parametrize("text", ["x" * (LONGEST_NAME + 1), "two\nlines", "\ud800", "\x00a"])
def test_a_text_that_is_no_name_is_not_told(text: str) -> None:
    assert classes(["fine", text]) == {"fine": 1, OTHERS: 1}


@pytest.mark.parametrize(
    "answer",
    [None, "text", 3.0, {}, {"choices": {"a": 1}}, [{"a": 1}], [[1], [1, 2]], object(), np.array([]), pd.DataFrame()],
)
def test_an_answer_without_a_column_is_not_counted_and_nothing_fails(answer: Any) -> None:
    assert (buckets(answer), classes(answer)) == ([(math.inf, 0)], {})


def test_what_a_model_does_to_its_answer_later_changes_no_count() -> None:
    answer = np.array([1.0])
    predictions = counted(answer)
    answer[0] = 2.0
    assert predictions.scores()[0][-2:] == [(1.0, 1), (math.inf, 1)]


def test_nothing_is_lost_between_the_one_who_counts_and_the_one_who_reads() -> None:
    predictions = Predictions()

    def predict() -> None:
        for _ in range(5000):
            predictions.add(np.array([1.0, -1.0]))

    thread = threading.Thread(target=predict)
    thread.start()
    seen = [0]
    while thread.is_alive():
        seen.append(predictions.scores()[0][-1][1])
    thread.join()
    assert seen == sorted(seen)
    assert predictions.scores()[0][-1] == (math.inf, 10_000)
