"""The port Notifier: which way an event goes, by the type of its Provider."""

from podium.adapters.notifiers.http import HttpNotifier
from podium.adapters.notifiers.nats import NatsNotifier
from podium.ports import Notification


class Notifiers:
    """Implements the port Notifier. For one event loop; close it at the end."""

    def __init__(self) -> None:
        self._http, self._nats = HttpNotifier(), NatsNotifier()
        self.close = self._http.close

    async def send(self, notification: Notification) -> None:
        await (self._nats if notification.type == "nats" else self._http).send(notification)
