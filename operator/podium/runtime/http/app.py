"""The server's face: routes, readiness, deadlines and counts.

No framework: a prediction passes through here tens of thousands of times a second, and there are few routes.
"""

import logging
from enum import Enum, auto
from http import HTTPStatus
from typing import TYPE_CHECKING

from podium.runtime.exchange import JSON, Reply, Request, Response, canonical
from podium.runtime.faults import Fault, NotFound, NotReady, Unforeseen, WrongMethod
from podium.runtime.http import drift_page, metrics
from podium.runtime.http.predicting import Predicting
from podium.runtime.http.refusals import refusal
from podium.runtime.http.reload_report import ReloadReport
from podium.runtime.http.serving import Page, Serving
from podium.runtime.http.shared import Spare
from podium.runtime.identity import Headers, Identity
from podium.runtime.settings import Settings
from podium.runtime.shadow import Orders
from podium.runtime.startup import StartupStep
from podium.runtime.turns import Turn

if TYPE_CHECKING:
    # These import MLflow, which takes seconds: see podium.runtime.loading.load
    from podium.runtime.loading.load import Loaded
    from podium.runtime.prediction.processes import Processes
    from podium.runtime.prediction.scoring import Read

log = logging.getLogger(__name__)


class Phase(Enum):
    """Where the process is in its life."""

    LOADING = auto()
    READY = auto()
    DRAINING = auto()


