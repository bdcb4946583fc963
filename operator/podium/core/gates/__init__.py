"""Gates: each a request_id about a version, asked before anything of it runs. All are asked, and every answer is told.

What belongs here: one module for each subject that a gate may ask about, each `Facts -> Answer`. What does not: how
jobs are run and services are asked. Their answers are facts.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from podium.api.gates import KINDS, Gate
from podium.api.spec import Spec
from podium.api.status import GateState, GateStatus, Phase, Status
from podium.core.facts import Facts, ModelVersion
from podium.core.fingerprints import request_id
from podium.core.gates.age import age
from podium.core.gates.approval import approval
from podium.core.gates.evaluation import evaluation
from podium.core.gates.external import answered, outside
from podium.core.gates.metric import metric
from podium.core.gates.result import Answer
from podium.core.gates.signature import signature
from podium.core.gates.tags import tags

GATE_PHASES: Final = frozenset({Phase.GATING, Phase.BLOCKED})
LONGEST: Final = 300  # characters of a gate's message

# What a gate of each kind is asked with. A job and a webhook need to know which gate they are about.
_WITHIN: Mapping[str, Callable[[Any, Facts, ModelVersion], Answer]] = {
    "metric": metric,
    "tags": tags,
    "signature": signature,
    "evaluation": evaluation,
    "age": age,
    "approval": approval,
}


@dataclass(frozen=True)
class Asked:
    """One gate, and what it says of the version."""

    gate: Gate
    state: GateState
    message: str

    def __str__(self) -> str:
        return f"gate {self.gate.name}: {self.message}"


def ask(facts: Facts, version: ModelVersion) -> list[Asked]:
    """Every gate's answer about this version, in the order of the spec."""
    return [_ask(gate, facts, version) for gate in facts.spec.gates]


def saying(state: GateState, facts: Facts, version: ModelVersion) -> list[str]:
    """What the gates in this state say of the version, one sentence a gate."""
    return [str(asked) for asked in ask(facts, version) if asked.state == state]


def remembered(facts: Facts, version: ModelVersion) -> list[GateStatus]:
    """The answers as the status keeps them. The moment is kept for as long as a gate says the same of the version."""
    return [_remembered(asked, facts, version) for asked in ask(facts, version)]


def pending_requests(spec: Spec, status: Status) -> Iterator[tuple[Gate, str]]:
    """The gates that need a job or a webhook, and have not got their answer yet; each with its request_id."""
    if status.phase not in GATE_PHASES or status.challenger is None:
        return
    for gate in spec.gates:
        if gate.job is not None or gate.webhook is not None:
            asked = request_id(spec, gate, status.challenger)
            if answered(gate, asked, status) is None:
                yield gate, asked


def _ask(gate: Gate, facts: Facts, version: ModelVersion) -> Asked:
    kind = next(kind for kind in KINDS if getattr(gate, kind) is not None)
    answer = _WITHIN[kind](getattr(gate, kind), facts, version) if kind in _WITHIN else outside(gate, facts)
    return Asked(gate, answer.state, answer.message[:LONGEST])


def _remembered(asked: Asked, facts: Facts, version: ModelVersion) -> GateStatus:
    gate, challenger = asked.gate, facts.status.challenger
    put = request_id(facts.spec, gate, challenger) if challenger and (gate.job or gate.webhook) else ""
    now = GateStatus(
        name=gate.name,
        state=asked.state,
        message=asked.message,
        version=version.version,
        at=facts.now,
        request_id=put,
    )
    known = next((one for one in facts.status.gates if one.name == gate.name), None)
    same = known is not None and (known.state, known.version, known.request_id) == (
        now.state,
        now.version,
        now.request_id,
    )
    return now.model_copy(update={"at": known.at}) if known is not None and same else now
