"""Who is told of decisions, as the API server says, and how they are told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from podium.api.v1alpha1.alerting import AlertingStatus, AlertSpec, ProviderSpec, ProviderType
from podium.api.v1alpha1.outbox import PendingEvent
from podium.core.facts import Key


@dataclass(frozen=True)
class Stored:
    """An Alert or a Provider as the API server has it."""

    key: Key
    uid: str
    generation: int
    created: datetime
    status: AlertingStatus
    flaw: str = field(default="", kw_only=True)  # why its spec cannot be read; "" where it can


@dataclass(frozen=True)
class Provider(Stored):
    """A receiver. `spec` is None where it cannot be read."""

    spec: ProviderSpec | None

    kind: Literal["Provider"] = field(default="Provider", kw_only=True)


@dataclass(frozen=True)
class Alert(Stored):
    """Which events go to a receiver. `spec` is None where it cannot be read."""

    spec: AlertSpec | None

    kind: Literal["Alert"] = field(default="Alert", kw_only=True)


class Alerting(Protocol):
    """The API server: Alerts and Providers of the namespaces that the operator watches. Empty without their CRDs."""

    async def alerts(self) -> Sequence[Alert]:
        """All Alerts, fresh."""

    async def providers(self) -> Sequence[Provider]:
        """All Providers, fresh."""

    async def write_status(self, about: Alert | Provider, status: AlertingStatus) -> None:
        """Replace the status. Raises NotFound where the object is gone."""


@dataclass(frozen=True)
class Notification:
    """One event for one receiver."""

    type: ProviderType
    address: str = field(repr=False)  # of a chat: a secret
    event: PendingEvent
    key: Key
    uid: str  # of the ModelDeployment
    timeout: float  # seconds
    token: str | None = field(default=None, repr=False)
    login: str | None = None  # whose password the token is
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    channel: str | None = None
    username: str | None = None
    summary: str | None = None
    networks: tuple[str, ...] | None = None  # beside the public one, where the receiver may be; None: anywhere
    hosts: tuple[str, ...] | None = None  # that servers may have which the receiver names; None: any


class Notifier(Protocol):
    """Receivers of events. Raises Unavailable for silence, and Rejected where the event was not taken."""

    async def send(self, notification: Notification) -> None:
        """Deliver the event, and wait until the receiver has it, at most the notification's timeout."""
