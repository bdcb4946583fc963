"""Patterns for tags: the meaning of Python's regular expressions, without their price."""

import random
import re
import time

import pytest

from podium.api.v1alpha1.spec.gates import TAG_PATTERN
from podium.core.gates.patterns import LONGEST_VALUE, matches

ATOMS = ["a", "b", ".", "[ab]", "[^a]", "[a-c]", r"\d", r"\w", r"[\d-]", "1", "-", r"\."]
TIMES = ["", "", "*", "+", "?", "{2}", "{1,3}", "{2,}", "{0,2}"]


def test_it_means_what_python_means() -> None:
    chance = random.Random(7)
    found = 0
    for _ in range(20_000):
        rows = ("".join(chance.choice(ATOMS) + chance.choice(TIMES) for _ in range(4)) for _ in range(2))
        pattern, text = "|".join(rows), "".join(chance.choices("abc1-.", k=chance.randint(0, 8)))
        assert re.fullmatch(TAG_PATTERN, pattern)
        assert matches(pattern, text) == bool(re.fullmatch(pattern, text)), (pattern, text)
        found += matches(pattern, text)
    assert found > 1000


@pytest.mark.parametrize("pattern", ["(a+)+", "(a|b)", "a**", "a||b", "|a", "^a$", "[", "a{", "a{,3}", r"\1", "(?=a)"])
def test_what_would_need_going_back_is_no_pattern(pattern: str) -> None:
    assert not re.fullmatch(TAG_PATTERN, pattern)


@pytest.mark.parametrize("pattern", ["a*a*a*a*a*a*a*a*b", "a{0,999}" * 25, "[a-z]*" * 33 + "b", r"\w*" * 60])
def test_no_value_takes_long(pattern: str) -> None:
    began = time.process_time()
    matches(pattern, "a" * LONGEST_VALUE)
    assert time.process_time() - began < 2.0


def test_a_value_that_is_too_long_matches_nothing() -> None:
    assert matches(".*", "a" * LONGEST_VALUE)
    assert not matches(".*", "a" * (LONGEST_VALUE + 1))
