"""The port Notifier: which way an event goes, by the type of its Provider."""

from collections.abc import Mapping

from podium.adapters.notifiers.http import HttpNotifier
from podium.adapters.notifiers.kafka import KafkaNotifier
from podium.adapters.notifiers.nats import NatsNotifier
from podium.adapters.notifiers.smtp import SmtpNotifier
from podium.api.v1alpha1.alerting import ProviderType
from podium.ports import Notification, Notifier


class Notifiers:
    """Implements the port Notifier. For one event loop; close it at the end."""

    def __init__(self) -> None:
        self._http = HttpNotifier()
        self._others: Mapping[ProviderType, Notifier] = {
            "kafka": KafkaNotifier(),
            "nats": NatsNotifier(),
            "smtp": SmtpNotifier(),
        }
        self.close = self._http.close

    async def send(self, notification: Notification) -> None:
        await self._others.get(notification.type, self._http).send(notification)
