"""`podium approve`: a person's approval of a version, for the gates that ask for one."""

from functools import partial
from typing import Any

import click

from podium.cli.change import AlreadySo, Change, Target
from podium.cli.objects import InputError
from podium.cli.steer import Steering, steer, steers


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
    steer(steering, partial(_plan, person, version, digest))


def _plan(person: str, version: str | None, digest: str | None, about: Target) -> Change:
    _accepted(person, about)
    number = version or _awaited(about)
    approval: dict[str, Any] = {"version": number, "by": person} | ({"digest": digest} if digest else {})
    there = list(about.fields.get("approvals") or [])
    if approval in there:
        raise AlreadySo(f"{person} approves version {number} of {about.name}")
    follows = "a gate that waits for it passes, unless its metric refuses the version; all other gates count as before"
    done = f"version {number} of {about.name} is approved by {person}"
    return Change({"approvals": [*there, approval]}, done, follows, f"Approve version {number} of {about.name}")


def _accepted(person: str, about: Target) -> None:
    """Refuses an approval that no gate would count."""
    gates = [gate for gate in about.spec.gates if gate.approval is not None]
    if not gates:
        raise InputError(f"{about.name} was not changed: no gate asks for an approval; see podium explain {about.name}")
    lists = [gate.approval.by for gate in gates if gate.approval is not None]
    if all(people and person not in people for people in lists):
        known = sorted({one for people in lists for one in people or []})
        expected = f"expected an approval by {' or '.join(known)}, found {person}"
        raise InputError(f"{about.name} was not changed: {expected}; do: ask one of them")


def _awaited(about: Target) -> str:
    asks = {gate.name for gate in about.spec.gates if gate.approval is not None}
    waiting = [gate.version for gate in about.status.gates if gate.name in asks and gate.state == "Pending"]
    found = next(filter(None, waiting), about.spec.model.version)
    if not found:
        raise InputError(f"{about.name} was not changed: no gate waits for an approval yet; do: name the --version")
    return found
