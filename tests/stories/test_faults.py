"""Faults at the calls of whole rollouts: a few of each rollout's cases, of which `make bench-faults` plays 100,000."""

from dataclasses import replace

import pytest

import podium.controller.operator
import podium.core.decide
import podium.core.rollout.alias
import podium.core.traffic.weights
from bench.faults.branches import Played, played, without_faults
from bench.faults.case import Reference, play
from bench.faults.cases import Share
from bench.faults.faulty_world import End
from bench.faults.kinds import FAULTS, striking
from bench.faults.rollouts import ROLLOUTS, Rollout
from bench.faults.schedule import Case, Schedule
from podium.api.v1alpha1.status import Phase
from podium.controller.elapsed import Elapsed
from podium.simulation.world.cluster import FakeCluster
from podium.simulation.world.faults import WRITES, Call
from podium.simulation.world.router import FakeRouter


def broken_by(name: str) -> str:
    case = Case.parse(name)
    return play(Schedule(case), without_faults(case.rollout))


@pytest.mark.parametrize("rollout", ROLLOUTS, ids=lambda rollout: rollout.name)
def test_what_is_promised_holds_and_the_end_is_the_same_whatever_fails(rollout: Rollout) -> None:
    found = played(Share(rollout.name, 0, 1, singles=0.03, pairs=0.0006))
    assert found
    assert not any(each.broken for each in found), "\n".join(each.broken for each in found)


def test_a_branch_finds_what_the_case_finds_alone() -> None:
    """In the branches for one fault and for two; an end that never comes is found, too."""

    def never(name: str) -> Reference:
        return replace(without_faults(name), end=End())

    found = played(Share("bad-answers", 3, 20, singles=0.2, pairs=0.02), never)
    alone = [play(Schedule(Case.parse(each.case)), never("bad-answers")) for each in found]
    assert {len(Case.parse(each.case).faults) for each in found} == {1, 2}
    assert found == [Played(each.case, broken) for each, broken in zip(found, alone, strict=True)]
    assert all(alone)


def test_each_write_can_be_struck() -> None:
    calls = [Call(port, method, ()) for port, methods in WRITES.items() for method in methods]
    assert all(len(striking(call)) > len(FAULTS) // 4 for call in calls)


def test_a_case_is_found_again_by_its_name() -> None:
    case = Case("bad-answers", ((3, FAULTS[0]), (20, FAULTS[1])))
    assert Case.parse(str(case)) == case


@pytest.mark.parametrize("case", ["good:21.clock-an-hour-ahead", "good:88.clock-an-hour-behind"])
def test_a_clock_that_is_set_ends_neither_startup_nor_soak(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It did, before the operator had a clock that does not jump."""
    assert broken_by(case) == ""
    monkeypatch.setattr(podium.controller.operator, "SteadyClock", lambda clock: clock)
    monkeypatch.setattr(Elapsed, "seen", lambda _, key, status, now: status)  # or moments in the future would move
    assert "phase: expected Stable, found" in broken_by(case)


@pytest.mark.parametrize("rollout", ["bad-answers", "image-reverted-in-trial"])
def test_what_a_frozen_leader_sends_late_is_refused(rollout: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pods and traffic of a version that another leader had rejected came back, before writes had revisions."""
    cases = [f"{rollout}:{number}.frozen-leader" for number in range(15, 45)]
    assert "".join(map(broken_by, cases)) == ""
    monkeypatch.setattr(FakeCluster, "_refuse_other", lambda *_: None)
    monkeypatch.setattr(FakeRouter, "_revision", lambda *_: "")
    assert "promise" in "".join(map(broken_by, cases))


@pytest.mark.parametrize(
    "case",
    [
        "bad-in-the-soak:65.slot-b-scaled-down+70.dies-after-a-write",  # the soak passed while no pod was there
        "out-of-memory:6.status-refused+23.clock-an-hour-ahead",  # the crash was older than the trial, by two clocks
        "gateway-bad:41.slot-b-scaled-down+44.status-refused",  # time without traffic was taken for time with it
        "bad-answers:40.status-refused+56.slot-b-scaled-down",  # what could not be recorded was forgotten with its pods
        "first-version-crashes:28.status-emptied+34.write-403",  # pods crashed once, and were never started again
        "first-version-crashes:21.frozen-leader+42.slot-a-deleted",  # what is not there has no revision
        "bad-answers:47.dies-before-a-write+48.read-fails",  # the next leader listed again only after 4 s
        "bad-in-the-soak:66.status-refused+68.frozen-leader",  # a late record is taken where others may not write
        "bad-in-the-soak:69.slot-a-scaled-down+73.status-refused",  # the way back waited for the record
        "good:7.read-is-older",  # a registry's answer to an older question stood for an hour
        "revert-in-place:108.read-is-older+124.frozen-leader",  # a pod was not ready for a moment, by a rounding
    ],
)
def test_a_case_that_was_found_once_is_not_found_again(case: str) -> None:
    assert broken_by(case) == ""


def test_a_verdict_that_is_forgotten_while_it_cannot_be_written_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(podium.core.decide, "unwritten_evidence", lambda *_: None)
    found = broken_by("bad-answers:40.status-refused+56.slot-b-scaled-down")
    assert "version 2 lost its trial, and then had traffic" in found


def test_a_version_that_keeps_its_traffic_for_longer_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The controller looks at a canary every 20 seconds."""
    case = "bad-answers:40.write-500"
    assert broken_by(case) == ""
    slow = {**podium.core.decide.REQUEUE_AFTER, Phase.CANARY: 20.0}
    monkeypatch.setattr(podium.core.decide, "REQUEUE_AFTER", slow)
    assert "version 2 had traffic for" in broken_by(case)


def test_an_alias_that_a_frozen_leader_moved_late_is_put_right(monkeypatch: pytest.MonkeyPatch) -> None:
    """No registry can refuse it; a leader that took it for a person's own change would leave it there for good."""
    case = "bad-in-the-soak:59.frozen-leader"
    assert broken_by(case) == ""
    monkeypatch.setattr(podium.core.rollout.alias, "_ours", lambda _: ())
    assert "promise 8: the alias stays at 2, the champion is {'1'}" in broken_by(case)


def test_a_trial_that_begins_or_ends_writes_the_route_though_the_weights_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the trial's ID on it, the next leader leaves the route as it is, and weights on their way are taken."""
    monkeypatch.setattr(podium.core.traffic.weights, "_trial", lambda _: "")
    cases = [f"image-reverted-in-trial:{number}.frozen-leader" for number in range(15, 35)]
    assert "promise 1: 50 %" in "".join(map(broken_by, cases))
