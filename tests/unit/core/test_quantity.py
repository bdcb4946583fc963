"""Quantities of Kubernetes, however they are written."""

import pytest

from podium.core.quantity import same_quantity


@pytest.mark.parametrize(("one", "other"), [("500m", 0.5), ("1Ki", "1024"), ("5e-1", "0.5"), (1, "1")])
def test_one_quantity_in_two_ways(one: object, other: object) -> None:
    assert same_quantity(one, other)


@pytest.mark.parametrize(("one", "other"), [("much", "more"), ("much", "much"), (None, None), (True, 1), ("1", "2")])
def test_what_is_no_quantity_is_the_same_as_nothing(one: object, other: object) -> None:
    assert not same_quantity(one, other)
