"""`podium set`: name another version, or follow another alias."""

from functools import partial

import click

from podium.cli.steer import Steering, steer, steers
from podium.steering.change import Change, Target
from podium.steering.model_versions import to_alias, to_version


@click.group("set", short_help="Name another version, or follow another alias.")
def set_() -> None:
    """Change spec.model of a ModelDeployment: `podium set version NAME VERSION`, `podium set alias NAME ALIAS`."""


@set_.command(short_help="Name a version.")
@steers
@click.argument("number", metavar="VERSION")
def version(steering: Steering, number: str) -> None:
    """Let the ModelDeployment NAME serve this VERSION, once it has passed gates and trial."""
    steer(steering, partial(_version, number))


@set_.command(short_help="Follow an alias.")
@steers
@click.argument("alias_name", metavar="ALIAS")
def alias(steering: Steering, alias_name: str) -> None:
    """Let the ModelDeployment NAME follow this ALIAS in the registry."""
    steer(steering, partial(_alias, alias_name))


def _version(number: str, about: Target) -> Change:
    return to_version(about, number)


def _alias(alias_name: str, about: Target) -> Change:
    return to_alias(about, alias_name)
