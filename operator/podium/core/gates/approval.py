"""A person's approval in `spec.approvals`, or a metric that makes it unnecessary."""

from collections.abc import Sequence

from podium.api.v1alpha1.spec.approvals import Approval
from podium.api.v1alpha1.spec.gates import ApprovalGate, AutoApproval
from podium.core.facts import Facts, ModelVersion
from podium.core.gates.metric import value_of
from podium.core.gates.result import GateResult, failed, passed, pending


def approval(gate: ApprovalGate, facts: Facts, version: ModelVersion) -> GateResult:
    """Whether a person who may do so has approved the version, or a metric made that needless."""
    if gate.metric is None:
        return _by_person(gate, facts, version)
    value, problem = value_of(gate.metric.key, version)
    if value is None:
        return failed(problem)
    found = f"{gate.metric.key} of version {version.version} is {value:g}"
    if problem := _refused(gate.metric, value):
        return failed(f"{found}; {problem}, an approval cannot override it")
    limit, approved = _automatic(gate.metric, value)
    if approved:
        return passed(f"{found}, approved automatically: {limit}")
    return _by_person(gate, facts, version, f"{found}; automatic approval requires {limit}; ")


def _refused(metric: AutoApproval, value: float) -> str:
    if metric.refused_below is not None and value < metric.refused_below:
        return f"refused below {metric.refused_below:g}"
    if metric.refused_above is not None and value > metric.refused_above:
        return f"refused above {metric.refused_above:g}"
    return ""


def _automatic(metric: AutoApproval, value: float) -> tuple[str, bool]:
    """The limit of automatic approval, and whether the value is within it."""
    if metric.auto_at_least is not None:
        return f"at least {metric.auto_at_least:g}", value >= metric.auto_at_least
    assert metric.auto_at_most is not None
    return f"at most {metric.auto_at_most:g}", value <= metric.auto_at_most


def _by_person(gate: ApprovalGate, facts: Facts, version: ModelVersion, why: str = "") -> GateResult:
    model = facts.spec.model.name
    named = [one for one in facts.spec.approvals if one.version == version.version and one.model in {None, model}]
    approvers = [one.by for one in named if one.digest in {None, version.digest}]
    counted = [person for person in approvers if not gate.by or person in gate.by]
    if counted:
        return passed(f"approved by {counted[0]}")
    who = f" by {' or '.join(gate.by[:10])}" if gate.by else ""
    others = f" {approvers[0]} may not approve." if approvers else _other_artifacts(named, version)
    return pending(
        f"{why}waiting for approval of version {version.version}{who}.{others} "
        f'Add {{version: "{version.version}", by: …}} to spec.approvals'
    )


def _other_artifacts(named: Sequence[Approval], version: ModelVersion) -> str:
    """Whose approval is for other artifacts under this number, if anyone's."""
    if not named:
        return ""
    return f" {named[0].by} approves it with {named[0].digest}, the registry has it with {version.digest}."
