"""`podium status`: where a rollout stands, as an exit code; with --wait, how it ends."""

import asyncio
from contextlib import aclosing
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

import click

from podium.api.v1alpha1.values.base import format_duration, parse_duration
from podium.cli.live import Connection, connected, run
from podium.cli.objects import InputError
from podium.cli.options import Place, as_json, at_place, named
from podium.cli.screen import Screen
from podium.cli.tables import to_json
from podium.cli.view import in_one_line, said_of
from podium.core.status.explained import Explanation
from podium.errors import Temporary

Standing = Literal["stable", "failed", "in progress"]
EXIT_CODES: Final = {"stable": 0, "failed": 1, "in progress": 2}


class Unseen(InputError):
    """Where the rollout stands is not known, which is no verdict on it."""

    exit_code = 3


@dataclass(frozen=True)
class Found:
    """Where the rollout stands, and why."""

    standing: Standing
    timed_out: bool
    namespace: str
    name: str
    phase: str
    champion: str
    challenger: str
    ready: str
    stalled: str
    message: str


class _Duration(click.ParamType[timedelta]):
    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        try:
            found = parse_duration(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        assert isinstance(found, timedelta)
        return found


@click.command(short_help="Say by the exit code where a rollout stands; --wait waits for its end.")
@named
@click.option("--wait", "waiting", is_flag=True, help="Wait until it is stable, or only a person can help.")
@click.option("--timeout", type=_Duration(), default="10m", show_default=True, help="How long to wait.")
@at_place
@as_json
def status(name: str, place: Place, *, waiting: bool, timeout: timedelta, as_object: bool) -> None:
    """Say where the rollout of the ModelDeployment NAME stands.

    It is stable once what the object names is what serves: `Ready` is True for its present generation. It has failed
    where only a person can help: its version was rejected, a gate failed, or it is stalled for another reason.

    Exit code: 0 stable; 1 rejected or stalled; 2 time over, without --wait still in progress, or wrong arguments; 3
    when there is no such ModelDeployment or it cannot be read.
    """
    try:
        found = run(_awaited(name, place, timeout) if waiting else _once(name, place), name)
    except InputError as error:
        raise Unseen(error.message) from error
    state = standing(found)
    late = waiting and state == "in progress"
    if as_object:
        Screen.present().show(to_json(_found(found, state, timed_out=late)))
    else:
        over = f" after {format_duration(timeout)}" if late else ""
        Screen.present().show(f"{_word(state)}{over}: {in_one_line(found)}")
    raise SystemExit(EXIT_CODES[state])


def standing(said: Explanation) -> Standing:
    """Where a rollout stands. A status about an older generation says nothing of this one."""
    if said.condition("Stalled") == "True":
        return "failed"
    return "stable" if said.condition("Ready") == "True" else "in progress"


async def _once(name: str, place: Place) -> Explanation:
    async with connected(place) as connection:
        return said_of(await connection.model_deployment(name), name)


async def _awaited(name: str, place: Place, longest: timedelta) -> Explanation:
    """Its end, or where it stands once the time is over. Raises what the first look raises."""
    async with connected(place) as connection:
        last = [said_of(await connection.model_deployment(name), name)]
        try:
            async with asyncio.timeout(longest.total_seconds()):
                await _follow(name, connection, last)
        except TimeoutError:
            pass  # what was seen last says where it stands
        return last[-1]


async def _follow(name: str, connection: Connection, seen: list[Explanation]) -> None:
    """Look at each change until the rollout has ended; the newest look is the last one of `seen`."""
    async with aclosing(connection.changes(name, with_pods=False)) as changes:
        async for _ in changes:
            try:
                seen[:] = [said_of(await connection.model_deployment(name), name)]
            except Temporary:
                continue  # the watch says so, and tells when the API server is back
            if standing(seen[-1]) != "in progress":
                return


def _found(said: Explanation, state: Standing, *, timed_out: bool) -> Found:
    return Found(
        standing=state,
        timed_out=timed_out,
        namespace=said.namespace,
        name=said.name,
        phase=said.phase.value,
        champion=said.champion,
        challenger=said.challenger,
        ready=said.condition("Ready"),
        stalled=said.condition("Stalled"),
        message=said.message,
    )


def _word(state: Standing) -> str:
    colours = {"stable": "green", "failed": "red", "in progress": "yellow"}
    return click.style(state, fg=colours[state])


if __name__ == "__main__":
    status()
