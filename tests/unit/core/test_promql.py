"""Placeholders in PromQL: filled in where they are text, refused where they would be code."""

import ast
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.api.v1alpha1.spec.guards import PLACEHOLDERS
from podium.core.analysis.promql import fill

VALUES = {"namespace": "ml", "name": "churn", "version": "7", "slot": "b"}


def named(version: str) -> dict[str, str]:
    return VALUES | {"version": version}


def test_every_placeholder_is_replaced_by_its_value() -> None:
    template = 'sum(hits{n="{{namespace}}",d="{{name}}",v="{{ version }}",s=~"{{slot}}|x"})'
    assert fill(template, VALUES) == 'sum(hits{n="ml",d="churn",v="7",s=~"b|x"})'


@pytest.mark.parametrize(
    "query", ["", "up", 'hits{a="b"} # "not a string {{version}}', "hits{a=`{raw}`}", r'hits{a="\"{"}']
)
def test_a_query_without_placeholders_stays_as_it_is(query: str) -> None:
    assert fill(query, VALUES) == query


@given(st.text(), st.sampled_from("\"'"))
def test_a_value_is_the_text_of_its_string_and_nothing_else(value: str, quote: str) -> None:
    filled = fill(f"{quote}{{{{version}}}}{quote}", named(value))
    assert ast.literal_eval(filled) == value  # Python reads these escapes as Go does
    assert "\n" not in filled


@given(st.text(min_size=1), st.sampled_from(["=~", "!~", "=~ ", "=~ # a pattern\n"]))
def test_a_value_in_a_pattern_stands_for_itself(value: str, operator: str) -> None:
    filled = fill(f'hits{{v{operator}"{{{{version}}}}"}}', named(value))
    pattern = ast.literal_eval(filled[len(f"hits{{v{operator}") : -1])
    assert re.fullmatch(pattern, value)
    assert not re.fullmatch(pattern, f"{value}x")


def test_metacharacters_are_left_alone_where_the_string_is_no_pattern() -> None:
    assert fill('hits{v="{{version}}",w=~"a"}', named("1.0+x")) == 'hits{v="1.0+x",w=~"a"}'


def test_an_escape_in_the_template_does_not_reach_into_a_value() -> None:
    # Filled in, \{{version}} would be \\" and end the string.
    assert fill(r'hits{v="\{{version}}"}', named('"} or up')) == r'hits{v="\{{version}}"}'


@pytest.mark.parametrize(
    "template", ["{{version}}", "hits{{version}}", "hits[{{version}}]", 'x{a="b"} > {{version}}', "x{v=`{{version}}`}"]
)
def test_a_placeholder_outside_of_quotes_is_refused(template: str) -> None:
    with pytest.raises(ValueError, match=r"expected \{\{version\}\} inside of"):
        fill(template, VALUES)


@pytest.mark.parametrize("name", ["", "Version", "model", "values"])
def test_an_unknown_placeholder_is_refused_with_those_that_are_known(name: str) -> None:
    with pytest.raises(ValueError, match=rf"expected one of .*\{{\{{version\}}\}}.*, found \{{\{{{name}\}}\}}"):
        fill(f'hits{{v="{{{{{name}}}}}"}}', VALUES)


@pytest.mark.parametrize("template", ['hits{v="7}', "hits{v='7\n'}", "hits{v=`7}", '"\\'])
def test_a_string_without_an_end_is_refused_with_its_place(template: str) -> None:
    with pytest.raises(ValueError, match=r"unterminated string at character \d+"):
        fill(template, VALUES)


def test_there_are_values_for_all_placeholders() -> None:
    assert set(VALUES) == set(PLACEHOLDERS)
