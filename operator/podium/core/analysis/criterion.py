"""A criterion: a measure, and a limit for its share of bad answers."""

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

    @property
    def name(self) -> str:
        """Its key in the status: the same guard has the same criteria at every reconcile."""
        beside = " beside the champion" if self.beside_champion else ""
        return f"{self.guard.name}: {'not ' if self.mirrored else ''}{self.measure.name}{beside}"
