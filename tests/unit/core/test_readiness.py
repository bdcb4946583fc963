"""Ready is True only when what this generation of Git wants is what serves; a tool always knows what to do."""

from dataclasses import replace
from datetime import timedelta

import pytest

from podium.api.v1alpha1.spec.spec import Spec
from podium.api.v1alpha1.status import Condition, Phase, Rejection, Status
from podium.core.decide import decide
from podium.core.facts import (
    AutoscalerState,
    Facts,
    ModelVersion,
    ObservedState,
    PodState,
    Problem,
    RegistryState,
    SlotState,
    TrafficState,
)
from podium.core.fingerprints import rejection_hash
from podium.core.identity import Identity
from podium.core.rollout.trial_terms import new_trial
from podium.core.status.readiness import condition_of
from tests.stories.simulator import spec_of
from tests.unit.core.factories import NOW, facts, pinned

OLD = pinned("1")
SILENT = RegistryState()
GENERATION = 7


def serving(ready: int = 2, replicas: int = 2) -> SlotState:
    """The champion's slot, with so many ready pods."""
    pods = tuple(
        PodState(f"pod-{n}", f"pod-{n}", "1", ready=n < ready, identity=Identity("1", OLD.digest))
        for n in range(replicas)
    )
    return SlotState(runs=OLD, replicas=replicas, pods=pods)


def resting(spec: Spec, registry: RegistryState = SILENT, phase: Phase = Phase.STABLE, **world: object) -> Facts:
    """Version 1 is champion, a commit made another generation of it, and this is its first reconcile."""
    seen = ObservedState(
        registry=registry,
        slots={"a": serving()},
        traffic=TrafficState({"a": 100, "b": 0}, {"a": 100.0}, in_sync=True),
        autoscaler=AutoscalerState(),
    )
    ready = Condition(
        type="Ready",
        status="True",
        reason="Serving",
        message="version 1 serves",
        observed_generation=GENERATION - 1,
        last_transition_time=NOW,
    )
    status = Status(observed_generation=GENERATION - 1, phase=phase, phase_since=NOW, champion=OLD, conditions=[ready])
    given = facts(spec=spec, status=status, world=replace(seen, **world))  # type: ignore[arg-type]
    return replace(given, generation=GENERATION)


def known(version: str) -> RegistryState:
    return RegistryState(desired=ModelVersion(version, f"sha256:{version}"), alias="1")


def said(given: Facts) -> dict[str, tuple[str, str]]:
    """Status and reason of the conditions that tools read."""
    status = decide(given).status
    found = {kind: condition_of(status, kind) for kind in ("Ready", "Reconciling", "Stalled")}
    return {kind: (one.status, one.reason) for kind, one in found.items() if one is not None}


TWO = spec_of("1", serving={"replicas": 2})
MISSING = Problem("VersionNotFound", "version 99 is not there")
PENDING = Problem("DigestPending", "the artifacts are being downloaded")


@pytest.mark.parametrize(
    ("spec", "registry", "ready"),
    [
        (TWO, SILENT, ("True", "Serving")),  # what Git wants is champion: the registry has nothing to add
        (spec_of("2"), SILENT, ("Unknown", "Progressing")),
        (spec_of("99"), RegistryState(problem=MISSING), ("False", "VersionNotFound")),
        (spec_of("2"), RegistryState(problem=PENDING), ("Unknown", "DigestPending")),
        (spec_of("2", paused=True), known("2"), ("Unknown", "Paused")),
        (spec_of("2", paused=True), SILENT, ("Unknown", "Paused")),
    ],
)
def test_a_commit_is_ready_only_once_what_it_wants_is_champion(
    spec: Spec, registry: RegistryState, ready: tuple[str, str]
) -> None:
    found = said(resting(spec.model_copy(update={"serving": TWO.serving}), registry))
    assert found["Ready"] == ready
    assert found["Reconciling"][0] == ("False" if ready[0] == "True" else "True")
    assert found["Stalled"][0] == "False"


ALIAS = Spec.model_validate({"model": {"name": "churn", "alias": "prod"}, "serving": {"replicas": 2}})


def test_an_alias_counts_as_met_only_once_it_has_been_resolved() -> None:
    given = resting(ALIAS)
    assert said(given)["Ready"] == ("Unknown", "Progressing")
    ready = replace(given, observed=replace(given.observed, registry=known("1")))
    assert said(ready)["Ready"] == ("True", "Serving")
    later = replace(given, status=decide(ready).status)
    assert said(later)["Ready"] == ("True", "Serving"), "a registry that is silent later says nothing about it"


def test_a_rejection_does_not_speak_of_the_next_commit() -> None:
    spec = spec_of("2", serving={"replicas": 2})
    lost = Rejection(
        version="2",
        digest="sha256:2",
        reason="GuardFailed",
        message="20 % errors",
        at=NOW,
        generation=GENERATION,
        rejection_hash=rejection_hash(spec),
    )
    given = resting(spec, phase=Phase.REJECTED)
    given = replace(given, status=given.status.model_copy(update={"rejected": [lost], "message": "version 2 lost"}))
    assert said(given) == {
        "Ready": ("False", "VersionRejected"),
        "Reconciling": ("False", "VersionRejected"),
        "Stalled": ("True", "VersionRejected"),
    }
    given = replace(given, spec=spec_of("3", serving={"replicas": 2}), status=decide(given).status, generation=8)
    assert said(given)["Ready"] == ("Unknown", "Progressing")
    assert said(given)["Stalled"][0] == "False"
    assert decide(given).status.message == "querying the registry for churn; champion 1 serves"


