"""`podium resume`: let a paused rollout go on."""

import click

from podium.cli.change import AlreadySo, Change, Target
from podium.cli.steer import Steering, steer, steers


@click.command(short_help="Let a paused rollout go on.")
@steers
def resume(steering: Steering) -> None:
    """Let the paused ModelDeployment NAME go on: spec.paused is false.

    Exit code: 0 when it is not paused, 1 when nothing was written, 2 for wrong arguments.
    """
    steer(steering, _plan)


def _plan(about: Target) -> Change:
    if not about.fields.get("paused"):
        raise AlreadySo(f"{about.name} is not paused")
    follows = f"it goes on from phase {about.status.phase}"
    return Change({"paused": False}, f"{about.name} is not paused any more", follows, f"Resume {about.name}")
