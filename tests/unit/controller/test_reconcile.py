import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import pytest

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.status import Phase, Status
from podium.controller.logs import JsonLines
from podium.core.facts import Key
from podium.errors import NotFound, PodiumError, Rejected, Unavailable
from podium.ports import ModelDeployment
from podium.testing import Behaviour
from tests.unit.controller.stage import KEY, SETTINGS, URI, Stage, spec


def test_the_first_version_becomes_champion() -> None:
    world = Stage()
    with world.operator():
        world.apply(spec("1"))
        status = world.wait_for(Phase.STABLE)
        world.advance(1)
    assert status.champion is not None
    assert status.champion.version == "1"
    assert world.registry.models["churn"].aliases == {"champion": "1"}
    assert world.recorded("1") == "promoted"


def test_a_good_version_is_promoted_and_a_bad_one_taken_back() -> None:
    world = Stage()
    world.cluster.behave("3", Behaviour(bad_share=0.2))
    with world.operator():
        world.apply(spec("1"))
        world.wait_for(Phase.STABLE)
        world.apply(spec("2"))
        world.wait_for(Phase.SOAKING, requests=50)
        status = world.wait_for(Phase.STABLE, requests=50)
        assert status.champion is not None
        assert status.champion.version == "2"
        world.apply(spec("3"))
        status = world.wait_for(Phase.REJECTED, requests=50)
        world.advance(1)
    assert status.champion is not None
    assert status.champion.version == "2"
    assert world.registry.models["churn"].aliases == {"champion": "2"}
    assert world.recorded("3") == "rejected"
    assert [event.reason for _, event in world.cluster.events if event.warning] == [
        reasons.GUARD_FAILED,
        reasons.VERSION_REJECTED,
    ]


def test_another_model_in_a_living_object_gets_a_trial_beside_the_old_one() -> None:
    world = Stage(versions=2)
    for _ in range(2):
        world.registry.publish("fraud")
    with world.operator():
        world.apply(spec("2"))
        world.wait_for(Phase.STABLE)
        world.apply(spec("2") | {"model": {"name": "fraud", "version": "2"}})
        status = world.wait_for(Phase.CANARY, requests=50)
        assert status.champion is not None
        assert status.challenger is not None
        assert (status.champion.model, status.challenger.model) == ("churn", "fraud")
        assert (status.champion.registry, status.challenger.registry) == (URI, URI)
        assert "champion" not in world.registry.models["fraud"].aliases
        status = world.wait_for(Phase.STABLE, requests=50)
        world.advance(1)
        assert status.champion is not None
        assert status.champion.model == "fraud"
        written = len(world.cluster.writes)
        world.advance(600)
        assert len(world.cluster.writes) == written, "at rest nothing is written"
    assert world.registry.models["fraud"].aliases == {"champion": "2"}
    assert world.registry.models["churn"].aliases == {"champion": "2"}


def test_at_rest_nothing_is_written() -> None:
    world = Stage()
    with world.operator():
        world.apply(spec("1"))
        world.wait_for(Phase.STABLE)
        world.advance(30)
        written = len(world.cluster.writes), len(world.registry.writes)
        world.advance(3600)
        assert (len(world.cluster.writes), len(world.registry.writes)) == written


def test_at_rest_no_status_is_made_to_text_to_see_that_it_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    world, texts, read = Stage(), list[object](), list[Key]()
    with world.operator():
        world.apply(spec("1"))
        world.wait_for(Phase.STABLE)
        world.advance(30)
        real = world.cluster.get

        async def get(key: Key) -> ModelDeployment | None:
            read.append(key)
            return await real(key)

        monkeypatch.setattr(Status, "stored", texts.append)
        world.cluster.get = get  # type: ignore[method-assign]
        world.advance(600)
    assert len(read) > 5
    assert texts == []


