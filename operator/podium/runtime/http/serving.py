"""What is there once a model is: its scorer and queue, its paths, and what is counted of it."""

import asyncio
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING

from podium.runtime.exchange import Reply, Request, Response
from podium.runtime.faults import Fault, Outcome
from podium.runtime.http import drift_page
from podium.runtime.http.client import Client
from podium.runtime.http.copies import Copies
from podium.runtime.http.fallback import Attempt, Fallback, may_do_better
from podium.runtime.http.metrics import Metrics
from podium.runtime.http.prediction_log import PredictionLog
from podium.runtime.http.shadow import Chosen, Shadow
from podium.runtime.http.shared import Spare
from podium.runtime.http.streaming import EVENTS, NDJSON
from podium.runtime.identity import Headers, header_value
from podium.runtime.other_slot import FROM, Caller, fallback_from
from podium.runtime.prediction.queue import PredictionQueue
from podium.runtime.settings import HttpServer, Settings
from podium.runtime.shadow import DIGEST, OUTCOME, Orders, shadow_from
from podium.runtime.shadow import FROM as COPIED_FROM
from podium.runtime.turns import Turn, is_drawn

if TYPE_CHECKING:
    # These import MLflow, which takes seconds: see podium.runtime.loading.load
    from podium.runtime.loading.load import Loaded
    from podium.runtime.prediction.scoring import Ask, Read, Scorer

GRPC = "application/grpc"  # of a call that the other slot sends on, as a POST
JSON_LENGTH = b"inference-header-content-length"  # of the part of a body that bytes follow
Page = Callable[[], Response]


