"""A table becomes a profile, which is read again as it was written; what is none is refused with its place."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from podium.core.drift import Reference
from podium.core.drift.profile import LARGEST, FeatureProfile, Profile
from podium.errors import Rejected
from podium.profile import profile_of

ROWS = 4000


@pytest.fixture
def table() -> pd.DataFrame:
    chance = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "income": chance.lognormal(10, 1, ROWS),
            "children": chance.poisson(1.5, ROWS),
            "plan": chance.choice(["basic", "plus", "pro", "x" * 65], ROWS, p=[0.6, 0.3, 0.05, 0.05]),
            "active": chance.random(ROWS) < 0.9,
            "seen": [None if absent else 1.0 for absent in chance.random(ROWS) < 0.2],
        }
    )


def made(table: pd.DataFrame) -> dict[str, FeatureProfile]:
    kinds: Any = dict.fromkeys(("income", "children", "seen"), "number") | dict.fromkeys(("plan", "active"), "category")
    return {one.name: one for one in profile_of(table, kinds, predictions=table["income"] > 30_000).all}


def test_a_number_is_in_ten_bins_of_nearly_equal_size(table: pd.DataFrame) -> None:
    income = made(table)["income"]
    assert len(income.counts) == 11
    assert sum(income.counts) == ROWS * 3 // 4  # the others chose the bins
    assert all(200 < count < 400 for count in income.counts[:10])
    assert income.counts[-1] == 0


def test_a_number_of_few_values_has_a_bin_for_each(table: pd.DataFrame) -> None:
    children = made(table)["children"]
    assert children.edges == (0.0, 1.0, 2.0, 3.0)
    assert children.bins == ("up to 0", "0 to 1", "1 to 2", "2 to 3", "above 3", "missing")


def test_missing_ones_have_a_bin(table: pd.DataFrame) -> None:
    seen = made(table)["seen"]
    assert seen.edges == (1.0,)
    assert seen.counts[-1] / sum(seen.counts) == pytest.approx(0.2, abs=0.03)


def test_categories_are_the_most_frequent_ones_and_long_texts_are_none(table: pd.DataFrame) -> None:
    profile = made(table)
    assert profile["plan"].categories == ("basic", "plus", "pro")
    assert profile["plan"].counts[3] / sum(profile["plan"].counts) == pytest.approx(0.05, abs=0.02)
    assert profile["active"].categories == ("true", "false")
    assert profile["predictions"].categories == ("false", "true")


def test_a_profile_is_read_as_it_was_written(table: pd.DataFrame) -> None:
    profile = Profile(
        tuple(one for name, one in made(table).items() if name != "predictions"), made(table)["predictions"]
    )
    assert Profile.read(profile.text) == profile
    assert [type(each) for each in profile.references()] == [Reference] * 6
    assert profile.references()[0].ordered == 10


def test_a_column_that_has_nothing_is_all_missing() -> None:
    (empty,) = profile_of(pd.DataFrame({"a": [float("nan")] * 200}), {"a": "number"}).features
    assert empty.edges == ()
    assert empty.bins == ("any number", "missing")
    assert empty.counts == (0, 150)


@pytest.mark.parametrize(
    ("data", "kinds", "predictions", "says"),
    [
        (pd.DataFrame({"a": range(99)}), {"a": "number"}, None, "99 rows; required for a profile: 100"),
        (pd.DataFrame({"a": range(100)}), {"b": "number"}, None, "no column 'b'"),
        (pd.DataFrame({"a": ["x"] * 100}), {"a": "number"}, None, "column 'a': expected numbers"),
        (pd.DataFrame({"a": range(100)}), {}, None, "0 features would be profiled"),
        (pd.DataFrame([[1, 2]] * 100, columns=["a", "a"]), {"a": "number"}, None, "more than one column 'a'"),
        (pd.DataFrame({"a": range(100)}), {"a": "number"}, [1.0], "one for each of the 100 rows, found 1"),
        (pd.DataFrame({"a": range(100)}), {"a": "number"}, [object()], "none that can be counted"),
        (
            pd.DataFrame({"predictions": range(100)}),
            {"predictions": "number"},
            [1.0],
            "a feature is called predictions",
        ),
    ],
)
def test_what_cannot_be_profiled_is_refused(data: Any, kinds: Any, predictions: Any, says: str) -> None:
    with pytest.raises(Rejected, match=says):
        profile_of(data, kinds, predictions)


NUMBER = {"name": "a", "edges": [1, 2.5], "counts": [1, 2, 3, 0]}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[" * 100_000, "too deep"),
        (" " * (LARGEST + 1), "at most"),
        ("[]", "expected an object with version 1"),
        (json.dumps({"version": 2, "features": []}), "expected an object with version 1"),
        (json.dumps({"version": 1, "features": [NUMBER] * 201}), "at most 200 features"),
        (json.dumps({"version": 1, "features": [NUMBER] * 2}), "each name once"),
        (
            json.dumps({"version": 1, "features": [{**NUMBER, "name": "predictions"}], "predictions": NUMBER}),
            "each name",
        ),
        (json.dumps({"version": 1, "features": ["a"]}), r"features\[0\]: expected an object"),
        (json.dumps({"version": 1, "features": [{**NUMBER, "name": ""}]}), "1 to 200 characters"),
        (json.dumps({"version": 1, "features": [{**NUMBER, "categories": []}]}), "either edges or categories"),
        (json.dumps({"version": 1, "features": [{**NUMBER, "counts": [1]}]}), "expected 4, at most 34, found 1"),
        (json.dumps({"version": 1, "features": [{**NUMBER, "counts": [1, 2, 3, -1]}]}), "numbers from 0 on"),
        (json.dumps({"version": 1, "features": [{**NUMBER, "counts": [1, 2, 3, True]}]}), "expected a list of ints"),
        (json.dumps({"version": 1, "features": [{**NUMBER, "edges": [2, 1]}]}), "rising numbers"),
        (json.dumps({"version": 1, "features": [{**NUMBER, "edges": [1, float("inf")]}]}), "finite numbers"),
        (json.dumps({"version": 1, "features": [{**NUMBER, "edges": [1, 10**400]}]}), "finite numbers"),
        (
            json.dumps({"version": 1, "features": [{"name": "p", "categories": ["a", "a"], "counts": [0] * 4}]}),
            "each once",
        ),
    ],
)
def test_a_text_that_is_no_profile_is_refused(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Profile.read(text)
