"""Alerts and Providers as they were listed last, where a Provider's events go, and whether they can be delivered.

They are listed when something is to be told, and now and then: a decision before an Alert was made is not told by it,
so nothing depends on the moment at which a new one is seen.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.alerting import LEFT_OUT, AlertingStatus, ProviderSpec
from podium.api.v1alpha1.outbox import RECEIVERS_LIMIT
from podium.api.v1alpha1.policy import PodiumPolicySpec
from podium.api.v1alpha1.status import Condition
from podium.controller.workers.targets import Target, target_of
from podium.core.facts import Key, Problem
from podium.core.permissions.permitted import granted_hosts, granted_networks, refused_host
from podium.errors import NotFound, Permanent, PodiumError, Rejected
from podium.ports import Alert, Alerting, Clock, Cluster, Provider

_CHECKED_FOR: Final = 300.0  # seconds for which a Secret that was well is not read again
_MISSING: Final = reasons.LOGIN_MISSING
_SHOWN: Final = 500  # characters of what is wrong
_log = logging.getLogger(__name__)


Granted = Callable[[str], tuple[PodiumPolicySpec, ...] | None]


class Receivers:
    """What was listed last."""

    def __init__(
        self,
        alerting: Alerting,
        cluster: Cluster,
        clock: Clock,
        policies: Granted,
        mine: Callable[[str], bool] = lambda _: True,
    ) -> None:
        """`policies` are those of a namespace; None where the cluster has no such kind.

        `mine` says in which namespaces conditions are written.
        """
        self._mine = mine
        self._policies = policies
        self._alerting = alerting
        self._cluster = cluster
        self._clock = clock
        self.listed_at: float | None = None  # on the monotonic clock; None: never, and nothing is known
        self._alerts: dict[str, Alert] = {}
        self._providers: dict[Key, Provider] = {}
        self._failing: dict[str, Problem] = {}  # by the Alert's UID: why its last delivery failed
        self._left_out: dict[str, Condition] = {}  # by the Alert's UID: the last event that was given up
        self._checked: dict[tuple[str, int], float] = {}  # UID and generation of Providers whose Secrets were well
        self._listed = asyncio.Event()

    def forget(self) -> None:
        """Nothing is known until it is listed again."""
        self.listed_at = None
        self._failing.clear()
        self._checked.clear()

    async def list(self) -> None:
        """Read all of them. Raises the errors of the port."""
        began = self._clock.monotonic()
        alerts, providers = await self._alerting.alerts(), await self._alerting.providers()
        self._alerts = {each.uid: each for each in alerts}
        self._providers = {each.key: each for each in providers}
        self._failing = {uid: problem for uid, problem in self._failing.items() if uid in self._alerts}
        self._left_out = {uid: said for uid, said in self._left_out.items() if uid in self._alerts}
        self.listed_at = began
        self._listed.set()

    def served(self, namespace: str) -> Sequence[Alert]:
        """The Alerts of the namespace, the oldest first, and no more than a status has room for."""
        there = [each for each in self._alerts.values() if each.key.namespace == namespace]
        return sorted(there, key=lambda each: (each.created, each.key.name))[:RECEIVERS_LIMIT]

    def alert(self, uid: str) -> Alert | None:
        """The Alert; None where it is gone."""
        return self._alerts.get(uid)

    def provider(self, alert: Alert) -> Provider | None:
        """The Provider that the Alert names; None where there is none."""
        return self._providers.get(Key(alert.key.namespace, alert.spec.provider_ref.name)) if alert.spec else None

    def note(self, alert: Alert, error: Exception | None) -> bool:
        """Remember how its last delivery ended. Returns whether that is news."""
        known = self._failing.pop(alert.uid, None)
        if error is None:
            return known is not None
        self._failing[alert.uid] = found = _problem_of(error)
        return found != known

    def leave_out(self, alert: Alert, reason: str, message: str) -> None:
        """Remember which event was given up last; the Alert says so until its spec changes."""
        self._left_out[alert.uid] = Condition.model_validate(
            {
                "type": LEFT_OUT,
                "status": "True",
                "reason": reason,
                "message": message[:_SHOWN],
                "observed_generation": alert.generation,
                "last_transition_time": self._clock.now(),
            }
        )

    async def target(self, provider: Provider) -> Target:
        """Where its events go. Raises NotFound and Rejected, and says what is missing, without any secret."""
        spec = provider.spec
        if spec is None:
            raise Rejected(provider.flaw, reason=reasons.INVALID_SPEC)
        found, where = await self._secret(provider, spec)
        target = target_of(spec, found, where)
        return self._within_policies(provider, target)

    def _within_policies(self, provider: Provider, target: Target) -> Target:
        """The target, and how far it may reach. Raises Rejected where no policy grants its host."""
        policies = self._policies(provider.key.namespace)
        if policies is None:
            return target
        hosts = granted_hosts(policies)
        if (refused := refused_host(target.address, hosts)) is not None:
            message = f"Provider {provider.key}: {refused[0]} of its address is not permitted: {refused[1]}"
            raise Rejected(message, reason=reasons.NOT_PERMITTED)
        return replace(target, networks=granted_networks(policies), hosts=tuple(hosts))

    async def _secret(self, provider: Provider, spec: ProviderSpec) -> tuple[Mapping[str, str], str]:
        """The entries of the Secret, and how it is named to people."""
        if spec.secret_ref is None:
            return {}, f"Provider {provider.key}"
        where = (
            f"Secret {provider.key.namespace}/{spec.secret_ref.name} (spec.secretRef of Provider {provider.key.name})"
        )
        try:
            return await self._cluster.secret(provider.key.namespace, spec.secret_ref.name), where
        except NotFound as error:
            raise NotFound(f"{where} not found: create it", reason=_MISSING) from error

    async def keep_conditions(self) -> None:
        """After each list, let each of them say whether its events can be delivered, until cancelled."""
        while True:
            await self._listed.wait()
            self._listed.clear()
            try:
                await self._write_conditions()
            except Exception:  # noqa: BLE001  whatever a stored object made of it: the next list tries again
                _log.exception("could not write the conditions of Alerts and Providers")

    async def _write_conditions(self) -> None:
        served = {
            each.uid for name in {one.key.namespace for one in self._alerts.values()} for each in self.served(name)
        }
        for provider in [each for each in self._providers.values() if self._mine(each.key.namespace)]:
            try:
                problem = await self._of_provider(provider)
            except PodiumError as error:  # nothing is known of its Secret, and that is no news of the others
                _log.warning("Provider %s: its Secret could not be read, retrying: %s", provider.key, error)
                continue
            await self._write(provider, problem, "events can be delivered")
        for alert in [each for each in self._alerts.values() if self._mine(each.key.namespace)]:
            name = alert.spec.provider_ref.name if alert.spec is not None else ""
            await self._write(alert, self._of_alert(alert, served=alert.uid in served), f"events go to Provider {name}")

    async def _of_provider(self, provider: Provider) -> Problem | None:
        if provider.spec is None:
            return Problem(reasons.INVALID_SPEC, provider.flaw)
        if provider.spec.suspend:
            return Problem(reasons.SUSPENDED, "spec.suspend is true: nothing is delivered, now or later")
        behind = [alert for alert in self._alerts.values() if self.provider(alert) == provider]
        failing = [self._failing[alert.uid] for alert in behind if alert.uid in self._failing]
        if failing:
            return failing[0]
        now, this = self._clock.monotonic(), (provider.uid, provider.generation)
        if now - self._checked.get(this, -_CHECKED_FOR) < _CHECKED_FOR:
            return None
        try:
            await self.target(provider)
        except Permanent as error:
            return _problem_of(error)
        self._checked[this] = now
        return None

    def _of_alert(self, alert: Alert, *, served: bool) -> Problem | None:
        if alert.spec is None:
            return Problem(reasons.INVALID_SPEC, alert.flaw)
        if alert.spec.suspend:
            return Problem(reasons.SUSPENDED, "spec.suspend is true: nothing is told, now or later")
        if not served:
            message = f"expected at most {RECEIVERS_LIMIT} Alerts in a namespace, found older ones: delete one of them"
            return Problem(reasons.TOO_MANY_ALERTS, message)
        if self.provider(alert) is None:
            return provider_missing(alert)
        return self._failing.get(alert.uid)

    async def _write(self, about: Alert | Provider, problem: Problem | None, well: str) -> None:
        known = next((each for each in about.status.conditions if each.type == "Ready"), None)
        status = "True" if problem is None else "False"
        moved = known is None or known.status != status
        now = Condition.model_validate(
            {
                "type": "Ready",
                "status": status,
                "reason": problem.reason if problem is not None else reasons.SUCCEEDED,
                "message": problem.message if problem is not None else well,
                "observed_generation": about.generation,
                "last_transition_time": self._clock.now() if known is None or moved else known.last_transition_time,
            }
        )
        conditions = [now, *self._still_left_out(about)]
        if conditions == about.status.conditions:
            return
        try:
            await self._alerting.write_status(
                about, AlertingStatus(observed_generation=about.generation, conditions=conditions)
            )
        except PodiumError as error:
            _log.warning("could not write the status of %s %s: %s", about.kind, about.key, error)

    def _still_left_out(self, about: Alert | Provider) -> Sequence[Condition]:
        written = {each.type: each for each in about.status.conditions}
        found = self._left_out.get(about.uid) or written.get(LEFT_OUT)
        return [found] if found is not None and found.observed_generation == about.generation else []


def provider_missing(alert: Alert) -> Problem:
    """What is said of an Alert whose Provider is not there."""
    name = alert.spec.provider_ref.name if alert.spec is not None else ""
    message = f"Provider {alert.key.namespace}/{name} (spec.providerRef) not found: create it"
    return Problem(reasons.PROVIDER_NOT_FOUND, message)


def _problem_of(error: Exception) -> Problem:
    reason = error.reason if isinstance(error, PodiumError) else ""
    return Problem(reason or reasons.DELIVERY_FAILING, str(error)[:_SHOWN])
