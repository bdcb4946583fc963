"""What a reconcile adds to the arms of an experiment, each seen as the challenger of an ordinary trial."""

from datetime import timedelta
from typing import Final

from podium.api.v1alpha1.experiment import Arm, ExperimentProgress
from podium.api.v1alpha1.spec.spec import arms_of
from podium.api.v1alpha1.status import Phase, Status
from podium.core.analysis import suspicion
from podium.core.analysis.measures import METRIC
from podium.core.experiment import progress
from podium.core.facts import SLOTS, Facts
from podium.core.fingerprints import experiment_hash
from podium.core.rollout.arms import view
from podium.core.status.counted import counted
from podium.core.traffic.arms import ready_arms

# Counts are taken and written this often at the most: a test must see each answer in one block, whatever else a
# reconcile is for.
EVERY: Final = timedelta(seconds=0.9)


def observed_arms(facts: Facts) -> dict[str, object]:
    """The part of the status that is about an experiment."""
    status = facts.status
    if status.phase is not Phase.EXPERIMENTING:
        known = progress(facts.spec, status) is not None
        left = [arm for arm in status.arms if known or facts.observed.slot(arm.slot).replicas]
        return {"arms": left} if len(left) != len(status.arms) else {}
    known_progress = status.experiment
    if known_progress is not None and known_progress.routed_at is None and ready_arms(facts):
        known_progress = known_progress.model_copy(update={"routed_at": facts.now})
    return {"arms": [_arm(facts, arm) for arm in status.arms], "experiment": known_progress}


def _arm(facts: Facts, arm: Arm) -> Arm:
    champion = facts.status.champion
    if arm.suspected is not None and champion is not None:
        return arm.model_copy(update={"suspected": suspicion.counted(arm.suspected, facts, champion)})
    if not arm.judged or arm.trial is None:
        return arm
    at = arm.trial.evidence.observed_at
    if at is not None and timedelta() <= facts.now - at < EVERY:
        return arm
    experiment = facts.spec.rollout.experiment
    metric = [METRIC] if experiment is not None and experiment.metric is not None else []
    seen, rate = counted(view(facts, arm), metric), arm.trial.false_rollback_rate  # of all arms together
    assert seen is not None
    return arm.model_copy(update={"trial": seen.model_copy(update={"false_rollback_rate": rate})})


def with_winner(facts: Facts) -> Status:
    """A status that was lost knows of no experiment. A version of an arm in a slot of its own has won one."""
    status, arms = facts.status, arms_of(facts.spec)
    if not status.blank or status.experiment is not None or len(arms) < 2:  # noqa: PLR2004
        return status
    versions = {arm.version for arm in arms}
    for slot in SLOTS:
        seen = facts.observed.slot(slot)
        if seen.runs is not None and seen.replicas and seen.runs.version in versions:
            known = ExperimentProgress(
                experiment_hash=experiment_hash(facts.spec), ended_at=facts.now, winner=seen.runs.version
            )
            return status.model_copy(update={"experiment": known})
    return status
