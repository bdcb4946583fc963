"""Where a verb that steers writes: to the cluster, to a checkout, or nowhere, where Git owns the object."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import wraps
from pathlib import Path
from typing import Any, Final, Literal

import click
import yaml

from podium.adapters.kubernetes import names
from podium.cli.change import AlreadySo, Change, Plan, Target, checked, merged, target
from podium.cli.git_checkout import commit
from podium.cli.git_owner import GitOwner, git_owner
from podium.cli.live import Connection, connected, run
from podium.cli.options import Command, Place, as_json, at_place
from podium.cli.screen import Screen
from podium.core.status.printable import plain
from podium.errors import Conflict

MANAGER: Final = "podium-cli"  # of the fields that a verb writes
_TRIES: Final = 10  # the operator writes the status meanwhile, each time with another resourceVersion


@dataclass(frozen=True)
class Steering:
    """Where a verb writes."""

    name: str
    place: Place
    git: Path | None
    force: bool
    as_object: bool


@dataclass(frozen=True)
class Done:
    """What a verb did."""

    namespace: str
    name: str
    written: Literal["cluster", "git", "nothing"]
    patch: Mapping[str, Any]  # of the spec
    message: str
    next: str


def steers(command: Command) -> Command:
    """Adds NAME and the options of a verb that steers, and hands them over as `steering`."""

    @click.argument("name")
    @click.option("--git", type=click.Path(exists=True, path_type=Path), help="Commit it in this checkout or file.")
    @click.option("--force", is_flag=True, help="Write to the cluster although Git owns the object.")
    @at_place
    @as_json
    @wraps(command)
    def steering(
        *args: Any, name: str, git: Path | None, force: bool, place: Place, as_object: bool, **rest: Any
    ) -> Any:
        if git is not None and force:
            raise click.UsageError("expected either --git or --force")
        return command(*args, steering=Steering(name, place, git, force, as_object), **rest)

    return steering


def steer(steering: Steering, plan: Plan) -> None:
    """Carry a plan out, and say what was done. Raises InputError where nothing was; ends with 1 where Git owns it."""
    done = run(_steered(steering, plan), steering.name)
    if steering.as_object:
        Screen.present().show(json.dumps(asdict(done), indent=2))
    else:
        click.echo(plain(done.message), err=done.written == "nothing" and bool(done.patch))
        if done.written == "nothing" and done.patch:
            click.echo(yaml.safe_dump({"spec": dict(done.patch)}, sort_keys=False), nl=False)
        if done.next:
            click.echo(plain(done.next), err=done.written == "nothing" and bool(done.patch))
    if done.written == "nothing" and done.patch:
        raise SystemExit(1)


async def _steered(steering: Steering, plan: Plan) -> Done:
    async with connected(steering.place) as connection:
        found = await connection.model_deployment(steering.name)
        about, owner = target(found, steering.name), git_owner(found)
        try:
            if steering.git is not None:
                return _committed(steering.git, about, plan, owner)
            if owner is not None and not steering.force:
                return _refused(about, checked(plan, about), owner)
            change = await _written(connection, found, plan, steering.name)
        except AlreadySo as known:
            return Done(about.namespace, about.name, "nothing", {}, f"nothing to do: {known}", "")
        return Done(about.namespace, about.name, "cluster", change.patch, change.done, _follows(change, owner))


async def _written(connection: Connection, found: Mapping[str, Any], plan: Plan, name: str) -> Change:
    """Patch what was read, and nothing newer: where another client wrote first, it is read and thought over again."""
    change = checked(plan, target(found, name))
    path = names.path(names.MODEL_DEPLOYMENTS, connection.namespace, name)
    for last in range(_TRIES - 1, -1, -1):
        body = {"metadata": {"resourceVersion": found["metadata"]["resourceVersion"]}, "spec": dict(change.patch)}
        try:
            await connection.api.merge(path, body, manager=MANAGER)
        except Conflict:
            if not last:
                raise
            found = await connection.model_deployment(name)
            if merged(found["spec"], change.patch) == found["spec"]:  # a try whose answer was lost
                return change
            change = checked(plan, target(found, name))
        else:
            return change
    raise AssertionError("the last try returns or raises")


def _follows(change: Change, owner: GitOwner | None) -> str:
    if owner is None:
        return change.follows
    return f"{change.follows}. {owner} owns the object: what Git says of these fields comes back {owner.comes_back}"


def _refused(about: Target, change: Change, owner: GitOwner) -> Done:
    message = (
        f"{about.name} was not changed: {owner} owns it. What Git says of these fields would come back "
        f"{owner.comes_back}, and what Git does not say would be known to the cluster alone. The patch:"
    )
    advice = "do: put the patch into Git, with --git PATH for the commit in a checkout; or write it anyway with --force"
    return Done(about.namespace, about.name, "nothing", change.patch, message, advice)


def _committed(checkout: Path, about: Target, plan: Plan, owner: GitOwner | None) -> Done:
    change, where = commit(checkout, about, plan)
    applies = str(owner) if owner is not None else "what applies it"
    message = f"{change.subject}: {where}"
    return Done(
        about.namespace,
        about.name,
        "git",
        change.patch,
        message,
        f"not pushed yet; once {applies} has it: {change.follows}",
    )
