"""The plan: target minus what is seen, one row a situation."""

from dataclasses import replace
from datetime import timedelta

import pytest

from podium.api.v1alpha1.evidence import Slot
from podium.api.v1alpha1.spec.spec import Spec
from podium.api.v1alpha1.spec.traffic import SessionAffinity
from podium.api.v1alpha1.status import Phase, Pinned, Status, Trial
from podium.api.v1alpha1.traffic import Draining
from podium.core.actions import (
    NO_OVERRIDES,
    Action,
    AddFinalizer,
    MoveAlias,
    RemoveFinalizer,
    RouteOverrides,
    RunAutoscaler,
    RunSlot,
    SetTraffic,
    StopAutoscaler,
    StopSlot,
    TrialAffinity,
)
from podium.core.decide import decide
from podium.core.facts import (
    AutoscalerState,
    Facts,
    ObservedState,
    PodState,
    Problem,
    RegistryState,
    SlotState,
    TrafficState,
)
from podium.core.fingerprints import terms_hash, trial_id
from podium.core.identity import Identity
from tests.stories.simulator import spec_of
from tests.unit.core.factories import NOW, facts, pinned

OLD, NEW = pinned("1", "a"), pinned("2", "b")
SPEC = spec_of("2", serving={"replicas": 2}, rollout={"steps": [{"weight": 50}]})
TRIAL = Trial(
    generation=1,
    started_at=NOW,
    terms_hash=terms_hash(SPEC),
    steps=SPEC.rollout.steps,
    guards=SPEC.rollout.guards,
    on_inconclusive="Wait",
    step_timeout=SPEC.rollout.step_timeout,
    soak=SPEC.rollout.soak,
    step_started_at=NOW,
)


def runs(version: Pinned, ready: int, replicas: int = 2, digest: str = "") -> SlotState:
    pods = tuple(
        PodState(
            uid=f"{version.version}-{number}",
            name=f"{version.version}-{number}",
            version=version.version,
            ready=number < ready,
            identity=Identity(version.version, digest or version.digest) if number < ready else None,
        )
        for number in range(replicas)
    )
    return SlotState(runs=version, replicas=replicas, pods=pods)


def at(phase: Phase, old: SlotState, new: SlotState, weights: dict[Slot, int], **share: float) -> Facts:
    in_force: dict[Slot, float] = {"a": share.get("a", weights.get("a", 0)), "b": share.get("b", weights.get("b", 0))}
    world = ObservedState(slots={"a": old, "b": new}, traffic=TrafficState(weights, in_force, in_sync=True))
    status = Status(phase=phase, phase_since=NOW, champion=OLD, challenger=NEW, trial=TRIAL)
    return facts(spec=SPEC, status=status, world=world)


def done(given: Facts, kind: type[Action]) -> list[Action]:
    return [action for action in decide(given).actions if isinstance(action, kind)]


ALL_OLD: dict[Slot, int] = {"a": 100, "b": 0}
HALF: dict[Slot, int] = {"a": 50, "b": 50}
ALL_NEW: dict[Slot, int] = {"a": 0, "b": 100}


@pytest.mark.parametrize(
    ("phase", "new_ready", "weights", "asked"),
    [
        (Phase.CANARY, 2, ALL_OLD, HALF),
        (Phase.CANARY, 1, ALL_OLD, None),  # the share could not be carried
        (Phase.CANARY, 0, HALF, None),  # unready pods get no traffic anyhow; the weight stays asked for
        (Phase.PROMOTING, 2, HALF, ALL_NEW),
        (Phase.PROMOTING, 1, HALF, None),
        (Phase.ROLLING_BACK, 2, HALF, ALL_OLD),
        (Phase.ROLLING_BACK, 0, HALF, ALL_OLD),
        (Phase.ROLLING_BACK, 2, {}, ALL_OLD),
    ],
)
def test_traffic_moves_only_to_pods_that_can_carry_it(
    phase: Phase, new_ready: int, weights: dict[Slot, int], asked: dict[Slot, int] | None
) -> None:
    routes = done(at(phase, runs(OLD, 2), runs(NEW, new_ready), weights), SetTraffic)
    assert [route.weights for route in routes if isinstance(route, SetTraffic)] == ([asked] if asked else [])


def test_ready_pods_that_report_another_digest_get_no_traffic() -> None:
    given = at(Phase.CANARY, runs(OLD, 2), runs(NEW, 2, digest="sha256:other"), ALL_OLD)
    decision = decide(given)
    assert decision.status.phase is Phase.ROLLING_BACK
    assert not done(given, SetTraffic)


