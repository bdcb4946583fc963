"""`podium retry`: give what was rejected or blocked another try."""

from datetime import UTC, datetime
from functools import partial

import click

from podium.api.v1alpha1.values.base import format_time
from podium.cli.steer import Steering, steer, steers
from podium.steering import plans


@click.command(short_help="Give a rejected, aborted or blocked version another try.")
@click.option("--reason", help="Why, as a new text of at most 64 letters.  [default: the time]")
@steers
def retry(steering: Steering, reason: str | None) -> None:
    """Give the version that the ModelDeployment NAME names another try: spec.rollout.retry has a new text.

    What was said of its last trial is removed: spec.rollout.abort and spec.rollout.promote.

    Exit code: 0 when it was written, 1 when nothing was (also where nothing waits for it), 2 for wrong arguments.
    """
    steer(steering, partial(plans.retry, reason or format_time(datetime.now(UTC))))
