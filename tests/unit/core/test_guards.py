"""What a guard makes of its questions' answers."""

import pytest

from podium.api.guards import Guard
from podium.api.status import Tally
from podium.core.facts import Counters
from podium.core.guards import Finding, Goal, Judged
from podium.core.measures import Measure
from podium.core.questions import Question

GUARD = Guard.model_validate({"name": "errors", "errorRate": {"atMost": "1%"}})


def counted(counters: Counters) -> Tally:
    return Tally(answers=counters.answers, bad=counters.bad)


def finding(answers: int, *, exposed: int, enough: int) -> Finding:
    question = Question(GUARD, Measure("errors", counted), 0.01)
    nothing = Tally()
    return Finding(question, Tally(answers=answers), nothing, nothing, "cannot tell", exposed, enough)


@pytest.mark.parametrize(
    ("answers", "goal", "more"), [(50, "exposed", 48), (500, "exposed", 0), (50, "enough", 572), (999, "enough", 0)]
)
def test_what_is_missing_is_never_less_than_nothing(answers: int, goal: Goal, more: int) -> None:
    assert Judged(GUARD, [finding(answers, exposed=98, enough=622)]).missing(goal) == more
