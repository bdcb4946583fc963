from typing import Any

import pytest

from podium.adapters.kubernetes.subset import contains, holds
from podium.core.quantity import same_quantity


@pytest.mark.parametrize(
    ("live", "desired"),
    [
        pytest.param({"a": 1, "b": 2}, {"a": 1}, id="others may add fields"),
        pytest.param({"a": {"b": {"c": 1, "d": 2}}}, {"a": {"b": {"c": 1}}}, id="at any depth"),
        pytest.param({}, {"a": "", "b": [], "c": {}, "d": None, "e": False}, id="Go leaves out what is empty"),
        pytest.param(None, {"a": {"b": ""}}, id="and all around it"),
        pytest.param(
            {"limits": {"cpu": "1", "memory": "1Gi"}}, {"limits": {"cpu": "1000m", "memory": "1024Mi"}}, id="quantities"
        ),
        pytest.param(
            [{"name": "y", "value": "2"}, {"name": "x", "value": "1"}], [{"name": "x", "value": "1"}], id="by name"
        ),
        pytest.param(
            [{"key": "gpu", "operator": "Exists", "effect": "x"}], [{"key": "gpu", "operator": "Exists"}], id="in order"
        ),
    ],
)
def test_what_the_api_server_or_others_add_is_no_drift(live: Any, desired: Any) -> None:
    assert contains(live, desired)


@pytest.mark.parametrize(
    ("live", "desired"),
    [
        pytest.param({"a": 2}, {"a": 1}, id="another value"),
        pytest.param({}, {"a": 1}, id="a field that is gone"),
        pytest.param([{"name": "x", "value": "1"}], [{"name": "y", "value": "1"}], id="another name"),
        pytest.param([{"key": "a"}, {"key": "b"}], [{"key": "b"}], id="a longer list without names"),
        pytest.param(["ALL", "X"], ["ALL"], id="a longer list of words"),
        pytest.param({"value": "1"}, {"value": "1000m"}, id="a quantity where text is meant"),
        pytest.param({"limits": {"cpu": "2"}}, {"limits": {"cpu": "1000m"}}, id="another quantity"),
        pytest.param("text", ["t"], id="another type"),
        pytest.param("text", {"t": 1}, id="yet another type"),
    ],
)
def test_what_was_asked_for_and_is_otherwise_now_is_drift(live: Any, desired: Any) -> None:
    assert not contains(live, desired)


def test_the_kind_is_not_compared_for_lists_leave_it_out() -> None:
    desired = {"kind": "Service", "apiVersion": "v1", "metadata": {"name": "x"}, "spec": {"selector": {"a": "b"}}}
    assert holds({"metadata": {"name": "x", "uid": "u"}, "spec": {"selector": {"a": "b"}}}, desired)
    assert not holds({"metadata": {"name": "x"}, "spec": {"selector": {"a": "c"}}}, desired)
    assert not holds(None, desired)


def test_where_any_value_may_be_a_quantity_it_is_the_same_however_it_is_written() -> None:
    def scaled_at(value: str) -> dict[str, Any]:
        metrics = [{"type": "Pods", "pods": {"target": {"type": "AverageValue", "averageValue": value}}}]
        return {"metadata": {"name": "x"}, "spec": {"metrics": metrics}}

    assert holds(scaled_at("1"), scaled_at("1000m"), quantities=True)
    assert not holds(scaled_at("1"), scaled_at("1000m"))
    assert not holds(scaled_at("2"), scaled_at("1000m"), quantities=True)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1", "1000m"),
        (1, "1"),
        ("0.5", "500m"),
        ("1Gi", "1073741824"),
        ("1e3", "1k"),
        ("1.5Gi", "1536Mi"),
        ("-1", "-1"),
    ],
)
def test_quantities_are_the_same_however_they_are_written(one: object, other: object) -> None:
    assert same_quantity(one, other)


@pytest.mark.parametrize(("one", "other"), [("1", "2"), ("1Gi", "1G"), ("x", "x"), ("", ""), (True, 1), (None, None)])
def test_other_things_are_not_the_same_quantity(one: object, other: object) -> None:
    assert not same_quantity(one, other)
