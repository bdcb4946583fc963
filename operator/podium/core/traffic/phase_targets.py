"""What a phase means for the world: what runs at which size, and where traffic goes. The second table.

The alias follows the status's champion in every phase, so it needs no column.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from podium.api.v1alpha1.status import Phase


class Size(Enum):
    """How many pods a version has."""

    NONE = "none"
    SHARE = "as many as its share of the traffic needs"
    FULL = "as many as spec.serving asks for"


class Traffic(Enum):
    """Who gets it."""

    CHAMPION = "the champion"
    STEP = "the champion, and the challenger by the step's weight"
    CHALLENGER = "the challenger"
    ARMS = "the champion, and the arms of the experiment by their weights"


@dataclass(frozen=True)
class PhaseTarget:
    """The world as a phase wants it. The champion always runs at full size."""

    challenger: Size
    former: Size
    traffic: Traffic
    in_place: bool = False  # whether the champion's pods take the challenger over, at their full size
    arms: bool = False  # whether the arms of an experiment run, as many pods as their weights need
    preview: bool = False  # whether testers reach the challenger, where spec.traffic.preview lets them

    @property
    def rests(self) -> bool:
        """Whether nothing but the champion is to run."""
        return self.challenger is Size.NONE and self.former is Size.NONE and not self.arms


_QUIET = PhaseTarget(Size.NONE, Size.NONE, Traffic.CHAMPION)

PHASE_TARGETS: Mapping[Phase, PhaseTarget] = {
    Phase.PENDING: _QUIET,
    Phase.GATING: _QUIET,
    Phase.BLOCKED: _QUIET,
    Phase.RELOADING: PhaseTarget(Size.NONE, Size.NONE, Traffic.CHAMPION, in_place=True),
    Phase.STARTING: PhaseTarget(Size.SHARE, Size.NONE, Traffic.CHAMPION, preview=True),
    Phase.CANARY: PhaseTarget(Size.SHARE, Size.NONE, Traffic.STEP, preview=True),
    Phase.EXPERIMENTING: PhaseTarget(Size.NONE, Size.NONE, Traffic.ARMS, arms=True),
    Phase.PROMOTING: PhaseTarget(Size.FULL, Size.NONE, Traffic.CHALLENGER, preview=True),
    Phase.SOAKING: PhaseTarget(Size.NONE, Size.FULL, Traffic.CHAMPION),
    Phase.ROLLING_BACK: _QUIET,
    Phase.REJECTED: _QUIET,
    Phase.ABORTED: _QUIET,
    Phase.STABLE: _QUIET,
}
