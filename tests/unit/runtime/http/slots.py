"""Two slots' pods: whole servers but for their models, each on a socket of its own."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import orjson

from podium.runtime.exchange import Request, Response
from podium.runtime.faults import ModelFault, NotANumber, RequestFault
from podium.runtime.http.app import App
from podium.runtime.http.connection import Connection
from podium.runtime.http.shared import Limits, Shared
from podium.runtime.identity import Identity
from podium.runtime.loading.load import Loaded
from podium.runtime.prediction.model import Model
from podium.runtime.prediction.scoring import Ask, Read, Scorer
from podium.runtime.protocols.invocations import write
from podium.runtime.settings import Settings

Predict = Callable[[Any], Any]
LIMITS = Limits(2**24, 2**28, 30.0, 30.0, 75.0)
BODY = b"[[1.5]]"


def good(rows: Any) -> Any:
    return np.array([row[0] for row in rows]) * 100


class Held:
    """A model that has been asked, and answers once it is let go."""

    def __init__(self) -> None:
        self._asked, self._free = threading.Event(), threading.Event()

    def __call__(self, rows: Any) -> Any:
        self._asked.set()
        self._free.wait(20)
        return good(rows)

    async def asked(self) -> None:
        """Wait until it has been."""
        await asyncio.to_thread(self._asked.wait, 20)

    def let_go(self) -> None:
        """Let it answer, this time and always."""
        self._free.set()


def raising(_: Any) -> Any:
    raise ModelFault("the model raised")


def invalid(_: Any) -> Any:
    raise NotANumber("NaN")


def rows(body: bytes, _: str, __: Scorer) -> Ask:
    found = orjson.loads(body)
    if not found:
        return Ask(work=refused, planned=False)
    return Ask(rows=found, write=write)


def refused() -> bytes:
    raise RequestFault("no rows")


class Pod:
    """One slot's pod. It is asked as a client asks it, and tells what it counted."""

    def __init__(self, version: str, predict: Predict, **settings: str) -> None:
        environ = {f"PODIUM_{name}": value for name, value in settings.items()}
        read = Settings.from_environment({"PODIUM_MODEL_URI": f"models:/churn/{version}", **environ})
        self.who = Identity("churn", version, f"r{version}", "sha256:77")
        fields = {"inputs": None, "outputs": None, "plan": "of rows", "row_wise": True, "processes": None}
        model = SimpleNamespace(**fields, predict_rows=predict)
        doors: dict[str, Read] = {"/invocations": rows, f"/v2/models/churn/versions/{version}/infer": rows}
        calls: dict[str, Read] = {"/v2/models/churn/infer": rows}
        self.app = App(read, self.who)
        self.app.serve(Loaded(self.who, Scorer(cast("Model", model)), doors, {"/invocations": rows}, {}, calls=calls))
        self.shared = Shared(self.app, LIMITS)
        self.taken: list[bytes] = []

    def metric(self, name: str) -> dict[str, int]:
        """The samples of a counter by its last label, without zeros."""
        answers: list[Response] = []
        self.app.handle(Request("GET", "/metrics", [], b"", b"1"), answers.append)
        body = cast("bytes", answers[0].body).decode()
        lines = [line for line in body.splitlines() if line.startswith(f"{name}{{")]
        label = "answered" if name == "podium_fallbacks_total" else "outcome"
        found = {line.split(f'{label}="')[1].split('"')[0]: int(float(line.rsplit(" ", 1)[1])) for line in lines}
        return {key: count for key, count in found.items() if count}

    async def ask(
        self, *headers: tuple[bytes, bytes], body: bytes = BODY, door: Any = App.handle, path: str = ""
    ) -> "Told":
        answer: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        path = path or ("/invocations" if door is App.handle else "/v2/models/churn/infer")
        content = b"application/json" if door is App.handle else b"application/grpc"
        request = Request("POST", path, [(b"content-type", content), *headers], body, b"mine")
        door(self.app, request, answer.set_result)
        return Told(await asyncio.wait_for(answer, 20), self.shared.identity_of(request))


class Saying(asyncio.Protocol):
    """A server that says these bytes to whatever it is asked, and ends the connection."""

    said = b""
    heard = b""  # by all of them

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        type(self).heard += data
        self.transport.write(self.said)
        self.transport.close()


def saying(said: bytes) -> type[Saying]:
    return type("Said", (Saying,), {"said": said})


class Hanging(asyncio.Protocol):
    """A server that takes what it is asked, and says nothing."""


class Told:
    """An answer and who gave it."""

    def __init__(self, answer: Response, identity: bytes) -> None:
        self.status, self.body = int(answer.status), cast("bytes", answer.body)
        lines = [line.split(b": ", 1) for line in identity.split(b"\r\n") if line]
        self.by = {name.decode(): value.decode() for name, value in lines}
        self.headers = dict(answer.headers)


@contextlib.asynccontextmanager
async def listening(pod: Pod | Callable[[], asyncio.Protocol]) -> AsyncIterator[str]:
    made = (lambda: Connection(pod.shared)) if isinstance(pod, Pod) else pod
    server = await asyncio.get_running_loop().create_server(made, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.close()
        if isinstance(pod, Pod):
            for connection in list(pod.shared.connections):
                connection.drop()


def challenger(predict: Predict, url: str, **settings: str) -> Pod:
    return Pod("7", predict, FALLBACK_URL=url, TRIAL_NUMBER="2", **settings)


def champion(predict: Predict = good, **settings: str) -> Pod:
    return Pod("6", predict, TRIAL_NUMBER="1", **settings)