class App:
    """Answers requests. Starts without a model; `serve` gives it one, `drain` takes it out of service."""

    def __init__(self, settings: Settings, identity: Identity) -> None:
        self._settings = settings
        self._phase = Phase.LOADING
        self._serving: Serving | None = None
        self._former: list[Serving] = []  # they answer what they were asked before another version served
        self._step = StartupStep.FETCHING
        self._predicting = Predicting(settings.request_seconds, traces=settings.traces)
        self._orders = Orders()
        self.spare = Spare()  # that copies take, of what the server's clients leave
        self.reloads: ReloadReport | None = None
        self.identity_block = identity.block
        self._pages: dict[str, Page] = {
            "/healthz": lambda: Response(HTTPStatus.OK, b"ok\n"),
            "/readyz": self._readyz,
            "/ping": self._ping,
            "/health": self._ping,  # MLflow's server has both
            "/metrics": self._render_metrics,
            "/v2/health/live": lambda: Response(HTTPStatus.OK, b'{"live":true}', JSON),
            "/v2/health/ready": self._v2_ready,
        }
        if settings.drift:
            self._pages[drift_page.PATH] = self._drift

    def enter(self, step: StartupStep) -> None:
        """Say from now on that this is what the server does before it is ready. Called from any thread."""
        self._step = step

    def serve(self, loaded: "Loaded") -> Serving | None:
        """Begin to answer predictions by this model. Called on the event loop.

        Returns what served before, if anything: it answers what it was asked, until `end` takes it away.
        """
        former, self._serving = self._serving, Serving(loaded, self._settings, self._orders, self.spare)
        self.identity_block = loaded.identity.block
        if former is None:
            self._phase = Phase.READY
        else:
            self._former.append(former)
        return former

    def end(self, former: Serving) -> None:
        """Take away what served before, which owes no answer any more."""
        self._former.remove(former)
        former.close()

    def drain(self) -> None:
        """Stop being ready, and go on answering."""
        self._phase = Phase.DRAINING

    def close(self) -> None:
        """Send the spans that wait, once the last answer is out."""
        self._predicting.close()

    def expire(self, now: float) -> None:
        """Refuse what has waited for too long."""
        for serving in self._servings:
            serving.queue.expire(now)

    def stalled(self, now: float) -> str | None:
        """Return why the server cannot go on, where a prediction has not returned for too long.

        Before that, from the time at which no request could still get its answer, the server is not ready.
        """
        limits = self._settings.request_seconds, self._settings.stall_seconds
        checked = [serving.queue.heartbeat.check(now, *limits) for serving in self._servings]
        return next(filter(None, checked), None)

    def lost(self) -> str | None:
        """Return why the server cannot go on for long, where a process that predicts has ended."""
        return next(filter(None, (processes.lost() for processes in self._processes)), None)

    @property
    def predicts(self) -> bool:
        """Whether there is still a process that predicts."""
        return all(processes.alive for processes in self._processes)

    @property
    def _processes(self) -> "list[Processes]":
        return [serving.processes for serving in self._servings if serving.processes is not None]

    @property
    def _draining(self) -> bool:
        return self._phase is Phase.DRAINING

    @property
    def answered(self) -> int:
        """How many predictions have been answered, well or not, by what serves or served."""
        return sum(serving.metrics.answered for serving in self._servings)

    @property
    def _servings(self) -> list[Serving]:
        return self._former if self._serving is None else [*self._former, self._serving]

    def handle(self, request: Request, reply: Reply) -> None:
        """Answer the request, now or later. Never raises."""
        try:
            serving = self._serving
            if serving is not None:
                serving.sort(request)
            read = None if serving is None else serving.endpoint(request) or _by_another_spelling(serving, request)
            if serving is not None and read is not None:
                self._predicting.answer(serving, read, request, reply, draining=self._draining)
            else:
                reply(self._page(request))
        except Exception:
            log.exception("a fault of the server itself, in request %s", request.id.decode())
            reply(refusal(Unforeseen(), request.path))

    def call(self, request: Request, reply: Reply) -> None:
        """Answer a prediction that is asked for by gRPC, now or later. Never raises."""
        try:
            serving = self._serving
            read = None if serving is None else serving.calls.get(request.path)
            if serving is not None:
                serving.sort(request)
            if serving is not None and read is not None:
                self._predicting.answer(serving, read, request, reply, draining=self._draining)
            else:
                reply(refusal(self._not_found(), request.path))
        except Exception:
            log.exception("a fault of the server itself, in call %s", request.id.decode())
            reply(refusal(Unforeseen(), request.path))

    def refuse(self, error: Exception, headers: Headers, turn: Turn | None) -> Response:
        """Answer a request that never became whole. It is counted: only a client of predictions sends bodies."""
        fault = error if isinstance(error, Fault) else Unforeseen()
        if self._serving is None:
            return refusal(fault)
        return refusal(fault, "", *self._serving.refused(headers, fault, turn))

    # Pages: cheap, never counted

    def _page(self, request: Request) -> Response:
        page = self._pages.get(request.path)
        if page is None and self._serving is not None:
            page = self._serving.page(request.path, ready=self._word == "ready")
        if page is None:
            return refusal(self._not_found(), request.path)
        if request.method not in {"GET", "HEAD"}:
            fault = WrongMethod(f"expected GET, found {request.method[:20]}")
            return refusal(fault, request.path, (b"allow", b"GET, HEAD"))
        if request.path == "/metrics":
            self._hear(request)
        return page()

    def _hear(self, request: Request) -> None:
        """Take the operator's word, which it gives whenever it reads the counters."""
        self._orders.hear(request.headers)
        if request.turn is not None:
            request.turn.hear(request.headers)

    def _not_found(self) -> Fault:
        if self._serving is None:
            return NotReady("the model is not loaded yet; GET /readyz says when it is")
        return NotFound("no such path, or no such model or version; GET /openapi.json lists what is here")

    def _readyz(self) -> Response:
        return Response(self._ready_status(), self._word.encode() + b"\n")

    @property
    def _word(self) -> str:
        """The phase in one word. A server whose model does not return answers no request."""
        overdue = any(serving.queue.heartbeat.overdue for serving in self._servings)
        return "overdue" if self._phase is Phase.READY and overdue else self._phase.name.lower()

    def _ready_status(self) -> HTTPStatus:
        return HTTPStatus.OK if self._word == "ready" else HTTPStatus.SERVICE_UNAVAILABLE

    def _v2_ready(self) -> Response:
        word = b"true" if self._word == "ready" else b"false"
        return Response(self._ready_status(), b'{"ready":%b}' % word, JSON)

    def _ping(self) -> Response:
        loaded = self._serving is not None
        return Response(HTTPStatus.OK if loaded else HTTPStatus.SERVICE_UNAVAILABLE, b"\n", JSON)

    def _render_metrics(self) -> Response:
        text = self._serving.metrics.render() if self._serving is not None else metrics.before_serving(self._step)
        text += self.reloads.render() if self.reloads is not None else b""
        return Response(HTTPStatus.OK, text, metrics.CONTENT_TYPE)

    def _drift(self) -> Response:
        if self._serving is None:
            return refusal(self._not_found(), drift_page.PATH)
        return Response(HTTPStatus.OK, self._serving.drift_page(), metrics.CONTENT_TYPE)


def _by_another_spelling(serving: Serving, request: Request) -> "Read | None":
    """Return how a body is read that was sent to a path under another spelling, or None. The path is rewritten."""
    request.path = canonical(request.path)
    return serving.endpoint(request)
