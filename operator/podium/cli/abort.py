"""`podium abort`: take a version on trial out of traffic, and keep it out."""

from functools import partial

import click

from podium.cli.steer import Steering, signs, steer, steers
from podium.steering import verdicts


@click.command(short_help="Take a version on trial out of traffic at once, and keep it out.")
@click.option("--version", help="Version that is aborted.  [default: the one on trial, or else the one that waits]")
@signs
@steers
def abort(steering: Steering, version: str | None, by: str | None, reason: str | None) -> None:
    """Take the version on trial of the ModelDeployment NAME out of traffic: spec.rollout.abort names it.

    The version is not rejected. It stays out until the field is removed (podium retry), or another version is named.

    Exit code: 0 when it is aborted, 1 when nothing was written, 2 for wrong arguments.
    """
    steer(steering, partial(verdicts.abort, version, by, reason), signed=True)
