"""Who is told of decisions: every receiver of every one, at least once and in order, and of nothing else."""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

import pytest

from podium.api.v1alpha1 import event_types, reasons
from podium.api.v1alpha1.status import Phase, Status
from podium.controller.workers import notifications
from podium.errors import Rejected, Unavailable
from podium.simulation.world.faults import Kind as Fault
from podium.simulation.world.faults import on, raises, writes
from tests.stories.simulator import SECOND, Simulation, spec_of
from tests.stories.test_suspicion import low_traffic, suspected

MINUTE = timedelta(minutes=1)
ROLLOUT: dict[str, Any] = {
    "steps": [{"weight": 25, "duration": "5s"}, {"weight": 50, "duration": "5s"}],
    "soak": "30s",
}
MODELS: dict[str, Any] = {"inclusionList": ["ml.model.*"]}
EXPECTED = [(event_types.PROMOTED, "1"), (event_types.REJECTED, "2"), (event_types.PROMOTED, "3")]
Event = Mapping[str, Any]


def desired(version: str, **parts: Any) -> Any:
    return spec_of(version, **{"rollout": ROLLOUT, **parts})


def told(*receivers: str, **alert: Any) -> Simulation:
    """Version 1 is desired, version 2 crashes, and an Alert for each of these receivers tells of everything."""
    sim = Simulation(desired("1"))
    registered(sim)
    for name in receivers or ("ops",):
        sim.alerting.provider(name)
        sim.alerting.alert(name, name, **{**MODELS, **alert})
    return sim


def registered(sim: Simulation) -> None:
    """Version 2 crashes."""
    sim.register("1")
    sim.register("2", crash_after=5.0)
    sim.register("3")


def types(events: Iterable[Event]) -> list[tuple[str, str]]:
    return [(event["type"], event["data"]["version"]) for event in events]


def first_times(events: Iterable[Event]) -> list[tuple[str, str]]:
    """Without repeats: what a receiver keeps that goes by source and id."""
    return types({event["id"]: event for event in reversed(list(events))}.values())[::-1]


def rolled_out(sim: Simulation) -> None:
    """Version 1 is promoted, 2 rejected, and 3 promoted."""
    sim.settle("1")
    sim.commit(desired("2"), "version 2")
    sim.reach(Phase.REJECTED)
    sim.commit(desired("3"), "version 3")
    sim.settle("3")


def quiet(sim: Simulation, within: timedelta = timedelta(hours=3)) -> None:
    """Until nothing is left to be told."""
    sim.until(lambda world: not world.status.outbox.pending, within=within)


def one(sim: Simulation, kind: str, receiver: str = "ops") -> Event:
    """The one event of this type that was taken."""
    (found,) = [event for event in sim.notifier.taken(receiver) if event["type"] == kind]
    return found


def decided(status: Status) -> list[tuple[str, str]]:
    return [(entry.outcome, entry.version) for entry in status.history]


# --- at least once, in order, and none invented -----------------------------------------------------------------------


def test_each_decision_is_told_once_and_in_order() -> None:
    sim = told()
    rolled_out(sim)
    quiet(sim)
    assert types(sim.notifier.taken("ops")) == EXPECTED
    assert sim.status.outbox.delivered == []
    assert sim.alerting.ready("Alert", "ops").status == "True"  # type: ignore[union-attr]


def test_receivers_down_for_ten_minutes_and_an_operator_killed_five_times_lose_nothing() -> None:
    sim = told("ops", "audit")
    sim.settle("1")
    quiet(sim)
    sim.notifier.down = {"*"}
    began = sim.now
    sim.commit(desired("2"), "version 2")
    for seconds in (3, 7, 20, 60, 180):
        sim.run(seconds * SECOND)
        sim.restart()
    sim.reach(Phase.REJECTED)
    sim.commit(desired("3"), "version 3")
    sim.settle("3")
    sim.run(began + 10 * MINUTE - sim.now)
    assert [event.type for event in sim.status.outbox.pending if event.type in dict(EXPECTED)] == [
        event_types.REJECTED,
        event_types.PROMOTED,
    ]
    sim.notifier.down = set()
    quiet(sim, within=5 * MINUTE)
    for receiver in ("ops", "audit"):
        assert types(sim.notifier.taken(receiver)) == EXPECTED
    assert decided(sim.status) == [("Promoted", "1"), ("Rejected", "2"), ("Promoted", "3")]


