"""`podium resume`: let a paused rollout go on."""

import click

from podium.cli.steer import Steering, steer, steers
from podium.steering import plans


@click.command(short_help="Let a paused rollout go on.")
@steers
def resume(steering: Steering) -> None:
    """Let the paused ModelDeployment NAME go on: spec.paused is false.

    Exit code: 0 when it is not paused, 1 when nothing was written, 2 for wrong arguments.
    """
    steer(steering, plans.resume)
