"""A simulated trial is reconciled every second at first, and at every moment at which time alone changes something."""

from datetime import UTC, datetime, timedelta

import pytest

from podium.api.v1alpha1.status import Phase, Status, Trial
from podium.simulation.pace import pace
from tests.stories.simulator import spec_of

MOVED = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


def status(phase: Phase = Phase.CANARY) -> Status:
    steps = [{"weight": 50, "duration": "1h"}]
    rollout = spec_of("2", rollout={"steps": steps, "soak": "2h", "stepTimeout": "9h"}).rollout
    trial = Trial(
        generation=2,
        started_at=MOVED,
        terms_hash="",
        steps=rollout.steps,
        guards=rollout.guards,
        false_rollback_rate=rollout.false_rollback_rate,
        false_promotion_rate=rollout.false_promotion_rate,
        detect=rollout.detect,
        consecutive_failures=rollout.consecutive_failures,
        on_inconclusive=rollout.on_inconclusive,
        step_timeout=rollout.step_timeout,
        soak=rollout.soak,
        step_started_at=MOVED,
        weight_reached_at=MOVED,
    )
    return Status(phase=phase, phase_since=MOVED, trial=trial)


@pytest.mark.parametrize(("passed", "seconds"), [(10, 0), (100, 8), (3000, 250), (3590, 10)])
def test_reconciles_are_apart_by_a_part_of_the_time_since_the_move_and_miss_no_end_of_a_step(
    passed: float, seconds: float
) -> None:
    """A twelfth, while little has been lost or won."""
    assert pace(status(), MOVED + timedelta(seconds=passed)) == seconds


@pytest.mark.parametrize("phase", [Phase.STARTING, Phase.STABLE, Phase.ROLLING_BACK])
def test_where_nothing_is_counted_no_reconcile_is_left_out(phase: Phase) -> None:
    assert pace(status(phase), MOVED + timedelta(hours=1)) == 0