def test_an_operator_killed_while_it_delivers_repeats_events_with_the_same_id_and_the_same_bytes() -> None:
    sim = told()
    sim.notifier.answer_is_lost = True
    sim.settle("1")
    sim.run(20 * SECOND)
    for _ in range(5):
        sim.restart()
        sim.run(15 * SECOND)
    sim.notifier.answer_is_lost = False
    rolled_out(sim)
    quiet(sim)
    taken = sim.notifier.taken("ops")
    assert len(taken) > len(EXPECTED)
    assert first_times(taken) == EXPECTED
    assert all(event in (taken[0], *taken[-2:]) for event in taken)


def test_what_one_receiver_has_taken_is_not_repeated_because_another_one_is_down() -> None:
    sim = told("ops", "audit")
    sim.notifier.down = {"https://audit.example.com/"}
    rolled_out(sim)
    for _ in range(3):
        sim.run(10 * SECOND)
        sim.restart()
    sim.run(5 * SECOND)
    assert types(sim.notifier.taken("ops")) == EXPECTED
    assert [(each.alert, each.sequence) for each in sim.status.outbox.delivered] == [
        ("ops", sim.status.outbox.sequence)
    ]
    sim.notifier.down = set()
    quiet(sim)
    assert (types(sim.notifier.taken("ops")), types(sim.notifier.taken("audit"))) == (EXPECTED, EXPECTED)


FAULTS = (
    Fault("the operator's events are not taken", on("notifier", "send"), raises(Unavailable, "no answer")),
    Fault("an event is taken, and its answer lost", on("notifier", "send"), raises(Unavailable, "lost", done=True)),
    Fault("Alerts cannot be listed", on("alerting", "alerts", "providers"), raises(Unavailable, "no answer")),
    Fault("a write fails", writes, raises(Unavailable, "500: the server failed")),
    Fault("a write is done, and its answer lost", writes, raises(Unavailable, "no answer in time", done=True)),
)


@pytest.mark.parametrize("seed", range(4))
def test_whatever_fails_every_event_arrives_in_order_and_none_is_invented(seed: int) -> None:
    sim = Simulation(desired("1"), seed=seed, chaos=0.2, kinds=FAULTS)
    registered(sim)
    sim.alerting.provider("ops")
    sim.alerting.alert("ops", "ops", **MODELS)
    sim.settle("1")
    sim.commit(desired("2"), "version 2")
    sim.reach(Phase.REJECTED)
    sim.restart()
    sim.commit(desired("3"), "version 3")
    sim.settle("3")
    quiet(sim)
    assert first_times(sim.notifier.taken("ops")) == EXPECTED


def test_no_receiver_ever_delays_a_rollback() -> None:
    ends = []
    for down in (False, True):
        sim = told()
        sim.notifier.down = {"*"} if down else set()
        sim.settle("1")
        sim.commit(desired("2"), "version 2")
        sim.reach(Phase.REJECTED)
        ends.append(sim.status.history[-1].at)
    assert abs(ends[0] - ends[1]) <= SECOND  # as often as it is looked at


def test_conditions_that_take_long_delay_no_event() -> None:
    """They take a read and a write for each Provider, of all namespaces."""
    sim = told()

    async def never(*_: Any) -> None:
        await asyncio.Future()

    sim.alerting.write_status = never  # type: ignore[method-assign, assignment]
    rolled_out(sim)
    quiet(sim)
    assert types(sim.notifier.taken("ops")) == EXPECTED


def test_a_secret_that_cannot_be_read_for_a_while_is_no_news_of_other_receivers() -> None:
    sim = told()
    for name in ("chat", "last"):
        sim.alerting.provider(name, type="slack", secretRef={"name": name})
        sim.cluster.secrets["ml", name] = {}
    read = sim.cluster.secret

    async def secret(namespace: str, name: str) -> Mapping[str, str]:
        if name == "chat":
            raise Unavailable("503")
        return await read(namespace, name)

    sim.cluster.secret = secret  # type: ignore[method-assign]
    rolled_out(sim)
    quiet(sim)
    assert types(sim.notifier.taken("ops")) == EXPECTED
    assert sim.alerting.ready("Provider", "chat") is None, "nothing is known of it"
    for kind, name in (("Provider", "last"), ("Alert", "ops")):
        assert sim.alerting.ready(kind, name).status == "True"  # type: ignore[union-attr]


