"""`podium history`: what was decided of which version, and why."""

from collections.abc import Sequence
from datetime import UTC, datetime

import click

from podium.cli.live import model_deployment, run
from podium.cli.options import Place, as_json, at_place, named
from podium.cli.screen import Screen
from podium.cli.tables import age, table, to_json
from podium.cli.view import said_of
from podium.core.status.explained import PastDecision


@click.command(short_help="Show what was decided of which version, and why.")
@named
@at_place
@as_json
def history(name: str, place: Place, *, as_object: bool) -> None:
    """Show the decisions on versions of the ModelDeployment NAME, the newest first.

    The object remembers the last twenty; the registry's tags record each one on its version.

    Exit code: 0 when it is shown, 1 when there is no such ModelDeployment or it cannot be read, 2 for wrong arguments.
    """
    decided = list(reversed(said_of(run(model_deployment(name, place), name), name).history))
    screen = Screen.present()
    screen.show(to_json(decided) if as_object else _text(decided, datetime.now(UTC)))


def _text(decided: Sequence[PastDecision], now: datetime) -> str:
    if not decided:
        return "no decisions yet"
    head = ("AGO", "VERSION", "OUTCOME", "REASON", "ANSWERS", "BAD", "MESSAGE")
    rows = [
        (age(one.at, now), one.version, one.outcome, one.reason, _count(one.answers), _count(one.bad), one.message)
        for one in decided
    ]
    return "\n".join(table(head, rows))


def _count(number: int | None) -> str:
    return "-" if number is None else f"{number:,}"


if __name__ == "__main__":
    history()
