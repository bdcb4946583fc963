"""A champion's pod that cannot start is told, with the words of Kubernetes or of the pod, and is not ready."""

from dataclasses import replace
from datetime import timedelta

import pytest

from podium.api.v1alpha1.evidence import Slot
from podium.core.decide import decide
from podium.core.facts import Crash, Facts, PodState, SlotState
from podium.core.identity import Identity
from podium.core.rollout.hindrances import hindrances
from podium.core.status.readiness import condition_of
from tests.unit.core.factories import NOW
from tests.unit.core.test_readiness import OLD, TWO, resting, said, serving

MUTATED = Crash(NOW - timedelta(seconds=40), 5, "Error", "the artifacts have digest sha256:ff, expected sha256:1")
FROM_DAYS_AGO = replace(MUTATED, at=NOW - timedelta(days=3))


def beside(pod: PodState, *, stuck: str = "") -> SlotState:
    """Two old pods that serve, and a new one."""
    slot = serving()
    return replace(slot, pods=(*slot.pods, pod), rolled_out=False, stuck=stuck)


def new(**state: object) -> PodState:
    return replace(PodState("pod-new", "pod-new", "1", ready=False), **state)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("pod", "why"),
    [
        (new(waiting="ErrImagePull: model:typo is not there"), "ErrImagePull: model:typo is not there"),
        (new(waiting="CrashLoopBackOff: back-off 40s restarting failed container", crash=MUTATED), MUTATED.message),
        (new(crash=MUTATED), MUTATED.message),  # it loads once more
        (new(crash=replace(MUTATED, message="", reason="OOMKilled", exit_code=137)), "exit code 137 (OOMKilled)"),
        (new(waiting="Unschedulable: 0/3 nodes are available"), "Unschedulable: 0/3 nodes are available"),
    ],
)
def test_a_pod_of_the_champion_that_cannot_start_is_told_and_ready_is_false(pod: PodState, why: str) -> None:
    """A typo in the image and bytes that changed in the registry stayed Ready and silent for ever."""
    given = resting(TWO, slots={"a": beside(pod)})
    assert said(given)["Ready"] == ("False", "PodsNotStarting")
    decision = decide(given)
    ready = condition_of(decision.status, "Ready")
    assert ready is not None
    assert why in ready.message
    assert why in decision.status.message
    assert [event.reason for event in decision.events] == ["PodsNotStarting"]
    assert decide(replace(given, status=decision.status)).events == ()


def test_it_takes_ready_away_from_a_generation_that_had_it() -> None:
    given = resting(TWO)
    later = replace(given, status=decide(given).status)
    assert said(later)["Ready"][0] == "True"
    slots: dict[Slot, SlotState] = {"a": beside(new(waiting="ErrImagePull: not there"))}
    assert said(replace(later, observed=replace(later.observed, slots=slots)))["Ready"][0] == "False"


def test_a_quota_is_told_though_there_is_no_pod() -> None:
    given = resting(TWO, slots={"a": replace(serving(1, 1), replicas=2, rolled_out=False, stuck="exceeded quota: cpu")})
    assert said(given)["Ready"] == ("False", "PodsNotStarting")
    assert "exceeded quota: cpu" in decide(given).status.message


@pytest.mark.parametrize(
    "pod",
    [
        new(),
        new(crash=FROM_DAYS_AGO),  # a probe that failed says nothing about a crash of long ago
        new(ready=True, identity=Identity("1", OLD.digest), crash=MUTATED),
    ],
)
def test_a_pod_that_starts_or_serves_hinders_nothing(pod: PodState) -> None:
    given: Facts = resting(TWO, slots={"a": beside(pod)})
    assert hindrances(given, OLD) == []
    assert said(given)["Ready"] == ("Unknown", "Progressing")
