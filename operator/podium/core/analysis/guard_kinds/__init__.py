"""The kinds of guards: a module for each, with the one value that the analysis and the simulation read.

What belongs here: what is particular to one kind: its criteria, its baseline, what it tolerates, and how
`podium simulate` draws its bad answers. What does not: how a criterion is tested.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from podium.api.v1alpha1.evidence import ReferenceQuantiles
from podium.api.v1alpha1.spec.guards import Guard
from podium.core.analysis.criterion import Criterion
from podium.core.analysis.guard_kinds.error_rate import ERROR_RATE
from podium.core.analysis.guard_kinds.invalid_output import INVALID_OUTPUT
from podium.core.analysis.guard_kinds.kind import GuardKind, Simulated, Tolerance
from podium.core.analysis.guard_kinds.latency import LATENCY
from podium.core.analysis.guard_kinds.prediction_shift import PREDICTION_SHIFT
from podium.core.analysis.guard_kinds.prometheus import PROMETHEUS
from podium.core.analysis.guard_kinds.shadow import SHADOW
from podium.core.facts import Counters

__all__ = [
    "GUARD_KINDS",
    "GuardKind",
    "Simulated",
    "Tolerance",
    "baseline_of",
    "criteria_of",
    "kind_of",
    "needs_baseline",
    "tolerance_of",
]

# fmt: off
GUARD_KINDS: Final[Mapping[str, GuardKind[Any]]] = {kind.name: kind for kind in (
    ERROR_RATE,
    LATENCY,
    INVALID_OUTPUT,
    PREDICTION_SHIFT,
    PROMETHEUS,
    SHADOW,
)}
# fmt: on


def kind_of(guard: Guard) -> GuardKind[Any]:
    """The kind of a guard."""
    return GUARD_KINDS[guard.kind]


def criteria_of(guard: Guard, baseline: ReferenceQuantiles) -> Sequence[Criterion]:
    """Its criteria; none yet while it waits for the champion's baseline."""
    return tuple(kind_of(guard).criteria(guard, guard.settings, baseline))


def tolerance_of(guard: Guard) -> Tolerance:
    """How many bad answers it tolerates."""
    return kind_of(guard).tolerance(guard.settings)


def needs_baseline(guard: Guard) -> bool:
    """Whether it compares the challenger at values that are the champion's own."""
    return kind_of(guard).needs_baseline(guard.settings)


def baseline_of(
    guard: Guard, champion: Sequence[Counters], challenger: Sequence[Counters]
) -> ReferenceQuantiles | None:
    """The champion's values at which it compares; None while they cannot be read."""
    return kind_of(guard).baseline(guard, guard.settings, champion, challenger)
