"""The services that answer gates, asked in the background: nothing that they do can hold up a look.

The rules:

1. A request_id is asked until there is a verdict: silence, and an answer that is none, neither hold nor fail a gate.
2. What is asked belongs to one request_id. Another one under the same gate's name takes its place.
3. Once the gates are passed, or nobody asks any more, all that is under way is dropped.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from podium.api import reasons
from podium.controller.logs import about
from podium.controller.queue import backoff
from podium.core.actions import CallWebhook
from podium.core.facts import GateResponse, Key
from podium.core.gates import GATE_PHASES
from podium.errors import NotFound, PodiumError
from podium.ports import Clock, Cluster, ModelDeployment, WebhookCall, Webhooks

HEADER_KEY: Final = "authorization"
_LAST_RETRY: Final = 60.0  # seconds between tries
_log = logging.getLogger(__name__)


@dataclass
class _Asked:
    """One request_id, and what has come of it."""

    answer: GateResponse
    task: asyncio.Task[None] | None = None


class WebhookWorker:
    """All questions that are under way."""

    def __init__(
        self, webhooks: Webhooks, cluster: Cluster, clock: Clock, registry_uri: str, *, notify: Callable[[Key], None]
    ) -> None:
        self._webhooks = webhooks
        self._cluster = cluster
        self._clock = clock
        self._registry_uri = registry_uri
        self._notify = notify
        self._asked: dict[Key, dict[str, _Asked]] = {}

    def latest(self, md: ModelDeployment) -> Mapping[str, GateResponse]:
        """What is known now, by the gate's name. Never waits."""
        if md.status.phase not in GATE_PHASES:
            self.forget(md.key)
        return {gate: asked.answer for gate, asked in self._asked.get(md.key, {}).items()}

    def ask(self, md: ModelDeployment, wanted: CallWebhook) -> None:
        """Begin to ask, unless this very request_id is under way."""
        gates = self._asked.setdefault(md.key, {})
        known = gates.get(wanted.gate)
        if known is not None and known.answer.request_id == wanted.request_id:
            return
        if known is not None and known.task is not None:
            known.task.cancel()
        asked = _Asked(GateResponse(wanted.request_id, "Pending", "waiting for its webhook's response"))
        gates[wanted.gate] = asked
        name = f"gate {wanted.gate} of {md.key}"
        asked.task = asyncio.create_task(self._attend(asked, md, wanted), name=name)

    def forget(self, key: Key) -> None:
        """Ask nothing more about this one."""
        for asked in self._asked.pop(key, {}).values():
            if asked.task is not None:
                asked.task.cancel()

    async def close(self) -> None:
        """Ask nothing more, and wait until that is so."""
        tasks = [asked.task for gates in self._asked.values() for asked in gates.values() if asked.task is not None]
        for key in tuple(self._asked):
            self.forget(key)
        if tasks:
            await asyncio.wait(tasks)

    async def _attend(self, asked: _Asked, md: ModelDeployment, wanted: CallWebhook) -> None:
        failures = 0
        with about(md.key):
            while asked.answer.state == "Pending":
                before = asked.answer
                asked.answer = await self._once(md, wanted)
                if asked.answer != before:
                    self._notify(md.key)
                failures += 1
                if asked.answer.state == "Pending":
                    await self._clock.sleep(backoff(failures, _LAST_RETRY))

    async def _once(self, md: ModelDeployment, wanted: CallWebhook) -> GateResponse:
        try:
            verdict = await self._webhooks.ask(await self._call(md, wanted))
        except PodiumError as error:
            _log.warning("gate %s: no verdict yet, retrying: %s", wanted.gate, error)
            return GateResponse(wanted.request_id, "Pending", f"{error}; retrying")
        except Exception:  # noqa: BLE001  a request_id must outlive whatever an answer makes a client throw
            _log.exception("gate %s: calling its webhook failed unexpectedly", wanted.gate)
            return GateResponse(wanted.request_id, "Pending", "calling its webhook failed, see the operator's log")
        _log.info("gate %s: allowed is %s: %s", wanted.gate, verdict.allowed, verdict.message)
        if verdict.allowed:
            return GateResponse(wanted.request_id, "Passed", verdict.message or "allowed")
        return GateResponse(wanted.request_id, "Failed", verdict.message or "not allowed, without a message")

    async def _call(self, md: ModelDeployment, wanted: CallWebhook) -> WebhookCall:
        assert md.spec is not None
        return WebhookCall(
            url=wanted.webhook.url,
            timeout=wanted.webhook.timeout.total_seconds(),
            authorization=await self._authorization(md, wanted),
            id=wanted.request_id,
            key=md.key,
            gate=wanted.gate,
            model=md.spec.model.name,
            challenger=wanted.pinned,
            champion=md.status.champion,
            registry_uri=md.spec.registry.uri or self._registry_uri,
            at=self._clock.now(),
        )

    async def _authorization(self, md: ModelDeployment, wanted: CallWebhook) -> str | None:
        name = wanted.webhook.secret_name
        if name is None:
            return None
        where = f"Secret {md.key.namespace}/{name} (webhook.secretName of gate {wanted.gate})"
        try:
            found = (await self._cluster.secret(md.key.namespace, name)).get(HEADER_KEY, "").strip()
        except NotFound as error:
            raise NotFound(f"{where} not found: create it", reason=reasons.LOGIN_MISSING) from error
        if not found or not found.isascii() or not found.isprintable():
            raise NotFound(
                f"{where} has no key {HEADER_KEY} with a valid header value: add it", reason=reasons.LOGIN_MISSING
            )
        return found
