"""The values of one output as a tensor: of the first datatype of the protocol that loses nothing of them.

Numbers are numbers only where one datatype holds all of them: a boolean beside a number, a whole number beyond 64 bits,
or one beyond 2^53 beside a fraction or a null, makes all elements BYTES. NumPy itself would round or convert them.
"""

from datetime import date
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd

from podium.runtime.prediction.model import length
from podium.runtime.prediction.outputs import is_missing, text
from podium.runtime.protocols.tensors import DATATYPES

OF_NUMPY = {name: datatype for datatype, name in DATATYPES.items()}
_EXACT = 2**53  # up to this, a double holds every whole number
_DEEPEST = 32  # lists in lists; a list may hold itself
# Types of cells that NumPy puts into one array without a loss
_FLOATS: set[type] = {float, np.float16, np.float32, np.float64}
_TRUTHS: set[type] = {bool, np.bool_}
_WHOLE: set[type] = {int, *(np.dtype(f"{sign}int{bits}").type for sign in ("", "u") for bits in (8, 16, 32, 64))}

Array = np.ndarray[Any, Any]


def tensor(name: str, values: Any) -> dict[str, Any]:
    """Return a column, an array, a list or a scalar as a tensor, its data in one flat list."""
    array = values if type(values) is np.ndarray else _array(values)
    datatype = OF_NUMPY.get(array.dtype.name)
    if datatype is None:  # NumPy has no such word as BYTES
        array = _numbers(array)
        datatype = OF_NUMPY.get(array.dtype.name, "BYTES")
    flat = array.ravel()
    data = _texts(flat) if datatype == "BYTES" else flat.tolist()
    return {"name": name, "datatype": datatype, "shape": list(array.shape), "data": data}


def _texts(flat: Array) -> list[str | None]:
    """Texts and objects, for which the protocol has only BYTES."""
    cells = flat.tolist()
    if flat.dtype.kind == "M" and not all(cell is None or isinstance(cell, date) for cell in cells):
        cells = pd.Series(flat).tolist()  # finer than Python's dates, of which NumPy makes whole numbers
    return [None if is_missing(cell) else text(cell) for cell in cells]


def _array(values: Any) -> Array:
    if isinstance(values, (pd.Series, pd.Index, pd.api.extensions.ExtensionArray)):
        gaps = isinstance(values.dtype, pd.api.extensions.ExtensionDtype) and values.isna().any()
        return np.asarray(values, dtype=object) if gaps else values.to_numpy()
    if length(values) is None and not isinstance(values, np.ndarray):
        return _of_cells([values])
    return _of_cells(values) if isinstance(values, list) else np.asarray(values)


def _of_cells(cells: list[Any]) -> Array:
    kinds = _kinds(cells)
    try:
        if any(kinds <= alike for alike in (_FLOATS, _TRUTHS, _WHOLE)):
            array = np.asarray(cells)
            if array.dtype.kind in "iu" or not kinds & _WHOLE:
                return array
        array = np.asarray(cells, dtype=object)
    except ValueError:  # lists of several lengths
        return _by_row(cells)
    ragged = array.ndim > 1 and any(isinstance(cell, (list, tuple)) for cell in array.ravel())
    return _by_row(cells) if ragged else array


def _kinds(cells: list[Any]) -> set[type]:
    """Return the types of the cells, in lists and arrays of any depth."""
    kinds = set(map(type, cells))
    for _ in range(_DEEPEST):
        if kinds != {list}:
            break
        cells = list(chain.from_iterable(cells))
        kinds = set(map(type, cells))
    return {each.dtype.type for each in cells} if kinds == {np.ndarray} else kinds


def _by_row(cells: list[Any]) -> Array:
    array = np.empty(len(cells), dtype=object)
    for place, cell in enumerate(cells):
        array[place] = cell
    return array


def _numbers(array: Array) -> Array:
    """Return objects that are numbers in a datatype of the protocol, a missing one as NaN; all else as it is."""
    if array.dtype == np.longdouble:
        return array.astype(np.float64)
    if array.dtype != object:
        return array
    cells = array.ravel().tolist()
    if str in set(map(type, cells)):
        return array
    present = [cell for cell in cells if not is_missing(cell)]
    dtype = _dtype(present, gaps=len(present) < len(cells))
    if dtype is None:
        return array
    found: Array = np.array([np.nan if is_missing(cell) else cell for cell in cells], dtype=dtype)
    return found.reshape(array.shape)


def _dtype(present: list[Any], *, gaps: bool) -> type | None:
    """Return a type that holds all of these, and NaN in the gaps, without a loss; None where there is none."""
    kinds = set(map(type, present))
    if kinds & _TRUTHS:
        return None if gaps or not kinds <= _TRUTHS else np.bool_
    if not kinds or not all(issubclass(kind, (int, float, np.integer, np.floating)) for kind in kinds):
        return None
    whole = [int(cell) for cell in present if isinstance(cell, (int, np.integer))]
    if gaps or len(whole) < len(present):
        return None if any(abs(cell) > _EXACT for cell in whole) else np.float64
    low, high = min(whole), max(whole)
    return next(
        (each for each in (np.int64, np.uint64) if np.iinfo(each).min <= low and high <= np.iinfo(each).max), None
    )
