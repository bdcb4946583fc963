"""`podium models load-production`: the files of the version in production, in a folder."""

import re
from pathlib import Path

import click

from podium.cli.models.asking import asks, model
from podium.cli.models.shown import as_json
from podium.cli.options import as_json as json_option
from podium.errors import NotFound
from podium.registry import Registry


@click.command("load-production", short_help="Download the version in production, and print its folder.")
@model
@click.option("--to", type=click.Path(path_type=Path), help="Folder, which is made.  [default: ./MODEL-VERSION]")
@asks
@json_option
def load_production(model: str, to: Path | None, registry: Registry, *, as_object: bool) -> None:
    """Download the files of the version of MODEL in production, and print the folder that has them.

    That is the version to which the champion's alias points. The folder appears whole or not at all; one that has
    the files already is left as it is, and one that has others is refused. Where a digest was recorded, it must fit.

    Exit code: 0 when the folder is there, 1 when it is not, 2 for wrong arguments.
    """
    about = registry.model(model)
    if registry.champion not in about.aliases:
        there = ", ".join(sorted(about.aliases)) or "none"
        raise NotFound(
            f"nothing of {model} is in production: expected alias {registry.champion}, found {there}; do: promote a "
            "version (podium models promote), or name the alias with --champion-alias"
        )
    version = registry.version(model, about.aliases[registry.champion])
    folder = to or Path(f"{re.sub(r'[^A-Za-z0-9._-]', '-', model)}-{version.number}")
    found = registry.download(version, folder)
    if as_object:
        values = {
            "path": str(folder.resolve()),
            "version": version.number,
            "digest": found.digest,
            "fresh": found.fresh,
        }
        click.echo(as_json(values))
    else:
        click.echo(str(folder.resolve()))
