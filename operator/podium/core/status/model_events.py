"""Which events a decision makes for the world outside: one value, derived from what the status says of the decision.

Kubernetes Events (`podium.core.status.events`) tell of every move. These tell of decisions only: what became of a
version, and what a person is asked for. The same decision on the same facts makes the same events, with the same ids.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from podium.api.v1alpha1 import event_types, reasons
from podium.api.v1alpha1.outbox import MESSAGE_LIMIT, PendingEvent, Severity
from podium.api.v1alpha1.source import ModelVersion
from podium.api.v1alpha1.status import GateStatus, HistoryEntry, Outcome, Phase, Status
from podium.core.facts import Facts
from podium.core.printable import plain
from podium.core.rollout.degraded import degraded
from podium.core.rollout.transitions import OF_GIT, Move
from podium.core.rollout.trial_terms import origin_of
from podium.core.status.decisions import written
from podium.core.status.events import transition
from podium.core.status.readiness import condition_of, stall

_OF_OUTCOME: Final[Mapping[Outcome, str]] = {
    "Promoted": event_types.PROMOTED,
    "Rejected": event_types.REJECTED,
    "RolledBack": event_types.ROLLED_BACK,
    "Aborted": event_types.ABORTED,
}
# Stalled for these reasons has an event of its own
_TOLD: Final = frozenset({reasons.GATES_FAILED, reasons.VERSION_REJECTED, reasons.TEMPLATE_REJECTED, reasons.ABORTED})
_WITH_TRAFFIC: Final = frozenset({Phase.CANARY, Phase.PROMOTING, Phase.SOAKING})


@dataclass(frozen=True)
class _Decision:
    """What is told, beside the version that it is about."""

    type: str
    transition: str
    reason: str
    message: str
    severity: Severity = "info"
    moves: tuple[str, str] | None = None  # from which version traffic goes to which; None where it stays
    template: str = ""


def model_events(before: Facts, move: Move | None, after: Facts) -> tuple[PendingEvent, ...]:
    """The events that the decision makes, in the order in which they are told."""
    return (
        *_of_outcomes(before, move, after),
        *_of_failed_gates(before, move, after),
        *_of_approvals(before, after),
        *_of_stall(before, after),
        *_of_degraded(before, after),
    )


def _of_outcomes(before: Facts, move: Move | None, after: Facts) -> Iterator[PendingEvent]:
    for entry in written(before.status, after.status):
        if move is None or _told_before(entry, before.status, after.status):
            continue
        promoted, serving = entry.outcome == "Promoted", _version(after.status)
        rolled_back = move.target is Phase.ROLLING_BACK
        ways = (_version(before.status), entry.version) if promoted else (entry.version, serving)
        decided = _Decision(
            _OF_OUTCOME[entry.outcome],
            transition(before, move),
            entry.reason,
            entry.message,
            severity=_severity(entry, move),
            moves=ways if promoted or rolled_back else None,
            template=entry.template.revision if entry.template is not None else "",
        )
        yield _event(decided, entry, after)
        service = _service_event(entry, move, before.status)
        if service and after.status.champion is not None:
            of_service = _Decision(**{**vars(decided), "type": service})
            yield _event(of_service, after.status.champion, after)


def _told_before(entry: HistoryEntry, before: Status, after: Status) -> bool:
    """Whether the entry only says in other words that a version lost its traffic while it was under suspicion."""
    known = before.suspected
    return (
        known is not None
        and after.suspected is None
        and (entry.outcome, entry.version) == ("RolledBack", known.version)
    )


def _severity(entry: HistoryEntry, move: Move) -> Severity:
    """An error is what no one has asked for."""
    asked_for = entry.outcome in {"Promoted", "Aborted"} or (entry.outcome == "RolledBack" and move.check in OF_GIT)
    return "info" if asked_for else "error"


def _service_event(entry: HistoryEntry, move: Move, before: Status) -> str:
    """The CDEvent beside it; "" where what serves stays what it was."""
    if entry.outcome == "Promoted":
        if before.champion is None:
            return event_types.DEPLOYED
        returns = entry.previously_promoted and not before.champion.same_version(entry)
        return event_types.SERVICE_ROLLED_BACK if returns else event_types.UPGRADED
    if move.verdict.reason == reasons.FORMER_CHAMPION_RESTORED:
        return ""  # the event of the version that is champion again says so
    had_traffic = move.target is Phase.ROLLING_BACK and before.phase in _WITH_TRAFFIC
    return event_types.SERVICE_ROLLED_BACK if had_traffic else ""


def _of_failed_gates(before: Facts, move: Move | None, after: Facts) -> Iterator[PendingEvent]:
    subject = after.status.challenger
    if move is not None and move.target is Phase.BLOCKED and subject is not None:
        why, which = move.verdict, transition(before, move)
        yield _event(_Decision(event_types.GATES_FAILED, which, why.reason, why.message, "error"), subject, after)


def _of_approvals(before: Facts, after: Facts) -> Iterator[PendingEvent]:
    subject = after.status.challenger
    if subject is None:
        return
    known = {(gate.name, gate.version) for gate in _awaited(before)}
    for gate in _awaited(after):
        if gate.version == subject.version and (gate.name, gate.version) not in known:
            which = f"{gate.name}/{gate.version}/{gate.at}/{after.generation}"
            message = f"gate {gate.name}: {gate.message}"
            asked = _Decision(event_types.APPROVAL_REQUESTED, which, reasons.GATES_PENDING, message)
            yield _event(asked, subject, after)


def _awaited(facts: Facts) -> list[GateStatus]:
    """The gates that wait for a person. While another gate fails, no one is asked."""
    if facts.status.phase is not Phase.GATING:
        return []
    asks = {gate.name for gate in facts.spec.gates if gate.approval is not None}
    return [gate for gate in facts.status.gates if gate.name in asks and gate.state == "Pending"]


def _of_stall(before: Facts, after: Facts) -> Iterator[PendingEvent]:
    found, known = stall(after), condition_of(before.status, "Stalled")
    if found is None or found.reason in _TOLD:
        return
    if known is not None and (known.status, known.reason) == ("True", found.reason):
        return
    subject = after.subject or after.status.champion
    since = known.last_transition_time if known is not None else ""
    decided = _Decision(event_types.STALLED, f"{found.reason}/{since}", found.reason, found.message, "error")
    yield _event(decided, subject or ModelVersion(version="", digest=""), after)


def _of_degraded(before: Facts, after: Facts) -> Iterator[PendingEvent]:
    """What the champion has failed after its soak: once when it is found, and once where no one can take its place."""
    found, known = degraded(after), condition_of(before.status, "Degraded")
    if found is None or after.status.champion is None or (known is not None and known.reason == found.reason):
        return
    since = known.last_transition_time if known is not None else ""
    decided = _Decision(event_types.DEGRADED, f"{found.reason}/{since}", found.reason, found.message, "error")
    yield _event(decided, after.status.champion, after)


def _event(decided: _Decision, about: ModelVersion, facts: Facts) -> PendingEvent:
    trial, serving = facts.status.trial, _version(facts.status)
    left, taken = decided.moves or (serving, serving)
    origin = trial.origin if trial is not None and decided.moves is not None else ""
    promoted = decided.type == event_types.PROMOTED
    return PendingEvent(
        id=_id(facts, decided),
        type=decided.type,
        at=facts.now,
        generation=facts.generation,
        severity=decided.severity,
        registry=about.registry or facts.observed.registry.uri,
        model=about.model or facts.spec.model.name,
        version=about.version,
        stage=facts.spec.registry.aliases.champion if promoted else "challenger",
        origin=origin or origin_of(facts, about),
        from_version=left,
        to_version=taken,
        template=decided.template,
        reason=decided.reason,
        message=" ".join(plain(decided.message[: 2 * MESSAGE_LIMIT]).split())[:MESSAGE_LIMIT],
    )


def _id(facts: Facts, decided: _Decision) -> str:
    text = f"{facts.key}\n{facts.generation}\n{decided.type}\n{decided.transition}"
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def _version(status: Status) -> str:
    return status.champion.version if status.champion is not None else ""