def test_traffic_stays_with_the_healthier_side_while_the_champion_has_no_ready_pod() -> None:
    assert not done(at(Phase.ROLLING_BACK, runs(OLD, 0), runs(NEW, 1), HALF), SetTraffic)
    assert done(at(Phase.ROLLING_BACK, runs(OLD, 0), runs(NEW, 0), HALF), SetTraffic)


@pytest.mark.parametrize(
    ("old_ready", "weights", "asked"),
    [
        (1, HALF, None),  # half of the champion's pods: half of the traffic, which it has
        (1, {"a": 20, "b": 80}, HALF),
        (1, {"a": 80, "b": 20}, None),  # it keeps what it has
        (2, {"a": 20, "b": 80}, ALL_OLD),
        (0, HALF, None),
        (1, ALL_OLD, None),
    ],
)
def test_on_the_gradual_way_back_the_champion_gets_what_its_ready_pods_stand_for(
    old_ready: int, weights: dict[Slot, int], asked: dict[Slot, int] | None
) -> None:
    given = at(Phase.ROLLING_BACK, runs(OLD, old_ready), runs(NEW, 2), weights)
    gradual = spec_of("2", serving={"replicas": 2}, traffic={"rollback": "Gradual"})
    routes = done(replace(given, spec=gradual), SetTraffic)
    assert [route.weights for route in routes if isinstance(route, SetTraffic)] == ([asked] if asked else [])


def test_a_gateway_that_is_behind_holds_the_pods_but_never_the_weight() -> None:
    given = at(Phase.ROLLING_BACK, runs(OLD, 2), runs(NEW, 2), HALF)
    behind = replace(given, observed=replace(given.observed, traffic=TrafficState(HALF, settling=True)))
    assert [type(action) for action in decide(behind).actions] == [SetTraffic]
    behind = replace(given, observed=replace(given.observed, traffic=TrafficState(ALL_OLD, settling=True)))
    assert decide(behind).actions == ()
    assert decide(behind).status.phase is Phase.ROLLING_BACK
    taken = TrafficState(ALL_OLD, {"a": 100, "b": 0}, in_sync=True)
    assert done(replace(given, observed=replace(given.observed, traffic=taken)), StopSlot)


# --- testers ----------------------------------------------------------------------------------------------------------

PREVIEW: dict[str, dict[str, str]] = {"gateway": {"name": "public"}, "preview": {"header": "x-podium-preview"}}
TO_B = RouteOverrides(preview="b")


def previewed(given: Facts, overrides: RouteOverrides, **preview: str) -> Facts:
    """The same, with testers by a header, who go where the overrides say."""
    traffic = Spec.model_validate(
        {
            "model": {"name": "churn", "version": "2"},
            "traffic": {**PREVIEW, "preview": {**PREVIEW["preview"], **preview}},
        }
    ).traffic
    spec = given.spec.model_copy(update={"traffic": traffic})
    seen = replace(given.observed, traffic=replace(given.observed.traffic, overrides=overrides))
    return replace(given, spec=spec, observed=seen)


def routed(given: Facts) -> list[tuple[dict[Slot, int], RouteOverrides]]:
    return [
        (dict(route.weights), route.overrides) for route in done(given, SetTraffic) if isinstance(route, SetTraffic)
    ]


@pytest.mark.parametrize(
    ("phase", "verified", "weights", "seen", "asked"),
    [
        (Phase.STARTING, 0, ALL_OLD, NO_OVERRIDES, None),
        (Phase.STARTING, 1, ALL_OLD, NO_OVERRIDES, (ALL_OLD, TO_B)),
        (Phase.STARTING, 1, ALL_OLD, TO_B, None),
        (Phase.STARTING, 1, ALL_OLD, RouteOverrides(preview="a"), (ALL_OLD, TO_B)),
        (Phase.STARTING, 0, ALL_OLD, TO_B, (ALL_OLD, NO_OVERRIDES)),  # nobody is there for them
        (Phase.STARTING, 1, {}, NO_OVERRIDES, (ALL_OLD, TO_B)),  # the route was changed by hand
        (Phase.CANARY, 1, ALL_OLD, NO_OVERRIDES, (HALF, TO_B)),
        (Phase.CANARY, 2, ALL_OLD, TO_B, (HALF, TO_B)),
        (Phase.CANARY, 0, HALF, TO_B, (ALL_OLD, NO_OVERRIDES)),  # nobody is there for anybody
        (Phase.PROMOTING, 1, HALF, TO_B, None),
        (Phase.PROMOTING, 2, HALF, TO_B, (ALL_NEW, NO_OVERRIDES)),
        (Phase.ROLLING_BACK, 2, HALF, TO_B, (ALL_OLD, NO_OVERRIDES)),
        (Phase.ROLLING_BACK, 2, ALL_OLD, TO_B, (ALL_OLD, NO_OVERRIDES)),
        (Phase.STABLE, 2, ALL_OLD, TO_B, (ALL_OLD, NO_OVERRIDES)),
    ],
)
def test_testers_reach_the_challenger_from_its_first_proved_pod_until_its_trial_is_over(
    phase: Phase,
    verified: int,
    weights: dict[Slot, int],
    seen: RouteOverrides,
    asked: tuple[dict[Slot, int], RouteOverrides] | None,
) -> None:
    given = previewed(at(phase, runs(OLD, 2), runs(NEW, verified), weights), seen, duration="1h")
    assert routed(given) == ([asked] if asked else [])


