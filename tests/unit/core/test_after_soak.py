"""The champion's watch after its soak, on the rarest facts."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.after_soak import ChampionFailure, ChampionWatch
from podium.api.v1alpha1.evidence import Evidence
from podium.api.v1alpha1.outage import SharedOutage
from podium.api.v1alpha1.status import HistoryEntry, Outcome, Phase, Pinned, Status
from podium.core.analysis.after_soak import is_due, watched
from podium.core.decide import decide
from podium.core.facts import Counters, Crash, Facts, ObservedState, PodState, SlotState, TrafficState
from podium.core.fingerprints import watch_hash
from podium.core.identity import Identity
from podium.core.refusal import Refusal
from podium.core.rollout.degraded import champion_before, degraded, returns, tripped_alone
from podium.core.rollout.degraded_checks import champion_degraded, former_ready, former_restored, makes_way
from podium.core.rollout.restored import given_up
from podium.core.status.consistent import consistent
from podium.core.status.kept_watch import seconds_to_look
from tests.unit.core.factories import NOW, facts, pinned

OLD, NEW, SECOND = pinned("1", "a"), pinned("2", "b"), timedelta(seconds=1)
BACK: dict[str, Any] = {"afterSoak": {"onFailure": "RollBack"}}
FAILURE = ChampionFailure(since=NOW, reason=reasons.GUARD_FAILED, message="errors 20%", guards=["errors"])
CRASH = Crash(NOW, 1, "Error")


def entry(version: str, outcome: Outcome = "Promoted", reason: str = reasons.PROMOTED) -> HistoryEntry:
    named = pinned(version).identity
    return HistoryEntry(**named, outcome=outcome, reason=reason, message="", at=NOW, generation=1)


def pod(name: str = "b-1", **parts: Any) -> PodState:
    known = {"ready": True, "identity": Identity("2", NEW.digest), "counters": Counters(answers=100, bad=0)}
    return PodState(name, name, "2", **{**known, **parts})


def known(failure: ChampionFailure | None = FAILURE, rollout: Any = None, **parts: Any) -> Facts:
    """Version 2 is champion after version 1, and is watched."""
    of = facts(rollout=BACK if rollout is None else rollout)
    watch = ChampionWatch(
        **NEW.identity,
        since=NOW - 60 * SECOND,
        terms_hash=watch_hash(of.spec),
        guards=of.spec.rollout.guards,
        evidence=Evidence.model_validate({"observedAt": NOW - 20 * SECOND, **parts.pop("evidence", {})}),
        failure=failure,
    )
    status = Status(
        phase=Phase.STABLE,
        phase_since=NOW,
        champion=NEW,
        after_soak=watch,
        history=parts.pop("history", [entry("1"), entry("2")]),
    )
    slots = {"b": SlotState(NEW, 1, pods=parts.pop("pods", (pod(),)))}
    world = ObservedState(slots=slots, traffic=TrafficState({"a": 0, "b": 100}, {"b": 100.0}, in_sync=True))  # type: ignore[arg-type]
    return replace(of, status=status, observed=replace(world, **parts))


def message(about: Facts) -> str:
    found = degraded(about)
    assert found is not None
    assert found.reason == reasons.FORMER_CHAMPION_UNAVAILABLE
    return found.message


def test_the_champion_before_is_the_one_that_was_not_taken_back() -> None:
    history = [entry("1"), entry("2"), entry("3"), entry("2")]
    status = Status(champion=NEW, history=history)
    found = champion_before(status, "churn")
    assert found is not None
    assert found.version == "1"


def test_an_unknown_champion_has_none_before_it() -> None:
    assert champion_before(Status(champion=pinned("9"), history=[entry("1")]), "churn") is None
    assert champion_before(Status(history=[entry("1")]), "churn") is None


def test_a_former_champion_that_lost_a_trial_since_is_not_returned_to() -> None:
    about = known(history=[entry("1"), entry("2"), entry("1", "Rejected", reasons.GUARD_FAILED)])
    assert "version 1 has lost a trial since" in message(about)
    assert not returns(about)


def test_who_took_the_place_of_a_degraded_one_is_not_taken_back_itself() -> None:
    about = known(history=[entry("1"), entry("2", reason=reasons.FORMER_CHAMPION_RESTORED)])
    assert "version 2 itself has taken the place" in message(about)


def test_a_newer_champion_may_be_taken_back_by_one_that_took_an_older_ones_place() -> None:
    restored = entry("1", reason=reasons.FORMER_CHAMPION_RESTORED)
    third = entry("3", "Rejected", reasons.GUARD_FAILED)
    assert returns(known(history=[entry("3"), restored, third, entry("2")]))
    about = known(history=[entry("1"), entry("2"), restored, entry("2")])
    assert not returns(about)
    assert "version 1 has taken its place once already" in message(about)


@pytest.mark.parametrize(
    ("abort", "kept_out"),
    [({"version": "1"}, True), ({"version": "3"}, False), ({"version": "1", "template": "0123456789abcdef"}, False)],
)
def test_an_abort_is_about_the_version_that_it_names(abort: dict[str, str], kept_out: bool) -> None:
    about = known(rollout={**BACK, "abort": abort})
    assert returns(about) is not kept_out


def test_while_whose_fault_the_last_failure_was_is_open_no_one_takes_over() -> None:
    about = known()
    outage = SharedOutage(since=NOW, message="both fail", guards=[])
    assert champion_degraded(replace(about, status=about.status.model_copy(update={"shared_outage": outage}))) is None


def test_it_is_champion_again_once_the_traffic_has_arrived() -> None:
    begun = decide(known()).status.model_copy(update={"phase": Phase.PROMOTING})
    assert former_restored(replace(known(), status=begun)) is None


def test_what_no_policy_grants_is_not_begun() -> None:
    about = known(refusals=(Refusal("spec.serving.image", "an image", "ask for it"),))
    assert "nothing is begun that is not permitted" in message(about)


def test_the_way_back_waits_until_the_other_slot_is_empty() -> None:
    about = known()
    assert champion_degraded(about) is not None
    left = SlotState(OLD, 1, pods=(PodState("a", "a", "1", ready=True),))
    assert (
        champion_degraded(replace(about, observed=replace(about.observed, slots={**about.observed.slots, "a": left})))
        is None
    )
    reached = replace(about.observed.traffic, settling=True)
    assert champion_degraded(replace(about, observed=replace(about.observed, traffic=reached))) is None


def test_checks_of_the_way_back_say_nothing_of_other_trials() -> None:
    about = known(failure=None)
    assert (champion_degraded(about), makes_way(about), former_ready(about), former_restored(about)) == (None,) * 4
    assert degraded(about) is None
    begins = champion_degraded(known())
    assert begins is not None
    assert given_up(Status(), begins) == Status()


@pytest.mark.parametrize("state", ["[1e999]", "[1.0]", "no numbers", "[null]"])
def test_a_state_that_was_edited_begins_again_and_says_so(state: str) -> None:
    about = known(failure=None, evidence={"tests": [{"criterion": "errors: errors", "state": state}]})
    watch = watched(about, None)
    assert watch is not None
    assert watch.evidence.tests[0].error
    assert watched(
        replace(about, now=NOW + 20 * SECOND, status=about.status.model_copy(update={"after_soak": watch})), None
    )


def test_other_guards_or_another_champion_begin_another_watch() -> None:
    other = known(failure=FAILURE, rollout=BACK)
    changed = replace(other, spec=facts(rollout={"afterSoak": {"onFailure": "Alert"}}).spec)
    watch = watched(changed, None)
    assert watch is not None
    assert (watch.since, watch.failure) == (NOW, FAILURE)
    errors = {"name": "errors", "errorRate": {"atMost": "50%"}}
    changed = replace(other, spec=facts(rollout={**BACK, "guards": [errors]}).spec)
    watch = watched(changed, None)
    assert watch is not None
    assert (watch.since, watch.failure) == (NOW, None)
    assert (
        watched(replace(other, status=other.status.model_copy(update={"champion": OLD})), None)
        != other.status.after_soak
    )


def test_without_the_field_or_a_champion_and_in_a_soak_nothing_is_watched() -> None:
    about = known()
    assert watched(replace(about, spec=facts().spec), None) is None
    assert watched(replace(about, status=about.status.model_copy(update={"phase": Phase.SOAKING})), None) is None
    assert watched(replace(about, status=Status()), None) is None
    assert not is_due(facts().spec, None, NOW)
    assert seconds_to_look(None, about) == float("inf")


def test_a_failure_stands_for_as_long_as_a_tripwire_does() -> None:
    tripping = known(pods=(pod(counters=Counters(answers=100, bad=20, consecutive_bad=20)),))
    found = tripped_alone(tripping)
    assert found is not None
    watch = watched(tripping, found)
    assert watch is not None
    assert (watch.failure, watch.evidence.measures, watch.evidence.observed_at) == (FAILURE, [], NOW)
    fresh = replace(tripping, status=known(failure=None).status)
    watch = watched(fresh, found)
    assert watch is not None
    assert watch.failure == found


@pytest.mark.parametrize(
    ("parts", "trips"),
    [
        ({"ready": False, "waiting": "CrashLoopBackOff: back-off", "crash": CRASH}, True),
        ({"ready": False, "waiting": "CrashLoopBackOff: back-off", "crash": Crash(NOW, 255, "NodeLost")}, False),
        ({"ready": False, "waiting": "CrashLoopBackOff: back-off"}, False),
        ({"ready": False, "crash": CRASH}, False),
        ({"counters": None}, False),
    ],
)
def test_a_crash_in_a_loop_trips_and_a_single_one_or_a_lost_node_does_not(parts: dict[str, Any], trips: bool) -> None:
    assert (tripped_alone(known(pods=(pod(**parts),))) is not None) is trips


def test_a_look_that_no_clock_can_have_measured_does_not_put_the_next_one_off() -> None:
    about = known(failure=None)
    watch = about.status.after_soak
    assert watch is not None
    assert consistent(about.status, about.spec, NOW) is about.status
    edited = watch.model_copy(update={"evidence": Evidence(observed_at=NOW + timedelta(days=400))})
    status = consistent(about.status.model_copy(update={"after_soak": edited}), about.spec, NOW)
    assert is_due(about.spec, status.after_soak, NOW + 15 * SECOND)


def test_no_champion_trips_nothing() -> None:
    assert tripped_alone(replace(known(), status=Status())) is None


def test_evidence_that_cannot_be_evaluated_leaves_the_watch_as_it_was() -> None:
    about = replace(known(failure=None), evaluable=False)
    assert watched(about, None) == about.status.after_soak


def test_an_edited_status_without_a_watch_still_changes_the_roles() -> None:
    """What failed is in the trial; without the watch it is the answers of a trial's tripwire that are suspected."""
    about = known()
    begun = decide(about).status
    assert begun.phase is Phase.STARTING
    assert begun.trial is not None
    former: Pinned | None = begun.challenger
    assert former is not None
    one = PodState(
        "a", "a", "1", ready=True, identity=Identity("1", former.digest), counters=Counters(answers=0, bad=0)
    )
    slots = {"a": SlotState(former, 1, pods=(one,)), "b": about.observed.slot("b")}
    moved = TrafficState({"a": 100, "b": 0}, {"a": 100.0}, in_sync=True)
    world = replace(about.observed, slots=slots, traffic=moved)  # type: ignore[arg-type]
    status = begun.model_copy(update={"phase": Phase.PROMOTING, "after_soak": None})
    after = decide(replace(about, status=status, observed=world)).status
    assert (after.phase, after.champion, after.challenger) == (Phase.ROLLING_BACK, former, NEW)
    assert after.suspected is not None
    assert after.suspected.tests
