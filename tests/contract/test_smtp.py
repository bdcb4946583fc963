"""News by a real SMTP server: an event counts as delivered once the server has taken it, for all recipients."""

import asyncio
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from podium.adapters.notifiers.smtp import SmtpNotifier
from podium.api.v1alpha1 import reasons
from podium.errors import PodiumError, Rejected, Unavailable
from podium.ports import Notification
from tests.contract.registry_worlds import free_port
from tests.unit.adapters.test_notifier import EVENT, HOSTILE, SENT


@dataclass
class Mailbox:
    """A handler that keeps what it takes, and answers as it is told."""

    taken: list[Envelope] = field(default_factory=list)
    answer: str = "250 OK"
    greets: list[str] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802  the name that the server calls
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address.startswith("unknown"):
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.greets.append(str(session.host_name))
        if self.answer.startswith("250"):
            self.taken.append(envelope)
        return self.answer

    def last(self) -> EmailMessage:
        message = message_from_bytes(bytes(self.taken[-1].content or b""), policy=default)  # type: ignore[arg-type]
        assert isinstance(message, EmailMessage)
        return message


@dataclass(frozen=True)
class Server:
    address: str
    mailbox: Mailbox


def knows_one(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object) -> AuthResult:
    right = isinstance(data, LoginPassword) and (data.login, data.password) == (b"podium", b"pass word")
    return AuthResult(success=right, handled=False)


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    running = []

    def begin(scheme: str = "smtp", **options: object) -> Server:
        mailbox, port = Mailbox(), free_port()
        controller = Controller(mailbox, hostname="127.0.0.1", port=port, **options)  # type: ignore[arg-type]
        controller.start()
        running.append(controller)
        return Server(f"{scheme}://127.0.0.1:{port}", mailbox)

    yield begin
    for each in running:
        each.stop()


def to(server: Server, **parts: object) -> Notification:
    named = replace(SENT, type="smtp", username="podium@example.com", channel="ml@example.com, on-call@example.com")
    return replace(named, address=server.address, **parts)  # type: ignore[arg-type]


async def test_an_event_is_one_message_to_all_recipients(serve: Callable[..., Server]) -> None:
    server = serve()
    await SmtpNotifier().send(to(server, summary="production"))
    (envelope,) = server.mailbox.taken
    assert (envelope.mail_from, envelope.rcpt_tos) == ("podium@example.com", ["ml@example.com", "on-call@example.com"])
    message = server.mailbox.last()
    assert message["Subject"] == "ml/churn: churn version 3 rejected"
    assert (message["Message-ID"], message["Auto-Submitted"]) == (f"<uid-1.{EVENT.id}@podium.dev>", "auto-generated")
    assert message.get_content_type() == "text/plain"
    lines = message.get_content().splitlines()
    assert lines[0] == "ml/churn: churn version 3 rejected"
    assert {"Reason: GuardFailed", "Traffic: 3 -> 2", "Summary: production", "Severity: error"} <= set(lines)
    assert HOSTILE in lines
    assert server.mailbox.greets == ["[127.0.0.1]"]


async def test_a_repeat_is_the_same_in_every_byte(serve: Callable[..., Server]) -> None:
    server = serve()
    for _ in range(2):
        await SmtpNotifier().send(to(server))
    first, second = server.mailbox.taken
    assert first.content == second.content


HEADS = "evil\r\nBcc: all@example.com\r\n\r\n.\r\nMAIL FROM:<x@example.com>\r\n\u2028\x00\ud800 ä" + "x" * 2000


@pytest.mark.parametrize("part", ["model", "version", "message", "reason"])
async def test_no_text_ends_a_line_of_the_head_or_the_message(part: str, serve: Callable[..., Server]) -> None:
    server = serve()
    await SmtpNotifier().send(to(server, event=EVENT.model_copy(update={part: HEADS}), summary=HEADS))
    assert len(server.mailbox.taken) == 1
    message = server.mailbox.last()
    assert message.keys() == [
        *("From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted"),
        *("Content-Type", "Content-Transfer-Encoding", "MIME-Version"),
    ]
    assert message["Bcc"] is None
    assert not [line for line in message.get_content().splitlines() if line.startswith(("Bcc", "MAIL", "."))]


