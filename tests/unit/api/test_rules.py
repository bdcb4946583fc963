"""Rules: in CEL for the API server, in Python for the rest, and never forgotten in one of them."""

from typing import Annotated, Any

import pytest
from pydantic import TypeAdapter, ValidationError

from podium.api.v1alpha1.values.base import Value, duration_between, parse_duration, parse_percent, percent_between
from podium.api.v1alpha1.values.rules import KeyedBy, Rule

EVEN = Rule("self % 2 == 0", "must be even", lambda number: number % 2 == 0)
SORTED = Rule("self.low <= self.high", "low must not be above high", lambda it: it.low <= it.high, field=".low")


class Range(Value):
    RULES = (SORTED,)

    low: int
    high: int


def complaint(model: Any, value: object) -> dict[str, Any]:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(model).validate_python(value)
    (entry,) = caught.value.errors(include_url=False)
    return dict(entry)


def test_a_rule_of_a_scalar_is_asked_and_stands_in_the_schema() -> None:
    assert complaint(Annotated[int, EVEN], 3)["msg"] == "must be even"
    schema = TypeAdapter(Annotated[int, EVEN]).json_schema()
    assert schema["x-kubernetes-validations"] == [
        {"rule": "self % 2 == 0", "message": "must be even", "reason": "FieldValueInvalid"}
    ]


def test_a_rule_of_a_model_names_the_field_that_is_wrong() -> None:
    found = complaint(Range, {"low": 2, "high": 1})
    assert (found["loc"], found["ctx"]["field"]) == ((), ".low")
    assert Range.model_json_schema()["x-kubernetes-validations"][0]["fieldPath"] == ".low"


def test_a_rule_of_a_model_holds_wherever_the_model_is() -> None:
    assert complaint(list[Range], [{"low": 1, "high": 2}, {"low": 2, "high": 1}])["loc"] == (1,)


def test_a_key_that_is_there_twice_is_refused_at_the_second() -> None:
    ranges = [{"low": 1, "high": 1}, {"low": 2, "high": 2}, {"low": 1, "high": 3}]
    found = complaint(Annotated[list[Range], KeyedBy("low")], ranges)
    assert found["ctx"]["field"] == "[2]"


@pytest.mark.parametrize(
    ("rule", "holds", "fails"),
    [
        (duration_between("1s", "1h"), ["1s", "60m", "1h"], ["0s", "999ms", "1h1ms"]),
        (percent_between("0.001%", "50%"), ["0.001%", "50%", "1%"], ["0%", "0.0009%", "50.1%"]),
    ],
)
def test_bounds_belong_to_what_they_allow(rule: Rule, holds: list[str], fails: list[str]) -> None:
    parse = parse_percent if "%" in rule.message else parse_duration
    assert all(rule.holds(parse(text)) for text in holds)
    assert not any(rule.holds(parse(text)) for text in fails)