def test_ready_pods_that_report_another_digest_get_no_testers() -> None:
    given = at(Phase.CANARY, runs(OLD, 2), runs(NEW, 2, digest="sha256:other"), ALL_OLD)
    assert not any(overrides.preview for _, overrides in routed(previewed(given, NO_OVERRIDES)))


def test_one_look_without_a_word_of_the_pods_takes_no_tester_away() -> None:
    silent = runs(NEW, 2)
    silent = replace(silent, pods=tuple(replace(pod, identity=None) for pod in silent.pods))
    assert routed(previewed(at(Phase.STARTING, runs(OLD, 2), silent, ALL_OLD), TO_B)) == []
    assert routed(previewed(at(Phase.STARTING, runs(OLD, 2), silent, ALL_OLD), NO_OVERRIDES)) == []


def test_while_the_champion_has_no_ready_pod_testers_lose_the_challenger_and_users_go_to_it() -> None:
    """A gateway would send the champion's share to no pod."""
    given = at(Phase.ROLLING_BACK, runs(OLD, 0), runs(NEW, 1), HALF)
    assert routed(previewed(given, TO_B)) == [({"a": 0, "b": 100}, NO_OVERRIDES)]


def test_without_a_champion_nobody_is_first() -> None:
    given = previewed(at(Phase.STARTING, runs(OLD, 0), runs(NEW, 1), {}), NO_OVERRIDES)
    assert routed(replace(given, status=given.status.model_copy(update={"champion": None}))) == []


def test_a_slot_is_stopped_only_after_testers_are_seen_to_be_gone() -> None:
    given = at(Phase.ROLLING_BACK, runs(OLD, 2), runs(NEW, 2), ALL_OLD)
    idle = Draining(weight_removed_at=NOW, quiet_since=NOW - timedelta(minutes=1))
    given = replace(given, status=given.status.model_copy(update={"draining": idle}))
    assert not done(previewed(given, TO_B), StopSlot)
    assert done(previewed(given, NO_OVERRIDES), StopSlot)


@pytest.mark.parametrize(("hold", "phase"), [("0s", Phase.CANARY), ("1h", Phase.STARTING)])
def test_testers_have_the_challenger_for_themselves_as_long_as_it_is_held(hold: str, phase: Phase) -> None:
    given = previewed(at(Phase.STARTING, runs(OLD, 2), runs(NEW, 2), ALL_OLD), TO_B, duration=hold)
    assert decide(given).status.phase is phase
    assert decide(replace(given, now=NOW + timedelta(hours=1))).status.phase is Phase.CANARY


def test_a_former_champion_that_returns_is_not_held_for_testers() -> None:
    given = previewed(at(Phase.STARTING, runs(OLD, 2), runs(NEW, 2), ALL_OLD), TO_B, duration="1h")
    previously_promoted = given.status.model_copy(
        update={"trial": TRIAL.model_copy(update={"previously_promoted": True})}
    )
    assert decide(replace(given, status=previously_promoted)).status.phase is Phase.PROMOTING


# --- users who stay ---------------------------------------------------------------------------------------------------

STEPS = TRIAL.model_copy(
    update={"steps": spec_of("2", rollout={"steps": [{"weight": 5}, {"weight": 25}, {"weight": 50}]}).rollout.steps}
)


def users_stay(given: Facts, overrides: RouteOverrides = NO_OVERRIDES, at_step: int = 0) -> Facts:
    """The same with spec.traffic.session_affinity, and a trial of three steps that is at one of them."""
    given = previewed(given, overrides)
    traffic = given.spec.traffic.model_copy(
        update={"preview": None, "session_affinity": SessionAffinity(cookie_name="podium")}
    )
    trial = STEPS.model_copy(update={"step": at_step, "terms_hash": terms_hash(given.spec)})
    spec = given.spec.model_copy(update={"traffic": traffic})
    return replace(given, spec=spec, status=given.status.model_copy(update={"trial": trial}))


