"""The app-style pair: `POST /api/v1/predict` for one item, `POST /api/v1/batch` for many, in order.

An item is an object of column names and values, or a list of numbers where the signature has no names.
A batch is `{"items": [...]}`; with `accept: application/x-ndjson` it is answered line by line as it is predicted, so
that a client can read the first answers of a long batch while the last ones are still waiting.
"""

from collections.abc import Callable
from typing import Any

from podium.runtime.faults import RequestFault, WrongShape
from podium.runtime.prediction.outputs import dumps, plain
from podium.runtime.prediction.rows import by_row
from podium.runtime.prediction.scoring import Ask, Read, Scorer
from podium.runtime.prediction.signature import kind
from podium.runtime.protocols.bodies import JSON, media_type, parse_json
from podium.runtime.protocols.payloads import ask_payload

PART_ROWS = 1000  # items of a streamed batch that are predicted together


def one(model: str, version: str) -> Read:
    """Return how one item is read."""

    def read(body: bytes, content_type: str, scorer: Scorer) -> Ask:
        def write(raw: Any) -> bytes:
            return dumps({"prediction": _listed(raw, 1, scorer)[0], "model": model, "version": version})

        media_type(content_type, (JSON,))
        return _ask([parse_json(body)], scorer, write)

    return read


def many(model: str, version: str) -> Read:
    """Return how a batch is read that is answered whole."""

    def read(body: bytes, content_type: str, scorer: Scorer) -> Ask:
        items = _items(body, content_type)

        def write(raw: Any) -> bytes:
            return dumps({"predictions": _listed(raw, len(items), scorer), "model": model, "version": version})

        return _ask(items, scorer, write)

    return read


def many_streamed(body: bytes, content_type: str, scorer: Scorer) -> Ask:
    """Read a batch that is answered in lines."""
    items = _items(body, content_type)
    starts = range(0, len(items), PART_ROWS)
    return Ask(
        parts=[
            _ask(part := items[start : start + PART_ROWS], scorer, _lines(start, len(part), scorer)) for start in starts
        ]
    )


def _lines(start: int, count: int, scorer: Scorer) -> Callable[[Any], bytes]:
    def write(raw: Any) -> bytes:
        return b"".join(
            dumps({"index": index, "prediction": prediction}) + b"\n"
            for index, prediction in enumerate(_listed(raw, count, scorer), start)
        )

    return write


def _items(body: bytes, content_type: str) -> list[Any]:
    media_type(content_type, (JSON,))
    parsed = parse_json(body)
    items = parsed.get("items") if isinstance(parsed, dict) else None
    if not isinstance(items, list) or not items:
        found = kind(items) if isinstance(parsed, dict) else kind(parsed)
        raise RequestFault(f'wanted {{"items": [...]}} with at least one item, found {found}')
    return items


def _ask(items: list[Any], scorer: Scorer, write: Callable[[Any], bytes]) -> Ask:
    for number, item in enumerate(items):
        if not isinstance(item, (dict, list)):
            raise RequestFault(f"item {number}: wanted an object of columns, or a list, found {kind(item)}")
    form = "dataframe_records" if isinstance(items[0], dict) else "inputs"
    numbers = scorer.model.numbered_columns
    if numbers and all(isinstance(item, dict) for item in items):
        items = [{numbers.get(name, name): cell for name, cell in item.items()} for item in items]
    return ask_payload({form: items}, scorer, write)


def _listed(raw: Any, count: int, scorer: Scorer) -> list[Any]:
    predictions = plain(by_row(raw, count, by_output=scorer.model.by_output))
    if not isinstance(predictions, list):
        predictions = [predictions]
    if len(predictions) != count:
        raise WrongShape(f"the model was asked for {count} rows and answered {len(predictions)}")
    return predictions
