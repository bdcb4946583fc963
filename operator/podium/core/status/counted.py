"""What a reconcile adds to a trial: the evidence, and since when it stands as it does."""

from collections.abc import Sequence

from podium.api.v1alpha1.evidence import Evidence, Slot
from podium.api.v1alpha1.status import Phase, Trial
from podium.core.analysis import sample_ratio
from podium.core.analysis.baselines import with_baselines
from podium.core.analysis.counts import accumulate, baseline
from podium.core.analysis.criteria import measures, received
from podium.core.analysis.measures import Measure
from podium.core.analysis.tests import update
from podium.core.facts import Facts
from podium.core.rollout.last_spec import recorded
from podium.core.status.trial_times import COUNTED, soaking_since, starting_since, weight_reached_at
from podium.core.unsaved import Unsaved


def counted(facts: Facts, also: Sequence[Measure] = ()) -> Trial | None:
    """The trial with what has been answered since it was last looked at, of `also` too; None without one."""
    trial, subject = facts.status.trial, facts.subject
    if trial is None or subject is None:
        return trial
    return trial.model_copy(
        update={
            "evidence": _evidence(facts, trial, subject.slot, also) if facts.evaluable else trial.evidence,
            "weight_reached_at": weight_reached_at(facts, trial),
            "starting_since": starting_since(facts, trial),
            "soaking_since": soaking_since(facts, trial),
            "spec": trial.spec if facts.status.observed_generation == facts.generation else recorded(facts.spec),
        }
    )


def _evidence(facts: Facts, trial: Trial, subject: Slot, also: Sequence[Measure]) -> Evidence:
    evidence = last_known(trial, facts.unsaved)
    before = evidence.observed_at
    evidence = evidence.model_copy(
        update={"first_answers": sample_ratio.counts_first_answers(facts, evidence.first_answers)}
    )
    if facts.status.phase in COUNTED | {Phase.STARTING}:
        evidence = with_baselines(evidence, trial.guards, facts, subject)
    measured = {**measures(trial.guards, evidence), **{measure.name: measure for measure in also}}
    if facts.status.phase in COUNTED:
        evidence, blocks = accumulate(evidence, facts, subject, measured)
        came = blocks.get(received(evidence).name)
        return update(trial, sample_ratio.updated(evidence, facts, subject, came, before), blocks)
    return baseline(evidence, facts, measured) if facts.status.phase is Phase.STARTING else evidence


def last_known(trial: Trial, unsaved: Unsaved | None) -> Evidence:
    """The newest evidence of this trial: that of the last reconcile, if the status still is as it was then."""
    return unsaved.evidence if unsaved is not None and unsaved.goes_on(trial) else trial.evidence