def test_a_blocked_version_does_not_speak_of_the_next_commit() -> None:
    given = resting(ALIAS, phase=Phase.BLOCKED)
    given = replace(given, status=given.status.model_copy(update={"challenger": pinned("2", "b"), "message": "auc"}))
    assert said(given)["Stalled"][0] == "False"
    assert "auc" not in decide(given).status.message


@pytest.mark.parametrize(
    ("slot", "ready"),
    [
        (replace(serving(), up_to_date=False), ("Unknown", "Progressing")),  # changed by hand: not even asked for
        (replace(serving(), rolled_out=False), ("Unknown", "Progressing")),  # old and new pods
        (serving(1), ("Unknown", "Progressing")),
        (serving(2, replicas=1), ("Unknown", "Progressing")),  # not scaled yet
        (serving(0), ("False", "ChampionUnavailable")),
        (serving(), ("True", "Serving")),
    ],
)
def test_a_change_of_the_champions_pods_is_ready_once_it_has_rolled_out(
    slot: SlotState, ready: tuple[str, str]
) -> None:
    assert said(resting(TWO, slots={"a": slot}))["Ready"] == ready


def test_a_pod_that_is_replaced_later_does_not_take_ready_away() -> None:
    given = resting(TWO)
    later = replace(given, status=decide(given).status)
    later = replace(later, observed=replace(later.observed, slots={"a": serving(1)}))
    assert said(later)["Ready"] == ("True", "Serving")


@pytest.mark.parametrize(
    ("traffic", "ready"),
    [
        (TrafficState({"a": 100, "b": 0}, in_sync=False), ("Unknown", "Progressing")),
        (TrafficState({}), ("Unknown", "Progressing")),
        (TrafficState({"a": 50, "b": 50}, in_sync=True), ("Unknown", "Progressing")),
        (
            TrafficState({"a": 100}, problem=Problem("RouteNotAccepted", "no gateway")),
            ("False", "RouteNotAccepted"),
        ),
    ],
)
def test_a_change_of_traffic_is_ready_once_requests_go_where_it_says(
    traffic: TrafficState, ready: tuple[str, str]
) -> None:
    assert said(resting(TWO, traffic=traffic))["Ready"] == ready


@pytest.mark.parametrize(
    ("minutes", "reason", "expected"),
    [
        (9, "RouteRejected", {"Ready": ("Unknown", "Progressing"), "Stalled": ("False", "AsExpected")}),
        (10, "RouteRejected", {"Ready": ("False", "RouteRejected"), "Stalled": ("True", "RouteRejected")}),
        (10, "InProgress", {"Ready": ("Unknown", "Progressing"), "Stalled": ("False", "AsExpected")}),
    ],
)
@pytest.mark.parametrize("phase", [Phase.PROMOTING, Phase.CANARY])
def test_traffic_that_cannot_be_moved_is_stalled_in_the_end(
    phase: Phase, minutes: int, reason: str, expected: dict[str, tuple[str, str]]
) -> None:
    """A first version whose nodePort was taken was Reconciling for ever."""
    problem = Problem(reason, "Service churn is invalid: nodePort 31010 is already allocated")
    given = resting(spec_of("1"), phase=phase, traffic=TrafficState(problem=problem))
    trial = new_trial(given, OLD).model_copy(update={"step_started_at": NOW - timedelta(minutes=minutes)})
    status = given.status.model_copy(update={"champion": None, "challenger": OLD, "trial": trial, "conditions": []})
    found = said(replace(given, status=status))
    assert {kind: found[kind] for kind in expected} == expected


@pytest.mark.parametrize(
    ("seen", "ready"),
    [
        (AutoscalerState(), ("Unknown", "Progressing")),
        (AutoscalerState(problem=Problem("AutoscalerRejected", "no")), ("False", "AutoscalerRejected")),
        (AutoscalerState(there=True, up_to_date=True), ("True", "Serving")),
    ],
)
def test_an_autoscaler_that_git_asks_for_belongs_to_ready(seen: AutoscalerState, ready: tuple[str, str]) -> None:
    limits = {"minReplicas": 2, "maxReplicas": 3, "metrics": [{"type": "Pods"}]}
    spec = spec_of("1", serving={"replicas": 2, "autoscaling": limits})
    assert said(resting(spec, autoscaler=seen))["Ready"] == ready


def test_the_soak_is_ready_and_nothing_waits_for_it() -> None:
    given = resting(TWO, phase=Phase.SOAKING)
    given = replace(given, status=given.status.model_copy(update={"former": pinned("0", "b")}))
    found = said(replace(given, now=NOW + timedelta(seconds=1)))
    assert (found["Ready"][0], found["Reconciling"][0]) == ("True", "False")
