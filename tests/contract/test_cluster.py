"""What every cluster does: the fake, and a real API server with real pods."""

from datetime import UTC, datetime

import pytest

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.evidence import Slot
from podium.api.v1alpha1.status import Phase, Pinned, PodTemplate, Status
from podium.core.actions import Event
from podium.core.facts import AutoscalerState, Key, ReloadState, SlotState
from podium.core.identity import Identity
from podium.errors import Conflict, NotFound, PodiumError, Rejected
from podium.ports import ModelDeployment, PodReport
from podium.testing import Behaviour
from tests.contract.cluster_fixtures import world
from tests.contract.cluster_worlds import ClusterWorld

__all__ = ["world"]  # a fixture

ONE = Pinned(version="1", digest="sha256:11", slot="a")
TWO = Pinned(version="2", digest="sha256:22", slot="a")
FAST = Behaviour(ready_after=0.5)
STATUS = Status(
    observed_generation=1, phase=Phase.CANARY, phase_since=datetime(2026, 1, 1, tzinfo=UTC), champion=ONE, message="x"
)


async def slot_of(world: ClusterWorld, slot: Slot = "a") -> SlotState:
    seen = await world.cluster.get(world.key)
    assert seen is not None
    return (await world.cluster.slots(seen))[slot]


async def ready(world: ClusterWorld, pinned: Pinned, count: int) -> SlotState:
    """The slot, once exactly so many pods run this version and all are ready."""

    async def check() -> SlotState | None:
        seen = await slot_of(world, pinned.slot)
        settled = len(seen.pods) == count and not seen.stopping
        return seen if settled and seen.ready(pinned) == count else None

    return await world.until(check)


async def seen_by_operator(world: ClusterWorld) -> tuple[ModelDeployment, PodTemplate]:
    """The ModelDeployment, and the pod template that the operator makes of it."""
    md = await world.cluster.get(world.key)
    assert md is not None
    assert md.template is not None
    return md, md.template


async def made_by_operator(world: ClusterWorld, pinned: Pinned) -> Pinned:
    """The version with the pod template that the operator pins for it."""
    return pinned.model_copy(update={"template": (await seen_by_operator(world))[1]})


async def test_what_was_never_made_is_not_there(world: ClusterWorld) -> None:
    assert await world.cluster.get(Key(world.key.namespace, "nobody")) is None


async def test_what_was_made_is_found_alone_and_among_all(world: ClusterWorld) -> None:
    made = await world.put("1")
    found = await world.cluster.get(world.key)
    assert found is not None
    assert found.spec is not None
    assert (found.spec.model.version, found.generation, found.uid) == ("1", made.generation, made.uid)
    assert found.status == Status()
    assert [seen.uid for seen in await world.cluster.list_all() if seen.key == world.key] == [made.uid]


async def test_a_status_is_kept_as_it_was_written_and_changes_no_spec(world: ClusterWorld) -> None:
    made = await world.put("1")
    await world.cluster.write_status(made, STATUS)
    found = await world.cluster.get(world.key)
    assert found is not None
    assert found.status == STATUS
    assert (found.spec, found.generation) == (made.spec, made.generation)


async def test_a_status_that_was_decided_on_something_older_is_refused(world: ClusterWorld) -> None:
    made = await world.put("1")
    await world.cluster.write_status(made, STATUS)
    with pytest.raises(Conflict):
        await world.cluster.write_status(made, Status())
    found = await world.cluster.get(world.key)
    assert found is not None
    assert found.status == STATUS


async def test_a_status_can_lose_what_it_had(world: ClusterWorld) -> None:
    await world.cluster.write_status(await world.put("1"), STATUS)
    found = await world.cluster.get(world.key)
    assert found is not None
    await world.cluster.write_status(found, Status(phase=Phase.PENDING))
    found = await world.cluster.get(world.key)
    assert found is not None
    assert found.status == Status(phase=Phase.PENDING)


async def test_the_end_of_what_is_held_waits_until_it_is_let_go(world: ClusterWorld) -> None:
    await world.cluster.add_finalizer(await world.put())
    held = await world.cluster.get(world.key)
    assert held is not None
    assert held.has_finalizer
    await world.delete(held)
    leaving = await world.cluster.get(world.key)
    assert leaving is not None
    assert leaving.deleting

    async def gone() -> bool | None:
        return True if await world.cluster.get(world.key) is None else None

    await world.cluster.remove_finalizer(leaving)
    await world.until(gone)
    await world.cluster.remove_finalizer(leaving)  # nothing there: nothing to do


