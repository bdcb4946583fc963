"""The rollout as a table. Everything else imports it; nothing else moves a phase.

The rules:

1. Read a row from left to right, worst news first: the first check with a verdict decides; one move per reconcile.
2. Where a row does not name a check, it is not asked. There are no other moves.
3. What a phase means for the world is in `podium.core.traffic.phase_targets`; no effect hangs on a move, so a
   crash between two writes heals by itself.
4. `spec.paused`, and evidence that cannot be evaluated, silence the checks in PROGRESS and no others: a rollback is
   never held.
5. On the way back from a champion that is degraded, what Git says silences the checks in OF_GIT: that way is a rollback
   too. Only an abort of the version that is returned to ends it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from podium.api.v1alpha1.status import Phase, Verdict
from podium.core.facts import Facts
from podium.core.rollout.degraded_checks import champion_degraded, former_ready, former_restored, makes_way
from podium.core.rollout.experiment_checks import (
    arm_blamed,
    arm_gated,
    arm_lost,
    experiment_ended,
    experiment_ready,
    experiment_void,
)
from podium.core.rollout.gate_checks import gate_failed, gates_passed, gates_pending, previously_promoted
from podium.core.rollout.permission_checks import not_permitted
from podium.core.rollout.reload_checks import reload_failed, reload_in_place, reloaded
from podium.core.rollout.rollback_checks import rejection_rolled_back, rolled_back, template_rolled_back
from podium.core.rollout.steering_checks import aborted, kept_out, step_skipped, steps_skipped, testing_skipped
from podium.core.rollout.suspicion_checks import not_its_own_fault, own_fault
from podium.core.rollout.template_checks import template_changed, template_superseded
from podium.core.rollout.trial_checks import (
    challenger_ready,
    evidence_timeout,
    guard_failed,
    last_step_passed,
    promoted,
    ready_without_trial,
    soak_passed,
    startup_timeout,
    step_passed,
)
from podium.core.rollout.tripwires import tripped
from podium.core.rollout.version_checks import (
    already_champion,
    artifacts_changed,
    challenger_found,
    known_rejected,
    registry_moved,
    superseded,
    terms_changed,
)

# A check returns a verdict: a constant of `podium.api.v1alpha1.reasons`, and a message that a person can act on.
Check = Callable[[Facts], Verdict | None]

PENDING, GATING, BLOCKED, STARTING, CANARY = Phase.PENDING, Phase.GATING, Phase.BLOCKED, Phase.STARTING, Phase.CANARY
PROMOTING, SOAKING, ROLLING_BACK = Phase.PROMOTING, Phase.SOAKING, Phase.ROLLING_BACK
EXPERIMENTING = Phase.EXPERIMENTING
REJECTED, ABORTED, STABLE, RELOADING = Phase.REJECTED, Phase.ABORTED, Phase.STABLE, Phase.RELOADING

# fmt: off
TRANSITIONS: Mapping[Phase, Mapping[Check, Phase]] = {
    PENDING:      {known_rejected: REJECTED, already_champion: STABLE, own_fault: REJECTED, not_its_own_fault: PENDING,
                   champion_degraded: STARTING, kept_out: ABORTED, challenger_found: GATING},
    GATING:       {champion_degraded: STARTING, superseded: PENDING, aborted: ABORTED, not_permitted: PENDING,
                   registry_moved: PENDING, artifacts_changed: PENDING, arm_gated: PENDING, reload_in_place: RELOADING,
                   previously_promoted: STARTING, gate_failed: BLOCKED, gates_passed: STARTING},
    BLOCKED:      {champion_degraded: STARTING, superseded: PENDING, aborted: ABORTED, not_permitted: PENDING,
                   registry_moved: PENDING, artifacts_changed: PENDING, arm_gated: PENDING, reload_in_place: RELOADING,
                   gates_passed: STARTING, gates_pending: GATING},
    RELOADING:    {superseded: PENDING, aborted: ABORTED, not_permitted: PENDING, template_superseded: PENDING,
                   reload_failed: STARTING, reloaded: SOAKING},
    STARTING:     {superseded: ROLLING_BACK, aborted: ROLLING_BACK, not_permitted: ROLLING_BACK,
                   template_superseded: ROLLING_BACK, terms_changed: ROLLING_BACK, tripped: ROLLING_BACK,
                   startup_timeout: ROLLING_BACK, makes_way: ROLLING_BACK, former_ready: PROMOTING,
                   ready_without_trial: PROMOTING, challenger_ready: CANARY,
                   testing_skipped: CANARY},
    CANARY:       {superseded: ROLLING_BACK, aborted: ROLLING_BACK, not_permitted: ROLLING_BACK,
                   template_superseded: ROLLING_BACK, terms_changed: ROLLING_BACK, tripped: ROLLING_BACK,
                   guard_failed: ROLLING_BACK, makes_way: ROLLING_BACK, last_step_passed: PROMOTING,
                   step_passed: CANARY, steps_skipped: PROMOTING, step_skipped: CANARY, evidence_timeout: ROLLING_BACK},
    EXPERIMENTING: {experiment_void: PENDING, arm_lost: EXPERIMENTING, arm_blamed: EXPERIMENTING,
                   experiment_ended: PENDING},
    PROMOTING:    {superseded: ROLLING_BACK, aborted: ROLLING_BACK, not_permitted: ROLLING_BACK,
                   template_superseded: ROLLING_BACK, tripped: ROLLING_BACK, guard_failed: ROLLING_BACK,
                   former_restored: ROLLING_BACK, promoted: SOAKING},
    SOAKING:      {superseded: ROLLING_BACK, aborted: ROLLING_BACK, not_permitted: ROLLING_BACK,
                   template_superseded: ROLLING_BACK, tripped: ROLLING_BACK, guard_failed: ROLLING_BACK,
                   soak_passed: STABLE},
    ROLLING_BACK: {template_rolled_back: STABLE, rejection_rolled_back: REJECTED, rolled_back: PENDING},
    REJECTED:     {already_champion: STABLE, champion_degraded: STARTING, kept_out: ABORTED, challenger_found: GATING},
    ABORTED:      {known_rejected: REJECTED, already_champion: STABLE, champion_degraded: STARTING,
                   challenger_found: GATING},
    STABLE:       {known_rejected: REJECTED, champion_degraded: STARTING, kept_out: ABORTED,
                   challenger_found: GATING, template_changed: STARTING, experiment_ready: EXPERIMENTING},
}
# fmt: on

PROGRESS: frozenset[Check] = frozenset(
    {
        challenger_found,
        experiment_ready,
        template_changed,
        reload_in_place,
        reloaded,
        previously_promoted,
        gates_passed,
        challenger_ready,
        ready_without_trial,
        step_passed,
        last_step_passed,
        testing_skipped,
        step_skipped,
        steps_skipped,
        promoted,
        soak_passed,
    }
)
OF_GIT: frozenset[Check] = frozenset({superseded, aborted, not_permitted, template_superseded, terms_changed})


@dataclass(frozen=True)
class Move:
    """One step through the table, and what the check said."""

    source: Phase
    check: Check
    target: Phase
    verdict: Verdict


def next_move(facts: Facts) -> Move | None:
    """The move that the table makes on these facts, or None."""
    phase, trial = facts.status.phase, facts.status.trial
    ended_by = OF_GIT - {aborted} if trial is not None and trial.recovers is not None else frozenset[Check]()
    for check, target in TRANSITIONS[phase].items():
        if check in PROGRESS and (facts.spec.paused or not facts.evaluable):
            continue
        if check in ended_by:
            continue
        if (verdict := check(facts)) is not None:
            return Move(phase, check, target, verdict)
    return None
