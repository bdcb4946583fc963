"""Evidence that cannot be evaluated: tripwires and Git decide alone, and nothing else is lost or moved."""

from dataclasses import replace

import pytest

from podium.api.v1alpha1.status import Phase
from podium.core.decide import decide, decide_without_evidence
from podium.core.facts import Counters, Facts
from podium.core.rollout.transitions import PROGRESS
from podium.core.rollout.trial_checks import promoted
from podium.core.status import counted
from tests.stories.simulator import spec_of
from tests.unit.core.test_hostile_counters import canary, world

WORLD = world(Counters(100, 1), Counters(100, 0), {})


def failing(*_: object) -> None:
    raise ZeroDivisionError("in the accumulation itself")


def test_a_fault_in_the_accumulation_itself_does_not_stop_the_decision_without_evidence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    facts = replace(canary(), observed=WORLD)
    monkeypatch.setattr(counted, "accumulate", failing)
    with pytest.raises(ZeroDivisionError):
        decide(facts)
    decision = decide_without_evidence(facts, ZeroDivisionError("in the accumulation itself"))
    assert decision.status.phase is Phase.CANARY
    assert decision.status.trial is not None
    assert facts.status.trial is not None
    assert decision.status.trial.evidence == facts.status.trial.evidence
    assert decision.status.trial.guards == facts.status.trial.guards
    assert decision.status.conditions[-1].type == "GuardsEvaluated"


def test_a_tripwire_rolls_back_without_evidence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counted, "accumulate", failing)
    seen = world(Counters(100, 50, consecutive_bad=50), Counters(100, 0), {})
    decision = decide_without_evidence(replace(canary(), observed=seen), ZeroDivisionError())
    assert decision.status.phase is Phase.ROLLING_BACK


def in_promoting(*, paused: bool = False) -> Facts:
    facts = replace(canary(), observed=WORLD, spec=spec_of("2", paused=paused))
    traffic = replace(WORLD.traffic, desired={"a": 0, "b": 100}, in_sync=True)
    status = facts.status.model_copy(update={"phase": Phase.PROMOTING})
    return replace(facts, status=status, observed=replace(WORLD, traffic=traffic))


def test_a_version_whose_guards_cannot_be_evaluated_is_not_promoted() -> None:
    assert decide(in_promoting()).status.phase is Phase.SOAKING
    assert decide_without_evidence(in_promoting(), ZeroDivisionError()).status.phase is Phase.PROMOTING


def test_a_pause_stops_the_promotion_too() -> None:
    assert promoted in PROGRESS
    assert decide(in_promoting(paused=True)).status.phase is Phase.PROMOTING