async def test_an_event_is_told_once_however_often_it_is_said(world: ClusterWorld) -> None:
    made = await world.put("1")
    for _ in range(3):
        await world.cluster.emit_event(
            made, Event(False, reasons.CHALLENGER_READY, "Starting -> Canary: ready", "1/Canary")
        )
    await world.cluster.emit_event(made, Event(True, reasons.GUARD_FAILED, "é" * 2000, "2/RollingBack"))
    told = await world.told(made)
    assert sorted(reason for reason, _ in told) == [reasons.CHALLENGER_READY, reasons.GUARD_FAILED]


async def test_a_secret_is_read_and_one_that_is_not_there_is_missing(world: ClusterWorld) -> None:
    await world.secret("login", {"MLFLOW_TRACKING_USERNAME": "ann", "MLFLOW_TRACKING_PASSWORD": "pässwörd"})
    found = await world.cluster.secret(world.key.namespace, "login")
    assert found == {"MLFLOW_TRACKING_USERNAME": "ann", "MLFLOW_TRACKING_PASSWORD": "pässwörd"}
    with pytest.raises(NotFound):
        await world.cluster.secret(world.key.namespace, "nobody")


async def test_an_empty_slot_runs_nothing(world: ClusterWorld) -> None:
    await world.put("1")
    assert await slot_of(world) == SlotState()


async def test_a_slot_runs_what_it_is_told_in_the_size_it_is_told(world: ClusterWorld) -> None:
    made = await world.put("1", v1=FAST)
    one = await made_by_operator(world, ONE)
    await world.cluster.run_slot(made, one, 1)
    seen = await ready(world, one, 1)
    assert (seen.runs, seen.replicas, seen.up_to_date) == (one, 1, True)
    assert [pod.version for pod in seen.pods] == ["1"]
    await world.cluster.run_slot(made, one, 2)
    assert (await ready(world, one, 2)).replicas == 2
    before = await slot_of(world)
    await world.cluster.run_slot(made, one, 2)
    assert await slot_of(world) == before


async def test_a_stopped_slot_has_no_pods_and_still_knows_what_it_ran(world: ClusterWorld) -> None:
    made = await world.put("1", v1=FAST)
    one = await made_by_operator(world, ONE)
    await world.cluster.run_slot(made, one, 1)
    await ready(world, one, 1)
    await world.cluster.stop_slot(made, "a")
    seen = await ready(world, one, 0)
    assert (seen.runs, seen.replicas) == (one, 0)
    await world.cluster.stop_slot(made, "b")  # nothing there: nothing to do


async def test_what_was_decided_on_another_revision_of_the_slot_is_refused(world: ClusterWorld) -> None:
    made = await world.put("1", v1=FAST)
    one = await made_by_operator(world, ONE)
    await world.cluster.run_slot(made, one, 1, "")
    with pytest.raises(Conflict, match="written since it was read"):
        await world.cluster.run_slot(made, one, 2, "")
    old = (await ready(world, one, 1)).revision
    await world.cluster.stop_slot(made, "a", old)
    with pytest.raises(Conflict):
        await world.cluster.run_slot(made, one, 1, old)
    with pytest.raises(Conflict):
        await world.cluster.stop_slot(made, "a", old)
    assert (await world.cluster.slots(made))["a"].replicas == 0


async def test_another_version_takes_the_slot_over(world: ClusterWorld) -> None:
    made = await world.put("1", v1=FAST, v2=FAST)
    one, two = await made_by_operator(world, ONE), await made_by_operator(world, TWO)
    await world.cluster.run_slot(made, one, 1)
    old = {pod.uid for pod in (await ready(world, one, 1)).pods}
    await world.cluster.run_slot(made, two, 1)
    seen = await ready(world, two, 1)
    assert seen.runs == two
    assert seen.up_to_date
    assert not old & {pod.uid for pod in seen.pods}


async def test_what_was_changed_by_hand_is_noticed_and_put_back(world: ClusterWorld) -> None:
    made = await world.put("1")
    await world.cluster.run_slot(made, ONE, 0)
    assert (await slot_of(world)).up_to_date
    await world.drift("a")
    assert not (await slot_of(world)).up_to_date
    await world.cluster.run_slot(made, ONE, 0)
    assert (await slot_of(world)).up_to_date


async def test_the_pod_template_differs_with_what_the_spec_says_of_pods_and_not_with_their_number(
    world: ClusterWorld,
) -> None:
    await world.put("1")
    before = (await seen_by_operator(world))[1]
    await world.put("2")
    assert (await seen_by_operator(world))[1] == before
    await world.edit({"example.com/team": "fraud"})  # an annotation of the pods
    changed = (await seen_by_operator(world))[1]
    assert changed.revision != before.revision
    assert changed.spec_hash != before.spec_hash