def test_a_reconcile_lists_no_other_model_deployments() -> None:
    world, lists = Stage(), list[float]()
    real = world.cluster.list_all

    async def list_all() -> Sequence[ModelDeployment]:
        lists.append(world.loop.time())
        return await real()

    world.cluster.list_all = list_all  # type: ignore[method-assign]
    with world.operator():
        world.apply(spec("1"))
        world.wait_for(Phase.STABLE)
        world.advance(2 * SETTINGS.resync + 10)
    assert 1 <= len(lists) <= 4, "one when it begins to lead, and one each resync"


def test_a_rollback_does_not_wait_for_the_registry() -> None:
    world = Stage()
    world.cluster.behave("2", Behaviour(bad_share=0.5))
    with world.operator():
        world.apply(spec("1"))
        world.wait_for(Phase.STABLE)
        world.apply(spec("2"))
        world.wait_for(Phase.CANARY)
        world.registry.unreachable = True
        world.advance(30)
        world.wait_for(Phase.REJECTED, within=15, requests=50)
        assert world.weights == {
            "a": 100,
            "b": 0,
        }
        world.registry.unreachable = False
        world.advance(60)
    assert world.recorded("2") == "rejected"


def test_a_way_back_does_not_wait_for_the_status_to_be_written() -> None:
    world = Stage()
    world.cluster.behave("2", Behaviour(bad_share=0.5))
    refused = Rejected("PUT …/churn/status: the API server answers 403")

    async def refuse(*_: object) -> None:
        raise refused

    with world.operator():
        world.apply(spec("1"))
        world.wait_for(Phase.STABLE)
        world.apply(spec("2"))
        world.wait_for(Phase.CANARY)
        world.cluster.write_status = refuse  # type: ignore[method-assign,assignment]
        for _ in range(30):
            world.pod_metrics.serve(world.md(), 50)
            world.advance(1.0)
        assert world.status.phase is Phase.CANARY
        assert world.weights == {"a": 100, "b": 0}


def test_a_restarted_operator_goes_on_and_makes_nothing_twice() -> None:
    world = Stage()
    for phase in (Phase.STARTING, Phase.CANARY, Phase.SOAKING):
        with world.operator():
            if phase is Phase.STARTING:
                world.apply(spec("1"))
                world.wait_for(Phase.STABLE)
                world.apply(spec("2"))
            world.wait_for(phase, requests=50)
    with world.operator():
        status = world.wait_for(Phase.STABLE, requests=50)
    assert status.champion is not None
    assert status.champion.version == "2"
    assert [entry.version for entry in status.history] == ["1", "2"]
    told = [event.identity for _, event in world.cluster.events]
    assert len(told) == len(set(told))


def test_drift_is_put_back() -> None:
    world = Stage()
    with world.operator() as operator:
        world.apply(spec("1"))
        world.wait_for(Phase.STABLE)
        world.advance(5)
        world.cluster.drift(KEY, "a")
        world.router.drift(world.md())
        operator.changed(KEY)
        world.advance(5)
        slots = world.cluster.slots_now(world.md())
        assert slots["a"].up_to_date
        assert world.weights == {"a": 100, "b": 0}


def test_when_another_client_wrote_first_nothing_is_applied_and_all_is_observed_again() -> None:
    world = Stage()
    stale = world.cluster.put(KEY, spec("1"))
    world.cluster.put(KEY, spec("2"))
    real, written = world.cluster.get, list[tuple[float, int]]()

    async def old(key: Key) -> ModelDeployment | None:
        written.append((world.clock.monotonic(), len(world.cluster.writes)))
        return stale if len(written) == 1 else await real(key)

    world.cluster.get = old  # type: ignore[method-assign]
    with world.operator():
        status = world.wait_for(Phase.STABLE)
    assert written[:2] == [(0.0, 0), (0.0, 0)]
    assert status.champion is not None
    assert status.champion.version == "2"


