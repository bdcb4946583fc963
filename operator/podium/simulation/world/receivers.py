"""Alerts, Providers and the receivers behind them, in memory."""

import asyncio
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from podium.adapters.notifiers.cloud_events import cloud_event
from podium.api.v1alpha1.alerting import LEFT_OUT, AlertingStatus, AlertSpec, ProviderSpec
from podium.api.v1alpha1.status import Condition
from podium.core.facts import Key
from podium.errors import NotFound, PodiumError, Unavailable
from podium.ports import Alert, Clock, Notification, Provider

_Metadata = tuple[Key, str, int, datetime, AlertingStatus]


@dataclass
class FakeAlerting:
    """Implements the port Alerting."""

    clock: Clock
    failure: PodiumError | None = None  # raised by everything while it is set
    silent: bool = False  # it never answers, and no timer of the operator's waits for it
    writes: list[str] = field(default_factory=list)  # of statuses, in order
    _alerts: dict[Key, Alert] = field(default_factory=dict)
    _providers: dict[Key, Provider] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def provider(self, name: str, namespace: str = "ml", **spec: Any) -> None:
        """Apply a Provider: a generic one at an address of its own, unless it is said otherwise."""
        given = {"type": "generic", "address": f"https://{name}.example.com/", **spec}
        self._providers[Key(namespace, name)] = Provider(
            *self._metadata(self._providers, Key(namespace, name)), spec=ProviderSpec.model_validate(given)
        )

    def alert(self, name: str, provider: str, namespace: str = "ml", **spec: Any) -> None:
        """Apply an Alert: all events of all ModelDeployments, unless it is said otherwise."""
        given = {"providerRef": {"name": provider}, "eventSources": [{"name": "*"}], **spec}
        self._alerts[Key(namespace, name)] = Alert(
            *self._metadata(self._alerts, Key(namespace, name)), spec=AlertSpec.model_validate(given)
        )

    def delete_alert(self, name: str, namespace: str = "ml") -> None:
        """Delete an Alert."""
        del self._alerts[Key(namespace, name)]

    def ready(self, kind: str, name: str, namespace: str = "ml") -> Condition | None:
        """The condition Ready of an Alert or a Provider; None where it has none yet."""
        there: Mapping[Key, Alert | Provider] = self._alerts if kind == "Alert" else self._providers
        return next(iter(there[Key(namespace, name)].status.conditions), None)

    def left_out(self, name: str, namespace: str = "ml") -> Condition | None:
        """The condition of an Alert that tells of the last event that was given up; None where there is none."""
        there = self._alerts[Key(namespace, name)].status.conditions
        return next((each for each in there if each.type == LEFT_OUT), None)

    async def alerts(self) -> Sequence[Alert]:
        self._may_fail()
        if self.silent:
            await asyncio.Future()
        return list(self._alerts.values())

    async def providers(self) -> Sequence[Provider]:
        self._may_fail()
        return list(self._providers.values())

    async def write_status(self, about: Alert | Provider, status: AlertingStatus) -> None:
        self._may_fail()
        self.writes.append(f"{about.kind} {about.key}: {status.conditions[0].reason}")
        if isinstance(about, Alert) and about.key in self._alerts:
            self._alerts[about.key] = replace(self._alerts[about.key], status=status)
        elif isinstance(about, Provider) and about.key in self._providers:
            self._providers[about.key] = replace(self._providers[about.key], status=status)
        else:
            raise NotFound(f"{about.kind} {about.key} is not there")

    def _metadata(
        self, there: Mapping[Key, Alert | Provider], key: Key
    ) -> tuple[Key, str, int, datetime, AlertingStatus]:
        known = there.get(key)
        if known is not None:
            return key, known.uid, known.generation + 1, known.created, known.status
        return key, f"uid-of-receiver-{next(self._numbers)}", 1, self.clock.now(), AlertingStatus()

    def _may_fail(self) -> None:
        if self.failure is not None:
            raise self.failure


@dataclass
class FakeNotifier:
    """Implements the port Notifier: what each address was sent, and which ones are down."""

    inbox: dict[str, list[Notification]] = field(default_factory=dict)  # what was taken, by address
    tried: list[Notification] = field(default_factory=list)
    down: set[str] = field(default_factory=set)  # addresses; `*` for all
    failures: dict[str, PodiumError] = field(default_factory=dict)  # by address: what it answers instead
    answer_is_lost: bool = False  # it takes the event, and its answer does not arrive

    async def send(self, notification: Notification) -> None:
        self.tried.append(notification)
        address = notification.address
        if self.down & {address, "*"}:
            raise Unavailable(f"{address} does not answer: Connection refused")
        if address in self.failures:
            raise self.failures[address]
        self.inbox.setdefault(address, []).append(notification)
        if self.answer_is_lost:
            raise Unavailable(f"{address} did not answer within {notification.timeout:g} s")

    def taken(self, provider: str) -> list[Mapping[str, Any]]:
        """The CloudEvents that the Provider of this name has taken, in order."""
        return [
            cloud_event(each.uid, each.key, each.event)
            for each in self.inbox.get(f"https://{provider}.example.com/", [])
        ]
