"""Pairs of answers to the same request, of a shadow step: which side alone was bad, and whether predictions agree."""

from collections.abc import Iterator

from podium.api.v1alpha1.evidence import ReferenceQuantiles
from podium.api.v1alpha1.spec.guards import Guard, ShadowGuard
from podium.core.analysis.criterion import Criterion
from podium.core.analysis.guard_kinds.kind import GuardKind, Tolerance
from podium.core.analysis.measures import DISAGREEMENTS, ONLY_CHALLENGER_BAD, ONLY_CHAMPION_BAD, OTHER_ANSWERS


def _criteria(guard: Guard, shadow: ShadowGuard, _: ReferenceQuantiles) -> Iterator[Criterion]:
    if shadow.max_above_champion is not None:
        margin = shadow.max_above_champion
        yield Criterion(guard, ONLY_CHALLENGER_BAD, margin, beside_champion=True, other=ONLY_CHAMPION_BAD)
    if shadow.max_disagreement is not None:
        # Without a limit for failures, a challenger that fails every copy would be in no comparison at all.
        measure = OTHER_ANSWERS if shadow.max_above_champion is None else DISAGREEMENTS
        yield Criterion(guard, measure, shadow.max_disagreement, beside_champion=True)


SHADOW = GuardKind(
    "shadow",
    _criteria,
    lambda shadow: Tolerance(None, shadow.max_above_champion),
    simulated="errors",
)