def stays(*weights: int) -> RouteOverrides:
    return RouteOverrides(session_affinity=TrialAffinity(trial_id(NEW, STEPS), "b", weights))


@pytest.mark.parametrize(
    ("now", "verified", "weights", "seen", "asked"),
    [
        ((Phase.STARTING, 0), 0, ALL_OLD, NO_OVERRIDES, None),
        ((Phase.CANARY, 0), 1, ALL_OLD, NO_OVERRIDES, ({"a": 95, "b": 5}, stays(5))),
        ((Phase.CANARY, 1), 1, {"a": 95, "b": 5}, stays(5), ({"a": 75, "b": 25}, stays(5, 25))),
        ((Phase.CANARY, 1), 0, {"a": 95, "b": 5}, stays(5), (ALL_OLD, NO_OVERRIDES)),  # its only pod is gone
        ((Phase.CANARY, 2), 1, {"a": 75, "b": 25}, stays(5, 25), (HALF, stays(5, 25, 50))),
        ((Phase.CANARY, 2), 1, HALF, NO_OVERRIDES, (HALF, stays(5, 25, 50))),  # somebody took the rules away
        ((Phase.PROMOTING, 2), 1, HALF, stays(5, 25, 50), None),
        ((Phase.PROMOTING, 2), 2, HALF, stays(5, 25, 50), (ALL_NEW, NO_OVERRIDES)),
        ((Phase.ROLLING_BACK, 2), 2, HALF, stays(5, 25, 50), (ALL_OLD, NO_OVERRIDES)),
    ],
)
def test_users_stay_on_their_side_while_both_sides_have_some(
    now: tuple[Phase, int],
    verified: int,
    weights: dict[Slot, int],
    seen: RouteOverrides,
    asked: tuple[dict[Slot, int], RouteOverrides] | None,
) -> None:
    phase, step = now
    given = users_stay(at(phase, runs(OLD, 2), runs(NEW, verified), weights), seen, step)
    assert routed(given) == ([asked] if asked else [])


def test_each_trial_has_a_name_of_its_own() -> None:
    later = STEPS.model_copy(update={"started_at": NOW + timedelta(milliseconds=1)})
    other = NEW.model_copy(update={"digest": "sha256:other"})
    assert len({trial_id(NEW, STEPS), trial_id(NEW, later), trial_id(other, STEPS)}) == 3
    assert trial_id(NEW, Trial.model_validate_json(STEPS.model_dump_json(by_alias=True))) == trial_id(NEW, STEPS)


# --- what is told, and in which order ---------------------------------------------------------------------------------


def test_what_is_in_the_way_of_traffic_is_told_in_condition_message_and_one_event() -> None:
    problem = Problem("RouteNotAccepted", "Gateway infra/public does not admit the route")
    given = at(Phase.ROLLING_BACK, runs(OLD, 2), runs(NEW, 2), HALF)
    given = replace(given, observed=replace(given.observed, traffic=TrafficState(HALF, settling=True, problem=problem)))
    decision = decide(given)
    condition = next(one for one in decision.status.conditions if one.type == "TrafficInSync")
    assert (condition.status, condition.reason, condition.message) == ("False", problem.reason, problem.message)
    assert problem.message in decision.status.message
    assert [event.reason for event in decision.events] == ["RouteNotAccepted"]
    assert decide(replace(given, status=decision.status)).events == ()


def test_a_slot_is_stopped_only_after_its_traffic_is_seen_to_be_gone() -> None:
    assert not done(at(Phase.ROLLING_BACK, runs(OLD, 2), runs(NEW, 2), HALF), StopSlot)
    assert not done(at(Phase.ROLLING_BACK, runs(OLD, 2), runs(NEW, 2), ALL_OLD, b=50), StopSlot)
    assert done(at(Phase.ROLLING_BACK, runs(OLD, 2), runs(NEW, 2), ALL_OLD), StopSlot)


def test_going_back_comes_before_everything_else() -> None:
    given = at(Phase.ROLLING_BACK, runs(OLD, 1, replicas=1), runs(NEW, 2), HALF)
    assert [type(action) for action in decide(given).actions] == [SetTraffic, RunSlot]


def test_what_is_in_place_is_left_alone() -> None:
    given = at(Phase.CANARY, runs(OLD, 2), runs(NEW, 2), HALF)
    assert decide(given).actions == ()


def test_drift_of_a_deployment_is_repaired() -> None:
    drifted = replace(runs(OLD, 2), up_to_date=False)
    assert done(at(Phase.CANARY, drifted, runs(NEW, 2), HALF), RunSlot) == [
        RunSlot(OLD, 2, why="Canary: version 1 with 2 pods")
    ]


