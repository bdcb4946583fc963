"""The arms of an experiment, each seen as an ordinary trial sees its challenger.

An arm has a slot of its own. Its *view* are the facts with this arm alone in the free slot beside the champion: what
judges a challenger (tripwires, guards, counts, circumstances) judges an arm so, and knows of no others. α is shared:
of so many arms as have not failed a guard, each is judged at its part (Holm, `podium.core.analysis.sequential.holm`).
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.evidence import Slot
from podium.api.v1alpha1.experiment import Arm
from podium.api.v1alpha1.status import Phase, Pinned
from podium.core.analysis.sequential import arm_alpha
from podium.core.facts import ALL, Facts, TrafficState, other_than

T = TypeVar("T")


def view(facts: Facts, arm: Arm) -> Facts:
    """The facts as if this arm alone was on trial, in the free slot."""
    champion, known = facts.status.champion, facts.status.experiment
    assert champion is not None, "an experiment has a champion"
    free = other_than(champion.slot)
    seen = facts.observed.slot(arm.slot)
    runs = seen.runs.model_copy(update={"slot": free}) if seen.runs is not None else None
    observed = replace(
        facts.observed,
        slots={champion.slot: facts.observed.slot(champion.slot), free: replace(seen, runs=runs)},
        traffic=_traffic(facts.observed.traffic, arm.slot, champion.slot, free),
        counts={name: _sides(sides, arm.slot, champion.slot, free) for name, sides in facts.observed.counts.items()},
    )
    trial = arm.trial
    if trial is not None:
        alpha = arm_alpha(trial.false_rollback_rate, len(facts.status.arms), _failed(facts))
        trial = trial.model_copy(update={"false_rollback_rate": alpha})
    routed = known is not None and known.routed_at is not None
    update: Mapping[str, object] = {
        "phase": Phase.CANARY if routed else Phase.STARTING,
        "challenger": in_slot(arm.pinned, free),
        "trial": trial,
        "former": None,
        "arms": [],
        "experiment": None,
    }
    return replace(facts, status=facts.status.model_copy(update=update), observed=observed, unsaved=None, lost=None)


def in_slot(pinned: Pinned, slot: Slot) -> Pinned:
    """The same version in another slot."""
    return pinned.model_copy(update={"slot": slot})


def _failed(facts: Facts) -> int:
    """How many arms have failed a guard."""
    verdicts = (arm.verdict for arm in facts.status.arms if arm.verdict is not None)
    return sum(verdict.reason == reasons.GUARD_FAILED for verdict in verdicts)


def _traffic(traffic: TrafficState, arm: Slot, champion: Slot, free: Slot) -> TrafficState:
    """Weights as they are; what is in force as shares of the requests that the two get together."""
    shares = _sides(traffic.current, arm, champion, free)
    both = sum(shares.values())
    current = {slot: ALL * share / both for slot, share in shares.items()} if both else {}
    return replace(traffic, desired=_sides(traffic.desired, arm, champion, free), current=current)


def _sides(by_slot: Mapping[Slot, T], arm: Slot, champion: Slot, free: Slot) -> Mapping[Slot, T]:
    named = {champion: champion, arm: free}
    return {named[slot]: value for slot, value in by_slot.items() if slot in named}
