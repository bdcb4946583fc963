"""A champion that turns bad after its soak: an alarm, and where Git asks so the former champion in its place."""

from datetime import timedelta
from typing import Any

import pytest

from podium.api.v1alpha1 import event_types, reasons
from podium.api.v1alpha1.status import Condition, Phase
from podium.simulation.world.hints import Watching
from podium.simulation.world.world import World
from tests.stories.simulator import NO_POD, SECOND, Simulation, spec_of
from tests.stories.test_hints import READS, calls

MINUTE = timedelta(minutes=1)
QUICK: dict[str, Any] = {"steps": [{"weight": 50, "duration": "10s"}], "soak": "20s"}
BACK: dict[str, Any] = {"onFailure": "RollBack"}
TWO: dict[str, Any] = {"serving": {"replicas": 2}}


def spec(version: str, after_soak: dict[str, Any] | None = None, **parts: Any) -> Any:
    watch = {"afterSoak": after_soak} if after_soak is not None else {}
    return spec_of(version, **{**TWO, "rollout": {**QUICK, **watch}, **parts})


def second_champion(after_soak: dict[str, Any] | None, **world: Any) -> Simulation:
    """Version 2 is champion, its soak is over, and nothing is left of version 1 but the history."""
    sim = Simulation(spec("1", after_soak), **world)
    sim.register("1")
    sim.settle("1")
    sim.register("2")
    sim.commit(spec("2", after_soak), "version 2")
    sim.settle("2")
    sim.run(MINUTE)
    return sim


def degraded(sim: World) -> Condition | None:
    return next((each for each in sim.status.conditions if each.type == "Degraded"), None)


def alarmed(sim: World) -> bool:
    found = degraded(sim)
    return found is not None and found.status == "True"


def is_known(sim: World) -> bool:
    found = degraded(sim)
    return found is not None and found.status != "Unknown"


def events(sim: World, reason: str) -> list[str]:
    return [event.message for _, event in sim.cluster.events if event.reason == reason]


def test_without_the_field_no_answer_of_a_champion_is_judged() -> None:
    sim = second_champion(None)
    sim.behaviour("2").bad_share = 0.5
    sim.run(10 * MINUTE)
    assert (sim.champion(), sim.status.after_soak, degraded(sim)) == ("2", None, None)


def test_a_champion_that_turns_bad_after_its_soak_is_taken_back_within_a_minute() -> None:
    sim = second_champion(BACK)
    sim.behaviour("2").bad_share = 0.2
    sim.until(lambda world: world.champion() == "1" and world.weights == {"a": 100, "b": 0}, within=MINUTE)
    sim.until(lambda world: world.status.phase is Phase.REJECTED, within=MINUTE)
    assert sim.status.rejected[-1].reason == reasons.GUARD_FAILED
    assert [(entry.version, entry.outcome) for entry in sim.status.history][-2:] == [
        ("1", "Promoted"),
        ("2", "Rejected"),
    ]
    assert NO_POD not in sim.clients.failed
    sim.run(5 * MINUTE)
    assert (sim.status.phase, sim.alias, sim.size("b")) == (Phase.REJECTED, "1", 0)
    assert not alarmed(sim)


def test_alert_alone_changes_nothing_but_says_so() -> None:
    sim = second_champion({})
    sim.behaviour("2").bad_share = 0.2
    sim.until(alarmed, within=MINUTE)
    sim.run(5 * MINUTE)
    found = degraded(sim)
    assert found is not None
    assert (found.reason, sim.champion(), sim.status.phase) == (reasons.CHAMPION_DEGRADED, "2", Phase.STABLE)
    assert "errors" in found.message
    assert "limit 1%" in found.message
    assert len(events(sim, reasons.CHAMPION_DEGRADED)) == 1


def test_an_alarm_ends_once_the_champions_answers_are_as_they_should_be_and_the_tests_begin_again() -> None:
    sim = second_champion({})
    sim.behaviour("2").bad_share = 0.2
    sim.until(alarmed, within=MINUTE)
    sim.behaviour("2").bad_share = 0.0
    sim.until(lambda world: not alarmed(world), within=3 * MINUTE)
    sim.behaviour("2").bad_share = 0.2
    sim.until(alarmed, within=MINUTE)
    assert len(events(sim, reasons.CHAMPION_DEGRADED)) == 2


def test_a_first_champion_has_no_one_to_return_to() -> None:
    sim = Simulation(spec("1", BACK))
    sim.register("1")
    sim.settle("1")
    sim.run(MINUTE)
    sim.behaviour("1").bad_share = 0.2
    sim.until(alarmed, within=MINUTE)
    sim.run(MINUTE)
    found = degraded(sim)
    assert found is not None
    assert found.reason == reasons.FORMER_CHAMPION_UNAVAILABLE
    assert "status.history holds no champion before version 1" in found.message
    assert (sim.champion(), sim.status.phase) == ("1", Phase.STABLE)


