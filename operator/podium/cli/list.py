"""`podium list`: the fleet, one line a ModelDeployment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import click

from podium.api.v1alpha1.values.base import format_percent
from podium.cli.explained import Explanation
from podium.cli.explanation import Unexplained, explanation
from podium.cli.live import model_deployments, run
from podium.cli.options import Place, as_json, at_place
from podium.cli.screen import Screen
from podium.cli.tables import age, table, to_json

_HEAD = ("NAME", "VERSIONS", "PHASE", "WEIGHT", "NEAREST GUARD", "READY", "LAST DECISION", "AGE")


@dataclass(frozen=True)
class Nearest:
    """The guard that is nearest to a failure."""

    guard: str
    verdict: str
    towards_failed: float  # 1 is the proof


@dataclass(frozen=True)
class Row:
    """One ModelDeployment."""

    namespace: str
    name: str
    champion: str
    challenger: str
    phase: str
    paused: bool
    weight: int | None  # percent for the challenger
    nearest_guard: Nearest | None
    ready: str
    stalled: str
    message: str
    decision: str  # of the newest decision: its outcome; "" without one
    decided_version: str
    decided_at: datetime | None
    created: datetime | None
    problem: str = ""  # why the rest cannot be said


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
    rows = sorted(map(row, found), key=lambda it: (it.namespace, it.name))
    screen = Screen.present()
    screen.show(to_json(rows) if as_object else _text(rows, screen, everywhere=everywhere, now=datetime.now(UTC)))


def row(value: Mapping[str, Any]) -> Row:
    """What is to be said of one object, also of one that this version cannot read."""
    try:
        said = explanation(value)
    except Unexplained as error:
        metadata = value.get("metadata") or {}
        where = str(metadata.get("namespace", "")), str(metadata.get("name", ""))
        return Row(*where, "", "", "", False, None, None, "Unknown", "Unknown", "", "", "", None, None, str(error))
    decided = said.last_decision
    return Row(
        namespace=said.namespace,
        name=said.name,
        champion=said.champion,
        challenger=said.challenger,
        phase=said.phase.value,
        paused=said.paused,
        weight=said.weight,
        nearest_guard=_nearest(said),
        ready=said.condition("Ready"),
        stalled=said.condition("Stalled"),
        message=said.message,
        decision=decided.outcome if decided is not None else "",
        decided_version=decided.version if decided is not None else "",
        decided_at=decided.at if decided is not None else None,
        created=said.created,
    )


def _nearest(said: Explanation) -> Nearest | None:
    if said.nearest is None:
        return None
    guard, criterion = said.nearest
    return Nearest(guard, criterion.verdict, criterion.towards_failed)


def _text(rows: Sequence[Row], screen: Screen, *, everywhere: bool, now: datetime) -> str:
    if not rows:
        return "no ModelDeployments" if everywhere else "no ModelDeployments in this namespace; -A shows all"
    head = ("NAMESPACE", *_HEAD) if everywhere else _HEAD
    cells = [((one.namespace,) if everywhere else ()) + _cells(one, screen, now) for one in rows]
    problems = [
        screen.wrapped(f"{one.namespace}/{one.name} cannot be read: {one.problem}", 0) for one in rows if one.problem
    ]
    return "\n".join([*table(head, cells), *problems])


def _cells(one: Row, screen: Screen, now: datetime) -> tuple[str, ...]:
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
