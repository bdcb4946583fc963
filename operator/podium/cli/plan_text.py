"""What a file would do, as a text for people."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

import click

from podium.api.v1alpha1.values.base import format_duration, format_time
from podium.cli.diff import difference_line
from podium.cli.policies import Permission
from podium.cli.screen import Screen
from podium.cli.tables import coloured
from podium.core.printable import plain
from podium.planning.differences import Difference
from podium.planning.outlook import ForeseenGate, Outlook
from podium.simulation.figures import Spread


@dataclass(frozen=True)
class Takes:
    """How long a trial takes, by simulation: seconds since the challenger's first traffic."""

    requests_per_s: float
    trials: int
    promoted: Spread | None  # of a good version; None where none was promoted
    rolled_back: Spread | None  # of a bad one


@dataclass(frozen=True)
class PlanFound:
    """What one object of the file would do."""

    namespace: str
    name: str
    new: bool
    same_meaning: bool  # the operator reads the same from both
    differences: Sequence[Difference]
    kept: Sequence[str]
    permission: Permission
    outlook: Outlook
    registry: str
    registry_problem: str  # why it could not be read; "" where it was
    takes: Takes | None  # None where no version takes steps, or it was not simulated
    not_simulated: str  # why; "" where it was


def as_text(found: PlanFound, screen: Screen) -> str:
    """The text, without a newline at its end."""
    return "\n".join(
        [
            *_head(found, screen),
            *_permission(found.permission, screen),
            *_follows(found.outlook, screen),
            *_gates(found, screen),
            *_time(found, screen),
        ]
    )


def _head(found: PlanFound, screen: Screen) -> Iterator[str]:
    name = plain(f"{found.name} in {found.namespace}")
    count = len(found.differences)
    if found.new:
        yield click.style(f"{name}: would be created", bold=True)
        return
    said = f"{count} field{'s differ' if count > 1 else ' differs'}" if count else "no differences"
    yield click.style(f"{name}: {said}", bold=True)
    yield from map(difference_line, found.differences)
    if count and found.same_meaning:
        yield screen.wrapped("the operator reads the same from both: nothing changes for it", 2)
    for path in found.kept:
        yield screen.wrapped(f"{path} stays: the file does not name it, and no apply wrote it", 2)


def _permission(said: Permission, screen: Screen) -> Iterator[str]:
    if said.problem:
        yield screen.wrapped(f"permitted: not known for sure: {said.problem}", 0)
    if not said.refusals:
        return
    by = f"by {', '.join(map(plain, said.policies))}" if said.policies else "as no PodiumPolicy matches the namespace"
    yield click.style(f"not permitted, {by}; nothing new begins until it is granted:", fg="red")
    for each in said.refusals:
        yield screen.wrapped(plain(f"{each.field}: {each.found}: {each.ask}"), 2)


def _follows(seen: Outlook, screen: Screen) -> Iterator[str]:
    colour = {"goes on": "green", "restarts": "yellow", "ends": "red"}.get(seen.trial)
    yield click.style(screen.wrapped(f"trial: {seen.trial_message}", 0), fg=colour)
    if not seen.moves and not seen.message:
        return
    yield "then:"
    for move in seen.moves:
        yield screen.wrapped(f"{move.phase}: {move.message}", 2)
    if seen.message:
        yield screen.wrapped(seen.message, 2)


def _gates(found: PlanFound, screen: Screen) -> Iterator[str]:
    gates = found.outlook.gates
    if not gates and not found.registry_problem:
        return
    version = found.outlook.version
    yield f"gates{f' for version {plain(version)}' if version else ''}:" if gates else "gates: the spec has none"
    if found.registry_problem:
        where = f" {found.registry}" if found.registry else ""
        yield screen.wrapped(f"the registry{where} could not be read from here: {found.registry_problem}", 2)
    width = max((len(gate.gate) for gate in gates), default=0)
    for gate in gates:
        yield _gate(gate, width)


def _gate(gate: ForeseenGate, width: int) -> str:
    when = f" (the operator's last result, since {format_time(gate.at)})" if gate.at is not None else ""
    return f"  {plain(gate.gate).ljust(width)}  {coloured(gate.state)}  {plain(gate.message)}{when}"


def _time(found: PlanFound, screen: Screen) -> Iterator[str]:
    if found.not_simulated:
        yield screen.wrapped(f"time: not simulated: {found.not_simulated}", 0)
    if found.takes is None:
        return
    takes = found.takes
    yield screen.wrapped(
        f"time: a whole trial of a good version takes {_spread(takes.promoted, 'it was never promoted')}; a bad one is "
        f"rolled back after {_spread(takes.rolled_back, 'never')} ({takes.trials} simulated trials of each at "
        f"{takes.requests_per_s:g} requests/s; more by podium simulate)",
        0,
    )


def _spread(spread: Spread | None, otherwise: str) -> str:
    if spread is None:
        return otherwise
    median, most = (format_duration(timedelta(seconds=round(each))) for each in (spread.median, spread.most))
    return f"{median}, 95% within {most}"