def test_a_former_champion_whose_bytes_have_changed_is_not_given_any_traffic() -> None:
    sim = second_champion(BACK)
    sim.behaviour("1").digest = "sha256:" + "f" * 64
    sim.behaviour("2").bad_share = 0.2
    sim.until(
        lambda world: alarmed(world) and "Unavailable" in str(getattr(degraded(world), "reason", "")), within=2 * MINUTE
    )
    found = degraded(sim)
    assert found is not None
    assert "with digest sha256:ffff" in found.message
    sim.run(5 * MINUTE)
    assert (sim.champion(), sim.weights, sim.size("a")) == ("2", {"a": 0, "b": 100}, 0)
    assert sum("Starting: version 1" in line for line in sim.log) <= 2


def test_a_former_champion_whose_pods_never_start_leaves_the_traffic_where_it_is() -> None:
    sim = second_champion(BACK)
    sim.behaviour("1").waiting = "ImagePullBackOff: Back-off pulling image"
    sim.behaviour("2").bad_share = 0.2
    sim.until(lambda world: any(each.reason == reasons.FORMER_CHAMPION_UNAVAILABLE for each in world.status.conditions))
    assert sim.weights == {"a": 0, "b": 100}
    sim.run(10 * MINUTE)
    assert (sim.champion(), sim.status.phase, sim.size("a")) == ("2", Phase.STABLE, 0)


def test_neither_a_pause_nor_another_version_in_git_holds_the_way_back() -> None:
    sim = second_champion(BACK)
    sim.register("3")
    sim.commit(spec("2", BACK, paused=True), "pause")
    sim.behaviour("2").bad_share = 0.2
    sim.reach(Phase.STARTING, at_once=True)
    sim.commit(spec("3", BACK, paused=True), "version 3")
    sim.until(lambda world: world.champion() == "1" and world.weights == {"a": 100, "b": 0}, within=MINUTE)


def test_a_version_on_trial_makes_way_and_is_tried_again() -> None:
    sim = second_champion(BACK)
    sim.register("3")
    slow = {**QUICK, "steps": [{"weight": 10, "duration": "1h"}], "afterSoak": BACK}
    sim.commit(spec("3", rollout=slow), "version 3")
    sim.reach(Phase.CANARY)
    sim.run(MINUTE)
    sim.behaviour("2").bad_share = 0.2
    sim.until(lambda world: world.champion() == "1" and world.weights == {"a": 100, "b": 0}, within=2 * MINUTE)
    sim.until(lambda world: world.status.phase is Phase.CANARY, within=5 * MINUTE)
    assert sim.status.challenger is not None
    assert sim.status.challenger.version == "3"
    assert [lost.version for lost in sim.status.rejected if lost.version == "3"] == []


def test_two_versions_that_both_fail_do_not_take_turns() -> None:
    """What both depend on is down: neither is rejected, and one is returned to once."""
    sim = second_champion(BACK)
    for version in "12":
        sim.behaviour(version).bad_share = 0.2
    sim.until(lambda world: world.champion() == "1", within=2 * MINUTE)
    sim.run(20 * MINUTE)
    assert (sim.champion(), sim.status.rejected) == ("1", [])
    assert len([entry for entry in sim.status.history if entry.reason == reasons.FORMER_CHAMPION_RESTORED]) == 1
    for version in "12":
        sim.behaviour(version).bad_share = 0.0
    sim.settle("2")
    for version in "12":
        sim.behaviour(version).bad_share = 0.2
    sim.until(alarmed, within=2 * MINUTE)
    sim.run(10 * MINUTE)
    assert sim.champion() == "2"
    found = degraded(sim)
    assert found is not None
    assert "has taken its place once already" in found.message


@pytest.mark.parametrize("restarts", [1, 5])
def test_a_restart_of_the_operator_loses_nothing(restarts: int) -> None:
    sim = second_champion(BACK)
    sim.behaviour("2").bad_share = 0.2
    for _ in range(restarts):
        sim.run(4 * SECOND)
        sim.restart()
    sim.until(lambda world: world.champion() == "1" and world.weights == {"a": 100, "b": 0}, within=MINUTE)


def test_pods_that_all_crash_again_and_again_need_no_statistics() -> None:
    sim = second_champion(BACK)
    sim.behaviour("2").crash_after = 5.0
    sim.until(lambda world: world.champion() == "1" and world.weights == {"a": 100, "b": 0}, within=5 * MINUTE)
    sim.until(lambda world: world.status.phase is Phase.REJECTED, within=MINUTE)
    assert sim.status.rejected[-1].reason == reasons.CRASHED


