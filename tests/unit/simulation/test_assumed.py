"""What is assumed where nothing, or something, is said."""

import pytest

from podium.api.v1alpha1.spec.guards import Guard
from podium.simulation.assumed import Contradiction, assumed

ERRORS = Guard.model_validate({"name": "errors", "errorRate": {"atMost": "1%"}})
BESIDE = Guard.model_validate({"name": "beside", "errorRate": {"maxAboveChampion": "0.5%"}})
SLOW = Guard.model_validate({"name": "slow", "latency": {"percentile": 95, "maxSlowerThanChampion": "2%"}})
DRIFT = Guard.model_validate({"name": "drift", "predictionShift": {"maxShift": "10%"}})


def test_without_a_word_a_good_version_has_a_fifth_of_the_limit_and_a_bad_one_five_times_as_much() -> None:
    found = assumed([ERRORS, SLOW, DRIFT], {})
    assert found.champion == found.good == pytest.approx({"errors": 0.002, "slow": 0.05, "drift": 0.0})
    assert found.bad == pytest.approx({"errors": 0.05, "slow": 0.05, "drift": 0.0})


def test_a_share_that_names_no_guard_is_that_of_the_guards_on_errors() -> None:
    found = assumed([SLOW, ERRORS, BESIDE], {"bad": {"": 0.3}, "champion": {"": 0.01}})
    assert found.bad == pytest.approx({"slow": 0.05, "errors": 0.3, "beside": 0.3})
    assert found.good["errors"] == found.champion["beside"] == 0.01


def test_where_no_guard_is_on_errors_the_first_one_is_meant() -> None:
    assert assumed([SLOW, DRIFT], {"bad": {"": 0.3}}).bad == {"slow": 0.3, "drift": 0.0}
    assert assumed([DRIFT], {}).bad["drift"] == pytest.approx(0.3)


def test_a_guard_can_be_named() -> None:
    found = assumed([ERRORS, SLOW], {"bad": {"slow": 0.4}})
    assert found.bad == pytest.approx({"errors": 0.002, "slow": 0.4})


def test_a_name_that_no_guard_has_is_refused() -> None:
    with pytest.raises(Contradiction, match=r"expected the name of a guard \(errors, slow\), found latency"):
        assumed([ERRORS, SLOW], {"good": {"latency": 0.1}})


def test_guards_on_the_same_answers_cannot_have_two_shares() -> None:
    with pytest.raises(Contradiction, match="found errors=1%, beside=2%"):
        assumed([ERRORS, BESIDE], {"good": {"errors": 0.01, "beside": 0.02}})


def test_without_any_guard_nothing_is_assumed() -> None:
    assert assumed([], {}).bad == {}
