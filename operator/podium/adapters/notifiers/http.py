"""The port Notifier by HTTP: one POST an event. The rules of `podium.adapters.outgoing` hold for the answer."""

import hashlib
import hmac
import json
from typing import Final

from podium.adapters.notifiers.bodies import ENCODINGS
from podium.adapters.outgoing import Outgoing, origin
from podium.errors import Rejected, Unavailable
from podium.ports import Notification

_BUSY: Final = frozenset({408, 425, 429})  # it says itself that another try may succeed


class HttpNotifier:
    """Implements the port Notifier. For one event loop; close it at the end."""

    def __init__(self) -> None:
        self._outgoing = Outgoing()
        self.close = self._outgoing.close

    async def send(self, notification: Notification) -> None:
        # The path stays unseen: that of a chat's webhook is its password
        encoding, place = ENCODINGS[notification.type], origin(notification.address)
        body = json.dumps(encoding.body(notification)).encode()
        headers = {**notification.headers, "Content-Type": encoding.content_type, "User-Agent": "podium"}
        if notification.token is not None and encoding.signs:
            headers["X-Signature"] = signature(notification.token, body)
        elif notification.token is not None:
            headers["Authorization"] = f"Bearer {notification.token}"
        status, answer = await self._outgoing.post(
            notification.address,
            body,
            headers,
            within=notification.timeout,
            place=place,
            networks=notification.networks,
            tenant=notification.key.namespace,
            status_is_all=True,
        )
        if status >= 500 or status in _BUSY:  # noqa: PLR2004  the failures of HTTP
            raise Unavailable(f"{place} answered {status}")
        if not 200 <= status < 300:  # noqa: PLR2004  the successes of HTTP
            raise Rejected(f"{place} answered {status}; expected 200 to 299: see whether address and token are right")
        if problem := encoding.problem(answer):
            raise Rejected(f"{place} {problem}")


def signature(token: str, body: bytes) -> str:
    """The header X-Signature, as Flux's generic-hmac has it: `sha256=` and the HMAC of the body in hex."""
    return f"sha256={hmac.new(token.encode(), body, hashlib.sha256).hexdigest()}"
