"""`podium migrate`: what other ways of keeping versions have, brought into the registry as Podium reads it."""

import json
from dataclasses import asdict
from pathlib import Path

import click

from podium.cli.models.asking import asks
from podium.cli.options import as_json as json_option
from podium.cli.screen import Screen
from podium.core.printable import plain
from podium.registry import Registry
from podium.registry.changes import Report, told
from podium.registry.pickle_migration import Pickled, migrate_pickle
from podium.registry.stages import migrate_stages
from podium.registry.trees import migrate_tree

_write = click.option("--write", is_flag=True, help="Carry it out; without it nothing is changed.")


@click.group(short_help="Bring MLflow's stages, pickles and folders into the registry as Podium reads it.")
def migrate() -> None:
    """Bring what other ways of keeping versions have into the registry. Nothing is changed without --write.

    To do it again changes nothing. What cannot be migrated is named, and left.
    """


@migrate.command(short_help="MLflow's stages to aliases and lifecycle.")
@click.argument("models", nargs=-1, metavar="[MODEL ...]")
@_write
@asks
@json_option
def stages(models: tuple[str, ...], registry: Registry, *, write: bool, as_object: bool) -> None:
    """Give versions the aliases and the lifecycle that their stages in MLflow mean; of all models without MODEL.

    The newest in Production gets the champion's alias, the newest in Staging the alias staging. Older ones in
    Production, and those in Archived, are deprecated. Aliases and tags that are there already are left as they are.

    Exit code: 0 when it was planned or done, 1 when the registry cannot be read or written, 2 for wrong arguments.
    """
    _show(migrate_stages(registry, models, write=write), as_object=as_object)


@migrate.command(short_help="A pickle or a file of joblib as a version.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--model", required=True, help="Registered model, which is made where it is not there.")
@click.option("--example", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Rows, CSV or JSON.")
@click.option("--allow", multiple=True, metavar="MODULE.NAME", help="A name that it may import, too; repeatable.")
@click.option("--load", is_flag=True, help="Load it, in a process of its own, once you have seen its imports.")
@_write
@asks
@json_option
def pickle(
    file: Path,
    registry: Registry,
    *,
    model: str,
    example: Path | None,
    allow: tuple[str, ...],
    load: bool,
    write: bool,
    as_object: bool,
) -> None:
    """Log and register the model in FILE, with a signature from the rows of --example, and its digest as a tag.

    A pickle is a program. What FILE would import is shown first, and nothing of it is run. It is loaded with --load
    alone, in another process, which imports nothing but names of a table of what models are made of, and those that
    you --allow. Anything else is refused, with what it would run.

    Exit code: 0 when it was planned or done, 1 when it is refused or cannot be read, 2 for wrong arguments.
    """
    found, report = migrate_pickle(registry, Pickled(file, model, example, allow), load=load, write=write)
    if as_object:
        Screen.present().show(json.dumps({"scan": asdict(found), **asdict(report)}, indent=2))
    else:
        for name in found.imports:
            click.echo(plain(f"imports {name}"))
        if found.problem:
            click.echo(plain(f"read as far as it could be: {found.problem}"))
        _show(report, as_object=False)
    raise SystemExit(1 if found.refused or (load and report.left) else 0)


@migrate.command(short_help="A folder registry as versions.")
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--model", default="", help="Registered model of all.  [default: the first folder of each path]")
@click.option("--load", is_flag=True, help="Load pickles, each in a process of its own.")
@_write
@asks
@json_option
def tree(folder: Path, registry: Registry, *, model: str, load: bool, write: bool, as_object: bool) -> None:
    """Log and register the versions that folders below DIR keep, with params.json and metrics.json beside them.

    A version is a folder with an MLmodel, or with model.joblib, model.pkl or model.pickle. Folders named production
    or staging say which alias it gets, the first other part of its path is its model, and the rest the order. Pickles
    are loaded as podium migrate pickle does, with --load.

    Exit code: 0 when it was planned or done, 1 when the registry cannot be read or written, 2 for wrong arguments.
    """
    _show(migrate_tree(registry, folder, model, load=load, write=write), as_object=as_object)


def _show(report: Report, *, as_object: bool) -> None:
    if as_object:
        Screen.present().show(json.dumps(asdict(report), indent=2))
        return
    for line in told(report):
        click.echo(plain(line))
    if report.changes and not report.written:
        click.echo("nothing was changed; do: add --write", err=True)
