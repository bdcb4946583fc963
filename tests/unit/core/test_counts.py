"""What counts as evidence: only what came since the last look, whatever restarts, and whoever is new."""

from dataclasses import replace
from datetime import timedelta

import pytest

from podium.api.v1alpha1.evidence import Counts, Evidence, Slot
from podium.api.v1alpha1.spec.guards import Guard
from podium.api.v1alpha1.status import Status
from podium.core.analysis.counts import accumulate, baseline
from podium.core.analysis.criteria import measures
from podium.core.analysis.measures import ERRORS, Measure, counted_elsewhere, slower_than
from podium.core.facts import Counters, Facts, Histogram, ObservedState, PodState, SlotState
from tests.unit.core.factories import NOW, facts, pinned

COUNTED = {ERRORS.name: ERRORS}


def pod(uid: str, answers: int, bad: int = 0, slow: int = 0) -> PodState:
    latency = Histogram((0.12, 1.0), (answers - slow, answers), answers)
    return PodState(uid, uid, "2", ready=True, counters=Counters(answers, bad, latency=latency))


def look(challenger: list[PodState], champion: list[PodState] | None = None, **counts: Counts) -> Facts:
    """Slot b is on trial."""
    slots: dict[Slot, SlotState] = {"a": SlotState(pods=tuple(champion or [])), "b": SlotState(pods=tuple(challenger))}
    elsewhere: dict[str, dict[Slot, Counts]] = {f"counts of {name}": {"b": counts} for name, counts in counts.items()}
    return facts(world=ObservedState(slots=slots, counts=elsewhere))


def after(*looks: Facts, measures: dict[str, Measure] | None = None, measure: str = "errors") -> tuple[Counts, Counts]:
    """What both sides have to their account after these looks, of which the first one is before any traffic."""
    known = measures or COUNTED
    evidence = baseline(Evidence(), looks[0], known)
    for seen in looks[1:]:
        evidence, _ = accumulate(evidence, seen, "b", known)
    found = evidence.measured(measure)
    return found.challenger, found.champion


def test_only_what_came_since_the_last_look_counts() -> None:
    challenger, champion = after(
        look([pod("n", 5, 1)], [pod("o", 900, 90)]),
        look([pod("n", 15, 2)], [pod("o", 910, 90)]),
        look([pod("n", 16, 2)], [pod("o", 930, 91)]),
    )
    assert (challenger.answers, challenger.bad) == (11, 1)
    assert (champion.answers, champion.bad) == (30, 1)


def test_a_new_pod_of_the_version_on_trial_counts_from_zero_and_any_other_from_now_on() -> None:
    challenger, champion = after(
        look([], []), look([pod("n", 7, 3)], [pod("o", 900, 90)]), look([pod("n", 7, 3)], [pod("o", 901, 91)])
    )
    assert (challenger.answers, challenger.bad) == (7, 3)
    assert (champion.answers, champion.bad) == (1, 1)


def test_the_pods_of_the_version_that_had_the_slot_before_are_no_evidence_about_this_one() -> None:
    old = replace(pod("old", 50, 40), version="1")
    now = look([pod("n", 10), old])
    named = replace(now, status=Status(challenger=pinned("2", "b")))
    challenger, _ = after(look([pod("n", 0), replace(old, counters=Counters(0, 0))]), named)
    assert (challenger.answers, challenger.bad) == (10, 0)


def test_counters_that_begin_anew_count_from_zero() -> None:
    challenger, _ = after(look([pod("n", 100, 10)]), look([pod("n", 110, 11)]), look([pod("n", 4, 2)]))
    assert (challenger.answers, challenger.bad) == (14, 3)


def test_the_last_answers_of_a_pod_that_is_gone_still_count() -> None:
    challenger, _ = after(look([]), look([pod("n", 30, 9)]), look([]), look([pod("m", 2, 0)]))
    assert (challenger.answers, challenger.bad) == (32, 9)


def test_a_pod_that_does_not_answer_for_a_while_loses_nothing_and_counts_nothing_twice() -> None:
    silent = replace(pod("n", 0), counters=None)
    challenger, _ = after(look([]), look([pod("n", 30, 9)]), look([silent]), look([pod("n", 40, 9)]))
    assert (challenger.answers, challenger.bad) == (40, 9)


def test_a_block_is_what_came_at_one_look() -> None:
    evidence = baseline(Evidence(), look([pod("n", 5)], [pod("o", 100)]), COUNTED)
    _, blocks = accumulate(evidence, look([pod("n", 9, 3)], [pod("o", 120, 2)]), "b", COUNTED)
    block = blocks["errors"]
    assert (block.challenger_bad, block.challenger_good, block.champion_bad, block.champion_good) == (3, 1, 2, 18)


def test_more_bad_answers_than_answers_prove_nothing() -> None:
    challenger, _ = after(look([]), look([pod("n", 3, 9)]))
    assert challenger == Counts()


def slow_after(startup_timeout: int, *looks: Facts) -> Counts:
    measure = slower_than(0.12, startup_timeout)
    return after(*looks, measures={measure.name: measure}, measure=measure.name)[0]


def test_the_first_answers_of_a_pod_do_not_count_against_latency() -> None:
    looks = look([]), look([pod("n", 10, slow=10)]), look([pod("n", 25, slow=22)]), look([pod("n", 125, slow=27)])
    assert slow_after(20, *looks) == Counts(answers=100, bad=5)
    assert slow_after(0, *looks) == Counts(answers=125, bad=27)


def test_a_pod_that_restarts_is_cold_again() -> None:
    looks = look([pod("n", 50)]), look([pod("n", 60)]), look([pod("n", 5, slow=5)]), look([pod("n", 30, slow=20)])
    assert slow_after(20, *looks, look([pod("n", 40, slow=20)])) == Counts(answers=20, bad=0)


def test_what_prometheus_counts_is_taken_note_of_first_and_again_after_a_reset() -> None:
    measure = counted_elsewhere("refunds")
    totals = ((600, 500), (620, 510), (5, 4), (15, 4))
    looks = [look([], refunds=Counts(answers=answers, bad=bad)) for answers, bad in totals]
    challenger, _ = after(look([]), *looks, measures={measure.name: measure}, measure=measure.name)
    assert (challenger.answers, challenger.bad) == (30, 10)


def test_errors_are_counted_whatever_the_guards_ask() -> None:
    guard = Guard.model_validate({"name": "quick", "latency": {"atMost": "120ms"}})
    assert set(measures([guard], Evidence())) == {"errors", "slower than 0.12 s"}


@pytest.mark.parametrize(("value", "count"), [(0.1, 0), (0.12, 3), (0.5, 3), (1.0, 5), (9.0, 5)])
def test_a_histogram_knows_how_many_are_at_most_a_value(value: float, count: int) -> None:
    assert Histogram((0.12, 1.0), (3, 5), 6).at_most(value) == count


def test_the_time_of_a_look_is_kept() -> None:
    seen = replace(look([]), now=NOW + timedelta(seconds=3))
    assert baseline(Evidence(), seen, COUNTED).observed_at == NOW + timedelta(seconds=3)
