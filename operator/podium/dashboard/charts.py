"""A trial over time as drawings in SVG, with the words that say the same. Pure.

Each drawing is made on the server, as the rest of the page is: it needs no script, no library and no room for them.
"""

from collections.abc import Iterator, Sequence
from math import log10
from typing import Final

from podium.api.v1alpha1.values.base import format_percent
from podium.core.status.explained import Explanation, GuardExplanation, GuardLook, LookExplanation
from podium.dashboard.drawing import WIDTH, Chart, Line, Values, area, level, path
from podium.dashboard.look import number

_SHOWN: Final = 2  # looks make a line
_ROOM: Final = 1.1  # above the highest value
_DECADES: Final = 6  # lines of the grid, at the most


def charts(said: Explanation) -> Sequence[Chart]:
    """One for the weight, and for each guard one of shares and one of evidence; none before there are two looks."""
    looks = said.trial.looks if said.trial is not None else ()
    if len(looks) < _SHOWN:
        return []
    return [_weight(looks), *(chart for guard in said.guards for chart in _guard(guard, looks))]


def _weight(looks: Sequence[LookExplanation]) -> Chart:
    values = [look.weight / 100 for look in looks]
    says = f"The challenger's weight went from {looks[0].weight}% to {looks[-1].weight}%."
    return Chart("Weight", says, "100%", "0%", [Line("subject", path(_across(looks), values, 1.0, steps=True))])


def _guard(guard: GuardExplanation, looks: Sequence[LookExplanation]) -> Iterator[Chart]:
    there = [look for look in looks if guard.name in look.guards]
    rows = [look.guards[guard.name] for look in there]
    if len(rows) < _SHOWN or not guard.criteria:
        return
    if rows[-1].tolerated is not None and any(row.share is not None for row in rows):
        yield _shares(guard, rows, _across(there))
    yield _evidence(guard, rows, _across(there))


# --- shares -----------------------------------------------------------------------------------------------------------


def _shares(guard: GuardExplanation, rows: Sequence[GuardLook], across: Sequence[float]) -> Chart:
    """The share with its interval and the limit. The interval of the first answers is wide: it is cut at the top."""
    share: Values = [row.share for row in rows]
    tolerated, champion = [row.tolerated for row in rows], [row.champion for row in rows]
    highs = [row.high for row in rows[len(rows) // 2 :] if row.share is not None]
    known = [value for value in (*share, *tolerated, *champion, *highs) if value is not None]
    top = min(1.0, _ROOM * max(known)) or 1.0
    lines = [
        Line("band", _band(across, rows, top)),
        Line("tolerated", path(across, tolerated, top)),
        Line("champion", path(across, champion, top)),
        Line("subject", path(across, share, top)),
    ]
    return Chart(f"Guard {guard.name}: share", _said_of_share(rows), format_percent(top), "0%", lines)


def _said_of_share(rows: Sequence[GuardLook]) -> str:
    seen = [(row, row.share) for row in rows if row.share is not None]
    (_, first), (last, now) = seen[0], seen[-1]
    shares = [share for _, share in seen]
    went = f"The share of bad answers went from {format_percent(first)} to {format_percent(now)}"
    between = f"between {format_percent(min(shares))} and {format_percent(max(shares))}"
    interval = f"{_rough(last.low)} to {_rough(last.high)} by its 95 % interval"
    limit = f" {format_percent(last.tolerated)} is tolerated." if last.tolerated is not None else ""
    return f"{went}, {between}; now it is {interval}, of {last.answers:,} answers.{limit}"


def _rough(share: float) -> str:
    """An end of an interval, which has no more than three digits to say."""
    return format_percent(float(f"{share:.3g}"))


def _band(across: Sequence[float], rows: Sequence[GuardLook], top: float) -> str:
    """The area between the two ends of the interval, from the first answer on."""
    known = [(x, row) for x, row in zip(across, rows, strict=True) if row.share is not None]
    lows, highs = [row.low for _, row in known], [row.high for _, row in known]
    return area([x for x, _ in known], lows, highs, top)


# --- evidence ---------------------------------------------------------------------------------------------------------


def _evidence(guard: GuardExplanation, rows: Sequence[GuardLook], across: Sequence[float]) -> Chart:
    """E on a log axis from 1 up to 1/α, where it is the proof; that of passing beside it, at the same height."""
    worst = guard.worst
    proof = 1 / worst.alpha
    lines = [
        *(Line("grid", level(height)) for height in _decades(proof)),
        Line("passed", path(across, [row.towards_passed for row in rows], 1.0)),
        Line("failed", path(across, [row.towards_failed for row in rows], 1.0)),
    ]
    return Chart(
        f"Guard {guard.name}: evidence", _said_of_evidence(guard, rows[-1]), f"1/α = {number(proof)}", "1", lines
    )


def _decades(proof: float) -> Iterator[float]:
    """How high the powers of ten are, of a whole that ends at the proof."""
    whole = log10(proof)
    step = max(1, round(whole / _DECADES))
    yield from (power / whole for power in range(step, int(whole) + 1, step) if power < whole)


def _said_of_evidence(guard: GuardExplanation, last: GuardLook) -> str:
    worst = guard.worst
    found = worst.alpha**-last.towards_failed
    more = f"; about {worst.more_answers:,} more answers until it passes" if worst.more_answers else ""
    return (
        f"{guard.verdict}. Evidence that it fails: E was {number(found)} of 1/α = {number(1 / worst.alpha)}, "
        f"{format_percent(last.towards_failed)} of the way on a log scale; that it passes: "
        f"{format_percent(last.towards_passed)} of the way{more}."
    )


def _across(looks: Sequence[LookExplanation]) -> Sequence[float]:
    first = looks[0].at
    whole = (looks[-1].at - first).total_seconds() or 1.0
    return [WIDTH * min(max((look.at - first).total_seconds() / whole, 0.0), 1.0) for look in looks]
