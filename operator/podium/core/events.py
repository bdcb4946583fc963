"""The Events of a decision: its move through the table, and what has newly gone wrong with the registry."""

from collections.abc import Iterator

from podium.api.status import Phase
from podium.core.actions import Event
from podium.core.conditions import condition_of, registry_problem
from podium.core.facts import Facts
from podium.core.messages import LONGEST
from podium.core.rollout import Move

WARNINGS = frozenset({Phase.BLOCKED, Phase.REJECTED})


def events(before: Facts, move: Move | None, after: Facts) -> tuple[Event, ...]:
    """What is worth telling. The same decision on the same facts gives the same identities."""
    told = [] if move is None else [_of_move(before, move, after)]
    return (*told, *_of_registry(before, after))


def _of_move(before: Facts, move: Move, after: Facts) -> Event:
    trial, subject = before.status.trial, after.subject or before.subject
    named = subject is None or f"version {subject.version} " in move.verdict.message
    about = "" if named or subject is None else f"version {subject.version}: "
    identity = f"{before.generation}/{before.status.phase_since}/{trial.step if trial else 0}/{move.target}"
    warning = move.target in WARNINGS or move.verdict.rejects
    message = f"{move.source} -> {move.target}: {about}{move.verdict.message}"
    return Event(warning, move.verdict.reason, message[:LONGEST], identity)


def _of_registry(before: Facts, after: Facts) -> Iterator[Event]:
    problem, known = registry_problem(after), condition_of(before.status, "RegistryInSync")
    if problem is None or (known is not None and known.reason == problem.reason):
        return
    since = known.last_transition_time if known else ""
    yield Event(True, problem.reason, problem.message[:LONGEST], f"registry/{problem.reason}/{since}")
