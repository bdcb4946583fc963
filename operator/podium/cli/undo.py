"""`podium undo`: name the champion again, or the one before."""

from functools import partial

import click

from podium.cli.steer import Steering, steer, steers
from podium.steering import plans


@click.command(short_help="Name the champion again while another version is on trial, or else the champion before.")
@click.option("--to", "version", help="Name this version instead.")
@steers
def undo(steering: Steering, version: str | None) -> None:
    """Take back the last version of the ModelDeployment NAME: spec.model.version is the one before.

    While the version that the object names is not champion, that is the champion; else the one promoted before it.

    Exit code: 0 when it was written, 1 when nothing was, 2 for wrong arguments.
    """
    steer(steering, partial(plans.undo, version))
