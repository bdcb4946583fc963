"""When two versions predict the same: numbers up to a tolerance, everything else exactly."""

import math
from typing import Any

import numpy as np
import orjson
import pandas as pd
import pytest

from podium.runtime.prediction.agreement import agree
from podium.runtime.prediction.sample import LONGEST, VALUES, Sample


def kept(*answers: Any) -> Any:
    sample = Sample()
    for raw in answers:
        sample.add(raw)
    return None if sample.text is None else orjson.loads(sample.text)


def same(one: Any, other: Any, tolerance: float = 0.0) -> bool:
    return agree(kept(one), kept(other), tolerance)


ARRAY = np.array([0.1, 0.2, 0.3])


@pytest.mark.parametrize(
    ("one", "other", "tolerance", "agreed"),
    [
        (ARRAY, ARRAY.copy(), 0.0, True),
        (ARRAY, ARRAY * 1.0009, 0.001, True),
        (ARRAY, ARRAY * 1.0011, 0.001, False),
        (ARRAY, ARRAY * 1.0009, 0.0, False),
        (-ARRAY, -ARRAY * 0.9991, 0.001, True),
        (np.array([0.0]), np.array([1e-13]), 0.001, True),
        (np.array([0.0]), np.array([1e-6]), 0.001, False),
        (ARRAY, ARRAY * (1 + 1e-14), 0.0, True),  # rounding: the same model beside other rows, or on another CPU
        (ARRAY, ARRAY * (1 + 1e-7), 0.0, False),
        (np.array([1e-17]), np.array([-3e-16]), 0.0, True),
        (ARRAY.astype(np.float32), (ARRAY * (1 + 2e-6)).astype(np.float32), 0.0, True),
        (ARRAY.astype(np.float32), (ARRAY * (1 + 2e-4)).astype(np.float32), 0.0, False),
        (ARRAY.astype(np.float32), ARRAY * (1 + 2e-6), 0.0, False),  # not both in single precision
        (np.array([1e15 + 0.5]), np.array([1e15 + 1.0]), 0.0, True),
        (np.array([1234567.0]), np.array([1234568.0]), 0.0, False),  # classes, as floats because one is missing
        (ARRAY, ARRAY[:2], 1.0, False),
        (ARRAY, ARRAY.reshape(3, 1), 1.0, False),
        (ARRAY, ARRAY.astype(np.float32), 1e-6, True),
        (np.array([1, 0]), np.array([1, 0], dtype=np.int8), 0.0, True),
        (np.array([1000, 0]), np.array([1001, 0]), 0.5, False),  # whole numbers are classes
        (np.array([1.0]), np.array([1]), 0.0, True),
        (np.array([True]), np.array([1]), 1.0, False),
        (np.array(["a"]), np.array(["a"], dtype=object), 0.0, True),
        (np.array(["a"]), np.array(["b"]), 1.0, False),
        (np.array([math.nan]), np.array([math.nan]), 0.0, True),  # null on both sides, as their users were told
        (np.array([math.nan]), np.array([1.0]), 1.0, False),
        (pd.DataFrame({"a": [1.0], "b": ["x"]}), pd.DataFrame({"a": [1.0001], "b": ["x"]}), 0.001, True),
        (pd.DataFrame({"a": [1.0], "b": ["x"]}), pd.DataFrame({"a": [1.0], "c": ["x"]}), 0.001, False),
        (pd.DataFrame({"a": [1.0], "b": ["x"]}), pd.DataFrame({"a": [1.0], "b": ["y"]}), 0.001, False),
        (pd.Series([0.5]), pd.Series([0.5]), 0.0, True),
        (pd.Series(["x"], dtype="category"), pd.Series(["x"]), 0.0, True),
        (pd.Series([1, None], dtype="Int64"), pd.Series([1, None], dtype="Int64"), 0.0, True),
        ({"score": np.array([1.0])}, {"score": np.array([1.0])}, 0.0, True),
        ({"score": np.array([1.0])}, {"score": np.array([2.0])}, 0.1, False),
        ([{"text": "hello"}], [{"text": "hello"}], 0.0, True),
        ([{"a": 1.0, "b": 2.0}], [{"b": 2.0, "a": 1.0}], 0.0, True),
        ([{"a": 1.0, "b": 2.0}], [{"b": 1.0, "a": 2.0}], 0.0, False),
        (pd.DataFrame({"a": [1.0], "b": [2.0]}), pd.DataFrame({"b": [2.0], "a": [1.0]}), 0.0, True),
        ({"a": ARRAY, "b": -ARRAY}, {"b": -ARRAY, "a": ARRAY}, 0.0, True),
        ([{"text": "hello"}], [{"text": "bye"}], 0.0, False),
        ("hello", "hello", 0.0, True),
        (0.5, 0.5000001, 0.001, True),
        (np.array([np.datetime64("2026-01-01")]), np.array([np.datetime64("2026-01-02")]), 1.0, False),
    ],
)
def test_two_answers_agree(one: Any, other: Any, tolerance: float, agreed: bool) -> None:
    assert same(one, other, tolerance) is agreed


def test_no_more_than_the_first_values_are_kept() -> None:
    many, other = np.zeros(10 * VALUES), np.zeros(10 * VALUES)
    other[VALUES:] = 1.0
    assert same(many, other), f"only the first {VALUES} are compared"
    other[VALUES - 1] = 1.0
    assert not same(many, other)
    wide = pd.DataFrame(np.zeros((1000, 1000)))
    assert len(orjson.dumps(kept(wide))) < 64 * VALUES
    assert len(orjson.dumps(kept([[0.0] * 1000] * 1000))) < 64 * VALUES
    assert len(orjson.dumps(kept(np.zeros((1000, 50, 50))))) < 64 * VALUES
    assert not same(np.zeros(1000), np.zeros(1001)), "but all of its shape"


def test_an_answer_that_is_nested_deep_is_compared() -> None:
    def nested(value: float) -> Any:
        for _ in range(400):
            value = [value]  # type: ignore[assignment]
        return value

    assert same(nested(1.0), nested(1.0))
    assert not same(nested(1.0), nested(2.0))


def test_columns_of_one_name_are_kept_in_their_order() -> None:
    twice = pd.DataFrame([[1.0, 2.0]], columns=["a", "a"])
    assert same(twice, twice.copy())
    assert not same(twice, pd.DataFrame([[2.0, 1.0]], columns=["a", "a"]))


def test_values_are_in_the_order_of_the_rows_whatever_the_memory_has() -> None:
    table = np.arange(6.0).reshape(2, 3)
    assert same(table, np.asfortranarray(table))


def test_what_cannot_be_said_is_not_compared() -> None:
    class Odd:
        def __array__(self, *_: Any, **__: Any) -> Any:
            raise RuntimeError("no")

    assert kept(Odd()) is None
    assert kept("x" * (LONGEST + 1)) is None
    assert kept(ARRAY, Odd()) is None
    assert kept() is None


def test_all_parts_of_an_answer_are_kept() -> None:
    assert agree(kept(ARRAY, ARRAY), kept(ARRAY, ARRAY), 0.0)
    assert not agree(kept(ARRAY, ARRAY), kept(ARRAY), 0.0)


def test_what_is_kept_is_a_copy() -> None:
    sample, raw = Sample(), ARRAY.copy()
    sample.add(raw)
    raw[:] = 7.0
    assert sample.text is not None
    assert orjson.loads(sample.text) == kept(ARRAY)
