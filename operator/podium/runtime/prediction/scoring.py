"""What a request asks of the model, and how its share of the predictions becomes its answer."""

import copy
import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from podium.runtime.faults import Fault, ModelFault, Unforeseen
from podium.runtime.prediction.blame import blamed
from podium.runtime.prediction.distribution import Predictions
from podium.runtime.prediction.joining import objection, types_of
from podium.runtime.prediction.model import Model, Query
from podium.runtime.prediction.outputs import OutputCheck
from podium.runtime.prediction.plan import Rows
from podium.runtime.prediction.rows import row_count, shares
from podium.runtime.prediction.sample import Sample
from podium.runtime.prediction.sketch import Sketch
from podium.runtime.settings import Batching

log = logging.getLogger(__name__)

INLINE_BYTES = 256 * 1024  # a larger body would hold up the event loop for more than about 5 ms

Write = Callable[[Any], bytes]  # a request's share of the raw predictions -> the body of its answer
Work = Callable[[], bytes]


@dataclass(slots=True)
class Ask:
    """Rows that can be joined with others', or work to be done alone, or parts to be answered one after another."""

    rows: Rows | None = None
    write: Write | None = None  # with rows
    work: Work | None = None
    parts: "Iterable[Ask]" = ()
    planned: bool = True  # False where the plan could not express the request


Read = Callable[[bytes, str, "Scorer"], Ask]  # body, content type
Note = Callable[[Any], None]  # is shown a raw prediction once it has been written