def test_a_spec_that_cannot_be_read_is_said_and_nothing_else_is_touched() -> None:
    world = Stage()
    with world.operator():
        world.apply(spec("1"))
        world.wait_for(Phase.STABLE)
        world.advance(5)  # no Alert tells of the promotion, and the outbox is empty
        before = world.status
        world.cluster.writes.clear()
        world.apply({"model": {"name": "churn", "version": "1"}, "rollout": {"stepz": []}})
        world.advance(60)
        status = world.status
    stalled = next(condition for condition in status.conditions if condition.type == "Stalled")
    assert (stalled.status, stalled.reason) == ("True", reasons.INVALID_SPEC)
    assert status.champion == before.champion
    assert world.cluster.writes == [f"status of {KEY}: Stable"]


def test_a_status_that_cannot_be_read_is_never_overwritten() -> None:
    world = Stage()
    with world.operator():
        world.apply(spec("1"))
        md = replace(world.md(), spec=None, flaw="status cannot be read", unreadable=True)

        async def get(_: Key) -> object:
            return md

        world.cluster.get = get  # type: ignore[method-assign,assignment]
        world.advance(60)
    assert world.cluster.writes == []


def test_what_belongs_to_somebody_else_is_left_alone_and_tried_less_and_less_often() -> None:
    world = Stage()
    world.cluster.foreign_objects.add(("ml", "churn-a"))
    with world.operator() as operator:
        world.apply(spec("1"))
        world.wait_for(Phase.STARTING)
        before = operator.metrics.reconciles.labels("modeldeployment", "requeue_after")._value.get()
        world.advance(60)
        after = operator.metrics.reconciles.labels("modeldeployment", "requeue_after")._value.get()
    assert after - before < 80
    assert not [line for line in world.cluster.writes if line.startswith("run")]


def test_a_slot_is_not_stopped_after_traffic_could_not_be_moved() -> None:
    world = Stage()
    world.cluster.behave("2", Behaviour(bad_share=0.5))
    with world.operator():
        world.apply(spec("1"))
        world.wait_for(Phase.STABLE)
        world.apply(spec("2"))
        world.wait_for(Phase.CANARY)
        world.router.failure = Unavailable("the API server refuses this patch")
        world.pod_metrics.serve(world.md(), 100)
        world.advance(10)
        assert world.status.phase is Phase.ROLLING_BACK
        assert not [line for line in world.cluster.writes if line.startswith("stop")]
        world.router.failure = None
        world.wait_for(Phase.REJECTED)


def test_pods_that_are_refused_do_not_hinder_the_way_back(monkeypatch: pytest.MonkeyPatch) -> None:
    world = Stage()
    world.cluster.behave("2", Behaviour(bad_share=0.5))
    with world.operator():
        world.apply(spec("1"))
        world.wait_for(Phase.STABLE)
        world.apply(spec("2"))
        world.wait_for(Phase.CANARY)

        async def refuse(*_: object) -> None:
            raise Rejected("exceeded quota")

        monkeypatch.setattr(world.cluster, "run_slot", refuse)
        world.cluster.drift(KEY, "a")
        world.wait_for(Phase.REJECTED, within=10, requests=50)


def test_a_drain_in_mid_canary_costs_the_version_nothing() -> None:
    world = Stage()
    with world.operator():
        world.apply(spec("1"))
        world.wait_for(Phase.STABLE)
        world.apply(spec("2"))
        world.wait_for(Phase.CANARY)
        for _ in range(3):
            for slot in world.cluster.slots_now(world.md()).values():
                world.cluster.evict(slot.pods[0].uid)
            world.advance(0.5)
        status = world.wait_for(Phase.STABLE, requests=50)
    assert [(entry.version, entry.outcome) for entry in status.history] == [("1", "Promoted"), ("2", "Promoted")]


ADOPTING = spec("1", traffic={"httpRouteRef": {"name": "theirs"}})