async def test_a_pinned_template_outlives_another_spec_and_what_was_changed_by_hand(world: ClusterWorld) -> None:
    made = await world.put("1")
    one = await made_by_operator(world, ONE)
    await world.cluster.run_slot(made, one, 0)
    await world.edit({"example.com/team": "fraud"})
    changed, new = (await seen_by_operator(world))[0], await made_by_operator(world, ONE)
    seen = await slot_of(world)
    assert (seen.up_to_date, seen.runs) == (True, one)
    await world.drift("a")
    assert not (await slot_of(world)).up_to_date
    await world.cluster.run_slot(changed, one, 0)
    seen = await slot_of(world)
    assert (seen.up_to_date, seen.runs) == (True, one)
    await world.cluster.run_slot(changed, new, 0)
    seen = await slot_of(world)
    assert (seen.up_to_date, seen.runs) == (True, new)


@pytest.mark.parametrize("lost", ["delete_slot", "unprotect"])
async def test_a_pinned_template_outlives_one_of_the_two_objects_that_carry_it(world: ClusterWorld, lost: str) -> None:
    made = await world.put("1")
    one = await made_by_operator(world, ONE)
    await world.cluster.run_slot(made, one, 0)
    await world.edit({"example.com/team": "fraud"})
    changed, _ = await seen_by_operator(world)
    await getattr(world, lost)("a")
    await world.cluster.run_slot(changed, one, 0)
    assert "fraud" not in await world.template("a")
    assert ((await slot_of(world)).up_to_date, (await slot_of(world)).runs) == (True, one)


async def test_a_slots_disruption_budget_belongs_to_it_and_is_put_back(world: ClusterWorld) -> None:
    made = await world.put("1")
    await world.cluster.run_slot(made, ONE, 0)
    await world.unprotect("a")
    assert not (await slot_of(world)).up_to_date
    await world.cluster.run_slot(made, ONE, 0)
    assert (await slot_of(world)).up_to_date


CUSTOM = {
    "type": "Pods",
    "pods": {"metric": {"name": "rps"}, "target": {"type": "AverageValue", "averageValue": "1000m"}},
}


async def test_an_autoscaler_is_made_as_it_is_wanted_and_taken_away(world: ClusterWorld) -> None:
    await world.put("1")
    made = await world.scale({"minReplicas": 2, "maxReplicas": 5, "metrics": [CUSTOM]})
    assert await world.cluster.autoscaler(made) == AutoscalerState()
    await world.cluster.run_autoscaler(made)
    assert await world.cluster.autoscaler(made) == AutoscalerState(there=True, up_to_date=True)
    made = await world.scale({"minReplicas": 2, "maxReplicas": 6, "metrics": [CUSTOM]})
    assert await world.cluster.autoscaler(made) == AutoscalerState(there=True)
    await world.cluster.run_autoscaler(made)
    assert await world.cluster.autoscaler(made) == AutoscalerState(there=True, up_to_date=True)
    made = await world.scale(None)
    assert await world.cluster.autoscaler(made) == AutoscalerState(there=True)
    await world.cluster.stop_autoscaler(made)
    assert await world.cluster.autoscaler(made) == AutoscalerState()
    await world.cluster.stop_autoscaler(made)  # nothing there: nothing to do


async def test_an_evicted_pod_is_replaced_and_is_no_crash(world: ClusterWorld) -> None:
    made = await world.put("1", v1=FAST)
    await world.cluster.run_slot(made, ONE, 2)
    old = (await ready(world, ONE, 2)).pods
    await world.evict(old[0])
    left = await slot_of(world)
    assert old[0].uid not in {pod.uid for pod in left.pods}
    new = (await ready(world, ONE, 2)).pods
    assert [pod.crash for pod in new] == [None, None]


async def test_what_the_spec_no_longer_says_is_taken_out_with_another_template(world: ClusterWorld) -> None:
    await world.put("1")
    await world.edit({"team": "risk"})
    made, template = await seen_by_operator(world)
    await world.cluster.run_slot(made, ONE.model_copy(update={"template": template}), 0)
    assert (await slot_of(world)).up_to_date
    await world.edit({})
    made, without = await seen_by_operator(world)
    assert without.revision != template.revision
    await world.cluster.run_slot(made, ONE.model_copy(update={"template": without}), 0)
    assert (await slot_of(world)).up_to_date


async def test_what_belongs_to_somebody_else_is_refused_and_left_alone(world: ClusterWorld) -> None:
    made = await world.put("1")
    await world.foreign_object("churn-a")
    with pytest.raises(Rejected) as caught:
        await world.cluster.run_slot(made, ONE, 1)
    assert caught.value.reason == reasons.NAME_CONFLICT
    assert (await slot_of(world)).runs is None


