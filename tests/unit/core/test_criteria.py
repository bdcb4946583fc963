"""Which answers a guard's criteria count."""

import pytest

from podium.api.v1alpha1.evidence import Evidence
from podium.api.v1alpha1.spec.guards import Guard
from podium.core.analysis.criteria import criteria
from podium.core.analysis.measures import of_first_answers

LIMIT, COMPARISON = {"atMost": "1%"}, {"maxAboveChampion": "1%"}


@pytest.mark.parametrize(("asked", "narrowed"), [(LIMIT, False), (COMPARISON, True)])
def test_comparisons_alone_count_first_answers_where_connections_are_kept(
    asked: dict[str, str], narrowed: bool
) -> None:
    guard = Guard.model_validate({"name": "errors", "errorRate": asked})
    (every,), (first,) = criteria(guard, Evidence()), criteria(guard, Evidence(first_answers=True))
    expected = of_first_answers(every.measure) if narrowed else every.measure
    assert first.measure == expected
    assert (first.measure != every.measure) is narrowed
