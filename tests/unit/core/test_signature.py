"""What changes between two signatures, in words: one row a change."""

from dataclasses import replace

import pytest

from podium.core.signature import Column, Signature, changes

AGE, CITY = Column("age", "long"), Column("city", "string", required=False)
IMAGE = Column("image", "float32", shape=(-1, 28, 28))
LIMIT = Column("limit", "double")
OLD = Signature(inputs=(AGE, CITY, IMAGE), outputs=(Column("", "double"),), params=(LIMIT,))


def inputs(*columns: Column) -> Signature:
    return replace(OLD, inputs=columns)


@pytest.mark.parametrize(
    ("new", "kind", "words"),
    [
        (inputs(AGE, IMAGE), "columnRemoved", "column city removed"),
        (inputs(*OLD.inputs or (), Column("zip", "string")), "columnAdded", "column zip added, and required"),
        (inputs(replace(AGE, type="integer"), CITY, IMAGE), "typeNarrowed", "column age narrowed from long to integer"),
        (inputs(replace(AGE, type="string"), CITY, IMAGE), "typeChanged", "column age changed from long to string"),
        (
            inputs(AGE, replace(CITY, required=True), IMAGE),
            "optionalMadeRequired",
            "city was optional, and is required",
        ),
        (
            inputs(AGE, CITY, replace(IMAGE, shape=(-1, 32, 32))),
            "shapeChanged",
            "shape of image changed from (-1, 28, 28) to (-1, 32, 32)",
        ),
        (inputs(AGE, CITY, replace(IMAGE, shape=(1, 28, 28))), "shapeChanged", "to (1, 28, 28)"),
        (replace(OLD, inputs=None), "typeChanged", "inputs are no longer declared"),
        (replace(OLD, outputs=(Column("", "string"),)), "outputsChanged", "number 1 from double to string"),
        (replace(OLD, outputs=None), "outputsChanged", "number 1 removed"),
        (replace(OLD, params=None), "paramsChanged", "param limit removed"),
        (replace(OLD, params=(Column("limit", "long"),)), "paramsChanged", "param limit changed from double to long"),
    ],
)
def test_what_breaks_a_caller_is_told(new: Signature, kind: str, words: str) -> None:
    ((found, said),) = changes(OLD, new)
    assert found == kind
    assert words in said


@pytest.mark.parametrize(
    "new",
    [
        OLD,
        inputs(IMAGE, CITY, AGE),
        inputs(*OLD.inputs or (), Column("zip", "string", required=False)),
        inputs(replace(AGE, required=False), CITY, IMAGE),
        inputs(AGE, CITY, replace(IMAGE, shape=(-1, -1, 28))),
        replace(OLD, params=(LIMIT, Column("top", "long"))),
    ],
)
def test_what_breaks_nobody_is_no_change(new: Signature) -> None:
    assert list(changes(OLD, new)) == []


@pytest.mark.parametrize(("old", "new"), [("integer", "long"), ("integer", "double"), ("float", "double")])
def test_a_type_that_takes_more_is_no_change_and_back_is_a_narrowing(old: str, new: str) -> None:
    narrow, wide = Signature(inputs=(Column("x", old),)), Signature(inputs=(Column("x", new),))
    assert list(changes(narrow, wide)) == []
    assert [kind for kind, _ in changes(wide, narrow)] == ["typeNarrowed"]


def test_all_changes_are_told() -> None:
    new = Signature(inputs=(Column("age", "string"),), outputs=(Column("", "string"),))
    kinds = ["typeChanged", "columnRemoved", "columnRemoved", "outputsChanged", "paramsChanged"]
    assert [kind for kind, _ in changes(OLD, new)] == kinds


def test_a_hostile_name_is_shown_bounded_and_on_one_line() -> None:
    ((_, said),) = changes(Signature(inputs=(Column("x\n" * 999, "long"),)), Signature(inputs=()))
    assert len(said) < 100
    assert "\n" not in said
