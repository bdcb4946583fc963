"""`podium logs`: what the pods of a version log."""

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import click

from podium.adapters.kubernetes import names
from podium.api.v1alpha1.manifest import KIND
from podium.api.v1alpha1.status import Phase, Status
from podium.cli.live import Connection, connected, run
from podium.cli.objects import InputError
from podium.cli.options import Place, at_place, duration, named
from podium.cli.pod_logs import Asked, Line, Source, all_followed, once, problem, source
from podium.cli.screen import Screen
from podium.cli.tables import to_json
from podium.core.printable import plain
from podium.core.status.explanation import Unexplained, parsed
from podium.errors import PodiumError

_COLOURS: Final = ("cyan", "green", "yellow", "magenta", "blue", "bright_cyan", "bright_green", "bright_yellow")
_COLOUR_CODE: Final = re.compile(r"\x1b\[[0-9;]*m")
Role = str | None  # champion, challenger, a version, or None for all


@dataclass(frozen=True)
class _Wanted:
    """Whose pods are meant."""

    version: str | None
    slot: str | None
    words: str

    def __call__(self, one: Source) -> bool:
        by_slot = self.slot is not None and one.slot == self.slot
        return by_slot if self.slot is not None else self.version in {None, one.version}


@click.command(short_help="Show the logs of a version's pods, or of all; -f follows them.")
@named
@click.option("--version", "version", help="Of the pods of this version alone.")
@click.option("--challenger", "role", flag_value="challenger", help="Of the version on trial alone.")
@click.option("--champion", "role", flag_value="champion", help="Of the champion alone.")
@click.option("-f", "--follow", is_flag=True, help="Go on, also with pods that start later.")
@click.option("--since", callback=duration, help="Only what was logged in this time: 30s, 5m, 1h.")
@click.option("--tail", type=click.IntRange(0), help="Only so many lines of each pod.")
@click.option("-p", "--previous", is_flag=True, help="Of the container before the last restart.")
@click.option("-c", "--container", default=names.CONTAINER, show_default=True, help="Of this container of the pods.")
@at_place
@click.option("--json", "as_object", is_flag=True, help="Print one JSON object a line.")
def logs(
    name: str,
    place: Place,
    *,
    version: str | None,
    role: Role,
    follow: bool,
    since: timedelta | None,
    tail: int | None,
    previous: bool,
    container: str,
    as_object: bool,
) -> None:
    """Show what the pods of the ModelDeployment NAME log, each line after the name of its pod and its version.

    Pods whose log cannot be read are named on standard error, and the others are shown. With -f pods that start later
    are followed, too, and a container that restarts goes on where it was.

    Exit code: 0 when they are shown, 1 when there is no such ModelDeployment, no such pod, or no log could be read, 2
    for wrong arguments.
    """
    if version is not None and role is not None:
        raise click.UsageError("expected one of --version, --challenger and --champion")
    if follow and previous:
        raise click.UsageError("expected --follow or --previous: a container that has ended logs nothing more")
    asked = Asked(container, round(since.total_seconds()) if since is not None else None, tail, previous)
    printer = _Printer(Screen.present(), as_object=as_object)
    try:
        run(_shown(name, place, asked, (version, role), printer, follow=follow), name)
    except KeyboardInterrupt:
        raise SystemExit(130) from None  # as shells say it of SIGINT


class _Printer:
    """Shows lines, each pod in a colour of its own."""

    def __init__(self, screen: Screen, *, as_object: bool) -> None:
        self._screen = screen
        self._as_object = as_object
        self._colours: dict[str, str] = {}

    def __call__(self, line: Line) -> None:
        if self._as_object:
            self._screen.show(to_json(line, indent=None))
            return
        colour = self._colours.setdefault(line.pod, _COLOURS[len(self._colours) % len(_COLOURS)])
        prefix = click.style(plain(f"{line.pod} ({line.version})"), fg=colour)
        text = plain(_COLOUR_CODE.sub("", line.text).expandtabs())
        self._screen.show(f"{prefix} {text}")


async def _shown(
    name: str,
    place: Place,
    asked: Asked,
    about: tuple[str | None, Role],
    printer: Callable[[Line], None],
    *,
    follow: bool,
) -> None:
    async with connected(place) as connection:
        wanted = _wanted(await connection.model_deployment(name), name, *about)
        there = [source(pod, asked.container) for pod in await connection.pods(name)]
        found = sorted((one for one in there if wanted(one)), key=lambda one: (one.slot, one.name))
        if not found and not follow:
            others = ", ".join(sorted({f"{one.name} ({one.version})" for one in there})) or "none"
            raise InputError(f"{KIND} {name}: expected pods of {wanted.words}, found {others}; do: podium get {name}")
        if follow:
            for one in found:
                _say_waiting(one)
            await all_followed(connection, name, asked, wanted, printer)
            return
        if not await _all_once(connection, found, asked, printer):
            raise InputError(f"{KIND} {name}: no log of {wanted.words} could be read")


async def _all_once(
    connection: Connection, found: Sequence[Source], asked: Asked, printer: Callable[[Line], None]
) -> bool:
    """Pod by pod. Returns whether one could be read."""
    asking = [once(connection, one, asked) if one.starts else _nothing() for one in found]
    answers = await asyncio.gather(*asking, return_exceptions=True)
    read = False
    for one, answer in zip(found, answers, strict=True):
        if isinstance(answer, PodiumError):
            click.echo(plain(problem(one, answer)), err=True)
        elif isinstance(answer, BaseException):
            raise answer
        elif not one.starts:
            _say_waiting(one)
        else:
            read = True
            for line in answer:
                printer(line)
    return read


async def _nothing() -> Sequence[Line]:
    return []


def _say_waiting(one: Source) -> None:
    if not one.starts:
        click.echo(plain(problem(one, None)), err=True)


def _wanted(value: Mapping[str, Any], name: str, version: str | None, role: Role) -> _Wanted:
    """Whose pods are meant. Raises InputError where there is no version of this role."""
    if role is None and version is None:
        return _Wanted(None, None, "any version")
    try:
        _, status = parsed(value)
    except Unexplained as error:
        raise InputError(f"this version of podium cannot read {name}: {error}") from error
    if role is not None:
        found = status.champion if role == "champion" else _challenger(status)
        if found is None:
            raise InputError(
                f"{KIND} {name}: expected a {role}, found none in phase {status.phase}; do: podium get {name}"
            )
        return _Wanted(None, found.slot, f"{role} {found.version}")
    slot = next((pinned.slot for pinned in status.pinned if pinned.version == version and not _twice(status)), None)
    return _Wanted(version, slot, f"version {version}")


def _challenger(status: Status) -> Any:
    """The version under judgement: in a soak, that is the new champion."""
    return status.champion if status.phase is Phase.SOAKING and status.former is not None else status.challenger


def _twice(status: Status) -> bool:
    """Whether both slots have the same version: another pod template is on trial."""
    versions = [pinned.version for pinned in status.pinned]
    return len(set(versions)) != len(versions)


if __name__ == "__main__":
    logs()
