"""Semantic versions: what a difference between signatures means for callers."""

import random
from dataclasses import replace

import pytest

from podium.core.semantic_versions import FIRST, SemanticVersion, Step, difference, proposed
from podium.core.signature import Column, Signature

AGE, CITY = Column("age", "integer"), Column("city", "string")
SCORE, LABEL = Column("score", "double"), Column("label", "string")
OLD = Signature(inputs=(AGE, CITY), outputs=(SCORE,), params=(Column("limit", "double"),))
OPTIONAL = Column("zip", "string", required=False)


@pytest.mark.parametrize(
    ("new", "step", "words"),
    [
        (OLD, Step.PATCH, ""),
        (replace(OLD, inputs=(AGE,)), Step.MAJOR, "column city removed"),
        (replace(OLD, inputs=(AGE, CITY, Column("zip", "string"))), Step.MAJOR, "column zip added, and required"),
        (replace(OLD, outputs=(LABEL,)), Step.MAJOR, "score removed"),
        (replace(OLD, outputs=(LABEL, SCORE)), Step.MAJOR, "label added"),  # who reads by place reads another one
        (replace(OLD, outputs=None), Step.MAJOR, "score removed"),
        (replace(OLD, params=None), Step.MAJOR, "param limit removed"),
        (replace(OLD, inputs=(AGE, CITY, OPTIONAL)), Step.MINOR, "column zip added"),
        (replace(OLD, outputs=(SCORE, LABEL)), Step.MINOR, "output label added"),
        (replace(OLD, inputs=(Column("age", "long"), CITY)), Step.MINOR, "column age takes more"),
        (replace(OLD, inputs=(replace(AGE, required=False), CITY)), Step.MINOR, "column age takes more"),
        (replace(OLD, params=(*(OLD.params or ()), Column("top", "long"))), Step.MINOR, "param top added"),
        (replace(OLD, inputs=(CITY, AGE)), Step.PATCH, ""),  # columns go by their names
    ],
)
def test_a_difference_is_major_minor_or_patch(new: Signature, step: Step, words: str) -> None:
    found = difference(OLD, new)
    assert found.step is step
    assert words in "; ".join(found.words)


def test_outputs_that_were_never_declared_break_no_caller() -> None:
    assert difference(replace(OLD, outputs=None), OLD).step is Step.MINOR


def test_outputs_that_were_declared_as_none_lose_nothing() -> None:
    assert difference(replace(OLD, outputs=()), replace(OLD, outputs=None)).step is Step.PATCH


@pytest.mark.parametrize(("step", "number"), [(Step.PATCH, "1.2.4"), (Step.MINOR, "1.3.0"), (Step.MAJOR, "2.0.0")])
def test_the_proposal_is_the_next_number_of_the_step(step: Step, number: str) -> None:
    assert str(proposed(SemanticVersion(1, 2, 3), step)) == number


def test_the_first_version_is_1_0_0_and_a_number_that_is_taken_is_passed_over() -> None:
    assert proposed(None, Step.MAJOR) == FIRST
    taken = {SemanticVersion(1, 3, 0), SemanticVersion(1, 4, 0)}
    assert str(proposed(SemanticVersion(1, 2, 3), Step.MINOR, taken)) == "1.5.0"


@pytest.mark.parametrize("step", list(Step))
def test_a_proposal_is_free_and_is_the_step_that_was_asked_for(step: Step) -> None:
    drawn = random.Random(16)
    for _ in range(500):
        base, *taken = (SemanticVersion(*(drawn.randrange(4) for _ in range(3))) for _ in range(8))
        number = proposed(base, step, set(taken))
        assert number not in taken
        assert base.step_to(number) is step
        assert SemanticVersion.parsed(str(number)) == number


@pytest.mark.parametrize("text", ["", "1.2", "v1.2.3", "1.2.3-rc1", "01.2.3", "1.2.3.4", "1.2.9999999999"])
def test_what_is_no_semantic_version_is_none(text: str) -> None:
    assert SemanticVersion.parsed(text) is None


def test_an_earlier_or_equal_number_is_no_step() -> None:
    assert SemanticVersion(1, 2, 3).step_to(SemanticVersion(1, 2, 3)) is None
    assert SemanticVersion(1, 2, 3).step_to(SemanticVersion(1, 1, 9)) is None


def test_a_step_has_a_name() -> None:
    assert [str(step) for step in Step] == ["patch", "minor", "major"]
    assert Step.named("minor") is Step.MINOR