def test_an_event_that_is_refused_for_itself_holds_up_no_later_one() -> None:
    sim = told()
    refused = Rejected("https://ops.example.com answered 413 to this event", reason=reasons.EVENT_REFUSED)
    sim.notifier.failures["https://ops.example.com/"] = refused
    sim.settle("1")
    sim.until(lambda world: len(world.notifier.tried) == notifications.REFUSALS - 1, within=timedelta(hours=1))
    assert sim.alerting.left_out("ops") is None
    assert [event.type for event in sim.status.outbox.pending] == [event_types.PROMOTED, event_types.DEPLOYED]
    quiet(sim, within=10 * MINUTE)
    assert len(sim.notifier.tried) == notifications.REFUSALS
    del sim.notifier.failures["https://ops.example.com/"]
    sim.commit(desired("3"), "version 3")
    sim.settle("3")
    quiet(sim)
    sim.run(MINUTE)
    assert types(sim.notifier.taken("ops")) == [(event_types.PROMOTED, "3")]
    said, ready = sim.alerting.left_out("ops"), sim.alerting.ready("Alert", "ops")
    assert said is not None
    assert ready is not None
    assert (said.status, said.reason, ready.status) == ("True", reasons.EVENT_REFUSED, "True")
    assert said.message.startswith("ml.model.promoted.v1 of version 1 of churn, decided ")
    assert said.message.endswith("is left out: https://ops.example.com answered 413 to this event")
    sim.alerting.alert("ops", "ops", summary="seen")
    sim.commit(desired("1"), "version 1")
    sim.settle("1")
    quiet(sim)
    sim.run(MINUTE)
    assert sim.alerting.left_out("ops") is None, "whoever changed the Alert has seen it"


def test_a_receiver_that_asks_for_a_pause_gets_it() -> None:
    sim = told()
    sim.notifier.failures["https://ops.example.com/"] = Unavailable("it answered 429", retry_after=600.0)
    sim.settle("1")
    sim.run(9 * MINUTE)
    assert len(sim.notifier.tried) == 1
    sim.alerting.alert("audit", "ops", **MODELS)  # another Alert of the same receiver waits, too
    sim.commit(desired("3"), "version 3")
    sim.settle("3")
    del sim.notifier.failures["https://ops.example.com/"]
    assert len(sim.notifier.tried) == 1
    quiet(sim)
    sim.run(2 * MINUTE)
    assert set(types(sim.notifier.taken("ops"))) >= {(event_types.PROMOTED, "1"), (event_types.PROMOTED, "3")}


def test_a_pause_of_years_is_one_of_an_hour() -> None:
    sim = told()
    sim.notifier.failures["https://ops.example.com/"] = Unavailable("it answered 503", retry_after=9e9)
    sim.settle("1")
    sim.run(59 * MINUTE)
    assert len(sim.notifier.tried) == 1
    sim.run(3 * MINUTE)
    assert len(sim.notifier.tried) == 2


def test_what_a_receiver_refuses_is_tried_for_a_day_and_then_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    assert timedelta(hours=24) == notifications.GIVE_UP
    monkeypatch.setattr(notifications, "GIVE_UP", 20 * MINUTE)  # a day in the world takes a minute here
    sim = told()
    sim.notifier.failures["https://ops.example.com/"] = Rejected("https://ops.example.com answered 404")
    sim.settle("1")
    sim.run(19 * MINUTE)
    assert [event.type for event in sim.status.outbox.pending] == [event_types.PROMOTED, event_types.DEPLOYED]
    ready = sim.alerting.ready("Alert", "ops")
    assert ready is not None
    assert (ready.status, ready.reason) == ("False", reasons.DELIVERY_FAILING)
    assert "answered 404" in ready.message
    assert len(sim.alerting.writes) < 10
    sim.run(4 * MINUTE)
    assert sim.status.outbox.pending == []
    del sim.notifier.failures["https://ops.example.com/"]
    sim.commit(desired("3"), "version 3")
    sim.settle("3")
    quiet(sim)
    assert types(sim.notifier.taken("ops")) == [(event_types.PROMOTED, "3")]
    sim.run(MINUTE)
    assert sim.alerting.ready("Provider", "ops").status == "True"  # type: ignore[union-attr]


