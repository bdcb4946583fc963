"""Two versions in one process: each request is answered by the version that it asked, and named so."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow
import pytest
from mlflow.types import ColSpec, DataType, Schema

from podium.runtime.exchange import JSON, Request, Response
from podium.runtime.http.app import App
from podium.runtime.http.shared import Limits, Shared
from podium.runtime.loading.load import Loaded, load
from podium.runtime.settings import Settings
from tests.contract.test_runtime.test_doors import saved

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow and its flavours warn of themselves

X = Schema([ColSpec(DataType.double, "x")])
BODY = b'{"dataframe_records": [{"x": 1.5}]}'
ENTERED, RELEASED = threading.Event(), threading.Event()


class Waits(mlflow.pyfunc.PythonModel):  # type: ignore[misc]  # MLflow is untyped here
    """Answers once a test says so."""

    def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
        ENTERED.set()
        assert RELEASED.wait(30)
        return model_input["x"].to_numpy() * 2


class Triples(mlflow.pyfunc.PythonModel):  # type: ignore[misc]  # MLflow is untyped here
    def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
        return model_input["x"].to_numpy() * 3


@pytest.fixture(autouse=True)
def _afresh() -> Iterator[None]:
    ENTERED.clear()
    RELEASED.clear()
    yield
    RELEASED.set()


def settings(model: Path) -> Settings:
    return Settings.from_environment({"PODIUM_MODEL_URI": str(model), "PODIUM_THREADS": "1"})


def both(folder: Path) -> tuple[Loaded, Loaded]:
    models = saved(folder / "first", Waits(), X), saved(folder / "second", Triples(), X)
    first, second = (load(settings(model)) for model in models)
    return first, second


def ask(app: App) -> "tuple[Request, asyncio.Future[Response]]":
    request = Request("POST", "/invocations", [(b"content-type", JSON)], BODY, b"1")
    answer: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
    app.handle(request, answer.set_result)
    return request, answer


def head(app: App, request: Request, answer: Response) -> bytes:
    return Shared(app, Limits(1, 1, 1, 1, 1)).head(answer, request, b"", keep_alive=True)


async def until(truth: Any) -> None:
    async with asyncio.timeout(30):
        while not truth():  # noqa: ASYNC110  no event says so
            await asyncio.sleep(0.01)


async def test_what_was_asked_before_the_swap_is_answered_by_the_version_that_it_asked(tmp_path: Path) -> None:
    first, second = await asyncio.to_thread(both, tmp_path)
    app = App(settings(tmp_path / "first"), first.identity)
    assert app.serve(first) is None
    running, waiting = ask(app), ask(app)
    await until(ENTERED.is_set)
    former = app.serve(second)
    assert former is not None
    request, answer = ask(app)
    assert (await answer).body == b'{"predictions":[4.5]}'  # at once, whatever the former version does
    assert b"x-podium-model: second\r\n" in head(app, request, answer.result())
    assert not former.idle
    RELEASED.set()
    for request, answer in (running, waiting):
        assert (await answer).body == b'{"predictions":[3.0]}'
        assert b"x-podium-model: first\r\n" in head(app, request, answer.result())
    await until(lambda: former.idle)


async def test_a_former_version_takes_its_threads_with_it(tmp_path: Path) -> None:
    first, second = await asyncio.to_thread(both, tmp_path)
    app = App(settings(tmp_path / "first"), first.identity)
    before = threading.active_count()
    app.serve(first)
    former = app.serve(second)
    assert former is not None
    assert threading.active_count() == before + 2
    app.end(former)
    await until(lambda: threading.active_count() == before + 1)


async def test_a_former_version_whose_prediction_does_not_return_takes_the_pod_out_of_service(tmp_path: Path) -> None:
    first, second = await asyncio.to_thread(both, tmp_path)
    app = App(settings(tmp_path / "first"), first.identity)
    app.serve(first)
    _, answer = ask(app)
    await until(ENTERED.is_set)
    app.serve(second)
    far = asyncio.get_running_loop().time() + 1e6
    assert "has not returned" in (app.stalled(far) or "")
    RELEASED.set()
    await answer


async def test_a_former_version_stays_until_its_streams_have_ended(tmp_path: Path) -> None:
    first, second = await asyncio.to_thread(both, tmp_path)
    app = App(settings(tmp_path / "first"), first.identity)
    RELEASED.set()
    app.serve(first)
    request = Request("POST", "/api/v1/batch", [(b"accept", b"application/x-ndjson")], b'{"items": [{"x": 1.5}]}', b"1")
    answer: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
    app.handle(request, answer.set_result)
    parts = (await answer).body
    former = app.serve(second)
    assert former is not None
    assert former.queue.depth == 0  # the first part was predicted, and the next one is not asked for yet
    assert not former.idle
    assert not isinstance(parts, bytes)
    lines = [part async for part in parts]
    assert b"3.0" in lines[0]
    assert former.idle