def ran(given: Facts) -> list[RunSlot]:
    return [action for action in decide(given).actions if isinstance(action, RunSlot)]


@pytest.mark.parametrize(
    ("traffic", "held", "first"),
    [
        ({"httpRouteRef": {"name": "theirs"}}, False, [AddFinalizer, SetTraffic]),  # before the first weight
        ({"httpRouteRef": {"name": "theirs"}}, True, [SetTraffic]),
        ({"gateway": {"name": "public"}}, False, [SetTraffic]),
        ({}, True, [RemoveFinalizer, SetTraffic]),
    ],
)
def test_a_deletion_waits_where_a_route_is_adopted_and_nowhere_else(
    traffic: dict[str, object], held: bool, first: list[type[Action]]
) -> None:
    given = at(Phase.ROLLING_BACK, runs(OLD, 2), runs(NEW, 2), HALF)
    spec = spec_of("2", serving={"replicas": 2}, traffic=traffic)
    actions = decide(replace(given, spec=spec, observed=replace(given.observed, has_finalizer=held))).actions
    assert [type(action) for action in actions][: len(first)] == first


SCALED = {"replicas": 9, "autoscaling": {"minReplicas": 2, "maxReplicas": 3, "metrics": [{"type": "Pods"}]}}


@pytest.mark.parametrize(
    ("serving", "seen", "done"),
    [
        (SCALED, AutoscalerState(), [RunAutoscaler]),
        (SCALED, AutoscalerState(there=True), [RunAutoscaler]),
        (SCALED, AutoscalerState(there=True, up_to_date=True), []),
        (SCALED, None, []),  # it could not be observed_facts for
        ({"replicas": 3}, AutoscalerState(there=True), [StopAutoscaler]),
        ({"replicas": 3}, AutoscalerState(), []),
    ],
)
def test_the_autoscaler_is_as_the_spec_says(
    serving: dict[str, object], seen: AutoscalerState | None, done: list[type[Action]]
) -> None:
    world = ObservedState(
        slots={"a": runs(OLD, 3, replicas=3)}, traffic=TrafficState(ALL_OLD, {"a": 100}, True), autoscaler=seen
    )
    status = Status(phase=Phase.STABLE, phase_since=NOW, champion=OLD)
    given = facts(spec=spec_of("1", serving=serving), status=status, world=world)
    assert [type(action) for action in decide(given).actions] == done  # and the size is within its limits


def test_an_autoscaler_that_is_refused_is_told_and_holds_nothing_up() -> None:
    problem = Problem("AutoscalerRejected", "metrics[0].type: Unsupported value")
    given = at(Phase.CANARY, runs(OLD, 2), runs(NEW, 2), HALF)
    scaled = spec_of("2", serving={**SCALED, "replicas": 2}, rollout={"steps": [{"weight": 50}]})
    given = replace(given, spec=scaled, observed=replace(given.observed, autoscaler=AutoscalerState(problem=problem)))
    decision = decide(given)
    condition = next(one for one in decision.status.conditions if one.type == "AutoscalerInSync")
    assert (condition.status, condition.reason, condition.message) == ("False", problem.reason, problem.message)
    assert [event.reason for event in decision.events] == ["AutoscalerRejected"]
    assert decide(replace(given, status=decision.status)).events == ()
    assert decision.status.phase is Phase.CANARY
    assert all(one.type != "AutoscalerInSync" for one in decide(replace(given, spec=SPEC)).status.conditions)


@pytest.mark.parametrize(
    ("seen", "confirmed", "moves"),
    [
        ("", None, True),  # never set
        ("7", None, True),  # set by somebody before the first decision
        ("1", None, False),
        ("7", "1", False),  # it was where Podium put it: a person moved it
        ("7", "7", True),  # Podium's own older decision
        (None, "7", False),  # the registry has not answered
    ],
)
def test_the_alias_follows_decisions_and_respects_people(seen: str | None, confirmed: str | None, moves: bool) -> None:
    world = ObservedState(
        registry=RegistryState(alias=seen), slots={"a": runs(OLD, 2)}, traffic=TrafficState(ALL_OLD, {"a": 100}, True)
    )
    status = Status(phase=Phase.STABLE, phase_since=NOW, champion=OLD)
    status = status.model_copy(update={"registry": status.registry.model_copy(update={"alias": confirmed})})
    given = facts(spec=spec_of("1", serving={"replicas": 2}), status=status, world=world)
    assert [type(action) for action in decide(given).actions] == ([MoveAlias] if moves else [])
