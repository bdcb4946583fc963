"""First requests: which have their side of a trial drawn, what is counted of them, and when connections end."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from podium.adapters.kubernetes import names
from podium.adapters.metrics.exposition import statement
from podium.core.facts import Counters
from podium.runtime import turns
from podium.runtime.exchange import Request, Response
from podium.runtime.http.app import App
from podium.runtime.http.connection import Connection
from podium.runtime.http.serving import Serving
from podium.runtime.http.shared import Limits, Shared
from podium.runtime.identity import Identity
from podium.runtime.loading.load import Loaded
from podium.runtime.prediction.model import Model
from podium.runtime.prediction.scoring import Ask, Read, Scorer
from podium.runtime.protocols.invocations import write
from podium.runtime.settings import Settings
from podium.runtime.turns import HOLDS_SECONDS, Turn, Turns, is_drawn
from tests.unit.runtime.http import slots
from tests.unit.runtime.http.test_connection import Wire

WHO = Identity("churn", "7", "r7", "sha256:77")
POST = b"POST /row HTTP/1.1\r\ncontent-length: 2\r\n%b\r\n{}"
SCRAPE = b"GET /metrics HTTP/1.1\r\nX-Podium-Requests-Per-Connection: 3\r\n\r\n"


def row(_: bytes, __: str, ___: Scorer) -> Ask:
    return Ask(rows=[[1.0]], write=write)


class Pod:
    """A model server whose model answers at once, and its connections."""

    def __init__(self, **environ: str) -> None:
        fields = {"inputs": None, "outputs": None, "plan": "of rows", "row_wise": True, "processes": None}
        model = SimpleNamespace(**fields, predict_rows=lambda rows: np.ones(len(rows)))
        reads: dict[str, Read] = {"/row": row}
        self.app = App(Settings.from_environment({"PODIUM_MODEL_URI": "models:/churn/7", **environ}), WHO)
        self.app.serve(Loaded(WHO, Scorer(cast("Model", model)), reads, {}, {}, calls=reads))
        self.serving = cast("Serving", self.app._serving)
        scorer = self.serving._scorer
        self.serving.queue.enter = lambda job: job.settle(scorer.answer(job.ask), None)  # type: ignore[method-assign]
        self.shared = Shared(self.app, Limits(1000, 10_000, 30, 5, 75))

    def connect(self) -> tuple[Connection, Wire]:
        connection = Connection(self.shared)
        return connection, Wire(connection)

    def counters(self) -> Counters:
        answers: list[Response] = []
        self.app.handle(Request("GET", "/metrics", [], b"", b"1"), answers.append)
        said = statement(cast("bytes", answers[0].body).decode())
        assert said is not None
        return said.counters


async def test_the_first_prediction_of_a_connection_is_a_first_one_and_the_others_are_not() -> None:
    pod = Pod()
    for asked in (1, 3):
        connection, _ = pod.connect()
        connection.data_received(b"GET /readyz HTTP/1.1\r\n\r\n")
        for _ in range(asked):
            connection.data_received(POST % b"")
    found = pod.counters()
    assert found.first is not None
    assert (found.answers, found.received) == (4, 4)
    assert (found.first.answers, found.first.received, found.first.latency.total) == (2, 2, 2)
    assert (found.scores.total, found.first.scores.total) == (4, 2)


async def test_where_the_route_says_whether_a_side_was_drawn_connections_do_not_matter() -> None:
    pod = Pod()
    connection, _ = pod.connect()
    for said in (b"no", b"yes", b"yes", b"no"):
        connection.data_received(POST % (b"x-podium-drawn: " + said + b"\r\n"))
    found = pod.counters()
    assert found.first is not None
    assert (found.answers, found.first.answers) == (4, 2)


async def test_where_the_connection_is_the_unit_no_client_can_say_otherwise() -> None:
    pod = Pod()
    pod.connect()[0].data_received(SCRAPE)
    connection, _ = pod.connect()
    for _ in range(2):
        connection.data_received(POST % b"x-podium-drawn: yes\r\n")
    found = pod.counters()
    assert found.first is not None
    assert (found.answers, found.first.answers) == (2, 1)


async def test_what_was_refused_before_it_was_whole_came_as_well() -> None:
    """A slow version has more of these: without them, its share of the requests would contradict its weight."""
    pod = Pod()
    for _ in range(2):
        connection, wire = pod.connect()
        connection.data_received(b"POST /row HTTP/1.1\r\ncontent-length: 1001\r\n\r\n")
        assert wire.take().startswith(b"HTTP/1.1 413")
    found = pod.counters()
    assert found.first is not None
    assert (found.received, found.first.received) == (2, 2)


async def test_a_connection_that_ends_takes_no_answer_with_it() -> None:
    """What a client has sent behind its last request is unread: a connection that is closed then is reset."""
    pod = slots.champion()
    pod.shared.turns.hear([(turns.PER_CONNECTION, b"2")])
    body = b"[" + b",".join([b"[1.5]"] * 100_000) + b"]"
    async with slots.listening(pod) as url:
        host, port = url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write((b"POST /invocations HTTP/1.1\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)) * 5)
        answers = await reader.read()
        writer.close()
    assert answers.count(b"150.0") == 200_000


async def test_testers_are_no_first_requests() -> None:
    pod = Pod(PODIUM_PREVIEW_HEADER="x-preview")
    connection, _ = pod.connect()
    connection.data_received(POST % b"x-preview: me\r\n")
    found = pod.counters()
    assert (found.answers, found.received) == (0, 0)


async def test_a_failed_first_answer_is_counted_as_one() -> None:
    pod = Pod()
    connection, _ = pod.connect()
    pod.serving.queue.enter = lambda job: (_ for _ in ()).throw(ZeroDivisionError)  # type: ignore[method-assign]
    connection.data_received(POST % b"")
    found = pod.counters()
    assert found.first is not None
    assert (found.first.answers, found.first.bad) == (1, 1)


async def test_connections_end_after_so_many_predictions_while_the_operator_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pod, now = Pod(), [1000.0]
    monkeypatch.setattr(turns, "time", SimpleNamespace(monotonic=lambda: now[0]))
    scraping, _ = pod.connect()

    def asked(times: int) -> tuple[str, bytes]:
        connection, wire = pod.connect()
        for _ in range(times):
            connection.data_received(POST % b"")
        return wire.ended, wire.take()

    assert asked(5)[0] == ""
    scraping.data_received(SCRAPE)
    assert asked(2)[0] == ""
    ended, answers = asked(3)
    assert ended == "half"
    assert answers.count(b"connection: close") == 1
    now[0] += HOLDS_SECONDS + 1
    assert asked(5)[0] == "", "no trial is known to go on"


async def test_an_old_connection_ends_with_its_next_answer_once_a_trial_begins() -> None:
    pod = Pod()
    connection, wire = pod.connect()
    for _ in range(50):
        connection.data_received(POST % b"")
    pod.connect()[0].data_received(SCRAPE)
    connection.data_received(POST % b"")
    assert wire.ended == "half"


@pytest.mark.parametrize("told", [b"", b"0", b"-3", b"1.5", b"9" * 50, b"\xb2"])
def test_a_number_that_is_none_closes_nothing(told: bytes) -> None:
    known = Turns()
    known.hear([(turns.PER_CONNECTION, told)])
    assert not known.over(10**9)


def test_without_a_connection_and_a_word_of_the_route_nothing_is_known_to_be_drawn() -> None:
    assert not is_drawn([], None)
    assert is_drawn([(turns.DRAWN, b"yes")], None)
    turn = Turn(Turns())
    turn.requests = 1
    assert is_drawn([], turn)
    assert not is_drawn([(turns.DRAWN, b"no")], turn)


def test_the_operator_the_route_and_the_model_server_use_the_same_headers() -> None:
    assert (turns.DRAWN.decode(), turns.PER_CONNECTION.decode()) == (names.DRAWN, names.PER_CONNECTION)


async def test_behind_another_http_server_first_requests_are_not_known_and_not_told() -> None:
    found = Pod(PODIUM_HTTP="uvicorn").counters()
    assert (found.first, found.received) == (None, None)


def test_predictions_of_first_requests_are_counted_once_each_joined_or_alone() -> None:
    model: Any = SimpleNamespace(row_wise=True, plan=object(), inputs=None, outputs=None, predict_rows=np.array)
    scorer = Scorer(model)
    first = scorer.first_scorer()

    def read(body: bytes, _: str, __: Scorer) -> Ask:
        return Ask(rows=[[float(len(body))]], write=bytes)

    asks = [scorer.ask(read, b"x", ""), first.ask(read, b"xx", ""), first.ask(read, b"xxx", "")]
    assert list(scorer.answer_shares(asks, scorer.predict_joined(asks)))
    scorer.answer(first.ask(read, b"xx", ""))
    large = first.ask(read, b"x" * 300_000, "")
    assert large.work is not None
    scorer.answer(large)
    assert scorer.predictions.scores()[0][-1][1] == 5
    assert first.first.scores()[0][-1][1] == 4