@pytest.mark.parametrize("part", ["username", "channel"])
@pytest.mark.parametrize("value", ["a@b\r\nRCPT TO:<c@d>", "a@b> NOTIFY=NEVER", "ä@example.com", "", None, "a@b,,c@d"])
async def test_what_is_no_address_reaches_no_server(part: str, value: str | None, serve: Callable[..., Server]) -> None:
    server = serve()
    with pytest.raises(Rejected, match=rf"spec\.{part} is needed"):
        await SmtpNotifier().send(to(server, **{part: value}))
    assert not server.mailbox.taken


@pytest.mark.parametrize("excluded", [[], ["PLAIN"]])
async def test_a_login_is_given_under_starttls(
    excluded: list[str], serve: Callable[..., Server], trusted: ssl.SSLContext
) -> None:
    server = serve(tls_context=trusted, authenticator=knows_one, auth_required=True, auth_exclude_mechanism=excluded)
    await SmtpNotifier().send(to(server, login="podium", token="pass word"))
    assert len(server.mailbox.taken) == 1
    with pytest.raises(Rejected, match="answered 535 to AUTH: see whether username and password"):
        await SmtpNotifier().send(to(server, login="podium", token="wrong"))
    with pytest.raises(Rejected, match="wants a login: put username and password into the Secret"):
        await SmtpNotifier().send(to(server))


async def test_smtps_is_tls_from_the_first_byte(serve: Callable[..., Server], trusted: ssl.SSLContext) -> None:
    server = serve("smtps", ssl_context=trusted)
    await SmtpNotifier().send(to(server))
    assert len(server.mailbox.taken) == 1


async def test_a_login_goes_to_no_server_without_tls(serve: Callable[..., Server]) -> None:
    server = serve(authenticator=knows_one, auth_require_tls=False)
    with pytest.raises(Rejected, match="offers no STARTTLS, and a login is sent under TLS only"):
        await SmtpNotifier().send(to(server, login="podium", token="pass word"))


async def test_words_sent_before_tls_are_not_taken_for_words_under_it(trusted: ssl.SSLContext) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail\r\n")
        await reader.readline()
        writer.write(b"250-mail\r\n250 STARTTLS\r\n")
        await reader.readline()
        taken = b"250 mail\r\n" * 3 + b"354 go on\r\n250 taken\r\n"  # the whole rest of the dialogue, in the clear
        writer.write(b"220 go ahead\r\n" + taken)
        await writer.start_tls(trusted)
        await reader.read()
        writer.transport.abort()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        with pytest.raises(Unavailable, match="did not answer within 1 s"):
            await SmtpNotifier().send(to(Server(f"smtp://127.0.0.1:{port}", Mailbox()), timeout=1.0))


async def test_a_certificate_that_is_not_trusted_gets_nothing(
    serve: Callable[..., Server], trusted: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    for server in (serve(tls_context=trusted), serve("smtps", ssl_context=trusted)):
        with pytest.raises(Unavailable, match="has a certificate that is not trusted for this name"):
            await SmtpNotifier().send(to(server))
        assert not server.mailbox.taken


@pytest.mark.parametrize(
    ("answer", "error", "reason"),
    [("451 later", Unavailable, ""), ("554 spam", Rejected, reasons.EVENT_REFUSED)],
)
async def test_what_the_server_does_not_take_is_tried_again_or_refused_for_itself(
    answer: str, error: type[PodiumError], reason: str, serve: Callable[..., Server]
) -> None:
    server = serve()
    server.mailbox.answer = answer
    with pytest.raises(error, match=f"answered {answer[:3]} to this message") as caught:
        await SmtpNotifier().send(to(server))
    assert caught.value.reason == reason
    assert answer[4:] not in str(caught.value)


async def test_where_one_recipient_is_refused_none_gets_it(serve: Callable[..., Server]) -> None:
    server = serve()
    with pytest.raises(Rejected, match=r"550 to a recipient: see whether unknown@example.com \(spec.channel\)"):
        await SmtpNotifier().send(to(server, channel="ml@example.com,unknown@example.com"))
    assert not server.mailbox.taken


async def test_an_address_that_is_not_granted_is_not_connected_to(serve: Callable[..., Server]) -> None:
    with pytest.raises(Rejected, match="no PodiumPolicy grants") as caught:
        await SmtpNotifier().send(to(serve(), networks=()))
    assert caught.value.reason == reasons.NOT_PERMITTED
