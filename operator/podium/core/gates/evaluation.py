"""An evaluation that MLflow has linked to the version's logged model."""

from math import isfinite

from podium.api.v1alpha1.spec.gates import EvaluationGate, Limits
from podium.core.evaluations import Evaluation
from podium.core.facts import Facts, ModelVersion
from podium.core.gates.metric import outside_limits, shown
from podium.core.gates.result import GateResult, failed, passed


def evaluation(gate: EvaluationGate, _: Facts, version: ModelVersion) -> GateResult:
    """Whether the metrics of an evaluation that MLflow keeps are within the limits."""
    found = [each for each in version.evaluations if gate.dataset in {None, each.dataset and each.dataset.name}]
    if not found:
        on = f" on dataset {gate.dataset}" if gate.dataset is not None else ""
        return failed(
            f"no evaluation of version {version.version}{on} is linked to its logged model. Make one with "
            f"mlflow.models.evaluate on the model's own URI, models:/m-…"
        )
    newest = found[-1]
    problems = [problem for problem in (_problem(limits, newest) for limits in gate.metrics) if problem]
    if problems:
        return failed(f"evaluation {newest.name} of version {version.version}{_on(newest)}: {'; '.join(problems)}")
    return passed(f"evaluation {newest.name}{_on(newest)}")


def _problem(limits: Limits, made: Evaluation) -> str:
    value = made.metrics.get(limits.key)
    if value is None:
        return f"it has no metric {limits.key}"
    if not isfinite(value):
        return f"{limits.key} is {value}; required: a finite number"
    return outside_limits(limits, value, limits.key)


def _on(made: Evaluation) -> str:
    return f" on {shown(made.dataset.name)}" if made.dataset else ""
