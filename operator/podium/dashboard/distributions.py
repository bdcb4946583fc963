"""Both versions side by side: the distributions of their predictions over each other, and their slow answers. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from podium.api.v1alpha1.values.base import format_percent
from podium.core.status.explained import CriterionExplanation, DistributionPoint, Explanation, GuardExplanation
from podium.dashboard.drawing import WIDTH, Chart, Line, area, path

_LINE: Final = 2  # points make a line
Shares = Sequence[float]


@dataclass(frozen=True)
class Distribution:
    """The predictions of both versions as one guard counts them."""

    guard: str
    says: str
    points: Sequence[DistributionPoint]
    chart: Chart | None  # of classes there is none: they have no order


def distributions(said: Explanation) -> Sequence[Distribution]:
    """One for each guard on predictions of which both versions have answers."""
    return [_of(guard, points) for guard in said.guards if (points := _counted(guard))]


def slow(said: Explanation) -> Sequence[CriterionExplanation]:
    """What guards on latency count, each time once: the share of answers that took longer than this."""
    counted = {criterion.measure: criterion for guard in _on_latency(said) for criterion in guard.criteria}
    return list(counted.values())


def _on_latency(said: Explanation) -> Iterator[GuardExplanation]:
    return (guard for guard in said.guards if guard.kind == "latency")


def _counted(guard: GuardExplanation) -> Sequence[DistributionPoint]:
    return [each for each in guard.distribution if each.subject.answers and each.champion.answers]


def _of(guard: GuardExplanation, points: Sequence[DistributionPoint]) -> Distribution:
    edges = [each.value for each in points if each.value is not None]
    whole = len(edges) == len(points) >= _LINE and edges[0] < edges[-1]
    return Distribution(guard.name, _said(guard, points), points, _chart(guard, points, edges) if whole else None)


def _shares(points: Sequence[DistributionPoint]) -> tuple[Shares, Shares]:
    return [each.subject.share or 0.0 for each in points], [each.champion.share or 0.0 for each in points]


def _chart(guard: GuardExplanation, points: Sequence[DistributionPoint], edges: Sequence[float]) -> Chart:
    """How many predictions are above each value: the version under judgement, the one beside it and what it may."""
    across = [WIDTH * (edge - edges[0]) / (edges[-1] - edges[0]) for edge in edges]
    subject, champion = _shares(points)
    margin = guard.criteria[0].limit if guard.criteria else 0.0
    lows, highs = [max(share - margin, 0.0) for share in champion], [min(share + margin, 1.0) for share in champion]
    lines = [
        Line("room", area(across, lows, highs, 1.0)),
        Line("champion", path(across, champion, 1.0)),
        Line("subject", path(across, subject, 1.0)),
    ]
    return Chart(f"Guard {guard.name}: predictions", _said(guard, points), "100%", "0%", lines)


def _said(guard: GuardExplanation, points: Sequence[DistributionPoint]) -> str:
    subject, champion = _shares(points)
    gaps = [mine - other for mine, other in zip(subject, champion, strict=True)]
    widest = max(range(len(points)), key=lambda place: abs(gaps[place]))
    point = points[widest]
    where = f"of class {point.name}" if point.value is None else f"above {point.name}"
    shares = f"{format_percent(subject[widest])} and {format_percent(champion[widest])}"
    limit = f"; {_points(guard.criteria[0].limit)} are tolerated" if guard.criteria else ""
    return f"Where they differ most, {where}: {shares}, {_points(abs(gaps[widest]))} apart{limit}."


def _points(gap: float) -> str:
    return f"{100 * gap:.3g} points"
