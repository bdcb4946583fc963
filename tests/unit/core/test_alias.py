"""The champion alias: Podium moves what it moved, and leaves alone what a person moved."""

from dataclasses import replace
from datetime import timedelta

import pytest

from podium.api.v1alpha1.registry_status import REQUESTED_LIMIT, RegistryStatus
from podium.api.v1alpha1.status import Phase, Status
from podium.core.actions import MoveAlias
from podium.core.decide import Decision, decide
from podium.core.facts import Facts, ObservedState, RegistryState, SlotState, TrafficState
from podium.core.rollout.alias import promoted
from podium.core.status.readiness import condition_of
from tests.stories.simulator import spec_of
from tests.unit.core.factories import NOW, facts, pinned


def resting(alias: str | None, *, seen: str | None = "1", asked: tuple[str, ...] = ("1",)) -> Facts:
    """Version 1 is champion; the alias was seen at a version, and points somewhere now."""
    known = RegistryStatus(alias=seen, requested=list(asked))
    status = Status(phase=Phase.STABLE, phase_since=NOW, champion=pinned("1"), registry=known)
    world = ObservedState(
        registry=RegistryState(alias=alias),
        slots={"a": SlotState(runs=pinned("1"), replicas=1)},
        traffic=TrafficState({"a": 100, "b": 0}, {"a": 100.0}, in_sync=True),
    )
    return facts(spec=spec_of("1"), status=status, world=world)


def moved(decision: Decision) -> list[str]:
    return [action.version for action in decision.actions if isinstance(action, MoveAlias)]


def in_sync(decision: Decision) -> tuple[str, str]:
    said = condition_of(decision.status, "RegistryInSync")
    assert said is not None
    return said.status, said.reason


def test_a_late_write_of_podiums_own_is_mended_and_no_person_is_blamed() -> None:
    """Version 2 was promoted and rolled back in the soak; the write for it lands after the one for version 1."""
    decision = decide(resting("2", asked=("2", "1")))
    assert moved(decision) == ["1"]
    assert in_sync(decision) == ("False", "InProgress")


@pytest.mark.parametrize("alias", ["7", ""])
def test_what_a_person_did_is_told_and_left_alone(alias: str) -> None:
    decision = decide(resting(alias, asked=("2", "1")))
    assert moved(decision) == []
    assert in_sync(decision) == ("False", "AliasChanged")


@pytest.mark.parametrize(("minutes", "moves"), [(9, ["1"]), (11, [])])
def test_a_version_that_was_asked_for_long_ago_is_where_a_person_put_the_alias(minutes: int, moves: list[str]) -> None:
    known = resting("2", asked=("2", "1"))
    asked_at = known.status.registry.model_copy(update={"requested_at": NOW - timedelta(minutes=minutes)})
    decision = decide(replace(known, status=known.status.model_copy(update={"registry": asked_at})))
    assert moved(decision) == moves
    assert in_sync(decision)[1] == ("InProgress" if moves else "AliasChanged")


def test_the_version_is_written_down_before_the_registry_is_asked_for_it() -> None:
    first = decide(resting("", seen=None, asked=()))
    assert moved(first) == ["1"]
    assert first.status.registry.requested == ["1"], "the status is written before the actions"
    assert first.status.registry.requested_at == NOW
    again = decide(replace(resting(""), status=first.status))
    assert moved(again) == ["1"], "a write that was refused is asked for again"
    assert again.status.registry == first.status.registry


def test_no_more_versions_are_kept_than_the_status_holds() -> None:
    many = tuple(str(number) for number in range(100, 100 + REQUESTED_LIMIT))
    asked = decide(resting("100", seen="100", asked=many)).status.registry.requested
    assert len(asked) == REQUESTED_LIMIT
    assert asked[-1] == "1"


def test_what_is_known_of_an_alias_outlives_another_address_of_the_registry() -> None:
    """At another address stands what a person set at the first; only another model has another alias."""
    known = RegistryStatus(target="http://mlflow.old churn@champion", alias="1", requested=["1"])
    given = resting("2")
    there = decide(replace(given, status=given.status.model_copy(update={"registry": known})))
    assert moved(there) == []
    assert in_sync(there) == ("False", "AliasChanged")
    other = known.model_copy(update={"target": "http://mlflow.old fraud@champion"})
    assert moved(decide(replace(given, status=given.status.model_copy(update={"registry": other})))) == ["1"]


def test_a_registry_at_another_address_that_has_no_alias_gets_it() -> None:
    known = RegistryStatus(target="http://mlflow.old churn@champion", alias="1", requested=["1"])
    given = resting("")
    assert moved(decide(replace(given, status=given.status.model_copy(update={"registry": known})))) == ["1"]


@pytest.mark.parametrize(("digest", "seen"), [("sha256:1", "1"), ("sha256:other", None)])
def test_a_promoted_number_with_other_bytes_is_another_version_and_moves_the_alias(
    digest: str, seen: str | None
) -> None:
    status = resting("7").status
    new = pinned("1", "b").model_copy(update={"digest": digest})
    assert promoted(status, new).alias == seen
