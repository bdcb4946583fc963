"""What a guard makes of its criteria' answers."""

import pytest

from podium.api.v1alpha1.evidence import Counts
from podium.api.v1alpha1.spec.guards import Guard
from podium.core.analysis.criterion import Criterion
from podium.core.analysis.guards import CriterionResult, Goal, GuardResult
from podium.core.analysis.measures import Measure
from podium.core.facts import Counters

GUARD = Guard.model_validate({"name": "errors", "errorRate": {"atMost": "1%"}})


def counted(counters: Counters) -> Counts:
    return Counts(answers=counters.answers, bad=counters.bad)


def finding(answers: int, *, exposed: int, enough: int) -> CriterionResult:
    criterion = Criterion(GUARD, Measure("errors", counted), 0.01)
    nothing = Counts()
    return CriterionResult(criterion, Counts(answers=answers), nothing, nothing, "Inconclusive", exposed, enough)


@pytest.mark.parametrize(
    ("answers", "goal", "more"), [(50, "exposed", 48), (500, "exposed", 0), (50, "enough", 572), (999, "enough", 0)]
)
def test_what_is_missing_is_never_less_than_nothing(answers: int, goal: Goal, more: int) -> None:
    assert GuardResult(GUARD, [finding(answers, exposed=98, enough=622)]).missing(goal) == more