def test_one_that_is_deleted_while_no_operator_runs_gives_its_route_back_once_one_does() -> None:
    world = Stage()
    with world.operator():
        world.apply(ADOPTING)
        world.wait_for(Phase.STABLE)
    first = next(index for index, line in enumerate(world.cluster.writes) if line.startswith("route"))
    assert f"hold {KEY}" in world.cluster.writes[:first]
    world.cluster.remove(KEY)
    assert world.md().deleting
    with world.operator():
        world.advance(5)
    assert world.router.released == [KEY]
    assert world.cluster.now(KEY) is None


def test_one_that_adopts_a_route_no_more_is_held_no_more() -> None:
    world = Stage()
    with world.operator():
        world.apply(ADOPTING)
        world.wait_for(Phase.STABLE)
        assert world.md().has_finalizer
        world.apply(spec("1"))
        world.advance(5)
        assert not world.md().has_finalizer


@pytest.mark.parametrize(
    ("failure", "waits"),
    [
        (Rejected("the rule lacks a backend"), 5),
        (NotFound("the route is gone"), 5),
        (Unavailable("a webhook does not answer"), 400),
    ],
)
def test_nothing_waits_for_ever_for_a_route_that_cannot_be_given_back(failure: PodiumError, waits: int) -> None:
    world = Stage()
    with world.operator() as operator:
        world.apply(ADOPTING)
        world.wait_for(Phase.STABLE)
        world.router.failure = failure
        world.cluster.remove(KEY)
        operator.changed(KEY)
        world.advance(waits)
        assert world.cluster.now(KEY) is None


def test_a_route_that_cannot_be_written_for_a_moment_is_given_back_first() -> None:
    world = Stage()
    with world.operator() as operator:
        world.apply(ADOPTING)
        world.wait_for(Phase.STABLE)
        world.router.failure = Unavailable("the API server is busy")
        world.cluster.remove(KEY)
        operator.changed(KEY)
        world.advance(30)
        assert world.md().deleting
        world.router.failure = None
        world.advance(5)
        assert world.router.released == [KEY]
        assert world.cluster.now(KEY) is None


def test_an_autoscaler_comes_and_goes_with_its_field_and_the_rollout_does_not_wait_for_it() -> None:
    world = Stage()
    world.cluster.autoscalers.refused = "metrics[0].type: Unsupported value"
    scaled = {"autoscaling": {"minReplicas": 3, "maxReplicas": 5, "metrics": [{"type": "Podz"}]}, "drain": "1s"}
    with world.operator():
        world.apply(spec("1", serving=scaled))
        status = world.wait_for(Phase.STABLE)
        world.advance(5)
        status = world.status
        condition = next(one for one in status.conditions if one.type == "AutoscalerInSync")
        assert (condition.status, condition.reason) == ("False", reasons.AUTOSCALER_REJECTED)
        assert "Unsupported value" in condition.message
        assert (status.replicas, status.selector) == (3, "podium.dev/deployment=churn")
        world.cluster.autoscalers.refused = ""
        world.advance(60)
        condition = next(one for one in world.status.conditions if one.type == "AutoscalerInSync")
        assert (condition.status, condition.reason) == ("True", reasons.IN_SYNC)
        world.apply(spec("1"))
        world.advance(5)
        assert not world.cluster.autoscalers.observe(world.md()).there
    assert [line for line in world.cluster.writes if "autoscaler" in line] == [
        f"run autoscaler {KEY}",
        f"stop autoscaler {KEY}",
    ]


def test_scaling_in_mid_trial_scales_the_champion_and_the_promotion() -> None:
    world = Stage()
    with world.operator():
        world.apply(spec("1"))
        world.wait_for(Phase.STABLE)
        world.apply(spec("2"))
        began = world.wait_for(Phase.CANARY).trial
        world.apply(spec("2", serving={"replicas": 3, "drain": "1s"}))
        world.advance(3)
        assert world.size("a") == 3
        trial = world.status.trial
        assert began is not None
        assert trial is not None
        assert trial.started_at == began.started_at
        status = world.wait_for(Phase.STABLE, requests=50)
        slots = world.cluster.slots_now(world.md())
    assert status.champion is not None
    assert (status.champion.version, slots[status.champion.slot].replicas) == ("2", 3)


