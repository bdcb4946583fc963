"""Whether requests may be joined into one prediction: only where no client's answer can depend on another's rows.

What is known of a model (`flavours`, `steps`) allows it; the model's own input example must agree: predicted together,
in both directions, and each row alone. A model that fails this is asked by one request at a time, as MLflow does.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from podium.runtime.faults import Fault
from podium.runtime.prediction.outputs import dumps, plain
from podium.runtime.prediction.plan import Row, Rows
from podium.runtime.prediction.rows import row_count

Predict = Callable[[Rows], Any]

_ROWS = 8  # of the example; more would prove no more


def objection(predict: Predict, example: Rows) -> str | None:
    """Return why requests for this model must not be joined, or None where its example agrees.

    A row alone says nothing of its neighbours: an example of one row gets a second one, of other numbers.
    """
    if len(example) > 1:
        return _compared(predict, example[:_ROWS])
    try:
        return _compared(predict, [*example, _varied(example[0])])
    except Fault:  # the model cannot answer what was made up, and that is no fault
        return _compared(predict, [*example, *example])


def _compared(predict: Predict, rows: Rows) -> str | None:
    forth, back = predict(rows), predict(rows[::-1])
    if row_count(forth) != len(rows) or row_count(back) != len(rows):
        return f"{len(rows)} rows are answered by {type(forth).__name__}, which does not have one answer a row"
    slack = _slack(forth)
    for place, row in enumerate(rows):
        alone = predict([row])
        if row_count(alone) != 1:
            return f"one row is answered by {type(alone).__name__}, which does not have one answer a row"
        others = _at(forth, place), _at(back, len(rows) - 1 - place)
        if not all(_same(alone, among, slack) for among in others):
            return f"row {place} of the input example is answered differently alone and among others"
    return None


def _at(raw: Any, place: int) -> Any:
    return (raw if isinstance(raw, np.ndarray) else raw.iloc)[place : place + 1]


def _same(alone: Any, among: Any, slack: float) -> bool:
    one, other = _array(alone), _array(among)
    if one.shape != other.shape or types_of(alone) != types_of(among):
        return False
    if one.dtype.kind == "f":
        return bool(np.allclose(one, other, rtol=_close(one), atol=slack, equal_nan=True))
    return dumps(plain(alone)) == dumps(plain(among))  # cells may be arrays, which have no one truth


def types_of(raw: Any) -> Any:
    """Return of which types an answer's values are. An answer of one type says 1 where one of another says 1.0."""
    if isinstance(raw, pd.DataFrame):
        return [*raw.columns], [*map(_type, raw.dtypes)]
    return _type(raw.dtype)


def _type(dtype: Any) -> Any:
    """Texts of any length are of one type."""
    return dtype.kind if getattr(dtype, "kind", "") in {"U", "S"} else dtype


def _slack(raw: Any) -> float:
    """Return how far apart equal answers may be: as much as the last digits of the largest one.

    The last bits of a sum depend on how many rows a matrix has, and where it ends near zero, none of them are left.
    """
    array = _array(raw)
    if array.dtype.kind != "f" or not np.isfinite(array).any():
        return 0.0
    return _close(array) * float(np.abs(array[np.isfinite(array)]).max())


def _close(array: np.ndarray[Any, Any]) -> float:
    return math.sqrt(float(np.finfo(array.dtype).eps))


def _array(raw: Any) -> np.ndarray[Any, Any]:
    return np.asarray(raw.to_numpy() if isinstance(raw, (pd.Series, pd.DataFrame)) else raw)


def _varied(row: Row) -> Row:
    return [_other(cell) for cell in row]


def _other(cell: Any) -> Any:
    if isinstance(cell, bool):
        return not cell
    return cell * 2 + 1 if isinstance(cell, (int, float)) else cell
