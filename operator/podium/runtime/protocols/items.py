"""The app-style pair: `POST /api/v1/predict` for one item, `POST /api/v1/batch` for many, in order.

An item is an object of column names and values, or a list of numbers where the signature has no names.
A batch is `{"items": [...]}`, and `params` beside them where the model takes some. With `accept: application/x-ndjson`
it is answered line by line as it is predicted, so that a client can read the first answers of a long batch while the
last ones are still waiting. An answer of another number of predictions is passed on whole, as `/invocations` does.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from podium.runtime.faults import RequestFault
from podium.runtime.prediction.outputs import dumps, named_by_text, plain
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
            found = _predictions(raw, 1, scorer)
            prediction = found[0] if _are_by_item(found, 1) else found
            return dumps({"prediction": prediction, "model": model, "version": version})

        media_type(content_type, (JSON,))
        return _ask(Batch([parse_json(body)]), scorer, write)

    return read


def many(model: str, version: str) -> Read:
    """Return how a batch is read that is answered whole."""

    def read(body: bytes, content_type: str, scorer: Scorer) -> Ask:
        batch = Batch.of(body, content_type)

        def write(raw: Any) -> bytes:
            found = _predictions(raw, len(batch.items), scorer)
            return dumps({"predictions": found, "model": model, "version": version})

        return _ask(batch, scorer, write)

    return read


def many_streamed(body: bytes, content_type: str, scorer: Scorer) -> Ask:
    """Read a batch that is answered in lines."""
    batch = Batch.of(body, content_type)
    return Ask(
        parts=[_ask(part, scorer, _lines(start, len(part.items), scorer)) for start, part in batch.parts(PART_ROWS)]
    )


def _lines(start: int, count: int, scorer: Scorer) -> Callable[[Any], bytes]:
    def write(raw: Any) -> bytes:
        found = _predictions(raw, count, scorer)
        if not _are_by_item(found, count):
            return dumps({"index": start, "items": count, "predictions": found}) + b"\n"
        return b"".join(
            dumps({"index": index, "prediction": prediction}) + b"\n" for index, prediction in enumerate(found, start)
        )

    return write


@dataclass(frozen=True, slots=True)
class Batch:
    """Items, and MLflow's params for all of them."""

    items: list[Any]
    params: Any = None

    @classmethod
    def of(cls, body: bytes, content_type: str) -> "Batch":
        """Read a body. Raises RequestFault: it is no batch, or an empty one."""
        media_type(content_type, (JSON,))
        parsed = parse_json(body)
        items = parsed.get("items") if isinstance(parsed, dict) else None
        if not isinstance(items, list) or not items:
            found = kind(items) if isinstance(parsed, dict) else kind(parsed)
            raise RequestFault(f'expected {{"items": [...]}} with at least one item, found {found}')
        return cls(items, parsed.get("params"))

    def parts(self, size: int) -> Iterator[tuple[int, "Batch"]]:
        """Yield smaller batches, each with the number of items before it."""
        for start in range(0, len(self.items), size):
            yield start, replace(self, items=self.items[start : start + size])


def _ask(batch: Batch, scorer: Scorer, write: Callable[[Any], bytes]) -> Ask:
    items = batch.items
    for number, item in enumerate(items):
        if not isinstance(item, (dict, list)):
            raise RequestFault(f"item {number}: expected an object of columns, or a list, found {kind(item)}")
    form = "dataframe_records" if isinstance(items[0], dict) else "inputs"
    numbers = scorer.model.numbered_columns
    if numbers and all(isinstance(item, dict) for item in items):
        items = [{numbers.get(name, name): cell for name, cell in item.items()} for item in items]
    payload = {form: items}
    return ask_payload(payload if batch.params is None else {**payload, "params": batch.params}, scorer, write)


def _predictions(raw: Any, count: int, scorer: Scorer) -> Any:
    """Return one prediction an item where the model's answer has so many, and otherwise its answer as it is."""
    predictions = plain(by_row(named_by_text(raw), count, by_output=scorer.model.by_output))
    return [predictions] if count == 1 and not isinstance(predictions, list) else predictions


def _are_by_item(predictions: Any, count: int) -> bool:
    return isinstance(predictions, list) and len(predictions) == count