def test_a_pod_whose_last_answers_were_all_bad_trips_the_wire_whatever_the_guards_limit() -> None:
    latency = [{"name": "quick", "latency": {"atMost": "1s"}}]
    rollout = {**QUICK, "guards": latency, "afterSoak": BACK}
    sim = Simulation(spec("1", rollout=rollout))
    sim.register("1")
    sim.settle("1")
    sim.register("2")
    sim.commit(spec("2", rollout=rollout), "version 2")
    sim.settle("2")
    sim.run(MINUTE)
    sim.behaviour("2").bad_share = 1.0
    sim.until(lambda world: world.champion() == "1", within=MINUTE)


def test_at_rest_nothing_is_written_but_once_an_hour() -> None:
    sim = second_champion(BACK)
    sim.run(2 * MINUTE)
    before = len(sim.statuses)
    sim.run(50 * MINUTE)
    assert len(sim.statuses) - before <= 1


def test_what_the_watches_know_is_enough_at_rest_beside_a_scrape_of_each_pod(monkeypatch: pytest.MonkeyPatch) -> None:
    """The API server is asked nothing, and a champion that turns bad is found all the same."""
    monkeypatch.setattr(World, "watching", Watching())
    sim = second_champion(BACK)
    sim.run(3 * MINUTE)
    before = calls(sim)
    sim.run(5 * MINUTE)
    asked = calls(sim) - before
    assert {name: asked[name] for name in READS if asked[name]} == {}
    assert 15 <= asked["pod_metrics.ask"] <= 25
    sim.behaviour("2").bad_share = 0.2
    sim.until(lambda world: world.champion() == "1" and world.weights == {"a": 100, "b": 0}, within=MINUTE)


