"""Which answers have rows, and whose each row is.

Only an array, a Series or a DataFrame says how many rows it has. A list need not be one answer a row: scikit-learn's
`predict_proba` of several outputs is a list of one array an output, each of them with all rows.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd

_SIZED = (np.ndarray, pd.Series, pd.DataFrame)


def unmasked(raw: Any) -> Any:
    """Return an answer with null for what a mask covers: few functions of NumPy, and none elsewhere, look at it."""
    if not isinstance(raw, np.ma.MaskedArray) or raw.dtype.names is not None:
        return raw
    if not np.ma.is_masked(raw):
        return raw.data
    if raw.dtype.kind == "f":
        return raw.filled(np.nan)
    cells = raw.data.astype(object)
    cells[raw.mask] = None
    return cells


def row_count(raw: Any) -> int | None:
    """Return how many rows an answer has, or None where its type does not say."""
    return len(raw) if isinstance(raw, _SIZED) and raw.ndim else None


def shares(raw: Any, lengths: Iterable[int]) -> Iterator[Any]:
    """Cut an answer that has rows into consecutive parts of these lengths."""
    rows = raw if isinstance(raw, np.ndarray) else raw.iloc
    start = 0
    for length in lengths:
        yield rows[start : start + length]
        start += length


def by_row(raw: Any, count: int, *, by_output: bool = False) -> Any:
    """Return an answer to `count` rows as a list or table of one answer a row, where its form allows it.

    A tuple is a list, columns by name become one object a row, and, with `by_output`, tables by output one list a row;
    all else is returned as it is. A list of tables is read by output for those flavours alone that are known to answer
    so: for any other model it may as well be one table a row.
    """
    if isinstance(raw, tuple) and len(raw) == count:  # in JSON it is a list
        return list(raw)
    if isinstance(raw, dict) and raw and all(_length(column) == count for column in raw.values()):
        return [dict(zip(raw, cells, strict=True)) for cells in zip(*raw.values(), strict=True)]
    if by_output and is_by_output(raw) and all(len(output) == count for output in raw):
        return [list(cells) for cells in zip(*raw, strict=True)]
    return raw


def is_by_output(raw: Any) -> bool:
    """Return whether an answer is a list of one table an output."""
    return (
        isinstance(raw, list) and len(raw) > 1 and all(isinstance(each, np.ndarray) and each.ndim > 1 for each in raw)
    )


def _length(column: Any) -> int | None:
    return len(column) if isinstance(column, list) else row_count(column)
