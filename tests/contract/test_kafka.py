"""News by a real Kafka broker: an event counts as delivered once the topic has it, and those of a deployment in order.

`PODIUM_KAFKA_JARS` names a folder with the jars of `org.apache.kafka:kafka_2.13` and of all that it depends on, as
`mvn dependency:copy-dependencies` makes it. Without, these are left out: the hostile broker of the unit tests shows
what becomes of each answer.
"""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from podium.adapters.notifiers.dialogues import Dialogues
from podium.adapters.notifiers.kafka import KafkaNotifier, _Answer, _Broker, _number, _text
from podium.adapters.notifiers.kafka_records import partition_of
from podium.api.v1alpha1 import reasons
from podium.errors import PodiumError, Rejected, Unavailable
from podium.ports import Notification
from testbed.waiting import wait_until
from tests.contract.registry_worlds import free_port, listens
from tests.unit.adapters.test_notifier import EVENT, KEY, SENT

JARS = os.environ.get("PODIUM_KAFKA_JARS", "")
pytestmark = pytest.mark.skipif(not JARS, reason="PODIUM_KAFKA_JARS names no folder with the jars of Kafka")
PARTITIONS = 3
TOPIC = "ml.news"
_CREATE_TOPICS, _FETCH = (19, 2), (1, 4)


@dataclass(frozen=True)
class Cluster:
    plain: str
    sasl: str  # with TLS and a login


def java(*arguments: str) -> list[str]:
    return ["java", "-Xmx256m", "-cp", f"{JARS}/*", *arguments]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory, certificate: Path) -> Iterator[Cluster]:
    folder, (plain, sasl, control) = tmp_path_factory.mktemp("kafka"), (free_port() for _ in range(3))
    settings = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.bootstrap.servers": f"127.0.0.1:{control}",
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAIN://127.0.0.1:{plain},SASL://127.0.0.1:{sasl},CONTROLLER://127.0.0.1:{control}",
        "listener.security.protocol.map": "PLAIN:PLAINTEXT,SASL:SASL_SSL,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "PLAIN",
        "log.dirs": str(folder / "data"),
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(certificate),
        "sasl.enabled.mechanisms": "PLAIN",
        "listener.name.sasl.plain.sasl.jaas.config": (
            'org.apache.kafka.common.security.plain.PlainLoginModule required user_podium="pass word";'
        ),
    }
    file = folder / "server.properties"
    file.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    named = "AAAAAAAAAAAAAAAAAAAAAQ"
    formatting = java("kafka.tools.StorageTool", "format", "--standalone", "-t", named, "-c", str(file))
    subprocess.run(formatting, check=True, capture_output=True, timeout=120)
    with (folder / "log").open("wb") as log:
        running = subprocess.Popen(java("kafka.Kafka", str(file)), stdout=log, stderr=log, start_new_session=True)
    try:
        wait_until(f"Kafka answers, see {folder / 'log'}", lambda: listens(plain) and listens(sasl), 120)
        yield Cluster(f"kafka://127.0.0.1:{plain}", f"kafka+ssl://127.0.0.1:{sasl}")
    finally:
        os.killpg(running.pid, signal.SIGTERM)
        running.wait(60)


@asynccontextmanager
async def asking(cluster: Cluster) -> AsyncIterator[_Broker]:
    of = replace(SENT, address=cluster.plain, timeout=30.0)
    dialogues = Dialogues({"kafka": 9092})
    async with dialogues.within_its_time(of), dialogues.opened(cluster.plain, tls=False) as dialogue:
        yield _Broker(dialogue)


async def create(cluster: Cluster, topic: str, **settings: str) -> None:
    named = b"".join(_text(name.replace("_", ".")) + _text(value) for name, value in settings.items())
    about = _text(topic) + _number(PARTITIONS, 4) + _number(1, 2) + _number(0, 4) + _number(len(settings), 4) + named
    async with asking(cluster) as broker:
        said = await broker._ask(_CREATE_TOPICS, _number(1, 4) + about + _number(10_000, 4) + bytes(1))
    said.skip(4 + 4)
    assert said.text() == topic
    assert said.number(2) in {0, 36}, "neither made nor there"
    deadline = time.monotonic() + 30
    while not all([await fetched(cluster, topic, partition) is not None for partition in range(PARTITIONS)]):
        assert time.monotonic() < deadline, f"no one leads {topic}"
        await asyncio.sleep(0.05)