def test_a_share_that_is_barely_too_high_is_found_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The counts of many looks add up between two writes of the status, at rest as well."""
    monkeypatch.setattr(World, "watching", Watching())
    sim = second_champion({"falseAlarmInterval": "24h"})
    sim.behaviour("2").bad_share = 0.015
    sim.until(alarmed, within=40 * MINUTE)


def test_without_a_scrape_nothing_is_found() -> None:
    sim = second_champion(BACK)
    sim.stop_scraping()
    sim.behaviour("2").bad_share = 0.5
    sim.run(5 * MINUTE)
    assert (sim.champion(), alarmed(sim)) == ("2", False)
    found = degraded(sim)
    assert found is not None
    assert (found.status, found.reason) == ("Unknown", reasons.PODS_NOT_SCRAPED)
    assert "nothing could be read for errors" in found.message
    sim.scrape_again()
    sim.until(lambda world: world.champion() == "1", within=MINUTE)


@pytest.mark.parametrize("watching", [None, Watching()], ids=["fresh", "watches"])
def test_pods_that_cannot_be_asked_are_told_once_and_so_is_their_return(
    watching: Watching | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(World, "watching", watching)
    sim = second_champion({})
    sim.run(2 * MINUTE)
    before = len(sim.statuses)
    sim.stop_scraping()
    sim.run(20 * SECOND)
    sim.scrape_again()
    sim.run(2 * MINUTE)
    assert (len(sim.statuses) - before, is_known(sim)) == (0, True)
    sim.stop_scraping()
    sim.run(10 * MINUTE)
    assert (len(sim.statuses) - before, is_known(sim)) == (1, False)
    sim.restart()
    sim.run(MINUTE)
    assert not is_known(sim)
    sim.scrape_again()
    sim.until(is_known, within=MINUTE)


@pytest.mark.parametrize("watching", [None, Watching()], ids=["fresh", "watches"])
def test_prometheus_can_count_for_the_watch(watching: Watching | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(World, "watching", watching)
    query = 'sum({0}{{namespace="{1}", podium_dev_slot="{2}"}})'
    asked = {name: query.format(name, "{{namespace}}", "{{slot}}") for name in ("bad", "total")}
    rollout = {**QUICK, "guards": [{"name": "orders", "prometheus": {**asked, "atMost": "1%"}}], "afterSoak": {}}
    sim = Simulation(spec("1", rollout=rollout))
    sim.register("1")
    sim.settle("1")
    sim.run(MINUTE)
    for bad in range(0, 50, 5):
        for name, total in (("bad", bad), ("total", 10 * bad)):
            sim.metrics_store.put(query.format(name, "ml", "a"), 1000.0 + total)
        sim.run(15 * SECOND)
    found = degraded(sim)
    assert found is not None
    assert "orders: 10% bad" in found.message


def test_an_abort_of_the_former_champion_ends_the_way_back() -> None:
    sim = second_champion(BACK)
    sim.behaviour("1").ready_after = 600.0
    sim.behaviour("2").bad_share = 0.2
    sim.reach(Phase.STARTING, at_once=True)
    sim.commit(spec("2", rollout={**QUICK, "afterSoak": BACK, "abort": {"version": "1"}}), "abort of 1")
    sim.until(lambda world: world.status.phase is Phase.STABLE, within=MINUTE)
    found = degraded(sim)
    assert found is not None
    assert (found.reason, sim.champion()) == (reasons.FORMER_CHAMPION_UNAVAILABLE, "2")


def test_a_former_champion_that_git_keeps_out_is_not_started() -> None:
    sim = second_champion(BACK)
    sim.commit(spec("2", rollout={**QUICK, "afterSoak": BACK, "abort": {"version": "1"}}), "abort of 1")
    sim.behaviour("2").bad_share = 0.2
    sim.until(alarmed, within=MINUTE)
    sim.run(MINUTE)
    found = degraded(sim)
    assert found is not None
    assert "spec.rollout.abort keeps version 1 out" in found.message


def test_each_decision_of_the_way_back_is_told_once() -> None:
    sim = second_champion(BACK)
    sim.behaviour("2").bad_share = 0.2
    sim.reach(Phase.ROLLING_BACK, at_once=True)
    told = [(each.type, each.version) for each in sim.status.outbox.pending]
    assert told == [
        (event_types.PROMOTED, "1"),
        (event_types.SERVICE_ROLLED_BACK, "1"),
        (event_types.ROLLED_BACK, "2"),
    ]


def test_a_clock_that_is_far_ahead_takes_no_traffic_from_a_champion_that_is_well() -> None:
    sim = second_champion(BACK)
    sim.skew = timedelta(days=400)
    sim.restart()
    sim.run(2 * MINUTE)
    assert (sim.champion(), alarmed(sim), sim.status.rejected) == ("2", False, [])


def test_a_clock_that_went_back_hides_no_fault() -> None:
    sim = second_champion(BACK)
    sim.skew = timedelta(hours=-5)
    sim.restart()
    sim.run(5 * SECOND)
    sim.behaviour("2").bad_share = 0.2
    sim.until(lambda world: world.champion() == "1", within=MINUTE)


def test_a_loop_of_crashes_is_one_alarm_until_it_is_over() -> None:
    """Good answers between two crashes do not end it: each crash would be told again."""
    sim = second_champion({})
    sim.behaviour("2").crash_after = 20.0
    sim.until(alarmed, within=5 * MINUTE)
    sim.run(25 * MINUTE)
    assert alarmed(sim)
    assert len(events(sim, reasons.CHAMPION_DEGRADED)) == 1
    sim.behaviour("2").crash_after = None
    sim.until(lambda world: not alarmed(world), within=20 * MINUTE)


def test_while_an_alarm_stands_the_pods_are_asked_no_more_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(World, "watching", Watching())
    sim = second_champion({})
    sim.behaviour("2").bad_share = 1.0
    sim.until(alarmed, within=MINUTE)
    sim.run(2 * MINUTE)
    before = calls(sim)["pod_metrics.ask"]
    sim.run(5 * MINUTE)
    assert calls(sim)["pod_metrics.ask"] - before <= 25


def test_an_alarm_stands_when_git_asks_for_roll_back_during_it() -> None:
    sim = second_champion({})
    sim.behaviour("2").bad_share = 0.2
    sim.until(alarmed, within=MINUTE)
    sim.commit(spec("2", BACK), "onFailure: RollBack")
    sim.run(SECOND)
    assert alarmed(sim)
    sim.until(lambda world: world.champion() == "1", within=10 * SECOND)
    assert len(events(sim, reasons.FORMER_CHAMPION_UNAVAILABLE)) == 0


def test_an_alarm_stands_when_another_guard_changes_and_ends_when_its_own_does() -> None:
    def guards(errors: str, quick: str) -> dict[str, Any]:
        limits = [
            {"name": "errors", "errorRate": {"atMost": errors}},
            {"name": "quick", "latency": {"atMost": quick}},
        ]
        return {"rollout": {**QUICK, "guards": limits, "afterSoak": {}}}

    sim = Simulation(spec("1", **guards("1%", "1s")))
    sim.register("1")
    sim.settle("1")
    sim.run(MINUTE)
    sim.behaviour("1").bad_share = 0.2
    sim.until(alarmed, within=MINUTE)
    sim.commit(spec("1", **guards("1%", "120ms")), "another limit of latency")
    sim.run(MINUTE)
    assert alarmed(sim)
    sim.commit(spec("1", **guards("50%", "120ms")), "another limit of errors")
    sim.run(5 * SECOND)
    found = degraded(sim)
    assert found is not None
    assert (found.status, found.message) == ("False", "no guard of the champion has failed since its soak")
