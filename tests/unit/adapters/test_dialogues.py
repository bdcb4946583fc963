"""The notifiers by SMTP, NATS and Kafka beside servers that mean no good."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from podium.adapters.notifiers.kafka import KafkaNotifier, _number, _sized, _text
from podium.adapters.notifiers.nats import NatsNotifier
from podium.adapters.notifiers.smtp import SmtpNotifier
from podium.api.v1alpha1 import reasons
from podium.errors import Rejected, Unavailable
from tests.unit.adapters.test_notifier import SENT

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
TO = replace(SENT, type="smtp", username="podium@example.com", channel="ml@example.com")


@asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[str]:
    """The address of a server that answers each connection so."""

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await answer(reader, writer)
        except ConnectionError:
            return
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    try:
        yield f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


@pytest.mark.parametrize(
    "said", [b"", b"220", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"220-" + b"x" * 200_000 + b"\r\n", b"220-on\r\n" * 200]
)
async def test_what_is_no_mail_server_is_unavailable(said: bytes) -> None:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        await writer.drain()

    async with serving(answer) as address:
        with pytest.raises(Unavailable, match=r"smtp://127.0.0.1:\d+ does not answer"):
            await SmtpNotifier().send(replace(TO, address=address))


@pytest.mark.parametrize(
    "said", [b"INFO " + b"x" * 200_000 + b"\r\n", b"INFO " + b"[" * 60_000 + b"\r\n", b"INFO {}\r\n"]
)
async def test_what_is_no_server_of_nats_is_unavailable(said: bytes) -> None:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        await writer.drain()

    async with serving(answer) as address:
        there = replace(SENT, type="nats", channel="ml.news", address=address.replace("smtp", "nats"))
        with pytest.raises(Unavailable, match=r"nats://127.0.0.1:\d+ does not answer"):
            await NatsNotifier().send(there)


KAFKA = replace(SENT, type="kafka", channel="ml.news")


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",  # read as the size of an answer: more than a gigabyte
        b"\xff" * 64,
        _sized(_number(1, 4) + _number(0, 4) + _number(2**31 - 1, 4) + b"\x7f" * 64),  # brokers without an end
        _sized(_number(7, 4) + bytes(64)),  # to a request that was not sent
        _sized(_number(1, 4) + bytes(64)),
    ],
)
async def test_what_is_no_broker_of_kafka_is_unavailable(said: bytes) -> None:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        await writer.drain()

    async with serving(answer) as address:
        there = replace(KAFKA, address=address.replace("smtp", "kafka"))
        with pytest.raises(Unavailable, match=r"kafka://127.0.0.1:\d+ does not answer"):
            await KafkaNotifier().send(there)


def told_of(leader: str) -> bytes:
    """The answer of a broker that names another one, at this host, as the leader of the only partition."""
    broker = _number(1, 4) + _number(1, 4) + _text(leader) + _number(9092, 4) + _number(-1, 2)
    partition = _number(0, 2) + _number(0, 4) + _number(1, 4) + _number(0, 4) * 2
    topic = _number(0, 2) + _text("ml.news") + bytes(1) + _number(1, 4) + partition
    return _sized(_number(1, 4) + _number(0, 4) + broker + _number(-1, 2) + _number(1, 4) + _number(1, 4) + topic)


@pytest.mark.parametrize("leader", ["metadata.internal", "127.0.0.1@metadata.internal", "127.0.0.1:1#", "[::1", ""])
async def test_a_broker_that_is_named_by_another_one_needs_the_same_grant(leader: str) -> None:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(told_of(leader))
        await writer.drain()

    async with serving(answer) as address:
        there = replace(KAFKA, address=address.replace("smtp", "kafka"), hosts=("127.0.0.1",))
        with pytest.raises(Rejected, match="which is not permitted") as caught:
            await KafkaNotifier().send(there)
    assert caught.value.reason == reasons.NOT_PERMITTED


async def test_a_reply_a_byte_at_a_time_has_one_deadline() -> None:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not writer.is_closing():
            writer.write(b"2")
            await writer.drain()
            await asyncio.sleep(0.01)

    async with serving(answer) as address:
        with pytest.raises(Unavailable, match=r"did not answer within 0\.2 s"):
            await SmtpNotifier().send(replace(TO, address=address, timeout=0.2))


async def test_nothing_at_the_address_is_unavailable() -> None:
    with pytest.raises(Unavailable, match=r"smtp://127\.0\.0\.1:1 does not answer"):
        await SmtpNotifier().send(replace(TO, address="smtp://127.0.0.1:1"))
