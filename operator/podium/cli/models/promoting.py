"""`podium models promote`: a version's next place. Production is what Git says: the patch, or a commit."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import click
import yaml

from podium.api.v1alpha1.manifest import KIND
from podium.cli.documents import Unreadable, roots
from podium.cli.git_checkout import commit, yaml_files
from podium.cli.live import model_deployments, run
from podium.cli.models.asking import asks, model, number
from podium.cli.objects import InputError
from podium.cli.options import Place, at_place
from podium.cli.options import as_json as json_option
from podium.cli.screen import Screen
from podium.core.printable import plain
from podium.core.version_lifecycle import Stage, refusal
from podium.registry import Registry, Version
from podium.registry.uses import champion_alias, followed_alias, model_name
from podium.steering.change import AlreadySo, CannotSteer, Change, Target, checked, target
from podium.steering.model_versions import to_version

_PRODUCTION: Final = "production"
Json = Mapping[str, Any]


@dataclass(frozen=True)
class Aim:
    """What is promoted, and where to."""

    version: Version
    stage: str
    deployment: str | None
    place: Place
    git: Path | None


@click.command(short_help="Move a version to a stage: production as a patch for Git, the others as a tag.")
@model
@number
@click.argument("stage", metavar="STAGE|ALIAS")
@click.option("--deployment", metavar="NAME", help="ModelDeployment, where several serve MODEL.")
@click.option(
    "--git",
    type=click.Path(exists=True, path_type=Path),
    help="Commit it in this checkout or file: no cluster is asked.",
)
@click.option("--write", is_flag=True, help="Move an alias in the registry; only for one that no Git file can move.")
@at_place
@asks
@json_option
def promote(
    model: str,
    version: str,
    stage: str,
    registry: Registry,
    *,
    deployment: str | None,
    git: Path | None,
    place: Place,
    write: bool,
    as_object: bool,
) -> None:
    """Promote VERSION of MODEL to STAGE: trained, validated, staging, archived, production, or an alias.

    champion and production, and an alias that a ModelDeployment writes, are Git's: the patch of the ModelDeployment
    is printed, or with --git committed, and Podium tries the version before it serves. An alias that a ModelDeployment
    follows is moved in the registry, with --write. The other stages are a tag on the version, written at once. A move
    that the version's life does not allow is refused, with those that it does.

    Exit code: 0 when it was printed, committed or written, 1 when it was not, 2 for wrong arguments.
    """
    found = registry.version(model, version)
    name = _named(stage)
    aim = Aim(found, registry.champion if name is Stage.CHAMPION else stage, deployment, place, git)
    if isinstance(name, Stage) and name is not Stage.CHAMPION:
        registry.move(model, found.number, name)
        done = f"version {found.number} of {model} is {name}"
        _show(done, {"written": "registry", "message": done, "patch": {}}, as_object=as_object)
        return
    deployments = _deployments(aim)
    followers = [each for each in deployments if followed_alias(each) == aim.stage]
    writers = [each for each in deployments if champion_alias(each) == aim.stage]
    if name is Stage.CHAMPION or writers:
        _allowed(found)
        _to_production(aim, _the_one(writers, aim), as_object=as_object)
    else:
        _to_alias(registry, aim, followers, write=write, as_object=as_object)


def _named(stage: str) -> Stage | None:
    """The stage of this name; None for an alias."""
    name = stage.lower()
    return Stage.CHAMPION if name == _PRODUCTION else next((each for each in Stage if each == name), None)


def _allowed(found: Version) -> None:
    refused = refusal(found.number, found.stage, Stage.CHAMPION)
    if refused and found.stage is not Stage.CHAMPION:
        raise InputError(f"{refused}; do: podium models promote {found.model} {found.number} STAGE")
    if found.status not in {"", "READY"}:
        raise InputError(f"version {found.number} of {found.model} is {found.status}, expected READY; do: wait for it")


def _deployments(aim: Aim) -> list[Json]:
    """The ModelDeployments of the model: those of the checkout, or those of the cluster."""
    if aim.git is not None:
        there = [value for file in yaml_files(aim.git) for value in _in_file(file)]
    else:
        there = list(run(model_deployments(aim.place, everywhere=aim.place.namespace is None), None))
    named = [each for each in there if model_name(each) == aim.version.model]
    return [each for each in named if aim.deployment in {None, each["metadata"]["name"]}]


def _in_file(file: Path) -> list[Json]:
    try:
        values = [value for _, value in roots(file.read_bytes().decode())]
    except (Unreadable, UnicodeDecodeError):
        return []  # a chart's template, for example
    return [each for each in values if isinstance(each, dict) and each.get("kind") == KIND and each.get("metadata")]


def _the_one(found: Sequence[Json], aim: Aim) -> Json:
    if len(found) == 1:
        return found[0]
    where = f"in {aim.git}" if aim.git is not None else "in the cluster"
    there = ", ".join(_name(each) for each in found) or "none"
    advice = "name it with --deployment, or -n" if found else "apply one, or name its checkout with --git"
    raise InputError(
        f"expected one {KIND} {where} that serves {aim.version.model} and writes alias {aim.stage}, found {there}; "
        f"do: {advice}"
    )


def _name(value: Json) -> str:
    metadata = value["metadata"]
    return f"{metadata['namespace']}/{metadata['name']}" if metadata.get("namespace") else str(metadata["name"])


def _to_production(aim: Aim, value: Json, *, as_object: bool) -> None:
    name = str(value["metadata"]["name"])
    try:
        about = target(value, name)
        plan = partial(_names_version, aim.version.number)
        if aim.git is not None:
            change, where = commit(aim.git, about, plan)
            done = f"{change.subject}: {where}"
            follows = f"not pushed yet; once what applies it has it: {change.follows}"
            _show(
                done, {"written": "git", "message": done, "patch": change.patch, "next": follows}, as_object=as_object
            )
        else:
            _show_patch(name, checked(plan, about), as_object=as_object)
    except AlreadySo as known:
        done = f"nothing to do: {known}"
        _show(done, {"written": "nothing", "message": done, "patch": {}}, as_object=as_object)
    except CannotSteer as error:
        raise InputError(str(error)) from error


def _names_version(version: str, about: Target) -> Change:
    return to_version(about, version)


def _show_patch(name: str, change: Change, *, as_object: bool) -> None:
    advice = f"put the patch into Git, with --git PATH for the commit in a checkout; or: podium set version {name}"
    if as_object:
        values = {"written": "nothing", "message": change.done, "patch": change.patch, "next": f"do: {advice}"}
        Screen.present().show(json.dumps(values, indent=2))
        return
    click.echo(yaml.safe_dump({"spec": dict(change.patch)}, sort_keys=False), nl=False)
    click.echo(f"not written: {plain(change.done)} once this patch of {name} is; do: {advice}", err=True)


def _to_alias(registry: Registry, aim: Aim, followers: Sequence[Json], *, write: bool, as_object: bool) -> None:
    """An alias that nothing writes is moved in the registry, which is where those who follow it look."""
    version, alias = aim.version, aim.stage
    names = ", ".join(map(_name, followers)) or "no ModelDeployment"
    if alias in version.aliases:
        done = f"nothing to do: alias {alias} points to version {version.number} of {version.model}"
    elif not write:
        raise InputError(
            f"alias {alias} was not moved: {names} follows it, and no file in Git says where it points; do: add "
            f"--write to move it to version {version.number} in the registry"
        )
    else:
        registry.point(version.model, alias, version.number)
        done = f"alias {alias} points to version {version.number} of {version.model}, followed by {names}"
    written = "registry" if write and alias not in version.aliases else "nothing"
    _show(done, {"written": written, "message": done, "patch": {}}, as_object=as_object)


def _show(done: str, values: Json, *, as_object: bool) -> None:
    if as_object:
        Screen.present().show(json.dumps(values, indent=2))
        return
    click.echo(plain(done))
    if values.get("next"):
        click.echo(plain(str(values["next"])))
