"""What each type of receiver is sent: a row each. A new one is a row, and its name in `ProviderSpec.type`.

Whatever is in an event may have been written by pods or in the registry: chats show it as text, and nothing of it is a
link, a mention or markup.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from podium.adapters.notifiers.cloud_events import cloud_event
from podium.api.v1alpha1.alerting import ProviderType
from podium.api.v1alpha1.event_types import (
    ABORTED,
    APPROVAL_REQUESTED,
    DEGRADED,
    GATES_FAILED,
    PROMOTED,
    REJECTED,
    ROLLED_BACK,
    STALLED,
)
from podium.api.v1alpha1.values.base import format_time
from podium.ports import Notification

_CLOUD_EVENT: Final = "application/cloudevents+json; charset=utf-8"
_JSON: Final = "application/json; charset=utf-8"
_TITLES: Final[Mapping[str, str]] = {
    PROMOTED: "promoted",
    REJECTED: "rejected",
    ROLLED_BACK: "rolled back",
    ABORTED: "aborted",
    GATES_FAILED: "failed a gate",
    APPROVAL_REQUESTED: "waits for an approval",
    STALLED: "needs help",
    DEGRADED: "is degraded",
}
_COLOURS: Final[Mapping[str, int]] = {"info": 0x2E7D32, "error": 0xC62828}
_MARKDOWN: Final = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~])")


@dataclass(frozen=True)
class Encoding:
    """How a type of receiver is told, and what it answers where it has taken an event."""

    body: Callable[[Notification], Mapping[str, Any]]
    content_type: str = _JSON
    signs: bool = False  # the token is the key of a signature, and no bearer's
    problem: Callable[[bytes], str] = lambda _: ""  # why an answer of success is none


def _cloud_event(of: Notification) -> Mapping[str, Any]:
    return cloud_event(of.uid, of.key, of.event)


def title(of: Notification) -> str:
    """One line that says what happened to which version."""
    event = of.event
    return f"{of.key}: {event.model} version {event.version} {_TITLES.get(event.type, event.type)}"


def facts(of: Notification) -> list[tuple[str, str]]:
    """What chats and mails list below the message, by name."""
    event = of.event
    ways = f"{event.from_version or '-'} -> {event.to_version or '-'}"
    return [("Reason", event.reason), ("Traffic", ways), *([("Summary", of.summary)] if of.summary else [])]


def _slack(of: Notification) -> Mapping[str, Any]:
    """https://docs.slack.dev/messaging/formatting-message-text: &, < and > are all that is markup in plain text."""
    fields = [{"title": name, "value": _of_slack(value), "short": True} for name, value in facts(of)]
    attachment = {
        "color": f"#{_COLOURS[of.event.severity]:06x}",
        "fallback": _of_slack(title(of)),
        "title": _of_slack(title(of)),
        "text": _of_slack(of.event.message),
        "mrkdwn_in": [],
        "fields": fields,
        "ts": round(of.event.at.timestamp()),
    }
    where = {"channel": of.channel} if of.channel else {}
    return {**where, **({"username": of.username} if of.username else {}), "attachments": [attachment]}


def _of_slack(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _refused_by_slack(answer: bytes) -> str:
    """Its API answers 200, and says in the body whether it has taken a message; its incoming webhooks answer `ok`."""
    try:
        found = json.loads(answer)
    except (ValueError, RecursionError):
        return ""
    refused = isinstance(found, Mapping) and found.get("ok") is False
    error = str(found.get("error", ""))[:64] if refused else ""
    return f"answered ok: false ({error if error.isidentifier() else 'without a reason'})" if refused else ""


def _discord(of: Notification) -> Mapping[str, Any]:
    """https://discord.com/developers/docs/resources/webhook#execute-webhook; no one is mentioned."""
    embed = {
        "title": _of_markdown(title(of))[:256],
        "description": _of_markdown(of.event.message),
        "color": _COLOURS[of.event.severity],
        "timestamp": format_time(of.event.at),
        "fields": [{"name": name, "value": _of_markdown(value), "inline": True} for name, value in facts(of)],
    }
    who = {"username": of.username[:80]} if of.username else {}
    return {**who, "embeds": [embed], "allowed_mentions": {"parse": []}}


def _msteams(of: Notification) -> Mapping[str, Any]:
    """An Adaptive Card, as Teams' Workflows take it: https://adaptivecards.io/explorer/AdaptiveCard.html."""
    colour = "Good" if of.event.severity == "info" else "Attention"
    card = {
        "type": "AdaptiveCard",
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "version": "1.4",
        "body": [
            {"type": "TextBlock", "text": _of_markdown(title(of)), "weight": "Bolder", "color": colour, "wrap": True},
            {"type": "TextBlock", "text": _of_markdown(of.event.message), "wrap": True},
            {"type": "FactSet", "facts": [{"title": n, "value": _of_markdown(v)} for n, v in facts(of)]},
        ],
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def _of_markdown(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", text)


ENCODINGS: Final[Mapping[ProviderType, Encoding]] = {
    "generic": Encoding(_cloud_event, _CLOUD_EVENT),
    "generic-hmac": Encoding(_cloud_event, _CLOUD_EVENT, signs=True),
    "slack": Encoding(_slack, problem=_refused_by_slack),
    "discord": Encoding(_discord),
    "msteams": Encoding(_msteams),
}