async def fetched(cluster: Cluster, topic: str, partition: int) -> bytes | None:
    """All that the partition has, as the broker stores it; None while the broker does not know yet that it leads it."""
    of = _number(1, 4) + _text(topic) + _number(1, 4) + _number(partition, 4) + _number(0, 8) + _number(1 << 20, 4)
    head = _number(-1, 4) + _number(0, 4) + _number(0, 4) + _number(1 << 20, 4) + bytes(1)
    async with asking(cluster) as broker:
        said: _Answer = await broker._ask(_FETCH, head + of)
    said.skip(4 + 4)
    said.text()
    said.skip(4 + 4)
    if said.number(2):
        return None
    said.skip(8 + 8)
    said.skip(16 * max(said.number(4), 0))
    return said.skip(max(said.number(4), 0))


def to(cluster: Cluster, topic: str = TOPIC, **parts: object) -> Notification:
    made = replace(SENT, type="kafka", address=cluster.plain, channel=topic, timeout=20.0)
    return replace(made, **parts)  # type: ignore[arg-type]


async def test_events_of_a_deployment_are_in_one_partition_in_their_order(cluster: Cluster) -> None:
    await create(cluster, TOPIC)
    for number in range(3):
        event = EVENT.model_copy(update={"id": f"{number}" * 24, "sequence": number})
        await KafkaNotifier().send(to(cluster, event=event, headers={"X-Team": "ml"}))
    at = partition_of(str(KEY).encode(), PARTITIONS)
    kept = await fetched(cluster, TOPIC, at) or b""
    places = [kept.index(f'"id": "uid-1.{str(number) * 24}"'.encode()) for number in range(3)]
    assert places == sorted(places)
    assert kept.count(b"application/cloudevents+json; charset=UTF-8") == kept.count(b"X-Team") == 3
    assert not any([await fetched(cluster, TOPIC, other) for other in range(PARTITIONS) if other != at])


async def test_a_login_is_given_under_tls(cluster: Cluster, trusted: object) -> None:
    await create(cluster, "logged-in")
    given = to(cluster, "logged-in", address=cluster.sasl, login="podium", token="pass word")
    await KafkaNotifier().send(given)
    with pytest.raises(Rejected, match="refused the login: see whether username and password"):
        await KafkaNotifier().send(replace(given, token="wrong"))
    with pytest.raises(Unavailable, match="does not answer"):
        await KafkaNotifier().send(replace(given, login=None, token=None))


@pytest.mark.parametrize(
    ("parts", "error", "said"),
    [
        ({"channel": "unknown"}, Rejected, "has no topic unknown: create it"),
        ({"channel": None}, Rejected, "spec.channel is needed"),
        ({"address": "kafka://127.0.0.1:1"}, Unavailable, "kafka://127.0.0.1:1 does not answer"),
        ({"networks": ()}, Rejected, "no PodiumPolicy grants"),
        ({"hosts": ("kafka.example.com",)}, Rejected, 'is at host "127.0.0.1", which is not permitted'),
        ({"login": "podium", "token": "x"}, Rejected, "a login is sent under TLS only"),
    ],
)
async def test_what_is_not_stored_is_not_delivered(
    cluster: Cluster, parts: dict[str, object], error: type[PodiumError], said: str
) -> None:
    await create(cluster, TOPIC)
    with pytest.raises(error, match=said):
        await KafkaNotifier().send(to(cluster, **parts))  # type: ignore[arg-type]


async def test_an_event_that_is_too_large_for_the_topic_is_refused_for_itself(cluster: Cluster) -> None:
    await create(cluster, "small", max_message_bytes="100")
    with pytest.raises(Rejected) as caught:
        await KafkaNotifier().send(to(cluster, "small"))
    assert caught.value.reason == reasons.EVENT_REFUSED
