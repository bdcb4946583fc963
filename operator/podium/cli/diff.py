"""`podium diff`: which fields of the cluster's ModelDeployments a file would change."""

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

import click

from podium.cli.file_objects import FileObject, file_objects, of_files
from podium.cli.live import connected, run
from podium.cli.objects import InputError
from podium.cli.options import Place, as_json, at_place
from podium.cli.screen import Screen
from podium.cli.tables import to_json
from podium.core.printable import plain
from podium.planning.differences import Difference

_COLOURS: Final = {"added": "green", "changed": "yellow", "removed": "red"}
_SIGNS: Final = {"added": "+", "changed": "~", "removed": "-"}


class Trouble(InputError):
    """Whether there are differences is not known."""

    exit_code = 2


@click.command(short_help="Show which fields a file would change in the cluster.")
@of_files
@at_place
@as_json
def diff(sources: tuple[str, ...], place: Place, *, as_object: bool) -> None:
    """Show which fields of the cluster's ModelDeployments would change if FILE were applied; - is standard input.

    A list is replaced as a whole. A field that the file does not name goes if an earlier apply wrote it, and stays if
    another client did; those are named. Objects of other kinds are skipped.

    Exit code: 0 when nothing differs, 1 when something does, 2 for an invalid file, a cluster that cannot be read, or
    wrong arguments.
    """
    try:
        found = run(_all(sources, place), None)
    except InputError as error:
        raise Trouble(error.message) from error
    Screen.present().show(to_json(_objects(found)) if as_object else "\n".join(_lines(found)))
    raise SystemExit(1 if any(each.differences for each in found) else 0)


async def _all(sources: tuple[str, ...], place: Place) -> Sequence[FileObject]:
    async with connected(place) as connection:
        return await file_objects(connection, sources, named=place.namespace is not None)


def _objects(found: Sequence[FileObject]) -> list[Any]:
    return [
        {
            "namespace": each.namespace,
            "name": each.name,
            "new": each.there is None,
            "differences": [vars(one) for one in each.differences],
            "kept": list(each.applied.kept),
        }
        for each in found
    ]


def _lines(found: Sequence[FileObject]) -> Iterator[str]:
    for each in found:
        yield from headed(each)


def headed(each: FileObject) -> Iterator[str]:
    """The object, what differs of it, and what stays though the file does not name it."""
    if each.there is None:
        yield click.style(f"{plain(str(each))} is not there yet: it would be created", bold=True)
    elif each.differences:
        count = len(each.differences)
        yield click.style(f"{plain(str(each))}: {count} field{'s differ' if count > 1 else ' differs'}", bold=True)
    else:
        yield click.style(f"{plain(str(each))}: no differences", bold=True)
    yield from map(difference_line, each.differences)
    for path in each.applied.kept:
        yield f"  {plain(path)} stays: the file does not name it, and no apply wrote it"


def difference_line(one: Difference) -> str:
    """One field, before and after."""
    before, after = (plain(json.dumps(each, ensure_ascii=False)) for each in (one.before, one.after))
    values = {"added": after, "removed": before, "changed": f"{before} → {after}"}[one.kind]
    return click.style(f"  {_SIGNS[one.kind]} {plain(one.path)}: {values}", fg=_COLOURS[one.kind])


if __name__ == "__main__":
    diff()
