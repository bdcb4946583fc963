"""The services that answer gates."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from podium.api.v1alpha1.status import Pinned
from podium.core.facts import Key


@dataclass(frozen=True)
class WebhookCall:
    """A gate's query to a service. The same query always has the same id, so that a repeat can be told."""

    url: str
    timeout: float  # seconds
    authorization: str | None = field(repr=False)  # a secret
    id: str
    key: Key
    gate: str
    model: str
    challenger: Pinned
    champion: Pinned | None
    registry_uri: str
    at: datetime
    networks: tuple[str, ...] | None = None  # beside the public one, where the service may be; None: anywhere


@dataclass(frozen=True)
class WebhookVerdict:
    """What a service has answered. The message is its own: bounded, on one line, and not to be trusted."""

    allowed: bool
    message: str


class Webhooks(Protocol):
    """Services that answer gates. Raises Unavailable for silence, and Rejected for what is no verdict."""

    async def ask(self, call: WebhookCall) -> WebhookVerdict:
        """Ask the service, and wait for its verdict, at most the call's timeout."""
