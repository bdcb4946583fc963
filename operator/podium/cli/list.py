"""`podium list`: the fleet, one line a ModelDeployment."""

from collections.abc import Sequence
from datetime import UTC, datetime

import click

from podium.api.v1alpha1.values.base import format_percent
from podium.cli.live import model_deployments, run
from podium.cli.options import Place, as_json, at_place
from podium.cli.screen import Screen
from podium.cli.tables import age, table, to_json
from podium.core.status.summary import Summary, summary

_HEAD = ("NAME", "VERSIONS", "PHASE", "WEIGHT", "NEAREST GUARD", "READY", "LAST DECISION", "AGE")


@click.command("list", short_help="Show all ModelDeployments: versions, phase, weight, nearest guard, last decision.")
@click.option("-A", "--all-namespaces", "everywhere", is_flag=True, help="Of all namespaces.")
@at_place
@as_json
def list_(place: Place, *, everywhere: bool, as_object: bool) -> None:
    """Show ModelDeployments, one a line: champion → challenger, phase, weight and what was decided last.

    NEAREST GUARD is the guard that is nearest to a failure; 100% is the proof. With -A, of all namespaces.

    Exit code: 0 when they are shown, 1 when they cannot be read, 2 for wrong arguments.
    """
    if everywhere and place.namespace is not None:
        raise click.UsageError("expected either --namespace or --all-namespaces")
    found = run(model_deployments(place, everywhere=everywhere), None)
    rows = sorted(map(summary, found), key=lambda it: (it.namespace, it.name))
    screen = Screen.present()
    screen.show(to_json(rows) if as_object else _text(rows, screen, everywhere=everywhere, now=datetime.now(UTC)))


def _text(rows: Sequence[Summary], screen: Screen, *, everywhere: bool, now: datetime) -> str:
    if not rows:
        return "no ModelDeployments" if everywhere else "no ModelDeployments in this namespace; -A shows all"
    head = ("NAMESPACE", *_HEAD) if everywhere else _HEAD
    cells = [((one.namespace,) if everywhere else ()) + _cells(one, screen, now) for one in rows]
    problems = [
        screen.wrapped(f"{one.namespace}/{one.name} cannot be read: {one.problem}", 0) for one in rows if one.problem
    ]
    return "\n".join([*table(head, cells), *problems])


def _cells(one: Summary, screen: Screen, now: datetime) -> tuple[str, ...]:
    if one.problem:
        return (one.name, "?", "?", "?", "?", one.ready, "?", age(one.created, now))
    arrow = "→" if screen.unicode else "->"
    versions = f"{one.champion or '-'} {arrow} {one.challenger}" if one.challenger else one.champion or "-"
    near = one.nearest_guard
    return (
        one.name,
        versions,
        f"{one.phase}, paused" if one.paused else one.phase,
        f"{one.weight}%" if one.weight is not None else "-",
        f"{near.guard} {format_percent(near.towards_failed)}" if near is not None else "-",
        one.ready,
        f"{one.decision} {one.decided_version}, {age(one.decided_at, now)} ago" if one.decision else "-",
        age(one.created, now),
    )


if __name__ == "__main__":
    list_()
