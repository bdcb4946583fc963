"""Calls of gates' webhooks, in the background: a slow service cannot delay a reconcile.

The rules:

1. A request is repeated until there is a verdict: no response, or an invalid one, neither passes nor fails a gate.
2. A call belongs to one request_id. Another one under the same gate's name replaces it.
3. A namespace has only so many requests under way at the same time; the others wait for their turn.
4. Once the gates have passed, or no reconcile needs them any more, pending calls are cancelled.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from podium.api.v1alpha1 import reasons
from podium.controller.logs import about
from podium.controller.queue import backoff
from podium.core.actions import CallWebhook
from podium.core.facts import GateResponse, Key
from podium.core.gates import GATE_PHASES
from podium.core.permissions.permitted import granted_networks
from podium.errors import NotFound, PodiumError
from podium.ports import Clock, Cluster, ModelDeployment, WebhookCall, Webhooks

HEADER_KEY: Final = "authorization"
_TOLD: Final = frozenset({reasons.LOGIN_MISSING, reasons.NOT_PERMITTED})
_SILENT: Final = (
    'no verdict yet; expected 200 with {"allowed": true or false, "message": "…"}. The operator\'s log says what came'
)
_AT_ONCE: Final = 32  # requests of a namespace
_LAST_RETRY: Final = 60.0  # seconds between tries
_log = logging.getLogger(__name__)


@dataclass
class _Request:
    """One request_id, and what has come of it."""

    answer: GateResponse
    task: asyncio.Task[None] | None = None


class WebhookWorker:
    """All requests that are under way."""

    def __init__(
        self, webhooks: Webhooks, cluster: Cluster, clock: Clock, registry_uri: str, *, notify: Callable[[Key], None]
    ) -> None:
        self._webhooks = webhooks
        self._cluster = cluster
        self._clock = clock
        self._registry_uri = registry_uri
        self._notify = notify
        self._requests: dict[Key, dict[str, _Request]] = {}
        self._turns: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(_AT_ONCE))

    def latest(self, md: ModelDeployment) -> Mapping[str, GateResponse]:
        """What is known now, by the gate's name. Never waits."""
        if md.status.phase not in GATE_PHASES or md.refusals:
            self.forget(md.key)
        return {gate: request.answer for gate, request in self._requests.get(md.key, {}).items()}

    def ask(self, md: ModelDeployment, action: CallWebhook) -> None:
        """Begin to ask, unless this very request_id is under way."""
        gates = self._requests.setdefault(md.key, {})
        known = gates.get(action.gate)
        if known is not None and known.answer.request_id == action.request_id:
            return
        if known is not None and known.task is not None:
            known.task.cancel()
        request = _Request(GateResponse(action.request_id, "Pending", "waiting for its webhook's response"))
        gates[action.gate] = request
        name = f"gate {action.gate} of {md.key}"
        request.task = asyncio.create_task(self._attend(request, md, action), name=name)

    def forget(self, key: Key) -> None:
        """Ask nothing more about this one."""
        for request in self._requests.pop(key, {}).values():
            if request.task is not None:
                request.task.cancel()

    async def close(self) -> None:
        """Ask nothing more, and wait until that is so."""
        tasks = [
            request.task for gates in self._requests.values() for request in gates.values() if request.task is not None
        ]
        for key in tuple(self._requests):
            self.forget(key)
        if tasks:
            await asyncio.wait(tasks)

    async def _attend(self, request: _Request, md: ModelDeployment, action: CallWebhook) -> None:
        failures = 0
        with about(md.key):
            while request.answer.state == "Pending":
                before = request.answer
                request.answer = await self._once(md, action)
                if request.answer != before:
                    self._notify(md.key)
                failures += 1
                if request.answer.state == "Pending":
                    await self._clock.sleep(backoff(failures, _LAST_RETRY))

    async def _once(self, md: ModelDeployment, action: CallWebhook) -> GateResponse:
        try:
            async with self._turns[md.key.namespace]:
                verdict = await self._webhooks.ask(await self._call(md, action))
        except PodiumError as error:
            _log.warning("gate %s: no verdict yet, retrying: %s", action.gate, error)
            # What answers at an address, or that nothing does, is for who may read the log: a gate is no port scanner.
            told = str(error) if error.reason in _TOLD or md.policies is None else _SILENT
            return GateResponse(action.request_id, "Pending", f"{told}; retrying")
        except Exception:  # noqa: BLE001  a request_id must outlive whatever an answer makes a client throw
            _log.exception("gate %s: calling its webhook failed unexpectedly", action.gate)
            return GateResponse(action.request_id, "Pending", "calling its webhook failed, see the operator's log")
        _log.info("gate %s: allowed is %s: %s", action.gate, verdict.allowed, verdict.message)
        if verdict.allowed:
            return GateResponse(action.request_id, "Passed", verdict.message or "allowed")
        return GateResponse(action.request_id, "Failed", verdict.message or "not allowed, without a message")

    async def _call(self, md: ModelDeployment, action: CallWebhook) -> WebhookCall:
        assert md.spec is not None
        return WebhookCall(
            url=action.webhook.url,
            timeout=action.webhook.timeout.total_seconds(),
            authorization=await self._authorization(md, action),
            id=action.request_id,
            key=md.key,
            gate=action.gate,
            model=md.spec.model.name,
            challenger=action.pinned,
            champion=md.status.champion,
            registry_uri=md.spec.registry.uri or self._registry_uri,
            at=self._clock.now(),
            networks=granted_networks(md.policies) if md.policies is not None else None,
        )

    async def _authorization(self, md: ModelDeployment, action: CallWebhook) -> str | None:
        name = action.webhook.secret_name
        if name is None:
            return None
        where = f"Secret {md.key.namespace}/{name} (webhook.secretName of gate {action.gate})"
        try:
            found = (await self._cluster.secret(md.key.namespace, name)).get(HEADER_KEY, "").strip()
        except NotFound as error:
            raise NotFound(f"{where} not found: create it", reason=reasons.LOGIN_MISSING) from error
        if not found or not found.isascii() or not found.isprintable():
            raise NotFound(
                f"{where} has no key {HEADER_KEY} with a valid header value: add it", reason=reasons.LOGIN_MISSING
            )
        return found
