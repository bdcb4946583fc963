"""Where a verb that steers writes: to the cluster, to a checkout, or nowhere, where Git owns the object."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import wraps
from pathlib import Path
from typing import Any, Literal

import click
import yaml

from podium.cli.git_checkout import commit
from podium.cli.live import connected, run
from podium.cli.objects import InputError
from podium.cli.options import Command, Place, as_json, at_place, named
from podium.cli.screen import Screen
from podium.core.printable import plain
from podium.steering.change import AlreadySo, CannotSteer, Change, Plan, Target, checked, target
from podium.steering.git_owner import GitOwner, git_owner
from podium.steering.writing import follows, refusal, written


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

    @named
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


def signs(command: Command) -> Command:
    """Adds by whom and why, for a verb that is a person's verdict."""
    by = click.option("--by", help="Who says so.  [default: the user for whom the API server takes you]")
    reason = click.option("--reason", help="Why; history, Events and the registry say it.")
    return by(reason(command))


def steer(steering: Steering, plan: Plan, *, signed: bool = False) -> None:
    """Carry a plan out, and say what was done. Raises InputError where nothing was; ends with 1 where Git owns it.

    A plan that is signed says who the caller is.
    """
    try:
        done = run(_steered(steering, plan, signed=signed), steering.name)
    except CannotSteer as error:
        raise InputError(str(error)) from error
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


async def _steered(steering: Steering, plan: Plan, *, signed: bool) -> Done:
    async with connected(steering.place) as connection:
        found = await connection.model_deployment(steering.name)
        user = await connection.user() if signed else ""
        about, owner = target(found, steering.name, user), git_owner(found)
        try:
            if steering.git is not None:
                return _committed(steering.git, about, plan, owner)
            if owner is not None and not steering.force:
                return _refused(about, checked(plan, about), owner)
            change = await written(connection.api, found, plan, user)
        except AlreadySo as known:
            return Done(about.namespace, about.name, "nothing", {}, f"nothing to do: {known}", "")
        return Done(about.namespace, about.name, "cluster", change.patch, change.done, follows(change, owner))


def _refused(about: Target, change: Change, owner: GitOwner) -> Done:
    advice = "do: put the patch into Git, with --git PATH for the commit in a checkout; or write it anyway with --force"
    return Done(about.namespace, about.name, "nothing", change.patch, refusal(about.name, owner), advice)


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
