"""The sample-ratio check: a false alarm is rare, a real mismatch is found, and what moves the weights raises none."""

import random
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from math import log

import pytest

from podium.api.v1alpha1.evidence import Evidence, SampleRatio, Slot
from podium.core.analysis import sample_ratio
from podium.core.analysis.sample_ratio import ALPHA, GRACE, updated
from podium.core.analysis.sequential import Block, log_evidence_of_mismatch
from podium.core.analysis.sequential.sample_ratio import TOLERANCE
from podium.core.facts import Counters, Facts, ObservedState, PodState, SlotState, TrafficState
from podium.core.identity import Identity
from podium.simulation.answers import binomial
from tests.unit.core.factories import NOW, facts

PROVED = -log(ALPHA)


def requests(weight: float, seconds: float, *, in_sync: bool = True, told: bool = True) -> Facts:
    """Slot b is on trial and should have so many percent."""
    counters = Counters(0, 0, received=1) if told else None
    pod = PodState("p", "p", "2", ready=True, counters=counters)
    traffic = TrafficState(current={"a": 100 - weight, "b": weight}, in_sync=in_sync, settling=not in_sync)
    slots: dict[Slot, SlotState] = {"b": SlotState(pods=(pod,))}
    world = ObservedState(slots=slots, traffic=traffic)
    return replace(facts(world=world), now=NOW + timedelta(seconds=seconds))


def after(looks: list[tuple[Facts, int, int]]) -> SampleRatio | None:
    """The ratio after these looks; beside each, the requests of challenger and champion since the one before."""
    evidence, before = Evidence(), None
    for seen, challenger, champion in looks:
        block = Block(challenger_good=challenger, champion_good=champion)
        evidence, before = updated(evidence, seen, "b", block, before), seen.now
    return evidence.sample_ratio


def steady(weight: float, challenger: int, champion: int, seconds: int, begin: int = 0) -> list[tuple[Facts, int, int]]:
    return [(requests(weight, begin + second), challenger, champion) for second in range(seconds)]


@pytest.mark.parametrize("share", [0.01, 0.05, 0.25, 0.5])
def test_a_false_alarm_is_rarer_than_alpha_however_often_one_looks(share: float) -> None:
    alarms, chance = 0, random.Random(1)
    for _ in range(300):
        challenger = champion = 0
        for size in (1, 3, 10, 30) * 5 + (300, 1000, 10_000) * 10:
            mine = binomial(chance, size, share)
            challenger, champion = challenger + mine, champion + size - mine
            if log_evidence_of_mismatch(challenger, champion, share) >= PROVED:
                alarms += 1
                break
    assert alarms <= 2  # of 300, where 0.3 are to be expected at the very most


@pytest.mark.parametrize(("share", "true", "enough"), [(0.5, 0.6, 1500), (0.05, 0.10, 1500), (0.25, 0.0, 200)])
def test_a_share_that_is_another_one_is_found(share: float, true: float, enough: int) -> None:
    challenger = round(enough * true)
    assert log_evidence_of_mismatch(challenger, enough - challenger, share) >= PROVED


def test_what_real_traffic_does_in_any_case_is_no_mismatch() -> None:
    near = round(10_000_000 * 0.5 * (1 + TOLERANCE))
    assert log_evidence_of_mismatch(near, 10_000_000 - near, 0.5) < PROVED
    assert log_evidence_of_mismatch(near + 100_000, 9_900_000 - near, 0.5) >= PROVED
    assert log_evidence_of_mismatch(0, 0, 0.5) == 0.0


def test_a_count_below_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="challenger = -1"):
        log_evidence_of_mismatch(-1, 5, 0.5)


def test_a_mismatch_is_told_with_both_shares_and_its_causes() -> None:
    found = after(steady(50, 60, 40, 60))
    assert found is not None
    told = "requests (60%) reached the challenger, expected: 50 %, the weight in force; likely causes: sticky"
    assert told in found.mismatch


def test_requests_that_were_drawn_before_the_weight_was_in_force_are_not_counted() -> None:
    late = int(GRACE.total_seconds())  # so long a gateway shares by the weight of before
    looks = steady(5, 5, 95, 60) + steady(50, 5, 95, late, 60) + steady(50, 50, 50, 300, 60 + late)
    found = after(looks)
    assert found is not None
    assert (found.mismatch, found.weight) == ("", 50)
    assert 0.49 < found.challenger / (found.challenger + found.champion) < 0.51


