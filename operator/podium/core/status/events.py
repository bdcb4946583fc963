"""The Events of a decision: its move through the table, and new problems around it."""

from collections.abc import Iterator
from datetime import datetime

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.status import Phase
from podium.core.actions import Event
from podium.core.facts import Facts, Problem
from podium.core.rollout.circumstances import CIRCUMSTANCES
from podium.core.rollout.degraded import degraded
from podium.core.rollout.templates import template_waits
from podium.core.rollout.transitions import Move
from podium.core.status.conditions import registry_problem, retries_problem
from podium.core.status.elapsed import TIMED
from podium.core.status.messages import LONGEST
from podium.core.status.overdue import overdue
from podium.core.status.readiness import champion_down, condition_of, not_ready

WARNINGS = frozenset({Phase.BLOCKED, Phase.REJECTED})


def events(before: Facts, move: Move | None, after: Facts) -> tuple[Event, ...]:
    """The Events to emit. The same decision on the same facts gives the same identities."""
    told = [] if move is None else [_of_move(before, move, after)]
    return (
        *told,
        *_of_problem("registry", "RegistryInSync", registry_problem(after), before),
        *_of_problem("traffic", "TrafficInSync", _lasting(after.observed.traffic.problem), before),
        *_of_problem("retries", "RetriesInSync", retries_problem(after), before),
        *_of_problem("champion", "Ready", _champion_problem(after), before),
        *_of_problem("pods", "Ready", _pods_problem(after), before),
        *_of_problem("after soak", "Degraded", degraded(after), before),
        *_of_problem("overdue", "Stalled", overdue(after), before),
        *_of_problem("template", "TemplateInSync", _rejected_template(after), before),
        *_of_problem("autoscaler", "AutoscalerInSync", _autoscaler_problem(after), before),
    )


def _of_move(before: Facts, move: Move, after: Facts) -> Event:
    subject = after.subject or before.subject or before.status.suspected
    named = subject is None or f"version {subject.version} " in move.verdict.message
    about = "" if named or subject is None else f"version {subject.version}: "
    identity = transition(before, move)
    verdict = move.verdict
    blames = verdict.rejects or verdict.suspects or verdict.reason in CIRCUMSTANCES
    warning = move.target in WARNINGS or blames
    message = f"{move.source} -> {move.target}: {about}{move.verdict.message}"
    return Event(warning, move.verdict.reason, message[:LONGEST], identity)


def transition(before: Facts, move: Move) -> str:
    """Which move this is: the same one on the same facts, and no other of the ModelDeployment."""
    step = before.status.trial.step if before.status.trial is not None else 0
    return f"{before.generation}/{_since(before)}/{move.source}/{step}/{move.target}"


def _since(before: Facts) -> datetime | None:
    """What tells this move from an earlier one. While moments move with the leader, it is the trial's beginning."""
    trial, phase = before.status.trial, before.status.phase
    return trial.started_at if trial is not None and phase in TIMED else before.status.phase_since


def _lasting(problem: Problem | None) -> Problem | None:
    """No Event for what passes in a moment."""
    return None if problem is None or problem.reason == reasons.IN_PROGRESS else problem


def _champion_problem(facts: Facts) -> Problem | None:
    """The champion has no ready pod: what answers instead, if anything does."""
    found = champion_down(facts)
    return Problem(found.reason, f"{found.why}; {facts.status.message}") if found is not None else None


def _pods_problem(facts: Facts) -> Problem | None:
    found = not_ready(facts) if overdue(facts) is None else None
    return Problem(found.reason, found.why) if found and found.reason == reasons.PODS_NOT_STARTING else None


def _rejected_template(facts: Facts) -> Problem | None:
    """No Event for what waits its turn."""
    found = template_waits(facts)
    return found if found is not None and found.reason == reasons.TEMPLATE_REJECTED else None


def _autoscaler_problem(facts: Facts) -> Problem | None:
    return facts.observed.autoscaler.problem if facts.observed.autoscaler is not None else None


def _of_problem(about: str, condition: str, problem: Problem | None, before: Facts) -> Iterator[Event]:
    known = condition_of(before.status, condition)
    if problem is None or (known is not None and known.reason == problem.reason):
        return
    since = known.last_transition_time if known else ""
    yield Event(True, problem.reason, problem.message[:LONGEST], f"{about}/{problem.reason}/{since}")
