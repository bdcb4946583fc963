"""What the world is for: an operator without one of its safeguards breaks a promise, and the world says which."""

from collections.abc import Sequence
from typing import Any

import pytest

from bench.promises.scenario import play
from podium.api.v1alpha1.status import Phase
from podium.controller.apply import apply
from podium.controller.reconcile import Reconciler
from podium.core.actions import Action
from podium.errors import PodiumError, Rejected
from podium.simulation.world.faults import STALE_READ, Call, Caller, Done, Kind
from podium.simulation.world.world import Broken
from tests.stories.simulator import Simulation, spec_of

QUICK = {"steps": [{"weight": 25, "duration": "5s"}, {"weight": 50, "duration": "5s"}], "soak": "20s"}
SEEDS = range(12)
_carry_out = apply


async def _refuse(caller: Caller, call: Call, done: Done) -> Any:
    raise Rejected("403: refused by a policy")


REFUSED_ROUTES = (Kind("a route is refused", lambda call: call.method == "route", _refuse),)


def rolled_back(seed: int) -> None:
    """A bad version is taken back, while half of all writes of the route are refused."""
    sim = Simulation(spec_of("1", rollout=QUICK, serving={"replicas": 2}), seed=seed, chaos=0.5, kinds=REFUSED_ROUTES)
    sim.register("1")
    sim.settle("1")
    sim.register("2", bad_share=0.3)
    sim.commit(spec_of("2", rollout=QUICK, serving={"replicas": 2}), "version 2")
    sim.reach(Phase.REJECTED)


def all_rolled_back() -> None:
    for seed in SEEDS:
        rolled_back(seed)


async def unguarded(actions: Sequence[Action], *others: Any, **_: Any) -> tuple[Exception, ...]:
    """`apply` without: a slot is not stopped after traffic could not be moved."""
    return tuple([error for action in actions for error in await _carry_out([action], *others)])


def without_draining(monkeypatch: pytest.MonkeyPatch) -> None:
    """The plan stops slots without asking whether they still have traffic."""
    monkeypatch.setattr("podium.core.decide.drained", lambda facts, slot: True)


@pytest.mark.parametrize("seed", SEEDS)
def test_apply_stops_no_slot_whose_traffic_could_not_be_moved_even_if_the_plan_does(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_draining(monkeypatch)
    rolled_back(seed)


def test_without_that_guard_the_first_promise_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    without_draining(monkeypatch)
    monkeypatch.setattr("podium.controller.reconcile.apply", unguarded)
    with pytest.raises(Broken, match="promise 1: slot b is stopped while it has traffic"):
        all_rolled_back()


def broken_by_any(seeds: range) -> str:
    return "\n".join(filter(None, map(play, seeds)))


def test_actions_before_their_record_break_the_second_promise(monkeypatch: pytest.MonkeyPatch) -> None:
    """A crash between the two leaves a world that no status explains."""
    monkeypatch.setattr("podium.core.decide.Decision.rollback_actions", property(lambda decision: decision.actions))
    assert "promise 2: the former champion's slot" in broken_by_any(range(20))


def test_a_record_that_was_refused_and_is_taken_for_written_breaks_the_eighth(monkeypatch: pytest.MonkeyPatch) -> None:
    record = Reconciler._record

    async def careless(self: Reconciler, md: Any, status: Any, *, acts: bool) -> None:
        try:
            await record(self, md, status, acts=acts)
        except PodiumError:
            return

    monkeypatch.setattr(Reconciler, "_record", careless)
    assert "promise 8: the alias moves" in broken_by_any(range(70))


def test_rejections_that_are_forgotten_break_the_fourth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("podium.core.rollout.version_checks.standing_rejection", lambda facts: None)
    assert "promise 4: rejected version" in broken_by_any(range(8))


def test_an_old_status_that_is_not_written_again_before_acting_breaks_the_fourth(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What needed no status write was carried out, whatever had happened since the object was read."""
    record = Reconciler._record

    async def unfenced(self: Reconciler, md: Any, status: Any, *, acts: bool) -> None:
        await record(self, md, status)

    assert "".join(play(seed, (STALE_READ,)) for seed in range(60)) == ""
    monkeypatch.setattr(Reconciler, "_record", unfenced)
    assert "promise 4: rejected version" in "".join(play(seed, (STALE_READ,)) for seed in range(60))
