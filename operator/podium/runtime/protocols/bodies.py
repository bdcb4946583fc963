"""Bodies by their media type, before they mean anything."""

import json
from typing import Any

import orjson

from podium.runtime.faults import RequestFault, WrongMediaType

JSON, CSV, PARQUET = "application/json", "text/csv", "application/vnd.apache.parquet"


def media_type(content_type: str, known: tuple[str, ...]) -> str:
    """Return the media type without parameters; a body without one is taken for JSON.

    Raises WrongMediaType: this server does not read such bodies, or not in that charset.
    """
    if content_type == JSON:  # nearly always
        return JSON
    kind, *parameters = [part.strip() for part in content_type.lower().split(";")]
    for parameter in parameters:
        if parameter not in {"", "charset=utf-8", 'charset="utf-8"'}:
            raise WrongMediaType(f"content-type: expected no parameter but charset=utf-8, found {parameter[:80]!r}")
    if kind not in {*known, ""}:
        raise WrongMediaType(f"content-type: expected {' or '.join(known)}, found {kind[:80]!r}")
    return kind or JSON


def parse_json(body: bytes) -> Any:
    """Parse JSON. Python's NaN and Infinity are taken, as MLflow takes them, where orjson's parser says no."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        problem = f"the body is not valid JSON: {error.msg}: line {error.lineno} column {error.colno}"
    if b"NaN" in body or b"Infinity" in body:
        try:
            return json.loads(body)
        except (ValueError, RecursionError) as error:
            raise RequestFault(problem) from error
    raise RequestFault(problem)


def parse_json_exactly(body: bytes) -> Any:
    """Parse JSON with whole numbers of any size, as MLflow does: orjson makes floats of those above 64 bits."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise RequestFault(f"the body is not valid JSON ({type(error).__name__})") from error
