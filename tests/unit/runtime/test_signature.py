"""What is wrong with a request is said by row and column, and never by what was in it."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from mlflow.types import ColSpec, DataType, Schema
from mlflow.types.schema import Array

from podium.runtime.prediction.signature import explain

SCHEMA = Schema([ColSpec("double", "age"), ColSpec("string", "city"), ColSpec("long", "count", required=False)])


def said(**columns: list[object]) -> str:
    return explain(pd.DataFrame(columns, dtype=object), SCHEMA, ValueError("the data"))


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"age": [1]}, "missing column 'city'"),
        ({"town": [1]}, "missing columns 'age', 'city'; not in the signature: column 'town'"),
        ({"age": [1, "tall"], "city": ["x", "y"]}, "row 1, column 'age': expected a number (double), found a text"),
        ({"age": [1], "city": [3]}, "row 0, column 'city': expected a text (string), found a number"),
        (
            {"age": [1], "city": ["x"], "count": [1.5]},
            "row 0, column 'count': expected a whole number (long), found a number",
        ),
        (
            {
                "age": [1, 2],
                "city": ["x", "y"],
                "count": [1, float("nan")],
            },  # what pandas fills in where it is left out
            "row 1, column 'count': expected a whole number (long), found null",
        ),
        ({"age": [{}], "city": ["x"]}, "row 0, column 'age': expected a number (double), found an object"),
    ],
)
def test_the_first_thing_that_is_wrong_is_named(columns: dict[str, list[object]], says: str) -> None:
    assert said(**columns) == says


@pytest.mark.parametrize("zone", ["Z", "+02:00", ".000Z"])
@pytest.mark.parametrize("read", [str, pd.Timestamp], ids=["as text", "as pandas reads it"])
def test_a_date_with_a_zone_is_called_so(zone: str, read: Callable[[str], Any]) -> None:
    frame = pd.DataFrame({"t": [read(f"2020-01-02T03:04:05{zone}")]}, dtype=object)
    assert explain(frame, Schema([ColSpec("datetime", "t")]), ValueError()) == (
        "row 0, column 't': expected a date and time without a zone (datetime), found a date and time with a zone"
    )


def test_a_date_among_numbers_is_called_so() -> None:
    assert said(age=[pd.Timestamp("2020-01-02")], city=["x"]).endswith(
        "expected a number (double), found a date and time"
    )


def test_the_data_is_never_said() -> None:
    assert "4711" not in said(age=["4711x"], city=["4711"])


def test_what_cannot_be_named_is_said_in_general() -> None:
    assert said(age=[1], city=["x"]).startswith("the request does not fit the model's signature (ValueError)")
    assert explain(object(), None, ValueError()).startswith("the request does not fit")


def test_a_list_of_whole_numbers_where_decimals_are_wanted_names_its_column() -> None:
    schema = Schema([ColSpec(DataType.string, "id"), ColSpec(Array(DataType.double), "vec")])
    frame = pd.DataFrame({"id": ["a", "b"], "vec": [[0.5, 1.5], [1, 2]]})
    assert explain(frame, schema, ValueError()) == (
        "row 1, column 'vec': expected Array(double), found a list of other types"
    )
