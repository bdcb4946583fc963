"""The port Notifier by Kafka: one record an event, which all replicas in sync have before it counts as delivered.

https://kafka.apache.org/protocol (versions of requests that Kafka 2.1 and all later ones take)
https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md (structured mode)

The key is the ModelDeployment, so its events are in one partition, in order: the next one is sent when this one is
stored. `aiokafka` reads an answer of any size that a broker announces, looks names up where all tenants do, and goes
on to each broker that the first one names; so the few requests that one record takes are spoken here. The broker that
leads the partition is named by the first one: its host needs the grant that the address has.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from podium.adapters.notifiers.cloud_events import cloud_event
from podium.adapters.notifiers.dialogues import Dialogue, Dialogues
from podium.adapters.notifiers.kafka_records import batch, partition_of
from podium.api.v1alpha1 import reasons
from podium.core.permissions.permitted import refused_host
from podium.errors import Rejected, Unavailable
from podium.ports import Notification

_TLS: Final = "kafka+ssl"
_PORTS: Final = {"kafka": 9092, _TLS: 9093}
_LIMIT: Final = 1024 * 1024  # bytes of an answer
_PRODUCE, _METADATA, _HANDSHAKE, _AUTHENTICATE = (0, 7), (3, 4), (17, 1), (36, 0)  # requests, and their versions
_REFUSED_FOR_ITSELF: Final = frozenset({10, 18, 32, 87})  # too large, or what the topic's own rules refuse
_UNKNOWN_TOPIC: Final = frozenset({3, 17})
_FORBIDDEN: Final = frozenset({29, 31})
_CONTENT: Final = "application/cloudevents+json; charset=UTF-8"


class KafkaNotifier:
    """Implements the port Notifier. For one event loop."""

    def __init__(self) -> None:
        self._dialogues = Dialogues(_PORTS)

    async def send(self, notification: Notification) -> None:
        topic = notification.channel
        if not topic:
            raise Rejected("spec.channel is needed: the topic")
        tls = notification.address.startswith(f"{_TLS}://")
        if notification.login is not None and not tls:
            raise Rejected(f"a login is sent under TLS only: use {_TLS}://, or no login")
        key = str(notification.key).encode()
        async with self._dialogues.within_its_time(notification):
            async with self._dialogues.opened(notification.address, tls=tls) as dialogue:
                asked = _Broker(dialogue)
                await asked.log_in(notification)
                leaders = await asked.leaders(topic)
            partition = partition_of(key, len(leaders))
            leader = leaders[partition]
            if leader is None:
                raise Unavailable(f"{asked.place}: partition {partition} of topic {topic} has no leader")
            address = _address(_TLS if tls else "kafka", leader)
            _check(address, notification.hosts)
            async with self._dialogues.opened(address, tls=tls) as dialogue:
                leading = _Broker(dialogue)
                await leading.log_in(notification)
                await leading.store(notification, topic, partition, key)


def _address(scheme: str, broker: tuple[str, int]) -> str:
    host, port = broker
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def _check(address: str, hosts: Sequence[str] | None) -> None:
    """Raises Rejected for a broker whose host is not granted."""
    if hosts is not None and (refused := refused_host(address, hosts)) is not None:
        message = f"the broker that leads the partition is at {refused[0]}, which is not permitted: {refused[1]}"
        raise Rejected(message, reason=reasons.NOT_PERMITTED)


@dataclass
class _Broker:
    dialogue: Dialogue
    requests: int = 0

    @property
    def place(self) -> str:
        return self.dialogue.place

    async def log_in(self, of: Notification) -> None:
        """SASL/PLAIN, where there is a login. Raises Rejected where it is not taken."""
        if of.login is None or of.token is None:
            return
        said = await self._ask(_HANDSHAKE, _text("PLAIN"))
        if said.number(2):
            raise Rejected(f"{self.place} takes no login by SASL/PLAIN")
        said = await self._ask(_AUTHENTICATE, _sized(f"\0{of.login}\0{of.token}".encode()))
        if said.number(2):
            raise Rejected(f"{self.place} refused the login: see whether username and password of the Secret are right")

    async def leaders(self, topic: str) -> Sequence[tuple[str, int] | None]:
        """Host and port of who leads each partition; None where none does. Raises Rejected without the topic."""
        said = await self._ask(_METADATA, _number(1, 4) + _text(topic) + bytes(1))  # a topic is not made by asking
        said.number(4)
        brokers = {}
        for _ in range(said.number(4)):
            node, host, port = said.number(4), said.text(), said.number(4)
            said.text()
            brokers[node] = host, port
        said.text()
        said.number(4)
        if said.number(4) != 1:
            raise ValueError("an answer about another number of topics")
        self._judge(said.number(2), topic)
        said.text()
        said.number(1)
        led = {}
        for _ in range(said.number(4)):
            said.number(2)
            index, node = said.number(4), said.number(4)
            led[index] = brokers.get(node)
            for _ in range(2):
                said.skip(4 * said.number(4))
        if not led or set(led) != set(range(len(led))):
            raise ValueError("partitions that are not numbered")
        return [led[index] for index in range(len(led))]

    async def store(self, of: Notification, topic: str, partition: int, key: bytes) -> None:
        """Hand the record over, and wait until all replicas in sync have it."""
        event = json.dumps(cloud_event(of.uid, of.key, of.event)).encode()
        headers = {**of.headers, "content-type": _CONTENT}
        record = batch(key, event, headers, round(of.event.at.timestamp() * 1000))
        about = _number(-1, 2) + _number(-1, 2) + _number(round(of.timeout * 1000), 4)  # no transaction; all replicas
        data = _number(1, 4) + _text(topic) + _number(1, 4) + _number(partition, 4) + _sized(record)
        said = await self._ask(_PRODUCE, about + data)
        if said.number(4) != 1 or said.text() != topic or said.number(4) != 1 or said.number(4) != partition:
            raise ValueError("an answer about another partition")
        self._judge(said.number(2), topic)

    def _judge(self, code: int, topic: str) -> None:
        """https://kafka.apache.org/protocol#protocol_error_codes."""
        if not code:
            return
        if code in _UNKNOWN_TOPIC:
            raise Rejected(f"{self.place} has no topic {topic}: create it")
        if code in _FORBIDDEN:
            raise Rejected(f"{self.place} does not let this login write to topic {topic}")
        if code in _REFUSED_FOR_ITSELF:
            raise Rejected(f"{self.place} refused this event with code {code}", reason=reasons.EVENT_REFUSED)
        raise Unavailable(f"{self.place} did not store the event: code {code}")

    async def _ask(self, request: tuple[int, int], content: bytes) -> "_Answer":
        """What is answered. Raises EOFError for a connection that ends, and ValueError for what is no answer."""
        self.requests += 1
        api, version = request
        head = _number(api, 2) + _number(version, 2) + _number(self.requests, 4) + _text("podium")
        self.dialogue.writer.write(_sized(head + content))
        await self.dialogue.writer.drain()
        size = int.from_bytes(await self.dialogue.reader.readexactly(4), "big")
        if size > _LIMIT:
            raise ValueError("an answer that is too long")
        answer = _Answer(await self.dialogue.reader.readexactly(size))
        if answer.number(4) != self.requests:
            raise ValueError("an answer to another request")
        return answer


@dataclass
class _Answer:
    """What a broker has said, read from its beginning. Raises ValueError where it ends too early."""

    content: bytes
    at: int = 0

    def number(self, size: int) -> int:
        return int.from_bytes(self.skip(size), "big", signed=True)

    def text(self) -> str:
        size = self.number(2)
        return "" if size == -1 else self.skip(size).decode()

    def skip(self, size: int) -> bytes:
        if not 0 <= size <= len(self.content) - self.at:
            raise ValueError("an answer that ends too early")
        self.at += size
        return self.content[self.at - size : self.at]


def _number(value: int, size: int) -> bytes:
    return value.to_bytes(size, "big", signed=True)


def _text(text: str) -> bytes:
    return _number(len(text.encode()), 2) + text.encode()


def _sized(content: bytes) -> bytes:
    return _number(len(content), 4) + content
