"""Gates outside of Podium: a pod that checks the version, or a webhook. Each request is made once."""

from podium.api.v1alpha1.spec.gates import Gate
from podium.api.v1alpha1.status import GateStatus, Status
from podium.core.facts import Facts
from podium.core.fingerprints import request_id
from podium.core.gates.result import GateResult, pending


def external(gate: Gate, facts: Facts) -> GateResult:
    """What the Job or the webhook has answered to this request."""
    challenger = facts.status.challenger
    request = request_id(facts.spec, gate, challenger) if challenger is not None else ""
    known = answered(gate, request, facts.status)
    if known is not None:
        return GateResult(known.state, known.message)
    response = facts.observed.gate_responses.get(gate.name)
    if response is not None and response.request_id == request:
        return GateResult(response.state, response.message)
    return pending("its pod has not started yet" if gate.job is not None else "its service has not been called yet")


def answered(gate: Gate, request: str, status: Status) -> GateStatus | None:
    """The result of this request, once there is one. It is final: no request is repeated after it."""
    for known in status.gates:
        if known.name == gate.name and known.request_id == request and known.state != "Pending":
            return known
    return None
