"""When a version that has lost its traffic behind a gateway may be stopped."""

from dataclasses import replace
from datetime import timedelta

import pytest

from podium.api.v1alpha1.evidence import Slot
from podium.api.v1alpha1.spec.spec import Spec
from podium.api.v1alpha1.status import Phase, Status
from podium.api.v1alpha1.traffic import Draining
from podium.core.facts import Counters, Facts, ObservedState, PodState, SlotState, TrafficState
from podium.core.traffic.draining import drained, draining
from podium.core.traffic.lending import abandoned
from tests.stories.simulator import spec_of
from tests.unit.core.factories import NOW, facts, pinned

CHAMPION, CHALLENGER = pinned("1", "a"), pinned("2", "b")
GATEWAY = spec_of("2", serving={"drain": "5s"}, traffic={"gateway": {"name": "public"}})
PODS = spec_of("2", serving={"drain": "5s"})
BACK: dict[Slot, int] = {"a": 100, "b": 0}


def slot(version: str, answers: int | None = 0, ready: bool = True) -> SlotState:
    counters = None if answers is None else Counters(answers, 0)
    return SlotState(
        replicas=1, pods=(PodState(uid=version, name=version, version=version, ready=ready, counters=counters),)
    )


def back(
    spec: Spec = GATEWAY,
    *,
    answers: int | None = 7,
    known: Draining | None = None,
    seconds: float = 0,
    weights: dict[Slot, int] = BACK,
) -> Facts:
    """A rollback that began so many seconds ago."""
    status = Status(phase=Phase.ROLLING_BACK, phase_since=NOW, champion=CHAMPION, challenger=CHALLENGER, draining=known)
    world = ObservedState(slots={"a": slot("1"), "b": slot("2", answers)}, traffic=TrafficState(weights, in_sync=True))
    return replace(facts(spec=spec, status=status, world=world), now=NOW + timedelta(seconds=seconds))


def test_while_it_has_a_weight_nothing_is_idle() -> None:
    given = back(weights={"a": 50, "b": 50})
    assert draining(given) is None
    assert not drained(given, "b")


def test_without_a_weight_it_is_idle_since_its_last_answer_was_seen() -> None:
    first = draining(back(answers=7))
    assert first == Draining(weight_removed_at=NOW, quiet_since=NOW, answers=7)
    assert draining(back(answers=7, known=first, seconds=3)) == first
    assert draining(back(answers=8, known=first, seconds=3)) == Draining(
        weight_removed_at=NOW, quiet_since=NOW + timedelta(seconds=3), answers=8
    )


def test_a_pod_that_has_gone_or_says_nothing_is_no_answer() -> None:
    first = Draining(weight_removed_at=NOW, quiet_since=NOW, answers=7)
    assert draining(back(answers=None, known=first, seconds=3)) == first


@pytest.mark.parametrize(("seconds", "expected"), [(0, False), (4.9, False), (5, True)])
def test_it_is_drained_after_the_drain_time_without_an_answer(seconds: float, expected: bool) -> None:
    assert (
        drained(back(known=Draining(weight_removed_at=NOW, quiet_since=NOW, answers=7), seconds=seconds), "b")
        is expected
    )


def test_before_it_was_seen_idle_it_is_not_drained() -> None:
    assert not drained(back(seconds=30), "b")


def test_who_asks_its_own_service_for_ever_does_not_keep_it() -> None:
    busy = Draining(weight_removed_at=NOW, quiet_since=NOW + timedelta(seconds=64), answers=900)
    assert not drained(back(known=busy, seconds=64), "b")
    assert drained(back(known=busy, seconds=65), "b")


def test_how_long_the_gateway_took_to_take_its_weight_is_no_part_of_the_drain_time() -> None:
    late = timedelta(minutes=10)
    seen = draining(back(answers=7, seconds=late.total_seconds()))
    assert seen == Draining(weight_removed_at=NOW + late, quiet_since=NOW + late, answers=7)
    assert not drained(back(known=seen, seconds=late.total_seconds()), "b")


def test_where_shares_are_of_pods_its_pods_are_stopped_at_once() -> None:
    assert draining(back(PODS)) is None
    assert drained(back(PODS), "b")


def test_a_rollback_that_ended_without_the_champion_goes_on_draining() -> None:
    later = replace(back(), status=Status(phase=Phase.REJECTED, champion=CHAMPION))
    assert not drained(later, "b")
    assert draining(later) == Draining(weight_removed_at=NOW, quiet_since=NOW, answers=7)


def test_what_has_no_pods_needs_no_draining() -> None:
    given = back()
    gone = replace(given, observed=replace(given.observed, slots={"a": slot("1"), "b": SlotState()}))
    assert drained(gone, "b")


@pytest.mark.parametrize(
    ("spec", "champion", "challenger", "expected"),
    [
        (GATEWAY, True, False, True),
        (GATEWAY, True, True, False),
        (GATEWAY, False, False, False),  # there is nobody better
        (PODS, True, False, False),  # a Service leaves it out by itself
    ],
)
def test_a_challenger_without_a_ready_pod_is_abandoned(
    spec: Spec, champion: bool, challenger: bool, expected: bool
) -> None:
    status = Status(phase=Phase.CANARY, champion=CHAMPION, challenger=CHALLENGER)
    world = ObservedState(slots={"a": slot("1", ready=champion), "b": slot("2", ready=challenger)})
    assert abandoned(facts(spec=spec, status=status, world=world)) is expected
