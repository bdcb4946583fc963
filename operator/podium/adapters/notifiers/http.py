"""The port Notifier by HTTP: one POST an event. The rules of `podium.adapters.outgoing` hold for the answer."""

import hashlib
import hmac
import json
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from podium.adapters.notifiers.bodies import ENCODINGS
from podium.adapters.outgoing import Outgoing, origin
from podium.api.v1alpha1 import reasons
from podium.errors import Rejected, Unavailable
from podium.ports import Notification

_DIGITS: Final = 10  # fewer of them are seconds that a float holds
_BUSY: Final = frozenset({408, 425, 429})  # it says itself that another try may succeed

# RFC 9110, 15.5: what is wrong is what was sent, and not to whom or by whom it was
_OF_THE_EVENT: Final = frozenset({400, 406, 409, 413, 415, 422})


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
        answer = await self._outgoing.post(
            notification.address,
            body,
            headers,
            within=notification.timeout,
            place=place,
            networks=notification.networks,
            tenant=notification.key.namespace,
            status_is_all=True,
        )
        status = answer.status
        if status >= 500 or status in _BUSY:  # noqa: PLR2004  the failures of HTTP
            raise Unavailable(f"{place} answered {status}", retry_after=seconds_of(answer.retry_after))
        if status in _OF_THE_EVENT:
            found = f"{place} answered {status} to this event; expected 200 to 299"
            raise Rejected(f"{found}: see the receiver's log", reason=reasons.EVENT_REFUSED)
        if not 200 <= status < 300:  # noqa: PLR2004  the successes of HTTP
            raise Rejected(f"{place} answered {status}; expected 200 to 299: see whether address and token are right")
        if problem := encoding.problem(answer.body):
            raise Rejected(f"{place} {problem}")


def seconds_of(retry_after: str) -> float:
    """RFC 9110, 10.2.3: seconds, or a date, which is then so far away; 0 for none, and for what is neither."""
    if retry_after.isascii() and retry_after.isdigit() and len(retry_after) < _DIGITS:
        return float(retry_after)
    try:
        at = parsedate_to_datetime(retry_after)
    except ValueError:
        return 0.0
    return max(0.0, (at - datetime.now(UTC)).total_seconds()) if at.tzinfo is not None else 0.0


def signature(token: str, body: bytes) -> str:
    """The header X-Signature, as Flux's generic-hmac has it: `sha256=` and the HMAC of the body in hex."""
    return f"sha256={hmac.new(token.encode(), body, hashlib.sha256).hexdigest()}"
