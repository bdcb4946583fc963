"""A criterion: a measure, and a limit for its share of bad answers."""

from collections.abc import Sequence
from dataclasses import dataclass

from podium.api.v1alpha1.spec.guards import Guard
from podium.core.analysis.measures import Measure


@dataclass(frozen=True)
class Criterion:
    """Whether a share is above a limit, or above the champion's by more than a margin."""

    guard: Guard
    measure: Measure
    limit: float  # a share; beside the champion a difference of shares
    beside_champion: bool = False
    mirrored: bool = False  # good and bad change places: the share must not fall by more than the margin
    other: Measure | None = None  # of pairs: the measure of what only the champion did

    @property
    def compares_samples(self) -> bool:
        """Whether it compares answers to different requests, which have to be shared as the weights say."""
        return self.beside_champion and not self.measure.paired

    @property
    def difference(self) -> bool:
        """Whether the limit is a difference to the champion's share."""
        return self.beside_champion and (not self.measure.paired or self.other is not None)

    @property
    def measures(self) -> Sequence[Measure]:
        """All that has to be counted for it."""
        return [self.measure] if self.other is None else [self.measure, self.other]

    @property
    def name(self) -> str:
        """Its key in the status: the same guard has the same criteria at every reconcile."""
        beside = " beside the champion" if self.beside_champion else ""
        return f"{self.guard.name}: {'not ' if self.mirrored else ''}{self.measure.name}{beside}"
