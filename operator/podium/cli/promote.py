"""`podium promote`: let a version on trial skip a step, or all that is left."""

from functools import partial

import click

from podium.cli.steer import Steering, signs, steer, steers
from podium.steering import verdicts


@click.command(short_help="Let a version on trial skip its step, or all that is left; never over a Failed guard.")
@click.option("--full", is_flag=True, help="Skip all steps that are left.")
@signs
@steers
def promote(steering: Steering, by: str | None, reason: str | None, *, full: bool) -> None:
    """Let the version on trial of the ModelDeployment NAME skip its step: spec.rollout.promote says so.

    Where the rollout is paused, it goes on instead: spec.paused is false. With --full it skips all steps that are left
    as well. Never skipped are a gate, a guard that is Failed, and the soak.

    Exit code: 0 when it was written, 1 when nothing was, 2 for wrong arguments.
    """
    steer(steering, partial(verdicts.promote, by, reason, full=full), signed=True)