class Serving:
    """What is there once the model is: made whole, so that nothing is half ready."""

    def __init__(self, loaded: "Loaded", settings: Settings, orders: Orders, spare: Spare) -> None:
        """`orders` say what is copied in a shadow step, and `spare` how much memory is left for that."""
        self._scorer = loaded.scorer
        self._preview, self._other = settings.preview, settings.other_slot
        self._sorted = self._preview is not None or self._other is not None
        self._uncounted = loaded.scorer.preview_scorer() if self._sorted else loaded.scorer
        tells = settings.http is HttpServer.PODIUM  # behind another server, connections are not seen
        self._first_scorer = loaded.scorer.first_scorer()
        self._endpoints = loaded.endpoints
        self._streams = loaded.streams
        self._events = loaded.events
        self._binaries = loaded.binaries
        self.calls = loaded.calls
        self._pages: dict[str, Callable[[bool], Response]] = loaded.pages
        self.queue = PredictionQueue(loaded.scorer, settings.queue_limit, settings.max_batch_rows, loaded.threads)
        self.identity = loaded.identity
        self._shadow = self._shadowed(settings, orders, spare)
        self.metrics = Metrics(
            loaded.identity,
            settings.latency_edges,
            lambda: self.queue.depth,
            loaded.scorer.predictions,
            previews=settings.preview is not None,
            beside=settings.other_slot is not None,
            first=self._first_scorer.first if tells else None,
            shadow=self._shadow.collect if self._shadow is not None else None,
        )
        self._copies = Copies(self.queue, settings.request_seconds, partial(self.metrics.count_aside, Caller.COPY))
        self.metrics.from_cache = loaded.from_cache
        self.log = PredictionLog(loaded.identity, settings.prediction_log_bodies) if settings.prediction_log else None
        self.queue.on_batch = self.metrics.count_batch
        self.queue.on_late = self._count_late
        self.queue.on_free = self._copies.proceed
        self._loaded = loaded
        self.processes = loaded.scorer.model.processes
        self.identity_block = loaded.identity.block
        self._streaming = 0  # answers in parts, which come back to the queue
        self.fallback = self._fallback(settings)

    def drift_page(self) -> bytes:
        """Return the rows by bin of the training profile."""
        return drift_page.render(self.identity, self._scorer.sketch)

    @property
    def idle(self) -> bool:
        """Whether no answer is owed."""
        waits = self.fallback is not None and self.fallback.busy
        return self.queue.depth == 0 and self._streaming == 0 and not waits

    def close(self) -> None:
        """End what waits for no answer of a user. From here on, no request is taken in."""
        self._copies.close()
        self.queue.close()
        for sending in (self.fallback, self._shadow):
            if sending is not None:
                sending.close()

    def let_go(self) -> None:
        """Remove what is left of it, once its queue is closed. Not on the event loop."""
        self.queue.join()
        self._loaded.let_go()

    def _fallback(self, settings: Settings) -> Fallback | None:
        other = settings.other_slot
        if other is None or other.host is None or not other.fallback:
            return None
        client = Client(other.host, other.port, settings.max_buffered_bytes)
        return Fallback(other, client, self.identity, self.metrics.count_sent_on)

    def _shadowed(self, settings: Settings, orders: Orders, spare: Spare) -> Shadow | None:
        other = settings.other_slot
        if other is None or other.host is None:
            return None
        return Shadow(
            other,
            self.identity,
            orders,
            spare,
            limit=settings.request_seconds,
            busy=lambda: self.queue.crowded,
            sample=self._scorer.sample,
        )

    def choose(self, read: "Read", request: Request) -> Chosen | None:
        """Return what a user's request is copied by to the challenger, or None: most are not."""
        if self._shadow is None or request.caller is not Caller.USER:
            return None
        return self._shadow.choose(request, partial(self._again, read, request))

    async def _again(self, read: "Read", request: Request, seconds: float) -> tuple[bytes, bytes | None]:
        """Ask what a user asked once more, as a copy is asked. Returns how it ended, and what is to be compared."""
        told: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        content, within = request.content_type.encode("latin-1"), b"%dms" % (seconds * 1000)
        headers = [(b"content-type", content), (b"x-request-timeout", within)]
        copy = Request("POST", request.path, headers, request.body, request.id)
        copy.caller = Caller.COPY
        self.answer_copy(read, copy, lambda answer: None if told.done() else told.set_result(answer), draining=False)
        said = dict((await told).headers)
        return said.get(OUTCOME, b""), copy.sample.text if copy.sample is not None else None

    def is_copied(self, request: Request) -> bool:
        """Return whether a copy that the other slot sends is answered here."""
        return self._other is not None and self._other.is_copied(request.headers)

    def answer_copy(self, read: "Read", request: Request, reply: Reply, *, draining: bool) -> None:
        """Answer a copy, if no user waits."""
        request.sample = self._scorer.sample()
        self._copies.answer(request, lambda: self.ask(read, request), reply, draining=draining)

    def receive(self, request: Request) -> None:
        """Put a user's prediction on record as it comes, and whether its side of a trial was drawn for it."""
        request.first = self._came(request.caller, request.headers, request.turn)

    def _came(self, caller: Caller, headers: Headers, turn: Turn | None) -> bool:
        if turn is not None and caller is not Caller.TESTER:
            turn.requests += 1
        if caller is not Caller.USER:
            return False
        first = is_drawn(headers, turn)
        self.metrics.count_received(first=first)
        return first

    def count_stream(self, request: Request) -> Callable[[Fault | None], None]:
        """Begin a streamed answer. Returns what puts its end on record."""
        self._streaming += 1

        def ended(fault: Fault | None) -> None:
            self._streaming -= 1
            self.count(request, fault, None)

        return ended

    def count(self, request: Request, fault: Fault | None, body: bytes | None) -> None:
        """Put a prediction's end on record."""
        outcome = Outcome.OK if fault is None else fault.outcome
        if request.trace is not None:
            request.trace.end(fault)
        seconds = time.monotonic() - request.started
        if request.caller is Caller.USER:
            doubtful = fault is not None and fault.doubtful
            self.metrics.count(outcome, seconds, doubtful=doubtful, first=request.first)
        else:
            self.metrics.count_aside(request.caller, outcome)
        if self.log is not None and outcome is not None:
            self.log.write(request, outcome, seconds, body)

    def _count_late(self, request: Request) -> None:
        """Put on record how slow the model was, although the client waited no longer."""
        if request.caller is Caller.USER:
            self.metrics.count_late(time.monotonic() - request.started, first=request.first)

    def refused(self, headers: Headers, fault: Fault, turn: Turn | None) -> Headers:
        """Put on record a request that never became whole, of which these headers came.

        Returns the headers of its answer that say whose it was.
        """
        caller = self._caller(headers)
        first = self._came(caller, headers, turn)  # as others did: what is slow refuses more of them
        if caller is Caller.USER:
            self.metrics.count(fault.outcome, 0.0, doubtful=fault.doubtful, first=first)
        else:
            self.metrics.count_aside(caller, fault.outcome)
        return self._told(caller, headers)

    def sort(self, request: Request) -> None:
        """Say whose request it is, and what its answer says of who answers."""
        request.identity_block = self.identity_block
        if not self._sorted:
            return
        request.caller = self._caller(request.headers)
        if request.caller is not Caller.USER:
            told = self._told(request.caller, request.headers)
            request.identity_block += b"".join(b"%b: %b\r\n" % each for each in told)

    def _told(self, caller: Caller, headers: Headers) -> Headers:
        """The headers by which the other slot knows that its request was understood as what it is."""
        if caller is Caller.FALLBACK and (failed := fallback_from(headers)) is not None:
            return [(FROM, failed)]
        if caller is Caller.COPY and (answered := shadow_from(headers)) is not None:
            return [(COPIED_FROM, answered), (DIGEST, header_value(self.identity.digest))]
        return []

    def _caller(self, headers: Headers) -> Caller:
        if not self._sorted:
            return Caller.USER
        if self._other is not None and shadow_from(headers) is not None:
            return Caller.COPY
        if self._other is not None and fallback_from(headers) is not None:
            return Caller.FALLBACK
        return Caller.TESTER if self._preview is not None and self._preview.sent(headers) else Caller.USER

    def stands_in(self, request: Request) -> bool:
        """Return whether a request that the other slot sends is answered here."""
        return self._other is not None and self._other.stands_in(request.headers)

    def attempt(self, request: Request, reply: Reply, limit: float) -> Attempt | None:
        """Return what may ask the other slot for this request's answer, or None: it is answered here or not at all."""
        if self.fallback is None or request.caller is not Caller.USER:
            return None
        return Attempt(self.fallback, request, limit, reply)

    def may_be_sent_on(self, request: Request, fault: Fault) -> bool:
        """Return whether a request that failed like this is one that the other slot may answer as a whole."""
        return may_do_better(fault) and self.streamed(request) is None

    def scorer(self, request: Request) -> "Scorer":
        """Return the scorer that answers this request."""
        users = self._first_scorer if request.first else self._scorer
        scorer = users if request.caller is Caller.USER else self._uncounted
        return scorer if request.sample is None else scorer.noting(request.sample.add)

    def ask(self, read: "Read", request: Request) -> "Ask":
        """Return what the request asks of the model. Raises RequestFault: it is wrong already."""
        ask = self.scorer(request).ask(read, request.body, request.content_type)
        if not ask.planned and request.caller is Caller.USER:
            self.metrics.fallbacks += 1
        return ask

    def streamed(self, request: Request) -> "tuple[bytes, Read] | None":
        """Return the media type and the reading of a request that is to be answered bit by bit, or None."""
        if request.path in self._streams and NDJSON in (request.header(b"accept") or b""):
            return NDJSON, self._streams[request.path]
        door = self._events.get(request.path)
        return (EVENTS, door.read) if door is not None and door.asked(request.body) else None

    def endpoint(self, request: Request) -> "Read | None":
        """Return how a body sent to this path is read, or None."""
        caller = request.caller  # compared by identity: a set would ask each of its members for its hash, in Python
        if (caller is Caller.FALLBACK or caller is Caller.COPY) and request.content_type.startswith(GRPC):
            return self.calls.get(request.path)
        binary = self._binaries.get(request.path)
        if binary is not None and (length := request.header(JSON_LENGTH)) is not None:
            return binary(length)
        return self._endpoints.get(request.path)

    def parts(self, read: "Read", request: Request) -> "Callable[[], Iterable[Ask]]":
        """Return what reads the parts of a request that is answered bit by bit."""
        return lambda: self.scorer(request).parts(read, request.body, request.content_type)

    def page(self, path: str, *, ready: bool) -> Page | None:
        """Return the page about the model at this path, or None."""
        page = self._pages.get(path)
        return None if page is None else partial(page, ready)
