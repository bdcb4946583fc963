"""The port Notifier by SMTP: one e-mail an event, which counts as delivered once the server has taken it.

RFC 5321 (SMTP), RFC 3207 (STARTTLS), RFC 4954 (AUTH), RFC 8314 (TLS from the first byte, on port 465)

`smtplib` reads a reply of any length and keeps a thread for as long as the server likes; so the few commands that a
message takes are spoken here, under one deadline. A login is sent under TLS alone. All recipients get the message or
none: the tries after that would send it again to those who have it.
"""

import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from podium.adapters.notifiers.dialogues import Dialogue, Dialogues
from podium.adapters.notifiers.mail import mail
from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.alerting import MAILBOX
from podium.errors import Rejected, Unavailable
from podium.ports import Notification

_PORTS: Final = {"smtp": 587, "smtps": 465}
_LINES: Final = 64  # of one reply
_LOGIN_WANTED: Final = 530
_LASTING: Final = 5  # hundreds of the failures that another try does not change
_NUL: Final = "\0"
_LOG: Final = "see the server's log"
_MAILBOX: Final = re.compile(MAILBOX)
_ACCOUNT: Final = "see whether username and password of the Secret are right"


class SmtpNotifier:
    """Implements the port Notifier. For one event loop."""

    def __init__(self) -> None:
        self._dialogues = Dialogues(_PORTS)

    async def send(self, notification: Notification) -> None:
        (sender,) = _mailboxes(notification.username, "spec.username", "the sender")[:1]
        recipients = _mailboxes(notification.channel, "spec.channel", "the recipients")
        content = mail(notification, sender, recipients)
        tls = notification.address.startswith("smtps://")
        async with (
            self._dialogues.within_its_time(notification),
            self._dialogues.opened(notification.address, tls=tls) as dialogue,
        ):
            session = _Session(dialogue, under_tls=tls)
            await session.begin(notification.login, notification.token)
            await session.deliver(sender, recipients, content)


def _mailboxes(text: str | None, where: str, who: str) -> list[str]:
    """Addresses that end no command and no line of a head."""
    found = [part.strip() for part in (text or "").split(",")]
    if not all(_MAILBOX.fullmatch(each) for each in found):
        given = f", found {text!r}" if text else ""
        raise Rejected(f"{where} is needed: {who}, such as ml@example.com; bare addresses with commas between{given}")
    return found


@dataclass
class _Session:
    dialogue: Dialogue
    under_tls: bool
    offered: dict[str, Sequence[str]] = field(default_factory=dict)  # extensions, and what each says of itself

    async def begin(self, login: str | None, password: str | None) -> None:
        """The greeting, TLS where it is offered, and who we are."""
        self._judge(await self._reply(), "the connection")
        await self._hello()
        if not self.under_tls and "STARTTLS" in self.offered:
            await self._ask("STARTTLS", "STARTTLS")
            await self.dialogue.begin_tls()
            self.under_tls = True
            await self._hello()
        if login is None or password is None:
            return
        if not self.under_tls:
            place = self.dialogue.place
            raise Rejected(f"{place} offers no STARTTLS, and a login is sent under TLS only: use smtps://, or no login")
        await self._log_in(login, password)

    async def deliver(self, sender: str, recipients: Sequence[str], content: bytes) -> None:
        """Hand the message over, and wait until the server has taken it."""
        await self._ask(f"MAIL FROM:<{sender}>", "the sender", f"see whether {sender} (spec.username) may send there")
        for recipient in recipients:
            do = f"see whether {recipient} (spec.channel) is right, and whether a login is needed"
            await self._ask(f"RCPT TO:<{recipient}>", "a recipient", do)
        await self._ask("DATA", "DATA", wanted=3)
        stuffed = content.replace(b"\r\n.", b"\r\n..")  # no line of it is the one that ends it
        self.dialogue.writer.write(stuffed + b".\r\n")
        await self.dialogue.writer.drain()
        self._judge(await self._reply(), "this message", reason=reasons.EVENT_REFUSED)
        self.dialogue.writer.write(b"QUIT\r\n")

    async def _hello(self) -> None:
        host, *_ = self.dialogue.writer.get_extra_info("sockname")
        name = f"[IPv6:{host}]" if ":" in host else f"[{host}]"  # RFC 5321, 4.1.4: who has no name says its address
        lines = await self._ask(f"EHLO {name}", "EHLO")
        words = [line.upper().split() for line in lines[1:]]
        self.offered = {first: rest for first, *rest in filter(None, words)}

    async def _log_in(self, login: str, password: str) -> None:
        ways = self.offered.get("AUTH", ())
        if "PLAIN" in ways:
            await self._ask(f"AUTH PLAIN {_base64(f'{_NUL}{login}{_NUL}{password}')}", "AUTH", _ACCOUNT)
        elif "LOGIN" in ways:
            await self._ask("AUTH LOGIN", "AUTH", _ACCOUNT, wanted=3)
            await self._ask(_base64(login), "AUTH", _ACCOUNT, wanted=3)
            await self._ask(_base64(password), "AUTH", _ACCOUNT)
        else:
            raise Rejected(f"{self.dialogue.place} takes no login by PLAIN or LOGIN: leave username and password out")

    async def _ask(self, command: str, to: str, do: str = _LOG, *, wanted: int = 2) -> list[str]:
        """Lines of the reply. Raises Rejected and Unavailable where it is not of the wanted hundred."""
        self.dialogue.writer.write(f"{command}\r\n".encode())
        await self.dialogue.writer.drain()
        code, lines = await self._reply()
        self._judge((code, lines), to, do, wanted=wanted)
        return lines

    async def _reply(self) -> tuple[int, list[str]]:
        """Code and lines. Raises ValueError for what is none."""
        lines = []
        for _ in range(_LINES):
            line = (await self.dialogue.line()).decode(errors="replace").rstrip("\r\n")
            lines.append(line[4:])
            if line[3:4] != "-":
                return int(line[:3]), lines
        raise ValueError("a reply without an end")

    def _judge(
        self, reply: tuple[int, list[str]], to: str, do: str = _LOG, *, wanted: int = 2, reason: str = ""
    ) -> None:
        code, place = reply[0], self.dialogue.place
        if code // 100 == wanted:
            return
        if code == _LOGIN_WANTED:
            raise Rejected(f"{place} wants a login: put username and password into the Secret")
        if code // 100 == _LASTING:
            raise Rejected(f"{place} answered {code} to {to}: {do}", reason=reason)
        raise Unavailable(f"{place} answered {code} to {to}")


def _base64(text: str) -> str:
    return b64encode(text.encode()).decode()
