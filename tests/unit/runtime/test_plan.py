"""A plan expresses what it can express exactly, and says None to all else."""

from typing import Any

import numpy as np
import pytest
from mlflow.types import ColSpec, Schema, TensorSpec

from podium.runtime.prediction.plan import ColumnsPlan, MatrixPlan, Plan, compile_plan


def schema(**types: str) -> Schema:
    return Schema([ColSpec(kind, name) for name, kind in types.items()])


def plan(**types: str) -> Plan:
    found = compile_plan(schema(**types))
    assert found is not None
    return found


def test_columns_of_one_number_type_become_one_block() -> None:
    found = plan(a="double", b="double")
    assert isinstance(found, MatrixPlan)
    frame = found.build([(1, 2.5), (3, 4)])
    assert list(frame.columns) == ["a", "b"]
    assert frame.to_numpy().tolist() == [[1.0, 2.5], [3.0, 4.0]]


def test_columns_of_several_types_keep_them() -> None:
    found = plan(n="double", i="long", s="string", b="boolean")
    assert isinstance(found, ColumnsPlan)
    frame = found.build([(1, 2**60, "x", True)])
    assert [str(kind) for kind in frame.dtypes] == ["float64", "int64", "str", "bool"]
    assert frame["i"][0] == 2**60


@pytest.mark.parametrize(
    ("form", "value"),
    [
        ("dataframe_split", {"columns": ["a", "b"], "data": [[1, 2]]}),
        ("dataframe_split", {"columns": ["b", "a"], "data": [[2, 1]], "index": [0]}),
        ("dataframe_records", [{"b": 2, "a": 1}]),
        ("instances", [{"a": 1, "b": 2}]),
        ("inputs", [{"a": 1, "b": 2}]),
        ("inputs", {"b": [2], "a": [1]}),
    ],
)
def test_all_forms_give_the_same_rows(form: str, value: Any) -> None:
    rows = plan(a="double", b="double").rows(form, value)
    assert rows is not None
    assert [tuple(row) for row in rows] == [(1, 2)]


@pytest.mark.parametrize("cell", [None, "1", True, [1], {}, "x"])
def test_what_is_no_number_is_left_to_mlflow(cell: Any) -> None:
    assert plan(a="double", b="double").rows("dataframe_records", [{"a": 1, "b": cell}]) is None


@pytest.mark.parametrize(("kind", "cell"), [("integer", 2**31), ("long", 2**63), ("long", 1.0), ("boolean", 1)])
def test_what_does_not_fit_its_type_is_left_to_mlflow(kind: str, cell: Any) -> None:
    assert plan(a=kind, b=kind).rows("dataframe_records", [{"a": cell, "b": cell}]) is None


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {},
        {"columns": ["a"], "data": [[1]]},
        {"columns": ["a", "b", "c"], "data": [[1, 2, 3]]},
        {"columns": ["a", "a"], "data": [[1, 2]]},
        {"columns": ["a", "b"], "data": []},
        {"columns": ["a", "b"], "data": [[1, 2], [3]]},
        {"columns": ["a", "b"], "data": [[1, 2]], "index": [1, 2]},
        {"columns": ["a", "b"], "data": [[1, 2]], "extra": 1},
        {"columns": [["a"], "b"], "data": [[1, 2]]},
        {"columns": ["a", "b"], "data": [{"a": 1, "b": 2}]},
    ],
)
def test_what_is_no_whole_table_is_left_to_mlflow(value: Any) -> None:
    assert plan(a="double", b="double").rows("dataframe_split", value) is None


@pytest.mark.parametrize("index", [[7, 8], ["0", "1"], [0.0, 1.0], [False, True], [1, 0]])
def test_names_of_rows_are_left_to_mlflow_where_the_model_may_look_at_them(index: list[Any]) -> None:
    found, value = plan(a="double"), {"columns": ["a"], "data": [[1], [2]], "index": index}
    assert found.rows("dataframe_split", value) is None
    found.indexed = False
    assert found.rows("dataframe_split", value) == [[1], [2]]


def test_a_matrix_is_read_without_names() -> None:
    found = compile_plan(Schema([TensorSpec(np.dtype("float32"), (-1, 2))]))
    assert found is not None
    rows = found.rows("inputs", [[1, 2.5]])
    assert rows is not None
    assert found.build(rows).dtype == np.float32
    assert found.rows("inputs", [[1, 2, 3]]) is None


@pytest.mark.parametrize(
    "unplanned",
    [
        None,
        Schema([ColSpec("double")]),
        schema(a="datetime", b="double"),
        Schema([TensorSpec(np.dtype("float64"), (-1, 2, 2))]),
        Schema([TensorSpec(np.dtype("float64"), (-1, 2), "x"), TensorSpec(np.dtype("float64"), (-1, 2), "y")]),
    ],
)
def test_what_a_plan_cannot_express_has_none(unplanned: Schema | None) -> None:
    assert compile_plan(unplanned) is None


def test_a_long_text_among_many_numbers_costs_no_memory() -> None:
    """numpy would give every cell the size of the longest text: 30,000 x 4 MB for a body of 2 MB."""
    rows = [[1.0] * 30 for _ in range(1000)]
    rows[0][0] = "x" * 1_000_000  # type: ignore[call-overload]
    columns = {f"c{n}": "double" for n in range(30)}
    assert plan(**columns).rows("dataframe_split", {"columns": list(columns), "data": rows}) is None
