"""The rollout as a table. Everything else imports it; nothing else moves a phase.

The rules:

1. Read a row from left to right, worst news first: the first check that speaks decides; one move is made a look.
2. Where a row does not name a check, it is not asked. There are no other moves.
3. What a phase means for the world stands in `podium.core.postures`; no effect hangs on a move, so a crash between two
   writes heals by itself.
4. `spec.paused` silences the checks in PROGRESS and no others: a rollback is never held.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from podium.api.status import Phase, Verdict
from podium.core.checks import (
    Check,
    artifacts_changed,
    challenger_found,
    content,
    gate_failed,
    gates_passed,
    gates_wait,
    guard_broken,
    known_rejected,
    last_step_passed,
    overdue,
    promoted,
    restored,
    restored_from_a_loser,
    silence_ends_it,
    step_passed,
    terms_changed,
    trusted,
    warmed,
    warmed_unopposed,
    watch_passed,
    withdrawn,
)
from podium.core.facts import Facts
from podium.core.tripwires import tripped

PENDING, GATING, BLOCKED, WARMING, CANARY = Phase.PENDING, Phase.GATING, Phase.BLOCKED, Phase.WARMING, Phase.CANARY
PROMOTING, WATCHING, ROLLING_BACK = Phase.PROMOTING, Phase.WATCHING, Phase.ROLLING_BACK
REJECTED, SETTLED = Phase.REJECTED, Phase.SETTLED

# fmt: off
TRANSITIONS: Mapping[Phase, Mapping[Check, Phase]] = {
    PENDING:      {known_rejected: REJECTED, content: SETTLED, challenger_found: GATING},
    GATING:       {withdrawn: PENDING, artifacts_changed: PENDING, trusted: WARMING, gate_failed: BLOCKED,
                   gates_passed: WARMING},
    BLOCKED:      {withdrawn: PENDING, artifacts_changed: PENDING, gates_passed: WARMING, gates_wait: GATING},
    WARMING:      {withdrawn: ROLLING_BACK, terms_changed: ROLLING_BACK, tripped: ROLLING_BACK, overdue: ROLLING_BACK,
                   warmed_unopposed: PROMOTING, warmed: CANARY},
    CANARY:       {withdrawn: ROLLING_BACK, terms_changed: ROLLING_BACK, tripped: ROLLING_BACK,
                   guard_broken: ROLLING_BACK, last_step_passed: PROMOTING, step_passed: CANARY,
                   silence_ends_it: ROLLING_BACK},
    PROMOTING:    {withdrawn: ROLLING_BACK, tripped: ROLLING_BACK, guard_broken: ROLLING_BACK, promoted: WATCHING},
    WATCHING:     {withdrawn: ROLLING_BACK, tripped: ROLLING_BACK, guard_broken: ROLLING_BACK, watch_passed: SETTLED},
    ROLLING_BACK: {restored_from_a_loser: REJECTED, restored: PENDING},
    REJECTED:     {content: SETTLED, challenger_found: GATING},
    SETTLED:      {known_rejected: REJECTED, challenger_found: GATING},
}
# fmt: on

PROGRESS: frozenset[Check] = frozenset(
    {challenger_found, trusted, gates_passed, warmed, warmed_unopposed, step_passed, last_step_passed, watch_passed}
)


@dataclass(frozen=True)
class Move:
    """One step through the table, and what the check said."""

    source: Phase
    check: Check
    target: Phase
    verdict: Verdict


def next_move(facts: Facts) -> Move | None:
    """The move that the table makes on these facts, or None."""
    phase = facts.status.phase
    for check, target in TRANSITIONS[phase].items():
        if facts.spec.paused and check in PROGRESS:
            continue
        if (verdict := check(facts)) is not None:
            return Move(phase, check, target, verdict)
    return None
