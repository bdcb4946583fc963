"""An explanation for people: one screen, with a bar for each share and for each proof."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta

import click

from podium.api.v1alpha1.status import Phase
from podium.api.v1alpha1.values.base import format_duration, format_percent, format_time
from podium.cli.arm_text import arm_text
from podium.cli.screen import Screen
from podium.core.printable import plain
from podium.core.status.explained import (
    CriterionExplanation,
    Explanation,
    GateExplanation,
    GuardExplanation,
    OutageProgress,
    PastDecision,
    Side,
    TrialProgress,
)

_COLOURS = {
    "Failed": "red",
    "Passed": "green",
    "Inconclusive": "yellow",
    "Pending": "yellow",
    "not checked yet": "yellow",
}
_LABEL, _NUMBERS = 22, 34  # characters beside a bar
_SHOWN = 5  # of the history
_CRITERIA = 2  # of a guard; those on distributions have up to twenty
_MINUTE = 60  # seconds


def as_text(found: Explanation, screen: Screen) -> str:
    """The text, without a newline at its end."""
    parts = [
        _head(found, screen),
        _gates(found.gates, screen),
        _arms(found),
        _trial(found, screen),
        *(_guard(guard, screen) for guard in found.guards),
        _shared_outage(found.shared_outage, screen),
        _decisions("rejected until the spec changes", found.rejected, screen),
        _decisions("decisions, newest first", found.history, screen),
    ]
    return "\n\n".join("\n".join(lines) for part in parts if (lines := list(part)))


def _head(found: Explanation, screen: Screen) -> Iterator[str]:
    place = f" in {plain(found.namespace)}" if found.namespace else ""
    paused = ", paused" if found.paused else ""
    yield click.style(f"{plain(found.name)}{place}: {found.phase}{paused}", bold=True)
    roles = {"champion": found.champion, "challenger": found.challenger, "former champion": found.former}
    versions = [f"{role} {plain(version)}" for role, version in roles.items() if version]
    yield "  " + "; ".join([*versions, f"desired {plain(found.desired)}"])
    if found.message:
        yield screen.wrapped(found.message, 2)


def _gates(gates: Sequence[GateExplanation], screen: Screen) -> Iterator[str]:
    if gates:
        yield click.style("gates", bold=True)
    for gate in gates:
        about = f" for version {plain(gate.version)}" if gate.version else ""
        line = f"  {gate.name:<20} {gate.kind:<12} {_verdict(gate.state)}{about}"
        if len(click.unstyle(line)) + len(gate.message) + 2 <= screen.width and gate.message:
            yield f"{line}: {plain(gate.message)}"
            continue
        yield line
        if gate.message:
            yield screen.wrapped(gate.message, 4)


def _arms(found: Explanation) -> Iterator[str]:
    if found.arms:
        yield click.style("experiment", bold=True)
    yield from (f"  {arm_text(arm)}" for arm in found.arms)


def _trial(found: Explanation, screen: Screen) -> Iterator[str]:
    trial = found.trial
    if trial is None:
        yield "no trial in progress"
        return
    yield click.style(f"trial: step {trial.step} of {trial.steps}", bold=True)
    if found.phase is Phase.CANARY:
        yield screen.wrapped(_weight(trial), 2)
    rollback, promotion = format_percent(trial.false_rollback_rate), format_percent(trial.false_promotion_rate)
    yield f"  false rollback at most {rollback}, false promotion at most {promotion}"
    if trial.ended:
        yield screen.wrapped(f"ended: {trial.ended}", 2)


def _weight(trial: TrialProgress) -> str:
    desired = f"weight: desired {trial.desired}%"
    current = f", current {trial.current}%" if trial.current is not None else ""
    duration = format_duration(timedelta(seconds=trial.duration))
    since = f"since {format_time(trial.weight_reached_at)}" if trial.weight_reached_at is not None else "not yet"
    return f"{desired}{current}; the step needs it for {duration}: {since}"


def _guard(guard: GuardExplanation, screen: Screen) -> Iterator[str]:
    yield f"{click.style(f'guard {guard.name}', bold=True)}  {_verdict(guard.verdict)}"
    if not guard.criteria:
        yield screen.wrapped(guard.message, 2)
    for criterion in _shown(guard):
        yield from _criterion(criterion, screen)
    if len(guard.criteria) > len(_shown(guard)):
        verdicts = Counter(criterion.verdict for criterion in guard.criteria)
        counts = ", ".join(f"{number} {verdict}" for verdict, number in verdicts.items())
        yield f"  the worst of {len(guard.criteria)} criteria ({counts}); --json has them all"


def _shown(guard: GuardExplanation) -> Sequence[CriterionExplanation]:
    """All, or the worst where there are many."""
    if len(guard.criteria) <= _CRITERIA:
        return guard.criteria
    return [guard.worst]


def _criterion(criterion: CriterionExplanation, screen: Screen) -> Iterator[str]:
    yield f"  {plain(criterion.measure)}, {_limit(criterion)}{_outlook(criterion)}"
    width = screen.width - _LABEL - _NUMBERS
    for side in (criterion.subject, criterion.champion):
        name = f"version {plain(side.version)}"
        yield f"    {name:<{_LABEL - 4}}{_share_bar(criterion, side, screen, width)}  {_counts(side)}"
    for name, part in (("proof: failed", criterion.towards_failed), ("proof: passed", criterion.towards_passed)):
        yield f"    {name:<{_LABEL - 4}}{screen.bar(part, width)}  {part:.0%}"


def _limit(criterion: CriterionExplanation) -> str:
    limit = format_percent(criterion.limit)
    if not criterion.beside_champion:
        return f"at most {limit}"
    return f"at most {limit} {'below' if criterion.mirrored else 'above'} version {plain(criterion.champion.version)}"


def _outlook(criterion: CriterionExplanation) -> str:
    if criterion.verdict != "Inconclusive":
        return f": {_verdict(criterion.verdict)}"
    time = "" if criterion.more_seconds is None else f" ({_time(criterion.more_seconds)} at this rate)"
    return f": {_verdict(criterion.verdict)}; about {criterion.more_answers:,} more answers until it passes{time}"


def _share_bar(criterion: CriterionExplanation, side: Side, screen: Screen, width: int) -> str:
    """The share on a scale of twice what is tolerated; beside a champion, that is its own share and the margin."""
    return screen.bar((side.share or 0.0) / criterion.scale, width, mark=criterion.tolerated / criterion.scale)


def _counts(side: Side) -> str:
    if side.share is None:
        return "no answers yet"
    return f"{format_percent(side.share)} ({side.bad:,} of {side.answers:,})"


def _shared_outage(outage: OutageProgress | None, screen: Screen) -> Iterator[str]:
    if outage is None:
        return
    yield click.style("shared outage", fg="red", bold=True) + f" since {format_time(outage.since)}"
    yield screen.wrapped(outage.message, 2)
    for criterion, run in outage.runs.items():
        yield f"  {plain(criterion)}: version {plain(run.version)} {_counts(run)} in its present run"


def _decisions(title: str, decided: Sequence[PastDecision], screen: Screen) -> Iterator[str]:
    if decided:
        yield click.style(title, bold=True)
    for one in list(reversed(decided))[:_SHOWN]:
        yield f"  {format_time(one.at)}  version {plain(one.version)}  {one.outcome}  {plain(one.reason)}"
        yield screen.wrapped(one.message, 4)


def _verdict(verdict: str) -> str:
    return click.style(verdict, fg=_COLOURS[verdict])


def _time(seconds: float) -> str:
    size = 1 if seconds < _MINUTE else _MINUTE
    return format_duration(timedelta(seconds=max(size, round(seconds / size) * size)))
