"""`podium pause`: stop all progress of a rollout."""

import click

from podium.cli.steer import Steering, steer, steers
from podium.steering import plans


@click.command(short_help="Stop all progress of a rollout; a rollback is never stopped.")
@steers
def pause(steering: Steering) -> None:
    """Stop all progress of the ModelDeployment NAME: spec.paused is true. A rollback is never stopped.

    Exit code: 0 when it is paused, 1 when nothing was written, 2 for wrong arguments.
    """
    steer(steering, plans.pause)
