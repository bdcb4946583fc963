"""A tensor says what the same answer says as JSON: no value is rounded, converted or lost on the way."""

import datetime as dt
import json
from enum import Enum
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.runtime.prediction.outputs import dumps, plain
from podium.runtime.prediction.rows import unmasked
from podium.runtime.protocols.elements import tensor
from podium.runtime.protocols.raw import packed
from podium.runtime.protocols.tensors import DTYPES

NAN = float("nan")


class Colour(Enum):
    RED = "red"


def as_json(answer: Any) -> list[Any]:
    """The values of an answer in the JSON of /invocations, in one flat list."""
    return flat(json.loads(dumps(plain(answer))))


def flat(values: Any) -> list[Any]:
    return list(chain.from_iterable(map(flat, values))) if isinstance(values, list) else [values]


def as_text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else dumps(value).decode()


def same_values(answer: Any) -> bool:
    """Whether the tensor has the values of the JSON: as they are, or as text where no datatype holds all of them."""
    found = tensor("y", answer)
    data = json.loads(dumps(found["data"]))
    if found["datatype"] == "BYTES":
        return bool(data == [as_text(value) for value in as_json(answer)])
    ours, theirs = [*map(kinded, data)], [*map(kinded, as_json(answer))]
    return ours == theirs and packed(found["data"], DTYPES[found["datatype"]]) is not None


def kinded(value: Any) -> tuple[bool, Any]:
    """A value, and whether it is a boolean, which Python cannot tell from 0 and 1."""
    return isinstance(value, bool), value


CELLS = st.one_of(
    st.sampled_from([None, NAN, pd.NA, pd.NaT, True, False, 0, 1, -1, 2**53, 2**53 + 1, 2**63, 2**64 - 1, 2**64, 0.5]),
    st.sampled_from([np.float32(0.1), np.int64(2**53 + 1), np.uint64(2**64 - 1), np.bool_(True), "a", "a\0", "1", ""]),
    st.sampled_from([b"\xff\x00", np.datetime64("2026-03-29"), np.datetime64("NaT"), dt.date(2026, 3, 29), Colour.RED]),
)


@given(st.lists(CELLS, min_size=1, max_size=4))
def test_a_list_of_any_cells_has_the_same_values_as_a_tensor(cells: list[Any]) -> None:
    assert same_values(cells)


@given(st.lists(st.lists(CELLS, min_size=2, max_size=2), min_size=1, max_size=3))
def test_a_table_of_any_cells_has_the_same_values_as_a_tensor(rows: list[list[Any]]) -> None:
    assert same_values(rows)
    assert tensor("y", rows)["shape"] == [len(rows), 2]


@pytest.mark.parametrize(
    ("answer", "datatype"),
    [
        ([2**64 - 1, 1], "UINT64"),
        ([2**63 + 1, -1], "BYTES"),
        ([2**64], "BYTES"),
        ([1, -1], "INT64"),
        ([np.int8(1)], "INT8"),
        ([2**53 + 1, 0.5], "BYTES"),
        ([2**53, 0.5], "FP64"),
        ([2**53 + 1, None], "BYTES"),
        ([1, None], "FP64"),
        ([True, 2], "BYTES"),
        ([True, 1.5], "BYTES"),
        ([True, False], "BOOL"),
        ([[1, 2], [True, 3]], "BYTES"),
        ([np.array([2**53 + 1]), np.array([0.5])], "BYTES"),
        ([np.array([1.5, 2.5])], "FP64"),
        (np.array([True, False], dtype=object), "BOOL"),
        (np.array([2**64 - 1, 1], dtype=object), "UINT64"),
        (pd.array([2**53 + 1, None], dtype="Int64"), "BYTES"),
        (pd.array([1, None], dtype="Int64"), "FP64"),
        (pd.array([2**53 + 1, 1], dtype="Int64"), "INT64"),
        (pd.array([0.5, None], dtype="Float32"), "FP64"),
        (pd.array([0.5], dtype="Float32"), "FP32"),
        (pd.array([True, None], dtype="boolean"), "BYTES"),
        (pd.Index([1.5]), "FP64"),
        (np.array([0.1], dtype=np.float32), "FP32"),
        (np.ma.array([1.0, 2.0], mask=[True, False]), "FP64"),
        (np.ma.array([1.0, 2.0], mask=[True, True]), "FP64"),
        (np.ma.array([0.5, 2.0], mask=[True, False], dtype=np.float32), "FP32"),
        (np.ma.array([2**53 + 1, 2], mask=[False, True]), "BYTES"),
        (np.ma.array([1, 2]), "INT64"),
        (np.array([1.5], dtype=np.longdouble), "FP64"),
        ([], "FP64"),
    ],
    ids=str,
)
def test_the_datatype_is_the_first_that_loses_nothing(answer: Any, datatype: str) -> None:
    answer = unmasked(answer)  # as a model hands it on
    assert tensor("y", answer)["datatype"] == datatype
    assert same_values(answer)


@pytest.mark.parametrize(
    ("answer", "data"),
    [
        ([NAN, "a"], [None, "a"]),
        ([b"a", "b"], ["YQ==\n", "b"]),
        ([b"x" * 60], as_json([b"x" * 60])),
        ([[1.0], [1.0, 2.0]], ["[1.0]", "[1.0,2.0]"]),
        ([[["a"], ["b", "c"]], [["d"], ["e"]]], ['[["a"],["b","c"]]', '[["d"],["e"]]']),
        ([np.zeros((1, 2)), np.zeros((2, 2))], ["[[0.0,0.0]]", "[[0.0,0.0],[0.0,0.0]]"]),
        (np.array(["2026-03-29", "NaT"], dtype="datetime64[D]"), ["2026-03-29", None]),
        (np.array(["2026-03-29T00:30:00.123456789"], dtype="datetime64[ns]"), ["2026-03-29T00:30:00.123456789"]),
        ([dt.date(2026, 3, 29), None], ["2026-03-29", None]),
        ([pd.NaT, "x"], [None, "x"]),
        ([np.datetime64("NaT"), "x"], [None, "x"]),
        ([Colour.RED], ["red"]),
        (pd.Categorical(["u", None]), ["u", None]),
        (["a\0", ""], ["a\0", ""]),
        ([[], []], []),
        ({"k": 1}, ['{"k":1}']),
        (None, [None]),
    ],
    ids=str,
)
def test_what_is_no_number_is_what_json_says(answer: Any, data: list[Any]) -> None:
    assert tensor("y", answer)["data"] == data


def test_a_list_that_holds_itself_ends() -> None:
    cells: list[Any] = []
    cells.append(cells)
    with pytest.raises(Exception, match="cannot be written as JSON"):
        tensor("y", cells)


def test_half_a_surrogate_pair_is_said_in_bytes_too() -> None:
    found = tensor("y", ["a\ud800"])
    assert packed(found["data"], DTYPES["BYTES"])[4:].decode("utf-8", "surrogatepass") == "a\ud800"