def test_where_the_alerts_cannot_be_listed_events_wait() -> None:
    sim = told()
    sim.alerting.failure = Unavailable("no answer in time")
    rolled_out(sim)
    sim.run(MINUTE)
    assert len(sim.status.outbox.pending) == 6
    sim.alerting.failure = None
    quiet(sim)
    assert types(sim.notifier.taken("ops")) == EXPECTED


# --- which decisions --------------------------------------------------------------------------------------------------


def test_an_event_says_what_happened_to_which_version_of_which_model() -> None:
    sim = told()
    rolled_out(sim)
    quiet(sim)
    event = sim.notifier.taken("ops")[-1]
    entry = sim.status.history[-1]
    assert event["source"] == "/namespaces/ml/modeldeployments/churn"
    assert event["subject"] == "models:/churn/3"
    assert event["id"].startswith(f"{sim.md().uid}.")
    assert event["data"] == {
        "event_type": "ml.model.promoted.v1",
        "model_name": "churn",
        "version": "3",
        "stage": "champion",
        "run_id": sim.registered("3").origin,
        "timestamp": round(entry.at.timestamp() * 1000),
        "namespace": "ml",
        "name": "churn",
        "from_version": "1",
        "to_version": "3",
        "reason": "Promoted",
        "message": entry.message,
        "severity": "info",
        "generation": 3,
    }
    lost = one(sim, event_types.REJECTED)["data"]
    assert (lost["from_version"], lost["to_version"], lost["severity"]) == ("2", "1", "error")
    assert (lost["reason"], lost["stage"], lost["run_id"]) == ("Crashed", "challenger", sim.registered("2").origin)


def test_a_version_that_loses_its_traffic_under_suspicion_is_told_at_once_and_its_rejection_later() -> None:
    sim = low_traffic()
    sim.alerting.provider("ops")
    sim.alerting.alert("ops", "ops", **MODELS)
    sim.behaviour("2").bad_share = 0.2
    sim.until(suspected, within=3 * MINUTE)
    quiet(sim, within=MINUTE)
    assert types(sim.notifier.taken("ops")) == [(event_types.ROLLED_BACK, "2")]
    sim.until(lambda world: world.status.phase is Phase.REJECTED, within=5 * MINUTE)
    quiet(sim)
    assert types(sim.notifier.taken("ops")) == [(event_types.ROLLED_BACK, "2"), (event_types.REJECTED, "2")]


def test_a_suspicion_that_ends_well_for_the_version_is_told_once() -> None:
    sim = low_traffic()
    sim.alerting.provider("ops")
    sim.alerting.alert("ops", "ops", **MODELS)
    sim.clients.outage = 0.3
    sim.until(lambda world: world.status.shared_outage is not None and not suspected(world), within=20 * MINUTE)
    quiet(sim)
    assert types(sim.notifier.taken("ops")) == [(event_types.ROLLED_BACK, "2")]


def test_a_superseded_version_is_rolled_back_by_git_and_no_error() -> None:
    sim = told(eventSeverity="error")
    sim.alerting.provider("audit")
    sim.alerting.alert("audit", "audit", **MODELS)
    sim.settle("1")
    sim.commit(desired("3"), "version 3")
    sim.reach(Phase.CANARY)
    sim.commit(desired("1"), "version 1 again")
    sim.settle("1")
    quiet(sim)
    event = one(sim, event_types.ROLLED_BACK, "audit")["data"]
    assert (event["reason"], event["severity"], event["from_version"], event["to_version"]) == (
        "Superseded",
        "info",
        "3",
        "1",
    )
    assert sim.notifier.taken("ops") == []


