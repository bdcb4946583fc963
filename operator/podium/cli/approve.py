"""`podium approve`: a person's approval of a version, for the gates that ask for one."""

from functools import partial

import click

from podium.cli.steer import Steering, steer, steers
from podium.steering import plans


@click.command(short_help="Approve a version, for the gates that ask for it.")
@click.option(
    "--by", "person", required=True, help="Who approves: a name that the gate accepts. Podium does not prove it."
)
@click.option("--version", help="Version that is approved.  [default: the one that a gate waits for, or Git names]")
@click.option("--digest", help="Approve these artifacts alone (sha256:…).")
@steers
def approve(steering: Steering, person: str, version: str | None, digest: str | None) -> None:
    """Approve a version of the ModelDeployment NAME: an entry more in spec.approvals.

    Who may write it is decided by RBAC, or by who may merge in Git; --by is a statement of the caller.

    Exit code: 0 when it is approved, 1 when nothing was written, 2 for wrong arguments.
    """
    steer(steering, partial(plans.approve, person, version, digest))
