"""A version that was replaced leaves nothing: no model, no thread, no file, no module."""

import asyncio
import gc
import json
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from podium.runtime.exchange import JSON, Request, Response
from podium.runtime.http.app import App
from podium.runtime.http.reload import Reloader
from podium.runtime.loading.beside import modules_of_code
from podium.runtime.loading.load import Loaded, load
from podium.runtime.settings import Settings
from tests.contract.test_runtime.test_reload import Models

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow and its flavours warn of themselves
BODY = b'{"dataframe_records": [{"x": 1.5}]}'


class Server:
    """A server in this process that follows a file, as far as reloads are concerned."""

    def __init__(self, models: Models, loaded: Loaded, settings: Settings) -> None:
        self.models = models
        self.app = App(settings, loaded.identity)
        self.app.serve(loaded)
        self.reloader = Reloader(self.app, settings, loaded)

    async def serve(self, name: str, digest: str) -> Loaded:
        """Let the file name this model. Returns it as it was loaded."""
        self.models.say(name, digest)
        await self.reloader.look(time.monotonic())
        return self.reloader._loaded

    async def ask(self) -> Any:
        answer: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        request = Request("POST", "/invocations", [(b"content-type", JSON)], BODY, b"1")
        self.app.handle(request, answer.set_result)
        return json.loads(bytes((await answer).body))["predictions"]  # type: ignore[arg-type]  # no stream


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this process puts what it downloads."""
    folder = tmp_path / "places"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
async def server(tmp_path: Path, places: Path) -> AsyncIterator[Server]:
    models = Models(tmp_path)
    models.say("two", models.make("two", 2))
    settings = Settings.from_environment({"PODIUM_MODEL_FILE": str(models.file), "PODIUM_THREADS": "1"})
    made = Server(models, await asyncio.to_thread(load, settings), settings)
    yield made
    await asyncio.to_thread(made.app.close)


async def eventually(truth: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not truth():  # noqa: ASYNC110  no event says so
            await asyncio.sleep(0.01)


async def test_the_former_model_is_freed_at_once(server: Server) -> None:
    digest = server.models.make("three", 3)
    assert await server.ask() == [3.0]
    former = weakref.ref(server.reloader._loaded.scorer)
    await server.serve("three", digest)
    assert await server.ask() == [4.5]
    assert former() is None


async def test_its_files_and_its_modules_go_with_it(server: Server) -> None:
    digest = server.models.make("three", 3)
    former = server.reloader._loaded
    place, modules = former.place, former.modules
    assert place is not None
    assert place.exists()
    assert modules
    assert modules <= sys.modules.keys()
    del former
    now = await server.serve("three", digest)
    assert not place.exists()
    assert not modules & sys.modules.keys()
    assert now.modules <= modules_of_code()


async def test_many_reloads_leave_as_many_threads_and_modules_as_one(server: Server) -> None:
    digests = {name: server.models.make(name, factor) for name, factor in (("three", 3), ("four", 4))}
    await server.serve("three", digests["three"])
    await eventually(lambda: not any(each.name.startswith("let-go") for each in threading.enumerate()))
    threads, modules = threading.active_count(), len(modules_of_code())
    for name in ("four", "three") * 3:
        await server.serve(name, digests[name])
    await eventually(lambda: threading.active_count() <= threads)
    assert len(modules_of_code()) == modules


async def test_a_version_that_fails_leaves_nothing_either(server: Server, places: Path) -> None:
    digest = server.models.make("three", 3)
    (server.models.folder / "three" / "three.py").write_text(
        "raise SystemExit(3)"
    )  # the digest is not its own any more
    before = modules_of_code(), inside(places)
    assert await server.serve("three", digest) is server.reloader._loaded
    assert (modules_of_code(), inside(places)) == before
    assert await server.ask() == [3.0]


def inside(folder: Path) -> set[Path]:
    return set(folder.iterdir())


async def test_the_new_version_is_left_out_of_collections_as_the_first_one_was(server: Server) -> None:
    digest = server.models.make("three", 3)
    now = await server.serve("three", digest)
    assert not any(each is now.scorer for each in gc.get_objects())
    gc.unfreeze()
