"""What a shadow step costs the champion's users: nothing; and what it may take of their pod: little."""

import asyncio
import contextlib
import time
from typing import Any, cast

import pytest

from podium.runtime.exchange import Request
from podium.runtime.http import copies, shadow
from podium.runtime.http.shared import Limits
from tests.unit.runtime.http.slots import (
    LIMITS,
    Hanging,
    Held,
    Pod,
    Predict,
    Saying,
    answers,
    copied,
    copying,
    eventually,
    good,
    invalid,
    listening,
    raising,
    saying,
    sender,
    serving,
)


class Raw(asyncio.Protocol):
    """A client that keeps what it is sent."""

    def __init__(self) -> None:
        self.got = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self.got += data


async def raw(url: str, body: bytes) -> bytes:
    """What a user's connection brings, byte for byte but for the date."""
    host, port = url.removeprefix("http://").split(":")
    transport, client = await asyncio.get_running_loop().create_connection(Raw, host, int(port))
    head = b"POST /invocations HTTP/1.1\r\nhost: x\r\nx-request-id: 1\r\ncontent-type: application/json\r\n"
    transport.write(head + b"content-length: %d\r\n\r\n" % len(body) + body)
    await eventually(lambda: client.got.count(b"\r\n\r\n") == 1 and client.got.endswith(b"}"), "it is answered")
    transport.close()
    return client.got


@pytest.mark.parametrize("mine", [good, raising, invalid])
@pytest.mark.parametrize("theirs", [good, raising, Hanging, saying(b""), None])
async def test_users_answers_are_byte_for_byte_the_same(mine: Predict, theirs: Any) -> None:
    beside = copied(theirs) if theirs in {good, raising} else theirs
    async with contextlib.AsyncExitStack() as stack:
        url = "http://127.0.0.1:9" if beside is None else await stack.enter_async_context(listening(beside))
        asked = copying(url, mine)
        async with listening(asked) as door:
            before = await raw(door, b"[[1.5]]")
            asked.tell()
            after = [await raw(door, b"[[1.5]]") for _ in range(3)]
            await eventually(lambda: theirs is Hanging or not sender(asked)._sending, "the copies have ended")
    assert set(after) == {before}


async def test_a_copy_is_sent_after_its_user_has_been_answered() -> None:
    order: list[str] = []

    class Noting(Saying):
        def data_received(self, data: bytes) -> None:
            order.append("copied")

    async with listening(Noting) as url:
        asked = copying(url)
        asked.tell()
        request = Request("POST", "/invocations", [(b"content-type", b"application/json")], b"[[1.5]]", b"mine")
        asked.app.handle(request, lambda _: order.append("answered"))
        await eventually(lambda: len(order) == 2, "both have happened")
    assert order == ["answered", "copied"]


async def test_no_copy_is_sent_while_its_user_waits_for_a_fallback() -> None:
    held, order = asyncio.Event(), list[str]()

    class Other(Saying):
        said = b"HTTP/1.1 409 Conflict\r\nx-podium-fallback-from: 6\r\ncontent-length: 0\r\n\r\n"

        def data_received(self, data: bytes) -> None:
            if b"x-podium-shadow-from" in data:
                order.append("copied")
            else:
                order.append("asked")
                self.waiting = asyncio.create_task(self.say())

        async def say(self) -> None:
            await held.wait()
            self.transport.write(self.said)
            self.transport.close()

    async with listening(Other) as url:
        asked = Pod("6", raising, FALLBACK_URL=url, TRIAL_NUMBER="1")
        asked.tell()
        user = asyncio.create_task(asked.ask())
        await eventually(lambda: order == ["asked"], "the other slot is asked to stand in")
        await eventually(lambda: asked.metric("podium_requests_total") == {"model_error": 1}, "it has failed here")
        assert not sender(asked)._waiting
        assert not sender(asked)._sending
        held.set()
        assert (await user).status == 500
        await eventually(lambda: order == ["asked", "copied"], "and then it is copied")