def test_pods_that_become_ready_one_after_the_other_raise_no_alarm() -> None:
    looks: list[tuple[Facts, int, int]] = []
    for place, weight in enumerate((20.0, 100 / 3, 100 * 3 / 7, 50.0)):  # each has the share of before for 10 s more
        before = (20.0, 20.0, 100 / 3, 100 * 3 / 7)[place]
        looks += steady(weight, round(before), 100 - round(before), 10, place * 60)
        looks += steady(weight, round(weight), 100 - round(weight), 50, place * 60 + 10)
    for one, other in pairwise(looks):
        assert one[0].now < other[0].now
    found = after(looks)
    assert found is not None
    assert found.mismatch == ""


def test_nothing_is_counted_while_a_gateway_has_not_taken_the_weight() -> None:
    looks = steady(50, 50, 50, 20) + [(requests(50, 20 + n, in_sync=False), 5, 95) for n in range(60)]
    found = after(looks + steady(50, 5, 95, 10, 80))  # it has said so by now, and does so a while later
    assert found is not None
    assert (found.mismatch, found.champion) == ("", 200)


def test_nothing_is_counted_while_a_pod_does_not_say_what_it_received() -> None:
    silent = [(requests(50, n, told=False), 90, 10) for n in range(60)]
    assert after(silent) is None
    found = after(steady(50, 50, 50, 20) + [(one, 90, 10) for one in (requests(50, 20, told=False),)])
    assert found is not None
    assert found.since == NOW + timedelta(seconds=20)


def test_after_a_long_gap_nothing_is_known_of_the_time_between() -> None:
    found = after([*steady(50, 50, 50, 20), (requests(50, 600), 9000, 1000)])
    assert found is not None
    assert (found.mismatch, found.challenger) == ("", 200)


def test_a_mismatch_ends_once_as_many_requests_agree_as_proved_it() -> None:
    wrong = steady(50, 70, 30, 60)
    found = after(wrong)
    assert found is not None
    assert found.mismatch
    needed = found.needed // 100
    soon, later = (after(wrong + steady(50, 50, 50, seconds, 60)) for seconds in (needed // 2, 600))
    assert soon is not None
    assert later is not None
    assert soon.mismatch
    assert later.mismatch == ""


def test_without_a_comparison_there_is_no_ratio() -> None:
    evidence = Evidence(sample_ratio=SampleRatio(weight=50, since=NOW))
    assert updated(evidence, requests(50, 0), "b", None, NOW).sample_ratio is None


@pytest.mark.parametrize("weight", [0, 100])
def test_one_side_that_has_all_is_not_compared(weight: float) -> None:
    assert after(steady(weight, 50, 50, 60)) is None


def pods_of(*first: Counters | None, answers: int = 5) -> ObservedState:
    said = Identity("2", "sha256:2")
    pods = tuple(
        PodState(str(n), str(n), "2", ready=True, identity=said, counters=Counters(answers, 0, first=one))
        for n, one in enumerate(first)
    )
    return ObservedState(slots={"a": SlotState(pods=pods[:1]), "b": SlotState(pods=pods[1:])})


FIRST = Counters(1, 0)


@pytest.mark.parametrize(
    ("traffic", "told", "counts"),
    [
        ({}, (FIRST, FIRST), True),
        ({}, (FIRST, None), False),  # one of another image, or of an older one
        ({"gateway": {"name": "public"}}, (FIRST, FIRST), False),
        ({"httpRouteRef": {"name": "mine"}}, (FIRST, FIRST), False),
        ({"gateway": {"name": "public"}, "sessionAffinity": {"cookieName": "podium"}}, (FIRST, FIRST), True),
    ],
)
def test_first_answers_count_where_clients_stay_and_every_pod_tells_them_apart(
    traffic: dict[str, object], told: tuple[Counters | None, ...], counts: bool
) -> None:
    seen = facts(world=pods_of(*told), traffic=traffic)
    assert sample_ratio.counts_first_answers(seen, before=not counts) is counts


def test_where_no_pod_says_anything_it_stays_as_it_was() -> None:
    for before in (True, False):
        assert sample_ratio.counts_first_answers(facts(), before=before) is before
