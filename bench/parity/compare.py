"""Equal in value, or different for a reason that is written down."""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bench.parity.inputs import Asked
from bench.parity.servers import Answer

OK, SERVER_FAULTS = 200, 500


@dataclass(frozen=True)
class Difference:
    """What differs; `explained` is why it is meant to, or None."""

    model: str
    form: str
    mlflow: Answer
    podium: Answer
    explained: str | None


def different(model: str, asked: Asked, theirs: Answer, ours: Answer) -> Difference | None:
    """Return how two answers to one request differ, or None where they are the same."""
    (wanted, expected), (status, found) = theirs, ours
    if wanted == OK and status == OK:
        if _same_by_door(asked.door, expected, found):
            return None
        return Difference(model, asked.form, theirs, ours, None)
    if OK not in {wanted, status} and _same_blame(wanted, status):
        return None
    return Difference(model, asked.form, theirs, ours, _explained(asked, theirs, ours))


def _same_blame(wanted: int, status: int) -> bool:
    """A refusal is one: MLflow says 400 to a body, and Podium may know better (413, 415)."""
    return wanted // 100 == status // 100


def _explained(asked: Asked, theirs: Answer, ours: Answer) -> str | None:
    for reason in _reasons(asked, theirs, ours):
        return reason
    return None


def _reasons(asked: Asked, theirs: Answer, ours: Answer) -> Iterator[str]:
    wanted, status, message = theirs[0], ours[0], str(ours[1])
    if wanted == OK and status >= SERVER_FAULTS and "NaN or infinity" in message:
        yield "the signature promises a number, and the model answered NaN: MLflow passes it on"
    if wanted == SERVER_FAULTS and 400 <= status < SERVER_FAULTS:
        yield "the request does not fit: MLflow answers 500, Podium 4xx"
    if wanted == 400 and status >= SERVER_FAULTS and "the model raised" in message:
        yield "the model raised: MLflow answers 400 (its BAD_REQUEST), Podium 500"
    if wanted == OK and 400 <= status < SERVER_FAULTS and "where the signature requires a value" in message:
        yield "null where the signature requires a value, and the model answered NaN: MLflow passes it on"
    if asked.door.endswith("/batch") and wanted == OK and "rows and answered" in message:
        yield "/api/v1/batch promises one answer an item, and this model gives another number"


def _same_by_door(door: str, expected: Any, found: Any) -> bool:
    if door == "/invocations":
        return same(expected, found)
    wanted = expected["predictions"] if isinstance(expected, dict) and "predictions" in expected else expected
    if door.endswith("/batch"):
        return same(wanted, found["predictions"]) or same(
            _by_row(wanted, len(found["predictions"])), found["predictions"]
        )
    return _same_tensors(wanted, found["outputs"])


def _by_row(predictions: Any, rows: int) -> Any:
    """Return columns by name, or tables by output, as one answer a row."""
    if isinstance(predictions, dict) and all(isinstance(each, list) for each in predictions.values()):
        return [{name: column[row] for name, column in predictions.items()} for row in range(rows)]
    if isinstance(predictions, list) and all(isinstance(each, list) and len(each) == rows for each in predictions):
        return [[output[row] for output in predictions] for row in range(rows)]
    return [predictions]


def _same_tensors(wanted: Any, outputs: list[dict[str, Any]]) -> bool:
    """The protocol has named tensors where MLflow has a list of rows, an object of columns, or a bare value."""
    if isinstance(wanted, list) and wanted and all(isinstance(row, dict) for row in wanted):
        columns = {name: [row[name] for row in wanted if name in row] for name in wanted[0]}
        if len(columns) == len(outputs) == 1 and _same_cells(next(iter(columns.values())), outputs[0]["data"]):
            return True  # a Series, of which MLflow makes a table of one column
        if len(outputs) == len(columns) and {each["name"] for each in outputs} == columns.keys():
            return all(_same_cells(columns[each["name"]], each["data"]) for each in outputs)
    if isinstance(wanted, dict) and {each["name"] for each in outputs} == wanted.keys():
        return all(_same_cells(wanted[each["name"]], each["data"]) for each in outputs)
    if len(outputs) > 1 and isinstance(wanted, list) and len(wanted) == len(outputs):
        return all(_same_cells(cells, each["data"]) for cells, each in zip(wanted, outputs, strict=True))
    return len(outputs) == 1 and _same_cells(wanted, outputs[0]["data"])


def _same_cells(wanted: Any, data: list[Any]) -> bool:
    """A tensor's data lie flat; what is no plain number is text, or JSON as text."""
    wanted = wanted if isinstance(wanted, list) else [wanted]
    if same(wanted, data) or same(_flat(wanted), data):
        return True
    return same(wanted, [_parsed(cell) for cell in data]) or same(_flat(wanted), [_parsed(cell) for cell in data])


def _flat(value: Any) -> list[Any]:
    return [cell for part in value for cell in _flat(part)] if isinstance(value, list) else [value]


def _parsed(cell: Any) -> Any:
    """Return what a cell's text says: a number, or an object."""
    try:
        return json.loads(cell) if isinstance(cell, str) else cell
    except ValueError:
        return cell


def same(wanted: Any, found: Any) -> bool:
    """Equal in value. NaN is null with us; the last bits of a sum depend on how the array lies in memory."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        return wanted.keys() == found.keys() and all(same(wanted[key], found[key]) for key in wanted)
    if isinstance(wanted, list) and isinstance(found, list):
        return len(wanted) == len(found) and all(map(same, wanted, found))
    if isinstance(wanted, float) and not math.isfinite(wanted):
        return found is None or found == str(wanted) or (isinstance(found, float) and not math.isfinite(found))
    if type(wanted) in {int, float} and type(found) in {int, float}:
        return math.isclose(wanted, found, rel_tol=1e-9, abs_tol=1e-12)
    if isinstance(wanted, str) and wanted.endswith("\n"):  # MLflow ends base64 with a line break
        return found in {wanted, wanted.strip()}
    return bool(wanted == found)
