"""A ModelDeployment in one line, as plain values: what a fleet shows of each. Made of its explanation alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from podium.core.status.explained import Explanation
from podium.core.status.explanation import Unexplained, explanation


@dataclass(frozen=True)
class Nearest:
    """The guard that is nearest to a failure."""

    guard: str
    verdict: str
    towards_failed: float  # 1 is the proof


@dataclass(frozen=True)
class Summary:
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
    earliest_end: datetime | None = None  # of its steps or its soak
    problem: str = ""  # why the rest cannot be said


def summary(value: Mapping[str, Any]) -> Summary:
    """What is to be said of one object, also of one that this version cannot read."""
    try:
        return _summary(explanation(value))
    except Unexplained as error:
        return unreadable(value, str(error))
    except ArithmeticError as error:  # of an end that no calendar has
        return unreadable(value, f"spec or status contradicts itself ({type(error).__name__}: {error})")


def unreadable(value: Mapping[str, Any], problem: str) -> Summary:
    """What is to be said of an object of which no more than this problem can be said."""
    metadata = value.get("metadata") or {}
    where = str(metadata.get("namespace", "")), str(metadata.get("name", ""))
    return Summary(*where, "", "", "", False, None, None, "Unknown", "Unknown", "", "", "", None, None, None, problem)


def _summary(said: Explanation) -> Summary:
    decided = said.last_decision
    return Summary(
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
        earliest_end=said.earliest_end,
    )


def _nearest(said: Explanation) -> Nearest | None:
    if said.nearest is None:
        return None
    guard, criterion = said.nearest
    return Nearest(guard, criterion.verdict, criterion.towards_failed)
