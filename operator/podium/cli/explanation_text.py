"""An explanation for people: one screen, with a bar for each share and for each proof."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta

import click

from podium.api.base import format_duration, format_percent, format_time
from podium.api.status import Phase
from podium.cli.explanation import Answer, Decided, Explanation, GateSaid, GuardSaid, OutageProgress, Side, Standing
from podium.cli.screen import Screen, plain

_COLOURS = {
    "Failed": "red",
    "Passed": "green",
    "Inconclusive": "yellow",
    "Pending": "yellow",
    "not asked yet": "yellow",
}
_LABEL, _NUMBERS = 22, 34  # characters beside a bar
_SHOWN = 5  # of the history
_QUESTIONS = 2  # of a guard; those on distributions ask up to twenty
_MINUTE = 60  # seconds


def as_text(said: Explanation, screen: Screen) -> str:
    """The text, without a newline at its end."""
    parts = [
        _head(said, screen),
        _gates(said.gates, screen),
        _trial(said, screen),
        *(_guard(guard, screen) for guard in said.guards),
        _shared_outage(said.shared_outage, screen),
        _decisions("rejected until Git says something new", said.rejected, screen),
        _decisions("decisions so far, the last one first", said.history, screen),
    ]
    return "\n\n".join("\n".join(lines) for part in parts if (lines := list(part)))


def _head(said: Explanation, screen: Screen) -> Iterator[str]:
    place = f" in {plain(said.namespace)}" if said.namespace else ""
    paused = ", paused" if said.paused else ""
    yield click.style(f"{plain(said.name)}{place}: {said.phase}{paused}", bold=True)
    roles = {"champion": said.champion, "challenger": said.challenger, "former champion": said.former}
    told = [f"{role} {plain(version)}" for role, version in roles.items() if version]
    yield "  " + "; ".join([*told, f"Git wants {plain(said.wanted)}"])
    if said.message:
        yield screen.wrapped(said.message, 2)


def _gates(gates: Sequence[GateSaid], screen: Screen) -> Iterator[str]:
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


def _trial(said: Explanation, screen: Screen) -> Iterator[str]:
    trial = said.trial
    if trial is None:
        yield "no version is on trial"
        return
    yield click.style(f"trial: step {trial.step} of {trial.steps}", bold=True)
    if said.phase is Phase.CANARY:
        yield screen.wrapped(_weight(trial), 2)
    rollback, promotion = format_percent(trial.false_rollback_rate), format_percent(trial.false_promotion_rate)
    yield f"  false rollback at most {rollback}, false promotion at most {promotion}"
    if trial.ended:
        yield screen.wrapped(f"ended: {trial.ended}", 2)


def _weight(trial: Standing) -> str:
    asked = f"{trial.desired}% of the traffic is asked for"
    measured = f", {trial.current}% is in force" if trial.current is not None else ""
    hold = format_duration(timedelta(seconds=trial.duration))
    since = f"since {format_time(trial.weight_reached_at)}" if trial.weight_reached_at is not None else "not yet"
    return f"{asked}{measured}; the step's weight is to be in force for {hold}: {since}"


def _guard(guard: GuardSaid, screen: Screen) -> Iterator[str]:
    yield f"{click.style(f'guard {guard.name}', bold=True)}  {_verdict(guard.verdict)}"
    if not guard.criteria:
        yield screen.wrapped(guard.message, 2)
    for answer in _told(guard.criteria):
        yield from _criterion(answer, screen)
    if len(guard.criteria) > len(_told(guard.criteria)):
        verdicts = Counter(answer.verdict for answer in guard.criteria)
        counts = ", ".join(f"{number} {verdict}" for verdict, number in verdicts.items())
        yield f"  the worst of {len(guard.criteria)} criteria ({counts}); --json has them all"


def _told(answers: Sequence[Answer]) -> Sequence[Answer]:
    """All, or where there are many the worst: broken, or nearest to it, or else the one that needs the most answers."""
    if len(answers) <= _QUESTIONS:
        return answers
    return [max(answers, key=lambda it: (it.verdict == "Failed", it.towards_broken, it.more_answers))]


def _criterion(answer: Answer, screen: Screen) -> Iterator[str]:
    yield f"  {plain(answer.measure)}, {_asked(answer)}{_wanted(answer)}"
    width = screen.width - _LABEL - _NUMBERS
    for side in (answer.subject, answer.champion):
        name = f"version {plain(side.version)}"
        yield f"    {name:<{_LABEL - 4}}{_share_bar(answer, side, screen, width)}  {_counts(side)}"
    for name, part in (("proof: broken", answer.towards_broken), ("proof: holds", answer.towards_holds)):
        yield f"    {name:<{_LABEL - 4}}{screen.bar(part, width)}  {part:.0%}"


def _asked(answer: Answer) -> str:
    limit = format_percent(answer.limit)
    if not answer.beside_champion:
        return f"at most {limit}"
    return f"at most {limit} {'below' if answer.mirrored else 'above'} version {plain(answer.champion.version)}"


def _wanted(answer: Answer) -> str:
    if answer.verdict != "Inconclusive":
        return f": {_verdict(answer.verdict)}"
    time = "" if answer.more_seconds is None else f" ({_time(answer.more_seconds)} at this rate)"
    return f": {_verdict(answer.verdict)}; about {answer.more_answers:,} more answers until it holds{time}"


def _share_bar(answer: Answer, side: Side, screen: Screen, width: int) -> str:
    """The share on a scale of twice what is tolerated; beside a champion, that is its own share and the margin."""
    tolerated = answer.limit
    if answer.beside_champion:
        champion = answer.champion.share or 0.0
        tolerated = max(champion - answer.limit, 0.0) if answer.mirrored else champion + answer.limit
    scale = 2 * tolerated or 1.0
    return screen.bar((side.share or 0.0) / scale, width, mark=tolerated / scale)


def _counts(side: Side) -> str:
    if side.share is None:
        return "no answers yet"
    return f"{format_percent(side.share)} ({side.bad:,} of {side.answers:,})"


def _shared_outage(outage: OutageProgress | None, screen: Screen) -> Iterator[str]:
    if outage is None:
        return
    yield click.style("the outage is degraded", fg="red", bold=True) + f" since {format_time(outage.since)}"
    yield screen.wrapped(outage.message, 2)
    for criterion, run in outage.runs.items():
        yield f"  {plain(criterion)}: version {plain(run.version)} {_counts(run)} in its present run"


def _decisions(title: str, decided: Sequence[Decided], screen: Screen) -> Iterator[str]:
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
