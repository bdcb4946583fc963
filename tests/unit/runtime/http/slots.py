"""Two slots' pods: whole servers but for their models, each on a socket of its own."""

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import orjson

from podium.adapters.metrics.exposition import statement
from podium.adapters.metrics.shadow import order_text
from podium.core.identity import Identity as CoreIdentity
from podium.core.shadow import ShadowOrder
from podium.runtime.exchange import Request, Response
from podium.runtime.faults import ModelFault, NotANumber, RequestFault
from podium.runtime.http.app import App
from podium.runtime.http.connection import Connection
from podium.runtime.http.serving import Serving
from podium.runtime.http.shadow import Shadow
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
        self.limit(LIMITS)
        self.taken: list[bytes] = []

    def limit(self, limits: Limits) -> None:
        """Give it other limits, before it is asked."""
        self.shared = Shared(self.app, limits, spare=self.app.spare)

    def metric(self, name: str) -> dict[str, int]:
        """The samples of a counter by its last label, without zeros."""
        lines = [line for line in self.page().splitlines() if line.startswith(f"{name}{{")]
        label = "answered" if name == "podium_fallbacks_total" else "outcome"
        found = {line.split(f'{label}="')[1].split('"')[0]: int(float(line.rsplit(" ", 1)[1])) for line in lines}
        return {key: count for key, count in found.items() if count}

    def page(self, *headers: tuple[bytes, bytes]) -> str:
        """Its metrics, as the operator reads them."""
        answers: list[Response] = []
        self.app.handle(Request("GET", "/metrics", list(headers), b"", b"1"), answers.append)
        return cast("bytes", answers[0].body).decode()

    def tell(self, share: float = 1.0, tolerance: float = 0.0, version: str = "7", digest: str = "sha256:77") -> None:
        """Give it the operator's order to copy requests."""
        order = ShadowOrder(CoreIdentity(version, digest), share, tolerance)
        self.page((b"x-podium-shadow", order_text(order).encode()))

    @property
    def pairs(self) -> dict[str, int]:
        """How its pairs came out, without zeros."""
        said = statement(self.page())
        assert said is not None
        found = asdict(said.shadow) if said.shadow is not None else {}
        return {name: count for name, count in found.items() if isinstance(count, int) and count}

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


def copying(url: str, predict: Predict = good, **settings: str) -> Pod:
    """A champion that knows where the challenger is."""
    return Pod("6", predict, SHADOW_URL=url, TRIAL_NUMBER="1", **settings)


def copied(predict: Predict = good, **settings: str) -> Pod:
    """A challenger of which no user knows."""
    return Pod("7", predict, TRIAL_NUMBER="2", **settings)


def serving(pod: Pod) -> Serving:
    return cast("Serving", pod.app._serving)


def sender(pod: Pod) -> Shadow:
    """What sends copies of its requests."""
    return cast("Shadow", serving(pod)._shadow)


def answers(pod: Pod) -> dict[str, int]:
    """How the copies ended that it was sent."""
    return pod.metric("podium_shadow_answers_total")


async def eventually(truth: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + 20
    while not truth():
        assert time.monotonic() < until, what
        await asyncio.sleep(0.005)
