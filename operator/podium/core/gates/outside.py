"""What only somebody else can say: a pod that looks at the version, or a service. Each is asked once."""

from podium.api.gates import Gate
from podium.api.status import GateStatus, Status
from podium.core.facts import Facts
from podium.core.gates.answer import Answer, waits
from podium.core.terms import question


def outside(gate: Gate, facts: Facts) -> Answer:
    challenger = facts.status.challenger
    asked = question(facts.spec, gate, challenger) if challenger is not None else ""
    known = answered(gate, asked, facts.status)
    if known is not None:
        return Answer(known.state, known.message)
    said = facts.world.gate_answers.get(gate.name)
    if said is not None and said.question == asked:
        return Answer(said.state, said.message)
    return waits("its pod is to be started" if gate.job is not None else "its service is to be asked")


def answered(gate: Gate, asked: str, status: Status) -> GateStatus | None:
    """The answer to this very question, once there is one. It stands: neither is asked again."""
    for known in status.gates:
        if known.name == gate.name and known.question == asked and known.state != "waits":
            return known
    return None
