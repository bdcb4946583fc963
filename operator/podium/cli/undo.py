"""`podium undo`: name the champion again, or the one before."""

from functools import partial

import click

from podium.cli.change import Change, Target
from podium.cli.model_versions import to_version
from podium.cli.objects import InputError
from podium.cli.steer import Steering, steer, steers


@click.command(short_help="Name the champion again while another version is on trial, or else the champion before.")
@click.option("--to", "version", help="Name this version instead.")
@steers
def undo(steering: Steering, version: str | None) -> None:
    """Take back the last version of the ModelDeployment NAME: spec.model.version is the one before.

    While the version that the object names is not champion, that is the champion; else the one promoted before it.

    Exit code: 0 when it was written, 1 when nothing was, 2 for wrong arguments.
    """
    steer(steering, partial(_plan, version))


def _plan(version: str | None, about: Target) -> Change:
    return to_version(about, version or _before(about))


def _before(about: Target) -> str:
    status, model = about.status, about.spec.model
    champion = status.champion
    if champion is None:
        raise InputError(
            f"{about.name} was not changed: expected a champion to return to, found none; do: name it by --to"
        )
    named = champion.version == model.version if model.version is not None else status.challenger is None
    if not named and champion.of_model(model.name):
        return champion.version
    promoted = [entry for entry in status.history if entry.outcome == "Promoted" and entry.of_model(model.name)]
    earlier = [entry.version for entry in promoted if entry.version != champion.version]
    if status.former is not None and status.former.of_model(model.name):
        earlier.append(status.former.version)
    if not earlier:
        raise InputError(
            f"{about.name} was not changed: it remembers no champion before {champion.version}; do: --to VERSION"
        )
    return earlier[-1]
