"""Gates: each checks a version before any pod of it runs. Every gate is checked, and every result is reported.

What belongs here: one module for each kind of gate, each `Facts -> GateResult`. What does not: how jobs run and
webhooks are called. Their responses are facts.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from podium.api.v1alpha1.spec.gates import Gate
from podium.api.v1alpha1.spec.spec import Spec
from podium.api.v1alpha1.status import GateState, GateStatus, Phase, Status
from podium.core.facts import Facts, ModelVersion
from podium.core.fingerprints import request_id
from podium.core.gates.age import age
from podium.core.gates.approval import approval
from podium.core.gates.evaluation import evaluation
from podium.core.gates.external import answered, external
from podium.core.gates.metric import metric
from podium.core.gates.result import GateResult
from podium.core.gates.semver import semver
from podium.core.gates.signature import signature
from podium.core.gates.tags import tags

GATE_PHASES: Final = frozenset({Phase.GATING, Phase.BLOCKED})
OF_SIGNATURES: Final = frozenset({"signature", "semver"})  # kinds for which both signatures are read
LONGEST: Final = 300  # characters of a gate's message

# The check of each kind. A job and a webhook need to know which gate they are about.
_WITHIN: Mapping[str, Callable[[Any, Facts, ModelVersion], GateResult]] = {
    "metric": metric,
    "tags": tags,
    "signature": signature,
    "semver": semver,
    "evaluation": evaluation,
    "age": age,
    "approval": approval,
}


@dataclass(frozen=True)
class GateCheck:
    """One gate, and its result for the version."""

    gate: Gate
    state: GateState
    message: str

    def __str__(self) -> str:
        return f"gate {self.gate.name}: {self.message}"


def checked(facts: Facts) -> Sequence[GateCheck]:
    """Every gate's result for the desired version, once for all who ask; none while the registry has not answered.

    Of the status, a gate sees the versions and the earlier results only: what else changes in it changes no result.
    """
    status = facts.status
    relevant = Status(champion=status.champion, challenger=status.challenger, gates=status.gates)
    return facts.once(check, replace(facts, status=relevant))


def check(facts: Facts) -> Sequence[GateCheck]:
    """Every gate's result for the desired version, in the order of the spec."""
    version = facts.observed.registry.desired
    return [_check(gate, facts, version) for gate in facts.spec.gates] if version is not None else []


def messages(state: GateState, facts: Facts) -> list[str]:
    """The messages of the gates in this state, one sentence a gate."""
    return [str(result) for result in checked(facts) if result.state == state]


def statuses(facts: Facts, version: ModelVersion) -> list[GateStatus]:
    """The results for the desired version as the status keeps them, with the time since when a gate has each."""
    return [_status(result, facts, version) for result in checked(facts)]


def pending_requests(spec: Spec, status: Status) -> Iterator[tuple[Gate, str]]:
    """The gates that wait for a job or a webhook; each with its request_id."""
    if status.phase not in GATE_PHASES or status.challenger is None:
        return
    for gate in spec.gates:
        if gate.job is not None or gate.webhook is not None:
            request = request_id(spec, gate, status.challenger)
            if answered(gate, request, status) is None:
                yield gate, request


def _check(gate: Gate, facts: Facts, version: ModelVersion) -> GateCheck:
    check_within = _WITHIN.get(gate.kind)
    answer = check_within(gate.settings, facts, version) if check_within is not None else external(gate, facts)
    return GateCheck(gate, answer.state, answer.message[:LONGEST])


def _status(result: GateCheck, facts: Facts, version: ModelVersion) -> GateStatus:
    gate, challenger = result.gate, facts.status.challenger
    put = request_id(facts.spec, gate, challenger) if challenger and (gate.job or gate.webhook) else ""
    now = GateStatus(
        name=gate.name,
        state=result.state,
        message=result.message,
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
