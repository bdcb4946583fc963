"""A status without its evidence, for a decision while that cannot be evaluated, and the same with it again."""

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.evidence import Evidence
from podium.api.v1alpha1.experiment import Arm
from podium.api.v1alpha1.status import Condition, Status, Trial
from podium.core.facts import Facts
from podium.core.status.conditions import kept
from podium.core.status.messages import LONGEST


def bare(status: Status) -> Status:
    """The status without evidence and guards."""
    arms = [arm.model_copy(update={"trial": _bare(arm.trial)}) for arm in status.arms]
    return status.model_copy(update={"trial": _bare(status.trial), "arms": arms})


def with_failure(status: Status, facts: Facts, error: Exception) -> Status:
    """The status with the evidence and the guards that it had, and with the condition that says what went wrong."""
    failed = Condition(
        type="GuardsEvaluated",
        status="False",
        reason=reasons.EVALUATION_FAILED,
        message=f"the evidence could not be evaluated ({type(error).__name__}: {error})"[:LONGEST],
        observed_generation=facts.generation,
        last_transition_time=facts.now,
    )
    before = {arm.slot: arm for arm in facts.status.arms}
    update = {
        "conditions": [*status.conditions, kept(failed, facts.status)],
        "trial": _whole(status.trial, facts.status.trial),
        "arms": [_with_evidence(arm, before.get(arm.slot)) for arm in status.arms],
    }
    return status.model_copy(update=update)


def _with_evidence(arm: Arm, known: Arm | None) -> Arm:
    return arm if known is None else arm.model_copy(update={"trial": _whole(arm.trial, known.trial)})


def _bare(trial: Trial | None) -> Trial | None:
    return trial.model_copy(update={"evidence": Evidence(), "guards": []}) if trial is not None else None


def _whole(trial: Trial | None, known: Trial | None) -> Trial | None:
    if trial is None or known is None:
        return trial
    return trial.model_copy(update={"evidence": known.evidence, "guards": known.guards})
