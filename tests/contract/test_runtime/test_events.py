"""Chat models and agents answer by events where the body says so, and each answer is counted at its end."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow
import pytest

from podium.runtime.exchange import JSON, Request, Response
from tests.contract.test_runtime.asked import Server, served

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow and its flavours warn of themselves

AGENTS = Path(__file__).with_name("agents")
DONE = "[DONE]"


def said(kind: str, text: str) -> dict[str, Any]:
    message = {"role": "user", "content": text, **({"id": "0"} if kind == "chat_agent" else {})}
    return {"input" if kind == "responses" else "messages": [message]}


@pytest.fixture(params=["chat_model", "chat_agent", "responses"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def server(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.chdir(tmp_path)  # MLflow's traces of agents go to a file in the current directory
    mlflow.pyfunc.save_model(tmp_path / "model", python_model=str(AGENTS / f"{kind}.py"), pip_requirements=[])
    with served(tmp_path / "model") as server:
        yield server


def events(server: Server, body: dict[str, Any]) -> list[Any]:
    status, text = server.post("/invocations", {**body, "stream": True})
    assert status == 200, text
    *lines, last = text.split("\n\n")
    assert last == ""
    assert all(line.startswith("data: ") for line in lines)
    return [DONE if line == f"data: {DONE}" else json.loads(line.removeprefix("data: ")) for line in lines]


def ok(server: Server, outcome: str = "ok") -> float:
    return server.count(f'podium_requests_total{{outcome="{outcome}"')


def test_each_chunk_of_the_model_is_an_event(server: Server, kind: str, tmp_path: Path) -> None:
    body = said(kind, "one two three")
    *found, last = events(server, body)
    theirs = list(mlflow.pyfunc.load_model(str(tmp_path / "model")).predict_stream(body))
    assert (found, last) == (theirs, DONE)
    assert len(found) == 3
    assert ok(server) == 1


def test_who_does_not_ask_for_events_is_answered_whole(server: Server, kind: str) -> None:
    for told in ({}, {"stream": False}):
        status, answer = server.post("/invocations", {**said(kind, "one two"), **told})
        assert (status, "one two" in json.dumps(answer)) == (200, True)
    assert ok(server) == 2


def test_a_body_that_does_not_fit_is_refused_before_the_first_event(server: Server, kind: str) -> None:
    name = "input" if kind == "responses" else "messages"
    status, answer = server.post("/invocations", {name: 7, "stream": True})
    assert (status, answer["error_code"]) == (400, "RequestFault")
    assert ok(server, "client_error") == 1


@pytest.mark.parametrize("kind", ["responses"], indirect=True)
def test_a_model_that_raises_in_mid_stream_ends_it_with_an_error_event(server: Server, kind: str) -> None:
    first, error, last = events(server, said(kind, "one raise two"))
    assert first["delta"] == "one"
    assert (error, last) == ({"error": "the model raised RuntimeError"}, DONE)
    assert (ok(server), ok(server, "model_error")) == (0, 1)
    assert server.count("podium_consecutive_failures") == 1


@pytest.mark.parametrize("kind", ["responses"], indirect=True)
def test_a_model_that_raises_at_once_is_a_500(server: Server, kind: str) -> None:
    status, answer = server.post("/invocations", {**said(kind, "raise"), "stream": True})
    assert (status, answer["message"]) == (500, "the model raised RuntimeError")
    assert ok(server, "model_error") == 1


def test_a_client_that_leaves_early_is_counted_as_gone_and_the_model_is_let_go(server: Server, kind: str) -> None:
    asked = Request("POST", "/invocations", [(b"content-type", JSON)], b"", b"1")
    asked.body = json.dumps({**said(kind, "one two three"), "stream": True}).encode()

    async def leave() -> None:
        answer: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        server._app.handle(asked, answer.set_result)
        body = (await answer).body
        assert not isinstance(body, bytes)
        assert (await anext(body)).startswith(b"data: ")
        await body.aclose()

    server._runner.run(leave())
    assert (ok(server), ok(server, "client_error")) == (0, 1)
    assert server.count("podium_consecutive_failures") == 0
    assert events(server, said(kind, "next"))[-1] == DONE


@pytest.mark.parametrize("when", ["before the first event is made", "before it is sent"])
def test_a_client_that_leaves_before_the_first_event_is_counted_once(server: Server, kind: str, when: str) -> None:
    asked = Request("POST", "/invocations", [(b"content-type", JSON)], b"", b"1")
    asked.body = json.dumps({**said(kind, "one two three"), "stream": True}).encode()

    async def leave() -> None:
        replied = asyncio.Event()
        server._app.handle(asked, lambda _: replied.set())  # which does not read the answer
        if when == "before it is sent":
            await replied.wait()
        asked.abandoned = True
        async with asyncio.timeout(30):
            while server._app._serving._streaming:  # type: ignore[union-attr]  # noqa: ASYNC110  a thread makes the event
                await asyncio.sleep(0)

    server._runner.run(leave())
    assert (ok(server), ok(server, "client_error")) == (0, 1)
    assert server.count("podium_consecutive_failures") == 0
    assert events(server, said(kind, "next"))[-1] == DONE


def test_many_streams_at_once_keep_apart(server: Server, kind: str) -> None:
    bodies = [{**said(kind, f"{number} {number}"), "stream": True} for number in range(100, 130)]
    answers = server.post_together([("/invocations", body) for body in bodies])
    for number, (status, text) in enumerate(answers, 100):
        assert status == 200
        assert text.count("data: ") == 3
        assert text.count(f'"{number}"') == 2, text


class Plain(mlflow.pyfunc.PythonModel):  # type: ignore[misc]  # MLflow is untyped here
    def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
        return [str(model_input)]


def test_a_model_without_a_stream_answers_whole_whatever_is_asked(tmp_path: Path) -> None:
    mlflow.pyfunc.save_model(tmp_path / "model", python_model=Plain(), pip_requirements=[])
    with served(tmp_path / "model") as server:
        status, answer = server.post("/invocations", {"messages": [], "stream": True})
        assert (status, type(answer)) == (200, list)
