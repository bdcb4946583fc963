"""`podium rollback`: return to the champion before this one, also while another version is on trial."""

from functools import partial

import click

from podium.cli.steer import Steering, signs, steer, steers
from podium.steering import verdicts


@click.command(short_help="Return to the champion before this one; --now waits for no pause and for no steps.")
@click.option("--now", is_flag=True, help="End a pause, and skip the steps that another pod template would need.")
@signs
@steers
def rollback(steering: Steering, by: str | None, reason: str | None, *, now: bool) -> None:
    """Return the ModelDeployment NAME to the champion before this one: spec.model.version names it.

    A version on trial loses its traffic first. The former champion needs no gates, and no steps where its pod template
    is trusted. With --now a pause ends, and spec.rollout.promote lets it skip steps in any case. A second rollback goes
    one champion further back.

    Exit code: 0 when it was written, 1 when nothing was, 2 for wrong arguments.
    """
    steer(steering, partial(verdicts.rollback, by, reason, now=now), signed=True)
