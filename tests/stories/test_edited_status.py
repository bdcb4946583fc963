"""A status in which one value cannot be: a bad version loses its traffic all the same, and so does what Git leaves."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from podium.api.v1alpha1.status import Phase, Status
from podium.simulation.world import view
from podium.simulation.world.world import end_worlds
from tests.stories.simulator import SECOND, Simulation
from tests.stories.test_abort import ABORT, spec, tried

Path = tuple[str | int, ...]
WITH_TRAFFIC = (Phase.CANARY, Phase.PROMOTING, Phase.SOAKING)
NUMBERS = (-1, 0, 1, 99, 2**62, 1e308)
MOMENTS = ("9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "2026-01-06T00:00:00Z", "2026-01-01T00:00:00")
# Which version it is, and from what its pods are made, no other value of the status tells
IDENTITY = {"version", "digest", "model", "registry", "login", "revision", "specHash"}


def edit(sim: Simulation, path: Path, value: Any) -> None:
    """What another client writes into the status."""
    whole = json.loads(sim.status.model_dump_json(by_alias=True, exclude_none=True))
    part = whole
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    stored = sim.cluster._stored[view.KEY]
    stored.status, stored.version = Status.model_validate(whole), next(sim.cluster._numbers)
    sim.tell(view.KEY)


def turn_bad(sim: Simulation) -> None:
    sim.behaviour("2").bad_share = 1.0


def abort(sim: Simulation) -> None:
    sim.commit(spec("2", ABORT), "abort 2")


def revert(sim: Simulation) -> None:
    sim.commit(spec("1"), "back to version 1")


@pytest.mark.parametrize("leave", [turn_bad, abort, revert])
@pytest.mark.parametrize(
    ("phase", "path", "value"),
    [
        (Phase.CANARY, ("trial", "step"), 99),
        (Phase.PROMOTING, ("trial", "step"), 99),
        (Phase.CANARY, ("trial", "steps"), []),
        (Phase.CANARY, ("trial", "guards"), []),
        (Phase.CANARY, ("trial", "falseRollbackRate"), 0),
        (Phase.CANARY, ("champion", "slot"), "b"),
        (Phase.CANARY, ("challenger", "slot"), "a"),
        (Phase.SOAKING, ("former", "slot"), "b"),
        *(
            (phase, path, at)
            for at in MOMENTS
            for phase, path in (
                (Phase.CANARY, ("phaseSince",)),
                (Phase.CANARY, ("trial", "stepStartedAt")),
                (Phase.SOAKING, ("phaseSince",)),
                (Phase.SOAKING, ("trial", "soakingSince")),
                (Phase.SOAKING, ("trial", "evidence", "observedAt")),
            )
        ),
    ],
)
def test_a_rollback_waits_for_no_value_that_cannot_be(phase: Phase, path: Path, value: Any, leave: Any) -> None:
    """Each reconcile failed before its decision: neither a guard nor a person took the version out of the traffic."""
    sim = tried(phase)
    edit(sim, path, value)
    leave(sim)
    sim.until(lambda s: s.weights == {"a": 100, "b": 0}, within=60 * SECOND)
    assert sim.champion() == "1"


def test_a_trial_without_a_possible_step_is_tried_again() -> None:
    sim = tried(Phase.CANARY)
    edit(sim, ("trial", "step"), 99)
    sim.until(lambda s: s.weights == {"a": 100, "b": 0})
    sim.settle("2")


def test_a_version_whose_moments_cannot_be_has_its_times_again_and_is_promoted() -> None:
    sim = tried(Phase.SOAKING)
    edit(sim, ("trial", "soakingSince"), MOMENTS[0])
    sim.run(50 * SECOND)
    assert sim.status.phase is Phase.SOAKING
    sim.settle("2")


def edits(value: Any, path: Path = ()) -> Iterator[tuple[Path, tuple[Any, ...]]]:
    """Every value of the status that could be another one, with those that it is given."""
    if path[:2] == ("trial", "spec") or (path and (path[-1] in IDENTITY or path[0] == "conditions")):
        return
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from edits(inner, (*path, name))
    elif isinstance(value, list):
        yield path, ([],)
        for index, inner in enumerate(value):
            yield from edits(inner, (*path, index))
    elif isinstance(value, bool):
        yield path, (not value,)
    elif isinstance(value, int | float):
        yield path, NUMBERS
    elif str(path[-1]).endswith(("At", "Since", "since", "at", "until")):
        yield path, MOMENTS
    elif path[-1] == "slot":
        yield path, ("a", "b")


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_bad_version_loses_its_traffic_whatever_one_value_of_the_status_says(data: st.DataObject) -> None:
    sim = tried(data.draw(st.sampled_from(WITH_TRAFFIC)))
    known = json.loads(sim.status.model_dump_json(by_alias=True, exclude_none=True))
    path, values = data.draw(st.sampled_from(list(edits(known))))
    value = data.draw(st.sampled_from(values))
    try:
        edit(sim, path, value)
    except ValueError:
        return  # the API server refuses it
    turn_bad(sim)
    sim.until(lambda s: s.weights == {"a": 100, "b": 0}, within=120 * SECOND)
    end_worlds()
