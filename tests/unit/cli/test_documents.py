"""YAML as kubectl reads it, with the line of every field."""

from typing import Any

import pytest

from podium.cli.documents import Document, Unreadable, read_documents


def read(text: str) -> Document:
    (document,) = read_documents(text)
    return document


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("7", 7),
        ('"7"', "7"),
        ("0x1F", 31),
        ("010", 8),
        ("0o10", 8),
        ("1_000", 1000),
        ("0.75", 0.75),
        (".5", 0.5),
        ("1e-3", 0.001),  # PyYAML alone would say that this is text
        ("5%", "5%"),
        ("1:30", "1:30"),  # PyYAML alone would say that this is 90
        ("2026-11-20", "2026-11-20"),  # PyYAML alone would say that this is a date
        ("yes", True),
        ("y", True),
        ("off", False),
        ("~", None),
        ("", None),
        ("!!str 7", "7"),
        (">-\n  two\n  lines", "two lines"),
    ],
)
def test_scalars_mean_what_they_mean_to_kubectl(text: str, value: object) -> None:
    found = read(f"key: {text}").value["key"]
    assert (found, type(found)) == (value, type(value))


def test_every_field_has_its_line() -> None:
    document = read(
        "spec:\n  model:\n    name: churn\n\n  steps:\n    - weight: 5\n    - weight: 25\n      duration: 5m\n"
    )
    assert document.line(("spec", "model", "name")) == 3
    assert document.line(("spec", "steps", 1, "duration")) == 8


def test_what_is_missing_is_told_where_it_would_stand() -> None:
    document = read("kind: X\nspec:\n  model:\n    name: churn\n")
    assert document.line(("spec", "model", "version")) == 3
    assert document.line(("metadata", "name")) == 1


def test_a_file_holds_several_objects_and_lines_count_through() -> None:
    first, second = read_documents("---\na: 1\n---\n# nothing here\n---\nb: 2\n")
    assert (first.value, second.value) == ({"a": 1}, {"b": 2})
    assert second.line(("b",)) == 6


def test_the_items_of_a_list_are_read_as_if_they_stood_alone() -> None:
    first, second = read_documents("kind: List\nitems:\n- kind: A\n- kind: B\n  spec: {}\n")
    assert (first.value["kind"], second.value["kind"]) == ("A", "B")
    assert second.line(("spec",)) == 5


def test_anchors_and_merges_are_followed() -> None:
    document = read("base: &base {weight: 5, duration: 1m}\nstep:\n  <<: *base\n  weight: 25\n")
    assert document.value["step"] == {"weight": 25, "duration": "1m"}
    assert document.line(("step", "weight")) == 4


def test_several_sources_are_merged_and_the_first_wins() -> None:
    document = read("a: &a {x: 1}\nb: &b {x: 2, y: 2}\nboth:\n  <<: [*a, *b]\n")
    assert document.value["both"] == {"x": 1, "y": 2}


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)
)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "duplicate key a"),
        ("a: [1, 2\nb: 3\n", 2, "expected ',' or ']'"),
        ("a:\n\t- 1\n", 2, "cannot start any token"),
        ("a: \x07\n", 1, "special characters are not allowed"),
        ("a: *b\n", 1, "undefined alias"),
        ("a: &a [*a]\n", 1, "its YAML aliases expand to more than can be read"),
        ("[a]: 1\n", 1, "a key must be text"),
        ("<<: 5\n", 1, "<< requires a mapping"),
        ("{{ template }}\n", 1, "key must be text"),
    ],
)
def test_what_kubectl_would_not_read_is_told_with_its_line(text: str, line: int, message: str) -> None:
    with pytest.raises(Unreadable, match=message) as caught:
        list(read_documents(text))
    assert caught.value.line == line


def test_a_few_lines_cannot_become_billions_of_values() -> None:
    with pytest.raises(Unreadable, match="expand to more than can be read"):
        list(read_documents(BOMB))


def keys(text: str) -> list[Any]:
    return list(read(text).value)


def test_keys_are_always_text() -> None:
    assert keys("1: a\ntrue: b\n~: c\n") == ["1", "true", "~"]


def test_what_is_nested_too_deeply_to_read_is_told() -> None:
    """It ended in a traceback, by the end of Python's stack."""
    with pytest.raises(Unreadable, match="nested deeper than 100 levels") as raised:
        list(read_documents("a: 1\n---\n" + "[" * 3000))
    assert raised.value.line == 3
    assert read("[" * 99 + "]" * 99).value
