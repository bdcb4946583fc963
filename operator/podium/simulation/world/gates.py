"""Jobs and services that answer gates, in memory."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from podium.core.actions import RunJob
from podium.core.facts import GateResponse, Key
from podium.errors import PodiumError, Rejected
from podium.ports import Clock, ModelDeployment, WebhookCall, WebhookVerdict

_ALLOWED: Final = WebhookVerdict(True, "")


@dataclass(frozen=True)
class JobBehaviour:
    """How the job of a gate ends, and how many seconds it takes."""

    takes: float = 2.0
    exit_code: int = 0
    message: str = ""


@dataclass
class FakeGateJobs:
    """Implements the port GateJobs."""

    clock: Clock
    behaviours: dict[str, JobBehaviour] = field(default_factory=dict)  # by the gate's name
    started: list[RunJob] = field(default_factory=list)  # each once, in order
    foreign_objects: set[str] = field(default_factory=set)  # gates whose Job's name another owner has taken
    failure: PodiumError | None = None  # raised by everything while it is set
    _born: dict[tuple[Key, str], float] = field(default_factory=dict)

    async def observe(self, md: ModelDeployment, requests: Mapping[str, str]) -> Mapping[str, GateResponse]:
        self._may_fail()
        return {
            gate: self._answer(gate, request_id, self._born[md.key, request_id])
            for gate, request_id in requests.items()
            if (md.key, request_id) in self._born
        }

    async def run(self, md: ModelDeployment, action: RunJob) -> None:
        self._may_fail()
        if action.gate in self.foreign_objects:
            raise Rejected(f"the Job of gate {action.gate} belongs to another owner")
        if (md.key, action.request_id) not in self._born:
            self._born[md.key, action.request_id] = self.clock.monotonic()
            self.started.append(action)

    def expire(self) -> None:
        """Remove all Jobs, as Kubernetes does once they are old, and as a person may."""
        self._born.clear()

    def _answer(self, gate: str, request_id: str, born: float) -> GateResponse:
        behaviour = self.behaviours.get(gate, JobBehaviour())
        if self.clock.monotonic() - born < behaviour.takes:
            return GateResponse(request_id, "Pending", "job has not finished")
        if behaviour.exit_code == 0:
            return GateResponse(request_id, "Passed", "job succeeded")
        return GateResponse(request_id, "Failed", f"job failed: exit code {behaviour.exit_code}: {behaviour.message}")

    def _may_fail(self) -> None:
        if self.failure is not None:
            raise self.failure


@dataclass
class FakeWebhooks:
    """Implements the port Webhooks. Every service allows everything until told otherwise."""

    otherwise: WebhookVerdict | PodiumError = _ALLOWED  # what the services say that have no verdict
    verdicts: dict[str, WebhookVerdict | PodiumError] = field(default_factory=dict)  # by URL
    calls: list[WebhookCall] = field(default_factory=list)

    async def ask(self, call: WebhookCall) -> WebhookVerdict:
        self.calls.append(call)
        verdict = self.verdicts.get(call.url, self.otherwise)
        if isinstance(verdict, PodiumError):
            raise verdict
        return verdict
