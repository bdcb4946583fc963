"""A patch in a file's text: at the field's place, in the file's own way, or not at all."""

from typing import Any

import pytest

from podium.cli.yaml_edit import NotCertain, edited

ONE = {"version": "7", "by": "alice"}
TWO = {"version": "8", "by": "bob"}


@pytest.mark.parametrize(
    ("text", "patch", "expected"),
    [
        ("spec: {model: {name: a}}\n", {"paused": True}, "spec: {model: {name: a}, paused: true}\n"),
        ("spec: {}\n", {"paused": True}, "spec: {paused: true}\n"),
        ("spec: {a: {b: 1}}\n", {"a": {"b": None}}, "spec: {a: {}}\n"),
        ("spec: {a: {b: 1, c: 2}}\n", {"a": {"b": None}}, "spec: {a: {c: 2}}\n"),
        ("spec: {a: {c: 2, b: {d: 1}}}\n", {"a": {"b": None}}, "spec: {a: {c: 2}}\n"),
        ("spec:\n  b: # why\n    c: 1\n    d: {e: 2}\n  # of a\n  a: 1\n", {"b": None}, "spec:\n  # of a\n  a: 1\n"),
        ("spec:\n  a: 1\n  b: {c: 1}", {"b": None}, "spec:\n  a: 1\n"),
        ("spec:\n  b: {c: 1}\n  a: 1\n", {"b": None, "r": "x"}, 'spec:\n  r: "x"\n  a: 1\n'),
        ("spec:\n  b:\n    c: 1\n  a: 1\n", {"b": None, "r": "x"}, 'spec:\n  r: "x"\n  a: 1\n'),
        ("spec:\r\n  a: 1\r\n", {"paused": True}, "spec:\r\n  paused: true\r\n  a: 1\r\n"),
        ("spec:\n  paused: false # why\n", {"paused": True}, "spec:\n  paused: true # why\n"),
        ("spec:\n  a: 1\n", {"rollout": {"retry": "x"}}, 'spec:\n  rollout: {retry: "x"}\n  a: 1\n'),
        (
            "spec:\n  rollout: # r\n    b: 1\n",
            {"rollout": {"retry": "x"}},
            'spec:\n  rollout: # r\n    retry: "x"\n    b: 1\n',
        ),
        (
            'spec:\n  approvals:\n  - {version: "7", by: alice} # ok\n  # the end\n',
            {"approvals": [ONE, TWO]},
            'spec:\n  approvals:\n  - {version: "7", by: alice} # ok\n  - {version: "8", by: "bob"}\n  # the end\n',
        ),
        (
            'spec:\n  approvals:\n    - version: "7"\n      by: alice\n  a: 1\n',
            {"approvals": [ONE, TWO]},
            'spec:\n  approvals:\n    - version: "7"\n      by: alice\n    - {version: "8", by: "bob"}\n  a: 1\n',
        ),
        (
            'spec:\n  approvals:\n    - {version: "7", by: alice}',
            {"approvals": [ONE, TWO]},
            'spec:\n  approvals:\n    - {version: "7", by: alice}\n    - {version: "8", by: "bob"}',
        ),
        ("spec: {approvals: []}\n", {"approvals": [TWO]}, 'spec: {approvals: [{version: "8", by: "bob"}]}\n'),
    ],
)
def test_the_text_changes_at_the_fields_place_alone(text: str, patch: dict[str, Any], expected: str) -> None:
    assert edited(text, 0, patch) == expected


@pytest.mark.parametrize(
    ("text", "patch"),
    [
        ("spec: &all\n  a: 1\nother: *all\n", {"paused": True}),
        ("base: &b {a: 1}\nspec: *b\n", {"paused": True}),
        ("x: &v '7'\nspec:\n  model: {version: *v}\n", {"model": {"version": "8"}}),
        ("spec:\n  paused: !!bool 'false'\n", {"paused": True}),
        ("spec: {model: &m {version: '7'}, b: *m}\n", {"model": {"version": "8"}}),
        ("spec:\n  rollout:\n", {"rollout": {"retry": "x"}}),
        ("spec:\n  approvals:\n  - {version: '6', by: carol}\n", {"approvals": [ONE, TWO]}),
        ("spec:\n  a: 1\n", {"a": None}),
        ("spec: 1\n", {"paused": True}),
        ("? spec\n: a: 1\n", {"paused": True}),
    ],
)
def test_what_is_not_certain_is_refused(text: str, patch: dict[str, Any]) -> None:
    with pytest.raises(NotCertain):
        edited(text, 0, patch)


def test_the_other_documents_of_a_file_stay() -> None:
    text = "a: 1\n---\n# second\nspec: {a: 1}\n---\nspec: {a: 1}\n"
    assert edited(text, 1, {"a": 2}) == text.replace("# second\nspec: {a: 1}", "# second\nspec: {a: 2}")