async def test_a_challenger_that_hangs_is_no_evidence_where_its_server_says_nothing_and_users_wait_for_no_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shadow, "LEAST_SECONDS", 0.05)
    monkeypatch.setattr(shadow, "SPARE_SECONDS", 0.05)
    async with listening(Hanging) as url:
        asked = copying(url)
        asked.tell()
        started = time.monotonic()
        for _ in range(20):
            assert (await asked.ask()).status == 200
        assert time.monotonic() - started < 5
        await eventually(lambda: asked.pairs == {"dropped": 20}, "it may as well be its node that is gone")


async def test_a_model_that_hangs_is_bad_as_its_own_server_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shadow, "LEAST_SECONDS", 0.1)
    monkeypatch.setattr(copies, "WAIT_SECONDS", 0.05)
    held = Held()
    beside = copied(held)
    async with listening(beside) as url:
        asked = copying(url)
        asked.tell()
        for _ in range(3):
            assert (await asked.ask()).status == 200
        await eventually(lambda: sum(asked.pairs.values()) == 3, "all three have ended")
        held.let_go()
        await eventually(lambda: serving(beside).queue.depth == 0, "the model has returned")
    assert asked.pairs == {"only_challenger_bad": 1, "dropped": 2}, "two found no room behind the first one"
    assert answers(beside) == {"timeout": 1, "overload": 2}


async def test_a_challenger_that_is_not_there_is_no_evidence() -> None:
    asked = copying("http://127.0.0.1:9")
    asked.tell()
    for _ in range(5):
        assert (await asked.ask()).status == 200
    await eventually(lambda: asked.pairs == {"dropped": 5}, "all are dropped")


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx-podium-version: 7\r\nx-podium-outcome: ok\r\ncontent-length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nx-podium-shadow-from: 6\r\nx-podium-version: 7\r\nx-podium-digest: sha256:77\r\n"
        b"x-podium-outcome: wonderful\r\ncontent-length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nx-podium-shadow-from: 6\r\nx-podium-version: 7\r\nx-podium-digest: sha256:77\r\n"
        b"x-podium-outcome: ok\r\ncontent-length: 900000000\r\n\r\n{}",
    ],
)
async def test_what_is_no_whole_answer_of_the_challenger_is_in_no_pair(said: bytes) -> None:
    async with listening(saying(said)) as url:
        asked = copying(url)
        asked.tell()
        assert (await asked.ask()).status == 200
        await eventually(lambda: asked.pairs == {"dropped": 1}, "it is dropped")


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"7", b'{"seconds":"1","predictions":7}', b"\xff" * 20])
async def test_a_body_that_says_nothing_of_use_is_a_pair_all_the_same(body: bytes) -> None:
    head = (
        b"HTTP/1.1 200 OK\r\nx-podium-shadow-from: 6\r\nx-podium-version: 7\r\nx-podium-digest: sha256:77\r\n"
        b"x-podium-outcome: ok\r\ncontent-length: %d\r\n\r\n" % len(body)
    )
    async with listening(saying(head + body)) as url:
        asked = copying(url)
        asked.tell()
        assert (await asked.ask()).status == 200
        await eventually(lambda: asked.pairs.get("both_good") == 1, "it is paired")
    assert asked.pairs.get("compared", 0) == (1 if b"predictions" in body else 0)


async def test_a_server_that_does_not_know_copies_gets_no_second_one() -> None:
    old = Pod("7", good)
    async with listening(old) as url:
        asked = copying(url)
        asked.tell()
        for _ in range(5):
            assert (await asked.ask()).status == 200
            await eventually(lambda: not sender(asked)._sending, "it is sent, or not")
    assert asked.pairs == {"dropped": 5}
    assert old.metric("podium_requests_total") == {"ok": 1}, "such a server takes it for a user's, once"


