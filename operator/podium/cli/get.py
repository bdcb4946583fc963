"""`podium get`: a ModelDeployment as a tree, and with -w each change of it."""

import asyncio
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Final

import click

from podium.api.v1alpha1.manifest import KIND
from podium.cli.live import connected, run
from podium.cli.objects import InputError
from podium.cli.options import Place, as_json, at_place, named
from podium.cli.screen import Screen
from podium.cli.tables import to_json
from podium.cli.tree import as_tree
from podium.cli.view import View, in_one_line, stamped, view
from podium.errors import NotFound, Temporary

_PAUSE: Final = 0.3  # seconds between two looks: what changes together is shown together
_CLEAR: Final = "\x1b[H\x1b[J"  # the cursor to the first place, and all behind it is gone


@click.command(short_help="Show a ModelDeployment as a tree: versions, pods, steps, gates and guards; -w watches.")
@named
@click.option("-w", "--watch", "watching", is_flag=True, help="Go on showing it, at each change.")
@at_place
@as_json
def get(name: str, place: Place, *, watching: bool, as_object: bool) -> None:
    """Show the ModelDeployment NAME as a tree: its versions with their pods, steps, gates and guards.

    Each guard has two bars: how near its evidence is to `failed`, and to `passed`; a full one is the proof. With -w the
    tree is drawn again at each change on a terminal; elsewhere each change is one line, or with --json one object.

    Exit code: 0 when it is shown, 1 when there is no such ModelDeployment or it cannot be read, or it is deleted while
    it is watched, 2 for wrong arguments.
    """
    if watching:
        run(_watched(name, place, as_object=as_object), name)
        return
    found, screen = run(_once(name, place), name), Screen.present()
    screen.show(to_json(found) if as_object else as_tree(found, screen))


async def _once(name: str, place: Place) -> View:
    async with connected(place) as connection:
        return await view(connection, name)


async def _watched(name: str, place: Place, *, as_object: bool) -> None:
    before = ""
    async with connected(place) as connection, aclosing(connection.changes(name, with_pods=True)) as changes:
        async for _ in changes:
            try:
                found = await view(connection, name)
            except NotFound as error:
                if not before:
                    raise
                raise InputError(f"{KIND} {name} was deleted") from error
            except Temporary:
                if not before:
                    raise
                continue  # the watch says so, and tells when the API server is back
            shown = _shown(found, as_object=as_object)
            if shown != before:
                _show(shown, as_object=as_object)
            before = shown
            await asyncio.sleep(_PAUSE)


def _shown(found: View, *, as_object: bool) -> str:
    if as_object:
        return to_json(found, indent=None)
    screen = Screen.present()
    return as_tree(found, screen) if screen.terminal else in_one_line(found.deployment)


def _show(text: str, *, as_object: bool) -> None:
    screen = Screen.present()
    if as_object:
        screen.show(text)
    elif screen.terminal:
        click.echo(_CLEAR, nl=False, color=True)  # not a colour: NO_COLOR leaves it
        screen.show(text)
    else:
        screen.show(stamped(text, datetime.now(UTC)))


if __name__ == "__main__":
    get()
