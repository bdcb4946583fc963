"""One line of JSON a prediction, for lineage: who answered what, when, how fast, and how it ended.

Inputs and outputs are written only when asked, for a sample of the requests: they are people's data.
"""

import random
import sys
import time
from typing import TextIO

import orjson

from podium.runtime.exchange import Request
from podium.runtime.identity import Identity

LIMIT = 64 * 1024  # bytes of a body that are written


class PredictionLog:
    """Writes to a stream. `sample` is the share of requests whose bodies are written, from 0 to 1."""

    def __init__(self, identity: Identity, sample: float, stream: TextIO = sys.stdout) -> None:
        self._who = {"model": identity.model, "version": identity.version, "run_id": identity.run_id}
        self._sample = sample
        self._stream = stream

    def write(self, request: Request, outcome: str, seconds: float, answer: bytes | None) -> None:
        """Write one line of JSON about a request and how it ended; `seconds` is how long it took."""
        line: dict[str, object] = {
            "time": round(time.time(), 6),
            "id": request.id.decode("latin-1"),
            **self._who,
            "path": request.path,
            "seconds": round(seconds, 6),
            "outcome": outcome,
        }
        if self._sample > 0 and random.random() < self._sample:  # noqa: S311  which rows are looked at is no secret
            line["input"] = request.body[:LIMIT].decode(errors="replace")
            line["output"] = (answer or b"")[:LIMIT].decode(errors="replace")
        self._stream.write(orjson.dumps(line).decode() + "\n")
