"""MLflow's own protocol, `POST /invocations`.

https://mlflow.org/docs/latest/ml/deployment/deploy-model-locally/#inference-server-specification
"""

from collections.abc import Callable
from typing import Any

import orjson
from mlflow.pyfunc.utils.serving_data_parser import is_unified_llm_input

from podium.runtime.faults import RequestFault
from podium.runtime.prediction.events import Events
from podium.runtime.prediction.model import Model, Query
from podium.runtime.prediction.outputs import dumps, plain
from podium.runtime.prediction.plan import Rows
from podium.runtime.prediction.scoring import Ask, Read, Scorer
from podium.runtime.protocols.bodies import CSV, JSON, PARQUET, media_type, parse_json, parse_json_exactly
from podium.runtime.protocols.csv_tables import read_csv
from podium.runtime.protocols.heads import Heads
from podium.runtime.protocols.parquet import read_parquet
from podium.runtime.protocols.payloads import planned, read_payload, refuse_extra_columns

_WORD = 8  # bytes of the numbers that Python has, too


def reader() -> Read:
    """Return how the bodies that are sent to one model are read; it remembers what they have in common."""
    heads = Heads()

    def remembering(body: bytes, content_type: str, scorer: Scorer) -> Ask:
        return _read(body, content_type, scorer, heads.rows)

    return remembering


def read(body: bytes, content_type: str, scorer: Scorer) -> Ask:
    """Turn a body into an Ask.

    Raises RequestFault: the body is not of its media type, has no known form, or does not fit the signature.
    """
    return _read(body, content_type, scorer, lambda body, model: planned(parse_json(body), model))


def _read(body: bytes, content_type: str, scorer: Scorer, plan: Callable[[bytes, Model], Rows | None]) -> Ask:
    kind = media_type(content_type, (JSON, CSV, PARQUET))
    if kind == JSON:
        rows = plan(body, scorer.model)
        if rows is not None:
            return Ask(rows=rows, write=write)
        return Ask(work=lambda: _by_mlflow(body, scorer), planned=False)
    return Ask(work=lambda: scorer.answer_query(_table(body, kind, scorer), write), planned=False)


def _by_mlflow(body: bytes, scorer: Scorer) -> bytes:
    query = read_payload(parse_json_exactly(body), scorer.model)
    return scorer.answer_query(query, write_unwrapped if query.unwrapped else write)


def asks_for_events(body: bytes) -> bool:
    """Return whether a chat-like body says `"stream": true`. Others are not parsed."""
    if b'"stream"' not in body:
        return False
    try:
        parsed = parse_json(body)
    except RequestFault:
        return False
    return isinstance(parsed, dict) and parsed.get("stream") is True and is_unified_llm_input(parsed)


def read_events(body: bytes, content_type: str, scorer: Scorer) -> Ask:
    """Read a request that is answered by events, as MLflow's agent server does."""
    media_type(content_type, (JSON,))

    def query() -> Query:
        parsed = parse_json_exactly(body)
        parsed.pop("stream", None)
        return read_payload(parsed, scorer.model)

    return Ask(parts=Events(scorer.model, query, write_unwrapped), planned=False)


def _table(body: bytes, kind: str, scorer: Scorer) -> Query:
    if kind == CSV:
        return Query(read_csv(body, scorer.model))
    try:
        frame = read_parquet(body)
    except ImportError as error:
        raise RequestFault(f"{kind} cannot be read here: {error.name} is not installed in the server") from error
    except RequestFault:
        raise
    except Exception as error:  # pyarrow fails in many ways on a file whose parts disagree
        raise RequestFault(f"the body cannot be read as {kind} ({type(error).__name__})") from error
    refuse_extra_columns(frame, scorer.model)
    return Query(frame)


def write(raw: Any) -> bytes:
    """Write the answer as MLflow does."""
    if type(raw).__name__ == "ndarray" and raw.dtype.kind in "iubf" and raw.dtype.itemsize <= _WORD:
        return orjson.dumps({"predictions": raw.tolist()})
    return dumps({"predictions": plain(raw)})


def write_unwrapped(raw: Any) -> bytes:
    """The answer's body, without the key `predictions`."""
    return dumps(plain(raw))