def test_the_younger_of_two_that_write_one_alias_names_the_older() -> None:
    world = Stage()
    younger = Key("another", "churn")
    with world.operator():
        world.apply(spec("1"))
        world.wait_for(Phase.STABLE)
        world.apply(spec("2"), younger)
        world.advance(30)
        found = world.cluster.now(younger)
        assert found is not None
        stalled = next(one for one in found.status.conditions if one.type == "Stalled")
        assert (stalled.status, stalled.reason) == ("True", reasons.ALIAS_CONFLICT)
        assert str(KEY) in stalled.message
        assert world.registry.models["churn"].aliases == {"champion": "1"}


@contextmanager
def two_that_write_one_alias() -> Iterator[tuple[Stage, Key]]:
    """The younger one is told of a conflict; the older one is that of the stage."""
    world, younger = Stage(), Key("another", "churn")
    with world.operator():
        world.apply(spec("1"))
        world.wait_for(Phase.STABLE)
        world.apply(spec("2"), younger)
        world.advance(70)
        assert reason_of(world, younger) == reasons.ALIAS_CONFLICT
        yield world, younger


def reason_of(world: Stage, key: Key) -> str:
    found = world.cluster.now(key)
    assert found is not None
    return next(one.reason for one in found.status.conditions if one.type == "Stalled")


def test_an_alias_that_is_freed_is_taken_at_once_by_the_one_that_waits() -> None:
    with two_that_write_one_alias() as (world, younger):
        world.cluster.remove(KEY)
        world.tell(KEY)
        world.advance(2)
        assert reason_of(world, younger) != reasons.ALIAS_CONFLICT


def test_a_conflict_with_one_that_is_gone_ends_though_no_watch_told_of_that() -> None:
    with two_that_write_one_alias() as (world, younger):
        world.cluster.remove(KEY)
        world.tell(younger)
        world.advance(2)
        assert reason_of(world, younger) != reasons.ALIAS_CONFLICT


def test_a_conflict_stands_while_the_other_one_cannot_be_read() -> None:
    with two_that_write_one_alias() as (world, younger):
        real = world.cluster.get

        async def get(key: Key) -> ModelDeployment | None:
            if key == KEY:
                raise Unavailable("no answer in time")
            return await real(key)

        world.cluster.get = get  # type: ignore[method-assign]
        world.tell(younger)
        world.advance(5)
        assert reason_of(world, younger) == reasons.ALIAS_CONFLICT
        assert world.registry.models["churn"].aliases == {"champion": "1"}


def test_nothing_is_kept_of_what_is_gone() -> None:
    world = Stage()
    with world.operator() as operator:
        world.apply(spec("1"))
        world.wait_for(Phase.STABLE)
        world.cluster.remove(KEY)
        world.advance(SETTINGS.resync + 10)  # no watch told of it: the sweep finds out
        assert b"churn" not in operator.metrics.render()
        assert operator.workers.registry.known() == frozenset()


def test_every_line_about_an_object_says_which_and_where_it_stands(caplog: pytest.LogCaptureFixture) -> None:
    lines = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(JsonLines().format(record))

    handler = Kept()
    logging.getLogger("podium").addHandler(handler)
    caplog.set_level(logging.INFO, "podium")
    world = Stage()
    try:
        with world.operator():
            world.apply(spec("1"))
            world.wait_for(Phase.STABLE)
    finally:
        logging.getLogger("podium").removeHandler(handler)
    moves = [line for line in lines if "Starting -> Promoting" in line]
    assert len(moves) == 1
    for part in ('"namespace": "ml"', '"name": "churn"', '"version": "1"', '"phase": "Promoting"'):
        assert part in moves[0]
