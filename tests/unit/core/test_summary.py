"""What a fleet says of one ModelDeployment, field by field."""

from datetime import datetime

from podium.core.status.explanation import explanation
from podium.core.status.summary import Nearest, Summary, summary
from tests.unit.cli.conftest import saved


def test_it_says_what_the_explanation_says_and_the_newest_decision() -> None:
    value = saved("second_step")
    said, status = explanation(value), value["status"]
    (guard, criterion), newest = said.nearest or ("", None), status["history"][-1]
    assert criterion is not None
    assert summary(value) == Summary(
        namespace=value["metadata"]["namespace"],
        name=value["metadata"]["name"],
        champion=status["champion"]["version"],
        challenger=status["challenger"]["version"],
        phase=status["phase"],
        paused=False,
        weight=said.weight,
        nearest_guard=Nearest(guard, criterion.verdict, criterion.towards_failed),
        ready=next(each["status"] for each in status["conditions"] if each["type"] == "Ready"),
        stalled=next(each["status"] for each in status["conditions"] if each["type"] == "Stalled"),
        message=status["message"],
        decision=newest["outcome"],
        decided_version=newest["version"],
        decided_at=datetime.fromisoformat(newest["at"]),
        created=said.created,
        earliest_end=said.earliest_end,
    )


def test_of_one_that_was_never_decided_no_decision_is_said() -> None:
    value = {"metadata": {"namespace": "ml", "name": "new"}, "spec": {"model": {"name": "churn", "version": "1"}}}
    found = summary(value)
    assert (found.decision, found.decided_version, found.decided_at) == ("", "", None)
    assert explanation(value).generation == 0
