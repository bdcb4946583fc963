"""One table says what is particular to a kind of guard."""

import pytest

from podium.api.v1alpha1.spec.gates import Gate
from podium.api.v1alpha1.spec.guards import Guard
from podium.core.analysis.guard_kinds import GUARD_KINDS, kind_of, tolerance_of


def test_each_field_of_a_guard_is_a_kind_of_the_table() -> None:
    assert tuple(GUARD_KINDS) == Guard.KINDS


@pytest.mark.parametrize(
    ("settings", "at_most", "above"),
    [
        ({"errorRate": {"atMost": "1%"}}, 0.01, None),
        ({"errorRate": {"maxAboveChampion": "2%"}}, None, 0.02),
        ({"latency": {"percentile": 95, "atMost": "100ms"}}, 0.05, None),
        ({"latency": {"maxSlowerThanChampion": "3%"}}, None, 0.03),
        ({"predictionShift": {"maxShift": "10%"}}, None, 0.1),
    ],
)
def test_a_guard_tolerates_what_its_settings_say(
    settings: dict[str, object], at_most: float | None, above: float | None
) -> None:
    tolerance = tolerance_of(Guard.model_validate({"name": "it", **settings}))
    assert tolerance.at_most == (pytest.approx(at_most) if at_most is not None else None)
    assert tolerance.above_champion == above


def test_a_value_of_no_kind_or_of_two_is_refused_with_the_names_of_all() -> None:
    words = r"exactly one of errorRate, latency, .* and shadow is needed"
    for settings in ({}, {"errorRate": {"atMost": "1%"}, "predictionShift": {"maxShift": "10%"}}):
        with pytest.raises(ValueError, match=words):
            Guard.model_validate({"name": "it", **settings})
    with pytest.raises(ValueError, match=r"exactly one of metric, tags, .*job and webhook is needed"):
        Gate.model_validate({"name": "it"})


def test_a_guard_knows_its_kind() -> None:
    guard = Guard.model_validate({"name": "it", "invalidOutput": {"atMost": "1%"}})
    assert (guard.kind, kind_of(guard).name) == ("invalid_output", "invalid_output")
    assert guard.settings == guard.invalid_output
