"""What only somebody else can say: a pod that looks at the version, or a service. Each is asked once."""

from podium.api.gates import Gate
from podium.api.status import GateStatus, Status
from podium.core.facts import Facts
from podium.core.fingerprints import request_id
from podium.core.gates.result import Answer, waits


def outside(gate: Gate, facts: Facts) -> Answer:
    challenger = facts.status.challenger
    asked = request_id(facts.spec, gate, challenger) if challenger is not None else ""
    known = answered(gate, asked, facts.status)
    if known is not None:
        return Answer(known.state, known.message)
    said = facts.observed.gate_responses.get(gate.name)
    if said is not None and said.request_id == asked:
        return Answer(said.state, said.message)
    return waits("its pod has not started yet" if gate.job is not None else "its service has not been called yet")


def answered(gate: Gate, asked: str, status: Status) -> GateStatus | None:
    """The answer to this very request_id, once there is one. It stands: neither is asked again."""
    for known in status.gates:
        if known.name == gate.name and known.request_id == asked and known.state != "Pending":
            return known
    return None
