"""The port Notifier by NATS: one message an event, which a JetStream stream has stored before it counts as delivered.

https://docs.nats.io/reference/reference-protocols/nats-protocol
https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-4.md (headers)
https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/nats-protocol-binding.md (structured mode)

A publication without a stream goes to whoever listens at that moment, which is not at least once. So each event is a
request, which the stream answers when it has it; where no stream takes the subject, the server says so. The event's id
is its Nats-Msg-Id, by which the stream drops a repeat. Each event has a connection of its own: they are few, and none
is kept for a tenant. Servers that this one names are not connected to.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

from podium.adapters.notifiers.cloud_events import cloud_event
from podium.adapters.notifiers.dialogues import Dialogue, Dialogues
from podium.api.v1alpha1 import reasons
from podium.errors import Rejected, Unavailable
from podium.ports import Notification

_PORTS: Final = {"nats": 4222, "tls": 4222}
_LINE: Final = 64 * 1024  # bytes of a line, or of an answer, from a server that is not to be trusted
_BUSY: Final = frozenset({408, 429})
_NO_RESPONDERS: Final = "503"


class NatsNotifier:
    """Implements the port Notifier. For one event loop."""

    def __init__(self) -> None:
        self._dialogues = Dialogues(_PORTS)

    async def send(self, notification: Notification) -> None:
        if not notification.channel:
            raise Rejected("spec.channel is needed: the subject under which events are published")
        async with (
            self._dialogues.within_its_time(notification),
            self._dialogues.opened(notification.address, tls=False) as dialogue,
        ):
            connection = _Connection(dialogue)
            await connection.begin(notification.token, tls=notification.address.startswith("tls://"))
            await connection.publish(notification, notification.channel)


@dataclass(frozen=True)
class _Connection:
    dialogue: Dialogue

    async def begin(self, token: str | None, *, tls: bool) -> None:
        """The server's greeting, TLS where either side asks for it, and who we are."""
        verb, said = await self._line()
        if verb != "INFO":
            raise Unavailable(f"{self.dialogue.place} is no NATS server; expected INFO")
        info = json.loads(said)
        if tls or (isinstance(info, Mapping) and info.get("tls_required")):
            await self.dialogue.begin_tls()
        who = {"verbose": False, "pedantic": False, "name": "podium", "lang": "python", "version": "0", "protocol": 1}
        login = {"auth_token": token} if token is not None else {}
        options = {**who, **login, "headers": True, "no_responders": True}
        self.dialogue.writer.write(f"CONNECT {json.dumps(options)}\r\n".encode())

    async def publish(self, of: Notification, subject: str) -> None:
        """Publish, and wait until a stream has it."""
        event = cloud_event(of.uid, of.key, of.event)
        body, inbox = json.dumps(event).encode(), f"_INBOX.{uuid4().hex}"
        names = {**of.headers, "Nats-Msg-Id": event["id"], "Content-Type": "application/cloudevents+json"}
        head = ("NATS/1.0\r\n" + "".join(f"{name}: {value}\r\n" for name, value in names.items()) + "\r\n").encode()
        sizes = f"{len(head)} {len(head) + len(body)}"
        self.dialogue.writer.write(
            f"SUB {inbox} 1\r\nHPUB {subject} {inbox} {sizes}\r\n".encode() + head + body + b"\r\n"
        )
        await self.dialogue.writer.drain()
        self._judge(await self._answer(), subject)

    def _judge(self, answer: bytes, subject: str) -> None:
        if answer.startswith(b"NATS/1.0 " + _NO_RESPONDERS.encode()):
            raise Rejected(f"{self.dialogue.place} has no JetStream stream that takes subject {subject}: create one")
        found = json.loads(answer)
        error: Any = found.get("error") if isinstance(found, Mapping) else {}
        if isinstance(error, Mapping):
            code = error.get("code")
            if isinstance(code, int) and code < 500 and code not in _BUSY:  # noqa: PLR2004  as in HTTP
                raise Rejected(f"{self.dialogue.place} answered {code} to this event", reason=reasons.EVENT_REFUSED)
            raise Unavailable(f"{self.dialogue.place} did not store the event")
        if not (isinstance(found, Mapping) and isinstance(found.get("stream"), str)):
            raise Unavailable(f"{self.dialogue.place} answered something else than a stream's receipt")

    async def _answer(self) -> bytes:
        """The message to our inbox."""
        while True:
            verb, said = await self._line()
            if verb == "PING":
                self.dialogue.writer.write(b"PONG\r\n")
            elif verb == "-ERR":
                refused = "authorization" in said.lower() or "permissions" in said.lower()
                kind = Rejected if refused else Unavailable
                raise kind(f"{self.dialogue.place} refused it: see whether the token and its permissions are right")
            elif verb in {"MSG", "HMSG"}:
                size = int(said.split()[-1])
                if not 0 <= size <= _LINE:
                    raise ValueError("an answer that is too long")
                return (await self.dialogue.reader.readexactly(size + 2))[:-2]

    async def _line(self) -> tuple[str, str]:
        line = (await self.dialogue.line()).decode(errors="replace").strip()
        verb, _, rest = line.partition(" ")
        return verb.upper(), rest