class Scorer:
    """One model, asked in any protocol."""

    def __init__(self, model: Model, batching: Batching = Batching.AUTO) -> None:
        self.model = model
        # Whether requests that wait are joined into one prediction
        trusted = batching is Batching.ON or (batching is Batching.AUTO and model.row_wise)
        self.joins = trusted and model.plan is not None
        self.steady = model.row_wise  # how long a prediction takes depends on the number of rows and on nothing else
        self.predictions = Predictions()
        self.sketch: Sketch | None = None  # of what users ask, where that is counted
        self._check = OutputCheck(model.outputs)
        self._types: Any = None  # of the answers to the input example, or else to the first requests that were joined
        self._notes: tuple[Note, ...] = ()  # of the requests that this scorer reads

    def preview_scorer(self) -> "Scorer":
        """Return a scorer for testers: of the same model, and nothing that it predicts is seen in this one's counts."""
        return PreviewScorer(self.model)

    def first_scorer(self) -> "FirstScorer":
        """Return a scorer for first requests: what is predicted for them is seen in this one's counts, and apart."""
        return FirstScorer(self)

    def sample(self) -> Sample:
        """Return what keeps the first values that are predicted for a request, once it is a note of it."""
        return Sample()

    def noting(self, note: Note) -> "Scorer":
        """Return the same scorer for one request, of which what is predicted is shown to `note` too."""
        found = copy.copy(self)
        found._notes = (*self._notes, note)  # noqa: SLF001  it is one of these itself
        return found

    def ask(self, read: Read, body: bytes, content_type: str) -> Ask:
        """Read a request on the event loop where that is quick, and leave it to the prediction thread otherwise.

        Raises RequestFault: it is wrong already.
        """
        if len(body) <= INLINE_BYTES:
            return self._prepared(read(body, content_type, self))
        return Ask(work=lambda: self.answer(read(body, content_type, self)))

    def parts(self, read: Read, body: bytes, content_type: str) -> Iterable[Ask]:
        """Read the parts of a request that is answered bit by bit; an empty part is the end.

        Raises RequestFault: it is wrong already.
        """
        parts = read(body, content_type, self).parts
        return [self._prepared(part) for part in parts] if isinstance(parts, list) else parts

    def _prepared(self, ask: Ask) -> Ask:
        """Let what notes a request's predictions go with it into the queue, where another scorer answers it."""
        if self._notes and ask.write is not None:
            ask.write = self._noted(ask.write)
        return ask

    def _noted(self, write: Write) -> Write:
        def written(raw: Any) -> bytes:
            body = write(raw)
            for note in self._notes:
                note(raw)
            return body

        return written

    def answer(self, ask: Ask) -> bytes:
        """Answer a request alone, whatever it is. Raises Fault: the request's or the model's."""
        if ask.work is not None:
            return ask.work()
        if ask.parts:
            return b"".join(map(self.answer, ask.parts))
        assert ask.rows is not None
        assert ask.write is not None
        return self._answer(lambda: self.model.predict_rows(ask.rows or []), ask.rows, ask.write, planned=True)

    def join_if_proven(self, example: Rows) -> None:
        """Predict the model's input example alone and joined, and join no requests where the answers differ."""
        if self.joins and (why := self._objection(example)):
            log.warning("requests are not joined: %s", why)
            self.joins = False

    def _objection(self, example: Rows) -> str | None:
        try:
            why = objection(self.model.predict_rows, example)
            self._types = types_of(self.model.predict_rows(example[:1])) if why is None else None
        except Fault as fault:
            return f"the model cannot answer its input example row by row: {fault.message}"
        return why

    def predict_joined(self, asks: list[Ask]) -> Any:
        """Predict the rows of several requests at once, and return the raw predictions.

        Raises Fault: the model raised, or its answer does not say what each of them alone would have been answered.
        """
        rows = list(chain.from_iterable(ask.rows or () for ask in asks))
        raw = self.model.predict_rows(rows)
        if (why := self._unlike_answers_alone(raw, len(rows))) is not None:
            log.warning("requests are not joined any more: %s", why)
            self.joins = False
            raise ModelFault(why)
        return raw

    def _unlike_answers_alone(self, raw: Any, rows: int) -> str | None:
        if row_count(raw) != rows:
            return f"{rows} rows are answered by {type(raw).__name__}, which does not have one answer a row"
        found = types_of(raw)
        if self._types is None:
            self._types = found
        # A null in one request's answer makes numbers with a fraction of another's whole ones, say
        return None if found == self._types else "the types of the model's answer depend on the rows"

    def answer_shares(self, asks: list[Ask], raw: Any) -> Iterator[bytes | Fault]:
        """Answer each of several joined requests by its share of the raw predictions, and count those answered."""
        sound = self._is_sound(raw)
        if sound:
            self.predictions.add(raw)
        if self.sketch is not None:
            self.sketch.add_rows(list(chain.from_iterable(ask.rows or () for ask in asks)), raw)
        for ask, share in zip(asks, shares(raw, [len(ask.rows or ()) for ask in asks]), strict=True):
            yield self._answer_share(ask, share, sound=sound)

    def _is_sound(self, raw: Any) -> bool:
        """Return whether an array is what the signature says: so is each part of it, then.

        Of other answers this says nothing: among texts, NaN is found only where it stands alone.
        """
        if not isinstance(raw, np.ndarray) or raw.dtype.kind not in "iubf":
            return False
        try:
            self._check(raw)
        except ModelFault:
            return False
        return True

    def answer_query(self, query: Query, write: Write) -> bytes:
        """Answer what the plan could not express. Raises Fault: the request's or the model's."""
        return self._answer(lambda: self.model.predict(query), query.data, write, planned=False)

    def _answer(self, predict: Callable[[], Any], data: Any, write: Write, *, planned: bool) -> bytes:
        try:
            raw = predict()
            body = self._written(raw, write)
        except ModelFault as fault:
            raise blamed(fault, data, self.model.inputs) from fault
        if self.sketch is not None:
            (self.sketch.add_rows if planned else self.sketch.add_query)(data, raw)
        return body

    def _answer_share(self, ask: Ask, share: Any, *, sound: bool) -> bytes | Fault:
        assert ask.write is not None
        try:
            return ask.write(share) if sound else self._written(share, ask.write)
        except ModelFault as fault:
            return blamed(fault, ask.rows, self.model.inputs)
        except Fault as fault:
            return fault
        except Exception:
            log.exception("a fault of the server itself, in one of several joined answers")
            return Unforeseen()

    def _written(self, raw: Any, write: Write) -> bytes:
        """Return the answer's body, and count it. Raises ModelFault: the answer is not what the signature says."""
        self._check(raw)
        body = self._noted(write)(raw) if self._notes else write(raw)
        self.predictions.add(raw)
        return body


class PreviewScorer(Scorer):
    """Asks so that no scorer but this one will answer: what it counts is never read."""

    def _prepared(self, ask: Ask) -> Ask:
        """The same as work of its own, which is not joined with others'."""
        return Ask(work=lambda: self.answer(ask), planned=ask.planned)


class FirstScorer(Scorer):
    """Counts what is predicted for its requests as all predictions are, and by itself in `first`."""

    def __init__(self, of: Scorer) -> None:
        super().__init__(of.model)
        self.predictions, self.first = of.predictions, Predictions()
        self.sketch = of.sketch
        self._notes = (self.first.add,)
