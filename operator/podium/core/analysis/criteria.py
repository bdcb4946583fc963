"""The criteria of guards, and the measures that these need."""

from collections.abc import Mapping, Sequence

from podium.api.v1alpha1.evidence import Evidence, ReferenceQuantiles
from podium.api.v1alpha1.spec.guards import Guard
from podium.core.analysis.criterion import Criterion
from podium.core.analysis.guard_kinds import criteria_of
from podium.core.analysis.measures import ERRORS, Measure


def criteria(guard: Guard, evidence: Evidence) -> Sequence[Criterion]:
    """The criteria of a guard; none yet while it waits for the champion's baseline."""
    known = next((baseline for baseline in evidence.baselines if baseline.guard == guard.name), None)
    return criteria_of(guard, known or ReferenceQuantiles(guard=guard.name))


def measures(guards: Sequence[Guard], evidence: Evidence) -> Mapping[str, Measure]:
    """Everything that has to be counted, by name. Errors always are: the record tells of them."""
    needed = (criterion.measure for guard in guards for criterion in criteria(guard, evidence))
    return {measure.name: measure for measure in (ERRORS, *needed)}
