"""Background work for each ModelDeployment: what may be slow, and must not delay a rollback."""

import asyncio
from dataclasses import dataclass

from podium.controller.workers.notifications import NotificationWorker
from podium.controller.workers.registry import RegistryWorker
from podium.controller.workers.webhooks import WebhookWorker
from podium.core.facts import Key


@dataclass(frozen=True)
class Workers:
    """The workers of one operator."""

    registry: RegistryWorker
    webhooks: WebhookWorker
    notifications: NotificationWorker

    def forget(self, key: Key) -> None:
        """End the work for a ModelDeployment that is gone."""
        self.registry.gone(key)
        self.webhooks.forget(key)
        self.notifications.forget(key)

    async def close(self) -> None:
        """End all work, and wait until it has ended."""
        await asyncio.gather(self.registry.close(), self.webhooks.close(), self.notifications.close())