# What is bounded


async def test_a_flood_drops_copies_and_no_user_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shadow, "LEAST_SECONDS", 0.2)
    monkeypatch.setattr(shadow, "SPARE_SECONDS", 0.0)
    async with listening(Hanging) as url:
        asked = copying(url)
        asked.tell()
        for _ in range(20):
            told = await asyncio.gather(*(asked.ask() for _ in range(20)))
            assert {each.status for each in told} == {200}
        most = shadow.WAITING + shadow.SENDERS
        assert len(sender(asked)._waiting) <= shadow.WAITING
        assert asked.pairs["dropped"] >= 400 - most
        assert asked.app.spare.held <= most * 40
        await eventually(lambda: asked.pairs == {"dropped": 400}, "the rest is given up")
        assert asked.app.spare.held == 0


def spaces(size: int) -> bytes:
    return b"[[1.5]]" + b" " * (size - 7)


def of_little_memory(url: str) -> Pod:
    """A champion's pod that copies, and holds 80,000 bytes of bodies."""
    asked = copying(url)
    asked.limit(Limits(LIMITS.body_bytes, 80_000, 30.0, 30.0, 75.0))
    asked.tell()
    return asked


async def test_copies_take_a_part_of_the_memory_for_bodies() -> None:
    async with listening(Hanging) as url:
        asked = of_little_memory(url)
        for _ in range(6):
            assert (await asked.ask(body=spaces(3_000))).status == 200
        assert asked.pairs == {"dropped": 3}, "10,000 are an eighth of 80,000"
        assert 9_000 <= asked.app.spare.held <= 10_000
        assert (await asked.ask(body=spaces(20_000))).status == 200
        assert asked.pairs == {"dropped": 4}, "one that is too large by itself is answered, and not copied"


async def test_copies_go_first_where_clients_need_the_memory() -> None:
    async with listening(Hanging) as url:
        asked = of_little_memory(url)
        for _ in range(3):
            await asked.ask(body=spaces(3_000))
        await eventually(lambda: sender(asked)._sending == 3, "each is on its way")
        sender(asked)._sending = shadow.SENDERS
        await asked.ask(body=spaces(900))
        assert len(sender(asked)._waiting) == 1
        async with listening(asked) as door:
            large = spaces(79_500)
            assert (await raw(door, large)).startswith(b"HTTP/1.1 200")
        assert not sender(asked)._waiting, "it had to go"
        assert asked.pairs == {"dropped": 2}, "and the large one found no room itself"


async def test_no_copy_is_sent_while_users_wait_for_the_model() -> None:
    held, beside = Held(), copied()
    async with listening(beside) as url:
        asked = copying(url)
        asked.tell()
        serving(asked).queue._scorer.model.predict_rows = held  # type: ignore[method-assign]
        waiting = [asyncio.create_task(asked.ask(body=b"[[%d]]" % number)) for number in range(3)]
        await held.asked()
        await eventually(lambda: serving(asked).queue.crowded, "users wait")
        request = Request("POST", "/invocations", [], b"[[1]]", b"1")
        sender(asked).offer(cast("Any", sender(asked)._follow()), request, None, 0.1, cast("Any", None))
        for _ in range(20):
            await asyncio.sleep(shadow.BUSY_SECONDS / 10)
        assert answers(beside) == {}
        held.let_go()
        await asyncio.gather(*waiting)
        await eventually(lambda: asked.pairs.get("both_good") == 4, "then they are sent")


async def test_the_former_version_stops_its_copies_when_another_serves() -> None:
    async with listening(Hanging) as url:
        asked = copying(url)
        asked.tell()
        await asked.ask()
        await eventually(lambda: sender(asked)._sending == 1, "it is on its way")
        sender(asked).close()
        await eventually(lambda: sender(asked)._sending == 0, "it is given up")
        assert asked.app.spare.held == 0
