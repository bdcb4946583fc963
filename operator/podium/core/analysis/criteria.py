"""The criteria of guards, and the measures that these need."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from podium.api.v1alpha1.evidence import Evidence, ReferenceQuantiles
from podium.api.v1alpha1.spec.guards import Guard
from podium.core.analysis.criterion import Criterion
from podium.core.analysis.guard_kinds import criteria_of
from podium.core.analysis.measures import ERRORS, ONLY_CHALLENGER_BAD, RECEIVED, Measure, of_first_answers


def criteria(guard: Guard, evidence: Evidence) -> Sequence[Criterion]:
    """The criteria of a guard; none yet while it waits for the champion's baseline."""
    known = next((baseline for baseline in evidence.baselines if baseline.guard == guard.name), None)
    found = criteria_of(guard, known or ReferenceQuantiles(guard=guard.name))
    return tuple(map(_of_first_answers, found)) if evidence.first_answers else found


def _of_first_answers(criterion: Criterion) -> Criterion:
    """A comparison of answers whose side was drawn; a limit of the version alone counts all of its answers."""
    if not criterion.compares_samples:
        return criterion
    return replace(criterion, measure=of_first_answers(criterion.measure))


def measures(guards: Sequence[Guard], evidence: Evidence) -> Mapping[str, Measure]:
    """Everything that has to be counted, by name. Errors, and bad pairs, always are: the record tells of them."""
    asked = [criterion for guard in guards for criterion in criteria(guard, evidence)]
    ratio = [received(evidence)] if any(criterion.compares_samples for criterion in asked) else []
    pairs = [ONLY_CHALLENGER_BAD] if any(criterion.measure.paired for criterion in asked) else []
    counted = [measure for criterion in asked for measure in criterion.measures]
    return {measure.name: measure for measure in (ERRORS, *pairs, *counted, *ratio)}


def received(evidence: Evidence) -> Measure:
    """The requests whose shares have to be those of the weights in force."""
    return of_first_answers(RECEIVED) if evidence.first_answers else RECEIVED
