"""Counters that contradict themselves: nothing that a pod or a metrics store reports may stop a decision."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from podium.api.v1alpha1.evidence import Counts, Slot
from podium.api.v1alpha1.spec.spec import Spec
from podium.api.v1alpha1.status import Phase, Pinned, Status, Verdict
from podium.core.analysis import guards
from podium.core.analysis.measures import ERRORS, counted_elsewhere
from podium.core.decide import decide
from podium.core.facts import Counters, Facts, Key, ObservedState, PodState, SlotState, TrafficState
from podium.core.identity import Identity
from podium.core.rollout.lifecycle import begin_trial, take_step
from tests.stories.simulator import spec_of
from tests.unit.core.factories import NOW, pinned

CHAMPION, CHALLENGER = pinned("1", "a"), pinned("2", "b")
GUARDS = [
    {"name": "errors", "errorRate": {"atMost": "1%"}},
    {"name": "beside", "errorRate": {"maxAboveChampion": "2%"}},
    {"name": "late", "prometheus": {"bad": "bad_total", "total": "all_total", "atMost": "1%"}},
]
SPEC = spec_of("2", rollout={"guards": GUARDS, "steps": [{"weight": 50, "duration": "0s"}]})
LATE = counted_elsewhere("late").name


def slot(version: Pinned, counters: Counters | None) -> SlotState:
    identity = Identity(version.version, version.digest)
    pods = tuple(
        PodState(f"{version.slot}-{number}", f"{version.slot}-{number}", version.version, ready=True, identity=identity,
                 counters=counters)
        for number in range(2)
    )  # fmt: skip
    return SlotState(runs=version, replicas=2, pods=pods)


def world(challenger: Counters | None, champion: Counters | None, late: dict[Slot, Counts]) -> ObservedState:
    weights: dict[Slot, int] = {"a": 50, "b": 50}
    return ObservedState(
        slots={"a": slot(CHAMPION, champion), "b": slot(CHALLENGER, challenger)},
        traffic=TrafficState(desired=weights, current={"a": 50.0, "b": 50.0}, in_sync=True),
        counts={LATE: late} if late else {},
    )


def canary(spec: Spec = SPEC) -> Facts:
    """The first reconcile of a canary step."""
    status = Status(phase=Phase.STARTING, phase_since=NOW, champion=CHAMPION, challenger=CHALLENGER)
    quiet = Counters(answers=0, bad=0)
    starting = Facts(Key("ml", "churn"), 1, spec, status, world(quiet, quiet, {}), NOW)

    verdict = Verdict(reason="", message="")
    begun = replace(starting, status=begin_trial(starting, verdict))
    stepped = take_step(begun, verdict).model_copy(update={"phase": Phase.CANARY})
    return replace(begun, status=stepped)


def after(facts: Facts, seen: ObservedState, seconds: float = 10) -> Facts:
    """The facts of the next reconcile, which goes on from what this one decided."""
    decision = decide(replace(facts, observed=seen))
    return replace(
        facts,
        status=decision.status,
        unsaved=decision.unsaved,
        observed=seen,
        now=facts.now + timedelta(seconds=seconds),
    )


def test_bad_answers_that_grow_by_more_than_all_answers_are_no_end_of_judging() -> None:
    facts = after(canary(), world(Counters(100, 1), Counters(100, 0), {"a": Counts(), "b": Counts(answers=50, bad=1)}))
    facts = after(facts, world(Counters(101, 4), Counters(101, 0), {"a": Counts(), "b": Counts(answers=51, bad=9)}))
    trial = facts.status.trial
    assert trial is not None
    assert all(each.challenger.bad <= each.challenger.answers for each in trial.evidence.measures)


def test_the_surplus_of_a_query_that_was_ahead_is_counted_when_the_answers_have_come() -> None:
    calm = Counters(100, 0)
    facts = after(canary(), world(calm, calm, {"a": Counts(), "b": Counts(answers=50, bad=0)}))
    facts = after(facts, world(calm, calm, {"a": Counts(), "b": Counts(answers=52, bad=5)}))
    facts = after(facts, world(calm, calm, {"a": Counts(), "b": Counts(answers=60, bad=5)}))
    trial = facts.status.trial
    assert trial is not None
    assert trial.evidence.measured(LATE).challenger == Counts(answers=10, bad=5)


def test_a_version_that_fails_everything_is_rolled_back_beside_a_guard_that_contradicts_itself() -> None:
    facts, calm = canary(), Counters(10_000, 0)
    for turn in range(1, 30):
        bad = Counters(100 * turn, 50 * max(0, turn - 3))  # it fails when the other guard has contradicted itself
        late: dict[Slot, Counts] = {"a": Counts(), "b": Counts(answers=turn, bad=7 * turn)}
        facts = after(facts, world(bad, calm, late))
        if facts.status.phase is not Phase.CANARY:
            break
    assert facts.status.phase is Phase.ROLLING_BACK


def test_a_test_whose_state_cannot_be_read_is_inconclusive_and_says_why() -> None:
    facts = after(canary(), world(Counters(100, 1), Counters(100, 0), {}))
    facts = after(facts, world(Counters(200, 1), Counters(200, 0), {}))
    trial = facts.status.trial
    assert trial is not None
    tests = [each.model_copy(update={"state": '{"late": "?"}'}) for each in trial.evidence.tests]
    evidence = trial.evidence.model_copy(update={"tests": tests})
    edited = trial.model_copy(update={"evidence": evidence})
    results = guards.judge(edited)
    assert [one.state for one in results] == ["Inconclusive"] * 3
    assert "could not be evaluated" in results[0].message
    status = facts.status.model_copy(update={"trial": edited})
    decision = decide(replace(facts, status=status, unsaved=None))
    assert decision.status.phase is Phase.CANARY


totals = st.integers(min_value=0, max_value=2**53)
pods = st.one_of(
    st.none(), st.builds(Counters, answers=totals, bad=totals, invalid=totals, consecutive_bad=st.integers(0, 9))
)
counted = st.builds(Counts, answers=totals, bad=totals)
sides: st.SearchStrategy[dict[Slot, Counts]] = st.one_of(
    st.just({}), st.fixed_dictionaries({"a": counted, "b": counted})
)


@pytest.mark.filterwarnings("error")
@settings(max_examples=150, deadline=None)
@given(readings=st.lists(st.tuples(pods, pods, sides), min_size=1, max_size=6))
def test_no_sequence_of_counters_stops_a_decision(
    readings: list[tuple[Counters | None, Counters | None, dict[Slot, Counts]]],
) -> None:
    facts = canary()
    for challenger, champion, late in readings:
        facts = after(facts, world(challenger, champion, late))
        trial = facts.status.trial
        if trial is None or facts.status.phase is not Phase.CANARY:
            return
        for each in trial.evidence.measures:
            assert each.challenger.bad <= each.challenger.answers
            assert each.champion.bad <= each.champion.answers
        assert trial.evidence.measured(ERRORS.name).challenger.answers >= 0
