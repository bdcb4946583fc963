"""`podium retry`: give what was rejected or blocked another try."""

from datetime import UTC, datetime
from functools import partial
from typing import Final

import click

from podium.api.v1alpha1.status import Phase
from podium.api.v1alpha1.values.base import format_time
from podium.cli.change import Change, Target
from podium.cli.objects import InputError
from podium.cli.steer import Steering, steer, steers

_WAITS: Final = frozenset({Phase.REJECTED, Phase.BLOCKED, Phase.GATING})


@click.command(short_help="Give a rejected or blocked version another try.")
@click.option("--reason", help="Why, as a new text of at most 64 letters.  [default: the time]")
@steers
def retry(steering: Steering, reason: str | None) -> None:
    """Give the version that the ModelDeployment NAME names another try: spec.rollout.retry has a new text.

    Exit code: 0 when it was written, 1 when nothing was (also where nothing waits for it), 2 for wrong arguments.
    """
    steer(steering, partial(_plan, reason or format_time(datetime.now(UTC))))


def _plan(text: str, about: Target) -> Change:
    status = about.status
    if status.phase not in _WAITS and status.held is None and not status.rejected_templates:
        raise InputError(
            f"{about.name} was not changed: expected a version that is rejected, blocked or held, found phase "
            f"{status.phase}; do: podium explain {about.name}"
        )
    if about.spec.rollout.retry == text:
        raise InputError(
            f"{about.name} was not changed: spec.rollout.retry is {text!r} already; do: give a new --reason"
        )
    follows = "the version is tried again, with its gates first; requests to jobs and services are sent again"
    return Change({"rollout": {"retry": text}}, f"{about.name} is retried: {text}", follows, f"Retry {about.name}")
