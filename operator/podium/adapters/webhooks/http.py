"""The port Webhooks by HTTP: a CloudEvent in structured JSON goes out, a verdict comes back.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md

What a service answers is not to be trusted (see `podium.adapters.outgoing`): only `allowed` and `message` are looked
at, and no other text of it is ever shown.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from podium.adapters.outgoing import LIMIT, Outgoing
from podium.api.v1alpha1.status import Pinned
from podium.api.v1alpha1.values.base import format_time
from podium.errors import Rejected
from podium.ports import WebhookCall, WebhookVerdict

TYPE: Final = "dev.podium.gate.asked"
_TOLD: Final = 200  # characters of its message
_CONTENT: Final = "application/cloudevents+json; charset=utf-8"
_EXPECTED: Final = '200 with {"allowed": true or false, "message": "…"}'


class HttpWebhooks:
    """Implements the port Webhooks. For one event loop; close it at the end."""

    def __init__(self) -> None:
        self._outgoing = Outgoing()
        self.close = self._outgoing.close

    async def ask(self, call: WebhookCall) -> WebhookVerdict:
        place = _shown(call.url)
        headers = {"Content-Type": _CONTENT, "Accept": "application/json", "User-Agent": "podium"}
        if call.authorization is not None:
            headers["Authorization"] = call.authorization
        body = json.dumps(event(call)).encode()
        answer = await self._outgoing.post(
            call.url,
            body,
            headers,
            within=call.timeout,
            place=place,
            networks=call.networks,
            tenant=call.key.namespace,
        )
        if not 200 <= answer.status < 300:  # noqa: PLR2004  the successes of HTTP
            raise Rejected(f"{place} answered {answer.status}; expected {_EXPECTED}")
        return _verdict(answer.body, place)


def event(call: WebhookCall) -> Mapping[str, Any]:
    """The CloudEvent. The same request has the same source and id, which is how a receiver knows a repeat."""
    return {
        "specversion": "1.0",
        "id": call.id,
        "source": f"/namespaces/{call.key.namespace}/modeldeployments/{call.key.name}",
        "type": TYPE,
        "subject": f"models:/{call.model}/{call.challenger.version}",
        "time": format_time(call.at),
        "datacontenttype": "application/json",
        "data": {
            "gate": call.gate,
            "model": call.model,
            "registry": call.registry_uri,
            "challenger": _version(call.challenger),
            "champion": _version(call.champion) if call.champion is not None else None,
        },
    }


def _version(pinned: Pinned) -> Mapping[str, str]:
    return {"version": pinned.version, "digest": pinned.digest}


def _verdict(body: bytes, place: str) -> WebhookVerdict:
    try:
        found = json.loads(body) if len(body) <= LIMIT else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, Mapping) or not isinstance(found.get("allowed"), bool):
        raise Rejected(f"{place} answered with another body; expected {_EXPECTED}")
    message = found.get("message")
    return WebhookVerdict(found["allowed"], _plain(message) if isinstance(message, str) else "")


def _plain(text: str) -> str:
    kept = text[: 10 * _TOLD]
    return " ".join("".join(letter if letter.isprintable() else " " for letter in kept).split())[:_TOLD]


def _shown(url: str) -> str:
    """The address as far as any reader may see it: a query may hold a token."""
    return url.partition("?")[0].partition("#")[0]
