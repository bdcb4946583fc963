"""One prediction from its request to its answer: every one ends in exactly one outcome, and is counted once."""

import importlib
import logging
import time
from http import HTTPStatus
from typing import TYPE_CHECKING

from podium.runtime.exchange import JSON, Body, Reply, Request, Response
from podium.runtime.faults import EarlierVersion, Fault, Unforeseen, WrongMethod, YoungerVersion
from podium.runtime.http.deadlines import seconds_of
from podium.runtime.http.refusals import refusal
from podium.runtime.http.serving import Serving
from podium.runtime.http.streaming import Stream
from podium.runtime.other_slot import Caller
from podium.runtime.prediction.job import Done, Job

if TYPE_CHECKING:
    # These import MLflow, which takes seconds: see podium.runtime.loading.load
    from podium.runtime.http.tracing import Tracer
    from podium.runtime.prediction.scoring import Read

log = logging.getLogger(__name__)


class Predicting:
    """Answers predictions, whoever asks for them."""

    def __init__(self, limit: float, *, traces: bool) -> None:
        """`limit` is how many seconds a request may take, unless it says less."""
        self._limit = limit
        self._tracer = tracer() if traces else None

    def close(self) -> None:
        """Send the spans that wait, once the last answer is out."""
        if self._tracer is not None:
            self._tracer.close()

    def answer(self, serving: Serving, read: "Read", request: Request, reply: Reply, *, draining: bool) -> None:
        """Answer a request, now or later."""
        if request.caller is Caller.USER:
            self._predict(serving, read, request, reply)
        elif request.caller is Caller.FALLBACK and not serving.stands_in(request):
            reply(refusal(YoungerVersion(), request.path))
        elif request.caller is Caller.COPY and not serving.is_copied(request):
            reply(refusal(EarlierVersion(), request.path))
        elif request.caller is Caller.COPY:
            serving.receive(request)
            serving.answer_copy(read, request, reply, draining=draining)
        else:
            self._predict(serving, read, request, reply)

    def _predict(self, serving: Serving, read: "Read", request: Request, reply: Reply) -> None:
        counted = False
        serving.receive(request)
        chosen = serving.choose(read, request)
        if chosen is not None:
            reply = chosen.after(reply)
        attempt = serving.attempt(request, reply, self._limit)

        def done(body: bytes | None, fault: Fault | None) -> None:
            nonlocal counted
            counted = True
            serving.count(request, fault, body)
            answer = _answer(body or b"") if fault is None else refusal(fault, request.path)
            if attempt is None:
                reply(answer)
            elif fault is None:
                attempt.answered(answer)
            else:
                attempt.failed(answer, ask=serving.may_be_sent_on(request, fault))
            if chosen is not None:
                chosen.ended(fault, time.monotonic() - request.started)

        try:
            queued = self._begin(serving, read, request, reply, done)
            if queued and attempt is not None:
                attempt.begin()
        except Fault as fault:
            done(None, fault)
        except Exception:
            if counted:
                raise  # it could not be written, and is answered as a page is
            log.exception("a fault of the server itself, in request %s", request.id.decode())
            done(None, Unforeseen())

    def _begin(self, serving: Serving, read: "Read", request: Request, reply: Reply, done: Done) -> bool:
        """Read the request and put it into the queue; a streamed one puts itself there, part by part.

        Returns which. Raises Fault: it will not get a prediction.
        """
        if self._tracer is not None:
            self._tracer.begin(request, serving.identity)
        if request.method != "POST":
            raise WrongMethod(f"expected POST, found {request.method[:20]}")
        serving.queue.admit()
        seconds = seconds_of(request, self._limit)
        deadline, own = request.started + seconds, seconds < self._limit
        if (streamed := serving.streamed(request)) is not None:
            request.sample = None  # it is not copied: `done` is never told of its end
            kind, by_parts = streamed
            ended = serving.count_stream(request)
            parts = serving.parts(by_parts, request)
            Stream(serving.queue, parts, kind, request, deadline, reply, ended, own).start()
            return False
        serving.queue.enter(Job(serving.ask(read, request), request, deadline, done, own=own))
        return True


def tracer() -> "Tracer | None":
    """Return what begins spans; None where its packages are not installed: a pod serves without traces, too."""
    try:
        made: Tracer = importlib.import_module("podium.runtime.http.tracing").Tracer()
    except ModuleNotFoundError as error:
        log.warning("no traces: %s is not installed; expected: pip install 'podium[otel]'", error.name)
        return None
    return made


def _answer(body: bytes) -> Response:
    if type(body) is bytes:  # nearly always
        return Response(body=body, content_type=JSON)
    assert isinstance(body, Body)
    return Response(HTTPStatus.OK, body, body.content_type, body.headers)