async def test_how_a_pod_ended_is_told_with_its_message(world: ClusterWorld) -> None:
    crash = Behaviour(ready_after=0.0, crash_after=1.0, exit_code=4, message="NOT_LOADED: no such flavor")
    made = await world.put("1", v1=crash)
    await world.cluster.run_slot(made, ONE, 1)

    async def check() -> SlotState | None:
        seen = await slot_of(world)
        return seen if seen.pods and seen.pods[0].crash else None

    found = (await world.until(check)).pods[0].crash
    assert found is not None
    assert (found.exit_code, found.message) == (4, "NOT_LOADED: no such flavor")


async def test_nothing_is_written_to_what_is_gone(world: ClusterWorld) -> None:
    made = await world.put("1")
    other = type(made)(**{**made.__dict__, "key": Key(world.key.namespace, "gone"), "uid": "another"})
    with pytest.raises(PodiumError):
        await world.cluster.write_status(other, STATUS)


async def served(world: ClusterWorld, pinned: Pinned) -> tuple[SlotState, PodReport]:
    """The slot and what its only pod says of itself, once that serves this version."""

    async def check() -> tuple[SlotState, PodReport] | None:
        seen = await slot_of(world, pinned.slot)
        reports = await world.evidence.ask(world.key.namespace, seen.pods)
        found = [report for report in reports.values() if report.identity == Identity(pinned.version, pinned.digest)]
        return (seen, found[0]) if found and len(seen.pods) == 1 else None

    return await world.until(check)


async def test_a_pod_loads_another_version_in_place_once_it_is_told_to(world: ClusterWorld) -> None:
    world.reload = "InPlace"
    made = await world.put("1", v1=FAST, v2=FAST)
    one, two = await made_by_operator(world, ONE), await made_by_operator(world, TWO)
    await world.cluster.run_slot(made, one, 1)
    await ready(world, one, 1)
    before, report = await served(world, one)
    assert before.pods[0].reloads
    assert report.reload == ReloadState(ONE.digest, "served")
    await world.cluster.run_slot(made, two, 1)
    told = await slot_of(world)
    assert (told.runs, told.up_to_date, told.pods[0].version) == (two, True, "2")
    await world.cluster.tell_pods(made, two, [told.pods[0].name, "gone"])
    after, report = await served(world, two)
    assert [pod.uid for pod in after.pods] == [pod.uid for pod in before.pods]
    assert after.pods[0].told == str(Identity("2", TWO.digest))
    assert report.reload == ReloadState(TWO.digest, "served")


async def test_a_pod_that_cannot_load_it_in_place_says_so_and_goes_on(world: ClusterWorld) -> None:
    world.reload = "InPlace"
    made = await world.put("1", v1=FAST, v2=Behaviour(ready_after=0.5, reload_failure="restart_needed"))
    one, two = await made_by_operator(world, ONE), await made_by_operator(world, TWO)
    await world.cluster.run_slot(made, one, 1)
    before = await ready(world, one, 1)
    await world.cluster.run_slot(made, two, 1)
    await world.cluster.tell_pods(made, two, [before.pods[0].name])

    async def failed() -> PodReport | None:
        reports = await world.evidence.ask(world.key.namespace, (await slot_of(world)).pods)
        found = [each for each in reports.values() if each.reload and each.reload.state == "failed"]
        return found[0] if found else None

    report = await world.until(failed)
    assert report.reload == ReloadState(TWO.digest, "failed", "restart_needed")
    assert report.identity == Identity("1", ONE.digest)


async def test_the_file_that_pods_follow_is_put_back(world: ClusterWorld) -> None:
    world.reload = "InPlace"
    made = await world.put("1", v1=FAST)
    one = await made_by_operator(world, ONE)
    await world.cluster.run_slot(made, one, 1)
    assert (await ready(world, one, 1)).up_to_date
    await world.delete_file("a")
    assert not (await slot_of(world)).up_to_date
    await world.cluster.run_slot(made, one, 1)
    assert (await slot_of(world)).up_to_date
    await served(world, one)


async def test_pods_are_replaced_once_by_the_same_mark(world: ClusterWorld) -> None:
    world.reload = "InPlace"
    made = await world.put("1", v1=FAST)
    one = await made_by_operator(world, ONE)
    await world.cluster.run_slot(made, one, 1)
    before = (await ready(world, one, 1)).pods
    await world.cluster.renew_pods(made, one, before[0].name)

    async def replaced() -> SlotState | None:
        seen = await slot_of(world)
        new = len(seen.pods) == 1 and seen.pods[0].uid != before[0].uid
        return seen if new and seen.ready(one) and seen.rolled_out and not seen.stopping else None

    after = await world.until(replaced)
    assert after.up_to_date, "the mark is no drift"
    await world.cluster.run_slot(made, one, 1)
    await world.cluster.renew_pods(made, one, before[0].name)
    assert [pod.uid for pod in (await ready(world, one, 1)).pods] == [after.pods[0].uid]
