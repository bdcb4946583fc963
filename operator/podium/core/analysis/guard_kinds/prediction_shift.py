"""The distribution of the predictions beside the champion's, at its deciles or by class."""

from collections.abc import Iterator, Sequence

from podium.api.v1alpha1.evidence import ReferenceQuantiles
from podium.api.v1alpha1.spec.guards import Guard, PredictionShiftGuard
from podium.core.analysis.criterion import Criterion
from podium.core.analysis.guard_kinds.kind import GuardKind, Tolerance
from podium.core.analysis.measures import of_class, scores_above
from podium.core.analysis.quantiles import ENOUGH, quantiles
from podium.core.analysis.sequential import HOPELESS
from podium.core.facts import Counters, Histogram

DECILES = tuple(tenth / 10 for tenth in range(1, 10))
MOST_CLASSES = 10
FAR, FARTHEST = 3, 0.9  # a bad version has moved three times as far as is tolerated


def _criteria(guard: Guard, shift: PredictionShiftGuard, baseline: ReferenceQuantiles) -> Iterator[Criterion]:
    """Both directions at each edge or class; but not a direction in which there is no room for the margin."""
    margin = shift.max_shift
    compared = [*(scores_above(edge) for edge in baseline.edges), *(of_class(name) for name in baseline.classes)]
    for measure, share in zip(compared, baseline.shares, strict=True):
        for mirrored, champion in ((False, share), (True, 1 - share)):
            if champion + margin < HOPELESS:
                yield Criterion(guard, measure, margin, beside_champion=True, mirrored=mirrored)


def _baseline(
    guard: Guard, _: PredictionShiftGuard, champion: Sequence[Counters], challenger: Sequence[Counters]
) -> ReferenceQuantiles | None:
    del challenger  # the reference is the champion's alone
    return _of_classes(guard, champion) or _of_scores(guard, [pod.scores for pod in champion])


def _of_scores(guard: Guard, scores: Sequence[Histogram]) -> ReferenceQuantiles | None:
    edges = tuple(quantiles(scores, sorted({edge for one in scores for edge in one.edges}), DECILES))
    total = sum(one.total for one in scores)
    above = tuple(1 - sum(one.at_most(edge) for one in scores) / total for edge in edges)
    return ReferenceQuantiles(guard=guard.name, edges=edges, shares=above) if edges else None


def _of_classes(guard: Guard, champion: Sequence[Counters]) -> ReferenceQuantiles | None:
    """The champion's most frequent classes; what is none of them shows as a lack of these."""
    counts: dict[str, int] = {}
    for pod in champion:
        for name, count in pod.classes.items():
            counts[name] = counts.get(name, 0) + count
    total = sum(counts.values())
    if total < ENOUGH:
        return None
    names = sorted(counts, key=lambda name: (-counts[name], name))[:MOST_CLASSES]
    return ReferenceQuantiles(
        guard=guard.name, classes=tuple(names), shares=tuple(counts[name] / total for name in names)
    )


PREDICTION_SHIFT = GuardKind(
    "prediction_shift",
    _criteria,
    lambda shift: Tolerance(None, shift.max_shift, usual=0.0),
    needs_baseline=lambda _: True,
    baseline=_baseline,
    simulated="predictions",
    unhealthy=lambda shift: min(FAR * shift.max_shift, FARTHEST),
)
