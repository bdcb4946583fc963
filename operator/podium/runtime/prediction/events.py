"""What a model says bit by bit (`predict_stream` of a chat model or an agent), as parts that are predicted in turn.

Each event is a job of its own in the queue, so that a long answer keeps a thread no longer than its next word takes.
"""

import contextvars
import threading
from collections.abc import Callable, Iterator
from itertools import repeat
from typing import Any

from podium.runtime.prediction.model import Model, Query
from podium.runtime.prediction.scoring import Ask

END = b"data: [DONE]\n\n"  # the last event, as MLflow's agent server and its clients have it


class Events:
    """The events of one answer. Iterated without end: the part after the last event is empty."""

    def __init__(self, model: Model, read: Callable[[], Query], write: Callable[[Any], bytes]) -> None:
        self._model = model
        self._read = read
        self._write = write
        self._chunks: Iterator[Any] | None = None
        self._ended = False
        self._lock = threading.Lock()  # a client may leave while a thread predicts
        # One for all events, whichever thread makes them: MLflow sets and resets variables around the whole answer
        self._context = contextvars.copy_context()

    def __iter__(self) -> Iterator[Ask]:
        return repeat(Ask(work=self._next, planned=False))

    def _next(self) -> bytes:
        with self._lock:
            return self._context.run(self._event)

    def _event(self) -> bytes:
        if self._ended:
            return b""
        if self._chunks is None:
            query = self._read()
            self._chunks = self._model.predict_stream(query)
        try:
            return b"data: " + self._write(next(self._chunks)) + b"\n\n"
        except StopIteration:
            self._ended = True
            return END

    def close(self) -> None:
        """Let the model clean up where its client left early. Waits for the event that is being made."""
        with self._lock:
            self._ended = True
            if self._chunks is not None and hasattr(self._chunks, "close"):
                self._context.run(self._chunks.close)
