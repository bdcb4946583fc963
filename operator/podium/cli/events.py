"""`podium events`: the Events about a ModelDeployment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import click

from podium.adapters.kubernetes.read import moment
from podium.cli.live import connected, run
from podium.cli.options import Place, as_json, at_place, named
from podium.cli.screen import Screen
from podium.cli.tables import age, table, to_json


@dataclass(frozen=True)
class Event:
    """One Event."""

    at: datetime
    type: str  # Normal or Warning
    reason: str
    message: str
    reporter: str


@click.command(short_help="Show the Events about a ModelDeployment.")
@named
@at_place
@as_json
def events(name: str, place: Place, *, as_object: bool) -> None:
    """Show the Events about the ModelDeployment NAME, the newest last.

    The API server forgets Events, after an hour where it is set up as usual; `podium history` shows decisions.

    Exit code: 0 when they are shown, 1 when there is no such ModelDeployment or they cannot be read, 2 for wrong
    arguments.
    """
    found = run(_events(name, place), name)
    screen = Screen.present()
    screen.show(to_json(found) if as_object else _text(found, datetime.now(UTC)))


async def _events(name: str, place: Place) -> Sequence[Event]:
    async with connected(place) as connection:
        uid = (await connection.model_deployment(name)).get("metadata", {}).get("uid")
        about = [one for one in await connection.events(name) if (one.get("regarding") or {}).get("uid") == uid]
    return sorted(map(_event, about), key=lambda it: it.at)


def _event(found: Mapping[str, Any]) -> Event:
    when = found.get("eventTime") or found.get("deprecatedLastTimestamp")
    return Event(
        at=moment(when or (found.get("metadata") or {}).get("creationTimestamp")),
        type=str(found.get("type", "")),
        reason=str(found.get("reason", "")),
        message=str(found.get("note", "")),
        reporter=str(found.get("reportingController", "")),
    )


def _text(found: Sequence[Event], now: datetime) -> str:
    if not found:
        return "no Events; the API server forgets them: podium history shows decisions"
    rows = [(age(one.at, now), one.type, one.reason, one.message) for one in found]
    return "\n".join(table(("AGO", "TYPE", "REASON", "MESSAGE"), rows))


if __name__ == "__main__":
    events()
