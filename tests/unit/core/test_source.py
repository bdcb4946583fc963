"""A version is one of its registry and its model: with another name in Git, the same number is another version."""

from dataclasses import replace

import pytest

from podium.api.v1alpha1.registry_status import RegistryStatus
from podium.api.v1alpha1.spec.spec import Spec
from podium.api.v1alpha1.status import HistoryEntry, Phase, Pinned, Rejection, Status
from podium.core.actions import MoveAlias, WriteTags
from podium.core.decide import decide
from podium.core.facts import Facts, ModelVersion, ObservedState, PodState, RegistryState, SlotState, TrafficState
from podium.core.fingerprints import rejection_hash
from podium.core.status.readiness import condition_of
from tests.unit.core.factories import NOW, facts

HOME, AWAY = "http://mlflow.ml", "http://mlflow.other"
CHURN = Pinned(registry=HOME, model="churn", login="login", version="2", digest="sha256:churn", slot="a")
FRAUD = ModelVersion("2", "sha256:fraud")
DECIDED = {"reason": "Promoted", "message": "it serves", "at": NOW, "generation": 1}


def spec_of(model: str, *, version: str = "2", uri: str | None = None, alias: str = "champion") -> Spec:
    registry = {"uri": uri, "secretName": "login", "aliases": {"champion": alias}}
    return Spec.model_validate({"model": {"name": model, "version": version}, "registry": registry})


def known(spec: Spec, *, desired: ModelVersion | None = None, alias: str | None = None, uri: str = HOME) -> Facts:
    """churn/2 is champion and at rest; its promotion is recorded."""
    promoted = HistoryEntry(
        registry=HOME, model="churn", version="2", digest=CHURN.digest, outcome="Promoted", recorded=True, **DECIDED
    )
    target = RegistryStatus(target=f"{HOME} churn@champion", requested=["2"], alias="2")
    status = Status(phase=Phase.STABLE, phase_since=NOW, champion=CHURN, history=[promoted], registry=target)
    world = ObservedState(
        registry=RegistryState(uri=uri, desired=desired, alias=alias, tags={"2": {}}),
        slots={"a": SlotState(runs=CHURN, replicas=1, pods=(PodState("pod", "pod", "2", ready=True),))},
        traffic=TrafficState({"a": 100, "b": 0}, {"a": 100.0}, in_sync=True),
    )
    return facts(spec=spec, status=status, world=world)


def writes(given: Facts) -> list[object]:
    return [action for action in decide(given).actions if isinstance(action, MoveAlias | WriteTags)]


def test_the_same_number_of_another_model_is_a_new_trial() -> None:
    decision = decide(known(spec_of("fraud"), desired=FRAUD, alias=""))
    assert decision.status.phase is Phase.GATING
    assert decision.status.challenger == Pinned(
        registry=HOME, model="fraud", login="login", version="2", digest="sha256:fraud", slot="b"
    )
    assert decision.status.champion == CHURN, "what is pinned stays pinned"


def test_before_the_registry_answers_the_old_champion_is_not_what_git_wants() -> None:
    decision = decide(known(spec_of("fraud")))
    ready = condition_of(decision.status, "Ready")
    assert ready is not None
    assert decision.status.phase is Phase.STABLE
    assert (ready.status, ready.reason) == ("Unknown", "Progressing")


@pytest.mark.parametrize("registry", ["fraud", "away"])
def test_the_champion_of_another_model_or_registry_is_written_into_no_alias_and_no_tags(registry: str) -> None:
    spec, uri = (spec_of("fraud"), HOME) if registry == "fraud" else (spec_of("churn", uri=AWAY), AWAY)
    given = known(spec, alias="", uri=uri)
    unrecorded = [entry.model_copy(update={"recorded": False}) for entry in given.status.history]
    given = replace(given, status=given.status.model_copy(update={"history": unrecorded}))
    assert writes(given) == []
    assert decide(given).status.history[0].recorded is False


def test_another_registry_with_other_bytes_has_another_version() -> None:
    decision = decide(known(spec_of("churn", uri=AWAY), desired=FRAUD, uri=AWAY))
    assert decision.status.phase is Phase.GATING
    assert decision.status.challenger is not None
    assert (decision.status.challenger.registry, decision.status.challenger.digest) == (AWAY, FRAUD.digest)


def test_another_registry_with_the_same_bytes_has_the_champion() -> None:
    """Its pods are made from another template, by which they are tried (tests/stories)."""
    decision = decide(known(spec_of("churn", uri=AWAY), desired=ModelVersion("2", CHURN.digest), uri=AWAY))
    assert (decision.status.phase, decision.status.champion) == (Phase.STABLE, CHURN)


def test_before_another_registry_answers_it_is_not_known_whether_it_has_the_champion() -> None:
    decision = decide(known(spec_of("churn", uri=AWAY), uri=AWAY))
    ready = condition_of(decision.status, "Ready")
    assert ready is not None
    assert (decision.status.phase, decision.status.champion) == (Phase.STABLE, CHURN)
    assert (ready.status, ready.reason) == ("Unknown", "Progressing")


def test_a_rejection_is_one_of_its_model() -> None:
    spec = spec_of("fraud")
    lost = Rejection(
        registry=HOME,
        model="churn",
        version="2",
        digest="sha256:fraud",
        reason="GuardFailed",
        message="errors",
        at=NOW,
        generation=1,
        rejection_hash=rejection_hash(spec),
    )
    given = known(spec, desired=FRAUD)
    rejected = replace(given, status=given.status.model_copy(update={"rejected": [lost]}))
    assert decide(rejected).status.phase is Phase.GATING
    own = lost.model_copy(update={"model": "fraud"})
    rejected = replace(given, status=given.status.model_copy(update={"rejected": [own]}))
    assert decide(rejected).status.phase is Phase.REJECTED


def test_an_alias_of_another_name_is_set_and_no_person_is_blamed() -> None:
    given = known(spec_of("churn", alias="prod"), desired=ModelVersion("2", CHURN.digest), alias="")
    (move,) = [action for action in writes(given) if isinstance(action, MoveAlias)]
    assert (move.alias, move.version) == ("prod", "2")
    said = condition_of(decide(given).status, "RegistryInSync")
    assert said is not None
    assert said.reason == "InProgress"


def test_a_mid_trial_change_of_the_model_ends_the_trial() -> None:
    given = known(spec_of("fraud"), desired=FRAUD)
    begun = decide(given).status  # fraud/2 is asked about
    back = replace(given, spec=spec_of("churn"), status=begun, observed=known(spec_of("churn")).observed)
    decision = decide(back)
    assert decision.move is not None
    assert decision.move.verdict.reason == "Superseded"
    assert "version 2 of churn now, not 2 of fraud" in decision.move.verdict.message


def test_a_login_is_that_of_the_registry_it_is_for() -> None:
    home, away = spec_of("churn"), spec_of("churn", uri=AWAY)
    named = {"registry": home.registry.model_copy(update={"secret_name": "newer"})}
    assert decide(known(home.model_copy(update=named))).status.champion == CHURN.model_copy(update={"login": "newer"})
    elsewhere = {"registry": away.registry.model_copy(update={"secret_name": "newer"})}
    assert decide(known(away.model_copy(update=elsewhere), uri=AWAY)).status.champion == CHURN
