"""`podium pause`: stop all progress of a rollout."""

import click

from podium.cli.change import AlreadySo, Change, Target
from podium.cli.steer import Steering, steer, steers


@click.command(short_help="Stop all progress of a rollout; a rollback is never stopped.")
@steers
def pause(steering: Steering) -> None:
    """Stop all progress of the ModelDeployment NAME: spec.paused is true. A rollback is never stopped.

    Exit code: 0 when it is paused, 1 when nothing was written, 2 for wrong arguments.
    """
    steer(steering, _plan)


def _plan(about: Target) -> Change:
    if about.fields.get("paused") is True:
        raise AlreadySo(f"{about.name} is paused")
    follows = f"no step and no promotion until `podium resume {about.name}`; a rollback is never stopped"
    return Change({"paused": True}, f"{about.name} is paused", follows, f"Pause {about.name}")
