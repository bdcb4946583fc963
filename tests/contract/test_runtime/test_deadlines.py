"""Whose deadline passes: the client's own says nothing of the version, the server's does once the model was asked."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from podium.runtime.exchange import JSON, Request, Response
from podium.runtime.http.app import App
from tests.contract.test_runtime.asked import Server, served
from tests.contract.test_runtime.test_doors import saved
from tests.contract.test_runtime.test_swap import ENTERED, RELEASED, Waits, X

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow and its flavours warn of themselves

IN_A_ROW = "podium_consecutive_failures"
SECONDS = "podium_request_duration_seconds_count"
ROWS = json.dumps({"dataframe_records": [{"x": 1.5}]}).encode()


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    ENTERED.clear()
    RELEASED.set()
    yield saved(tmp_path / "model", Waits(), X)
    RELEASED.set()


def ended(server: Server, outcome: str) -> float:
    return server.count(f'podium_requests_total{{outcome="{outcome}"}}')


def ask(app: App, timeout: str | None) -> asyncio.Future[Response]:
    headers = [(b"content-type", JSON), *([(b"x-request-timeout", timeout.encode())] if timeout is not None else [])]
    answer: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
    app.handle(Request("POST", "/invocations", headers, ROWS, b"1"), answer.set_result)
    return answer


def behind_a_slow_one(server: Server, first: str | None, others: str | None) -> tuple[Response, list[Response]]:
    """Ask once, and eleven times more while the model predicts; it answers when all of these are over."""
    RELEASED.clear()

    async def asked() -> tuple[Response, list[Response]]:
        slow = ask(server._app, first)
        await asyncio.to_thread(ENTERED.wait, 30)
        later = [await each for each in [ask(server._app, others) for _ in range(11)]]
        RELEASED.set()
        return await slow, later

    return server._runner.run(asked())


@pytest.mark.parametrize("timeout", ["0", "0s", "0.000000001", "0.000001", "0ms"])
def test_one_client_that_waits_for_no_model_makes_no_failure(folder: Path, timeout: str) -> None:
    with served(folder) as server:
        for _ in range(12):
            status, answer = server.post("/invocations", ROWS, JSON, (b"x-request-timeout", timeout.encode()))
            assert status == 503
            assert answer["message"].startswith("the client's deadline passed")
            assert "requests wait" not in answer["message"]
        assert (server.count(IN_A_ROW), ended(server, "timeout"), ended(server, "deadline_exceeded")) == (0, 0, 12)
        assert server.post("/invocations", ROWS)[0] == 200


def test_what_waits_behind_a_good_slow_prediction_is_no_failure_of_the_version(folder: Path) -> None:
    with served(folder, THREADS="1") as server:
        slow, others = behind_a_slow_one(server, None, "0.05")
        assert slow.status == 200
        assert {(each.status, json.loads(body(each))["message"]) for each in others} == {
            (503, "the client's deadline passed before the model was asked")
        }
        assert (server.count(IN_A_ROW), ended(server, "timeout"), ended(server, "deadline_exceeded")) == (0, 0, 11)


def test_the_servers_own_deadline_counts_in_a_row_only_where_the_model_was_asked(folder: Path) -> None:
    with served(folder, THREADS="1", REQUEST_SECONDS="0.3") as server:
        slow, others = behind_a_slow_one(server, None, None)
        assert json.loads(body(slow))["message"] == (
            "the server's deadline (PODIUM_REQUEST_SECONDS) passed while the model predicted"
        )
        assert {json.loads(body(each))["message"] for each in others} == {
            "the server's deadline (PODIUM_REQUEST_SECONDS) passed before the model was asked"
        }
        assert (ended(server, "timeout"), server.count(IN_A_ROW)) == (12, 1)


def test_a_request_that_cannot_have_its_turn_in_time_is_told_how_many_wait(folder: Path) -> None:
    with served(folder, THREADS="1") as server:
        RELEASED.clear()

        async def asked() -> Response:
            slow = ask(server._app, None)
            await asyncio.to_thread(ENTERED.wait, 30)
            server._app._serving.queue._pace.per_request = 9.0  # type: ignore[union-attr]
            refused = await ask(server._app, "2")
            RELEASED.set()
            await slow
            return refused

        said = json.loads(body(server._runner.run(asked())))["message"]
        assert said == "the client's deadline cannot be met: 1 requests wait already"
        assert (ended(server, "deadline_exceeded"), server.count(IN_A_ROW)) == (1, 0)


def test_a_prediction_that_a_client_did_not_wait_for_shows_how_slow_it_was(folder: Path) -> None:
    """So a latency guard judges a version that is slower than its clients' patience."""
    with served(folder, THREADS="1") as server:
        RELEASED.clear()

        async def asked() -> Response:
            slow = ask(server._app, "0.05")
            answer = await slow
            RELEASED.set()
            return answer

        said = json.loads(body(server._runner.run(asked())))["message"]
        assert said == "the client's deadline passed while the model predicted"
        assert server.post("/invocations", ROWS)[0] == 200
        assert (ended(server, "deadline_exceeded"), ended(server, "ok"), server.count(SECONDS)) == (1, 1, 2)


def body(response: Response) -> bytes:
    assert isinstance(response.body, bytes)
    return response.body
