"""Which registry is asked, and its errors as those of the command line."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import click

from podium.cli.objects import InputError
from podium.cli.options import Command
from podium.core.printable import plain
from podium.errors import PodiumError
from podium.registry import Registry
from podium.registry.rest import URI
from podium.registry.versions import CHAMPION


def asks(command: Command) -> Command:
    """Adds --registry and --champion-alias, and hands the registry over. Its errors end the command with 1."""

    @click.option("--registry", "uri", metavar="URI", default="", help=f"MLflow's address.  [default: {URI}]")
    @click.option(
        "--champion-alias", default=CHAMPION, show_default=True, metavar="ALIAS", help="The alias of production."
    )
    @wraps(command)
    def asking(*args: Any, uri: str, champion_alias: str, **rest: Any) -> Any:
        with told():
            return command(*args, registry=Registry(uri, champion=champion_alias), **rest)

    return asking


@contextmanager
def told() -> Iterator[None]:
    """An error of the registry ends the command: what it says is for the person."""
    try:
        yield
    except PodiumError as error:
        raise InputError(plain(str(error))) from error


model = click.argument("model")
number = click.argument("version")