def test_an_abort_is_told() -> None:
    sim = told()
    sim.settle("1")
    sim.commit(desired("3"), "version 3")
    sim.reach(Phase.CANARY)
    sim.commit(desired("3", rollout={**ROLLOUT, "abort": {"version": "3", "by": "alice"}}), "abort")
    sim.reach(Phase.ABORTED)
    quiet(sim)
    assert "by alice" in one(sim, event_types.ABORTED)["data"]["message"]


def test_failed_gates_are_told_once() -> None:
    sim = told()
    sim.settle("1")
    gates = [{"name": "quality", "metric": {"key": "auc", "atLeast": 0.99}}, {"name": "signed", "approval": {}}]
    sim.commit(desired("3", gates=gates), "version 3")
    sim.reach(Phase.BLOCKED)
    sim.run(5 * MINUTE)
    event = one(sim, event_types.GATES_FAILED)
    assert event["data"]["message"].startswith("gate quality: auc of version 3 is 0.9; required: at least 0.99")
    assert (event["data"]["version"], event["data"]["from_version"], event["data"]["to_version"]) == ("3", "1", "1")
    assert event_types.APPROVAL_REQUESTED not in dict(types(sim.notifier.taken("ops")))


def test_a_gate_that_waits_for_a_person_asks_for_an_approval_once() -> None:
    sim = told()
    sim.settle("1")
    gates = [{"name": "signed", "approval": {"by": ["alice"]}}]
    sim.commit(desired("3", gates=gates), "version 3")
    sim.reach(Phase.GATING)
    sim.run(5 * MINUTE)
    sim.restart()
    sim.run(5 * MINUTE)
    event = one(sim, event_types.APPROVAL_REQUESTED)
    assert "waiting for approval of version 3 by alice" in event["data"]["message"]
    assert event["data"]["run_id"] == sim.registered("3").origin
    sim.commit(desired("3", gates=gates, approvals=[{"version": "3", "by": "alice"}]), "approved")
    sim.settle("3")
    quiet(sim)
    assert types(sim.notifier.taken("ops"))[-1] == (event_types.PROMOTED, "3")


def test_a_rollout_that_waits_for_pods_for_too_long_is_stalled() -> None:
    sim = told()
    sim.settle("1")
    rollout = {**ROLLOUT, "startupTimeout": "30s"}
    sim.commit(desired("3", rollout=rollout, serving={"replicas": 4}), "version 3")
    sim.reach(Phase.CANARY)
    sim.cluster.capacity = 5
    sim.run(3 * MINUTE)
    assert one(sim, event_types.STALLED)["data"]["reason"] == "PodsNotStarting"


def test_cdevents_tell_of_what_serves() -> None:
    sim = told(inclusionList=["dev.cdevents.*"])
    rolled_out(sim)
    sim.commit(desired("1"), "version 1 again")
    sim.settle("1")
    quiet(sim)
    events = sim.notifier.taken("ops")
    assert [event["type"] for event in events] == [
        event_types.DEPLOYED,
        event_types.SERVICE_ROLLED_BACK,  # version 2 had traffic
        event_types.UPGRADED,
        event_types.SERVICE_ROLLED_BACK,  # a former champion is one again
    ]
    assert [event["data"]["subject"]["content"]["artifactId"].partition("?")[0] for event in events] == [
        "pkg:mlflow/churn@1",
        "pkg:mlflow/churn@1",
        "pkg:mlflow/churn@3",
        "pkg:mlflow/churn@1",
    ]


# --- to whom ----------------------------------------------------------------------------------------------------------


