"""An event as an e-mail in plain text.

Whatever is in an event may have been written by pods or in the registry: it ends no line of the head, and of the text
none either.
"""

from email.message import EmailMessage
from email.policy import SMTP

from podium.adapters.notifiers.bodies import facts, title
from podium.api.v1alpha1.values.base import format_time
from podium.core.printable import plain
from podium.ports import Notification


def mail(of: Notification, sender: str, recipients: list[str]) -> bytes:
    """The message, with CRLF at the end of each line, and in ASCII. A repeat is the same in every byte."""
    made = EmailMessage(policy=SMTP)
    made["From"] = sender
    made["To"] = ", ".join(recipients)
    made["Subject"] = plain(title(of))
    made["Date"] = of.event.at
    made["Message-ID"] = f"<{of.uid}.{of.event.id}@podium.dev>"
    made["Auto-Submitted"] = "auto-generated"  # RFC 3834: no one's absence answers it
    made.set_content(_text(of), cte="quoted-printable")
    return made.as_bytes()


def _text(of: Notification) -> str:
    told = [*facts(of), ("Severity", of.event.severity), ("Decided", format_time(of.event.at))]
    lines = [title(of), "", of.event.message, "", *(f"{name}: {value}" for name, value in told)]
    return "".join(f"{plain(line)}\n" for line in lines)