def test_an_alert_tells_of_the_types_sources_and_severity_that_it_names() -> None:
    sim = told("all", inclusionList=[])
    for name, parts in {
        "promotions": {"inclusionList": [event_types.PROMOTED]},
        "no-cdevents": {"exclusionList": ["dev.*"]},
        "errors": {"eventSeverity": "error", **MODELS},
        "others": {"eventSources": [{"name": "fraud"}]},
        "mine": {"eventSources": [{"name": "fraud"}, {"name": "churn"}], **MODELS},
        "suspended": {"suspend": True},
    }.items():
        sim.alerting.provider(name)
        sim.alerting.alert(name, name, **parts)
    sim.alerting.provider("elsewhere", namespace="other")
    sim.alerting.alert("elsewhere", "elsewhere", namespace="other")
    sim.alerting.provider("chat", type="slack")
    sim.alerting.alert("chat", "chat")
    rolled_out(sim)
    quiet(sim)
    taken = {name: types(sim.notifier.taken(name)) for name in ("promotions", "no-cdevents", "mine", "chat")}
    assert taken == {
        "promotions": [EXPECTED[0], EXPECTED[2]],
        "no-cdevents": EXPECTED,
        "mine": EXPECTED,
        "chat": EXPECTED,
    }
    assert types(sim.notifier.taken("errors")) == [EXPECTED[1]]
    assert len(sim.notifier.taken("all")) == 6
    for name in ("others", "suspended", "elsewhere"):
        assert sim.notifier.taken(name) == []
    assert sim.alerting.ready("Alert", "suspended").reason == reasons.SUSPENDED  # type: ignore[union-attr]


def test_an_alert_tells_of_nothing_that_was_decided_before_it_was_made() -> None:
    sim = told("audit")
    sim.notifier.down = {"*"}
    sim.settle("1")
    sim.run(MINUTE)  # clocks differ by less
    sim.alerting.provider("ops")
    sim.alerting.alert("ops", "ops", **MODELS)
    sim.notifier.down = set()
    sim.commit(desired("3"), "version 3")
    sim.settle("3")
    quiet(sim)
    assert types(sim.notifier.taken("audit")) == [EXPECTED[0], EXPECTED[2]]
    assert types(sim.notifier.taken("ops")) == [EXPECTED[2]]


def test_without_an_alert_nothing_is_kept() -> None:
    sim = Simulation(desired("1"))
    sim.register("1")
    sim.settle("1")
    sim.run(5 * SECOND)
    assert (sim.status.outbox.pending, sim.status.outbox.sequence) == ([], 2)
    writes_before = sim.writes
    sim.run(10 * MINUTE)
    assert sim.writes == writes_before


def test_a_deleted_alert_holds_up_nothing() -> None:
    sim = told("ops", "audit")
    sim.notifier.down = {"https://audit.example.com/"}
    sim.settle("1")
    sim.run(10 * SECOND)
    assert sim.status.outbox.pending
    sim.alerting.delete_alert("audit")
    quiet(sim, within=MINUTE)
    assert types(sim.notifier.taken("ops")) == [EXPECTED[0]]


def test_an_alert_whose_provider_is_not_there_says_so_and_waits_for_it() -> None:
    sim = told()
    sim.alerting.alert("late", "late", **MODELS)
    sim.settle("1")
    sim.run(20 * SECOND)
    ready = sim.alerting.ready("Alert", "late")
    assert ready is not None
    assert (ready.status, ready.reason) == ("False", reasons.PROVIDER_NOT_FOUND)
    assert ready.message == "Provider ml/late (spec.providerRef) not found: create it"
    sim.alerting.provider("late")
    quiet(sim, within=5 * MINUTE)
    assert types(sim.notifier.taken("late")) == [EXPECTED[0]]


def test_the_secret_has_the_address_and_what_is_missing_in_it_is_told() -> None:
    sim = told()
    sim.alerting.provider("chat", type="slack", address=None, secretRef={"name": "slack"})
    sim.alerting.alert("chat", "chat", **MODELS)
    sim.settle("1")
    sim.run(20 * SECOND)
    ready = sim.alerting.ready("Provider", "chat")
    assert ready is not None
    assert (ready.reason, ready.message) == (
        reasons.LOGIN_MISSING,
        "Secret ml/slack (spec.secretRef of Provider chat) not found: create it",
    )
    sim.cluster.secrets["ml", "slack"] = {"address": "https://hooks.example.com/secret", "headers": "X-Team: ml\n"}
    quiet(sim, within=5 * MINUTE)
    (taken,) = sim.notifier.inbox["https://hooks.example.com/secret"]
    assert taken.headers == {"X-Team": "ml"}
    sim.run(MINUTE)
    assert sim.alerting.ready("Provider", "chat").status == "True"  # type: ignore[union-attr]
