"""The tensors of an inference request: read, and checked against their own datatype and shape.

Every loop over a tensor is linear in its data, whatever its shape says.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from podium.runtime.faults import RequestFault
from podium.runtime.prediction.signature import kind
from podium.runtime.protocols.raw import unfolded

DATATYPES = {
    "BOOL": "bool",
    **{f"{prefix}INT{bits}": f"{prefix.lower()}int{bits}" for prefix in ("", "U") for bits in (8, 16, 32, 64)},
    **{f"FP{bits}": f"float{bits}" for bits in (16, 32, 64)},
    "BYTES": "str",
}
_DIMENSIONS = 32  # what NumPy could hold until version 2
_LARGEST = 2**40  # values of a tensor; no body holds as many
_NULL = type(None)
_CELLS: dict[str, set[type]] = {  # by NumPy's kind of the datatype
    "b": {bool, _NULL},
    "i": {int, _NULL},
    "u": {int, _NULL},
    "f": {int, float, _NULL},
    "U": {str, _NULL},
}
DTYPES = {name: np.dtype(dtype) for name, dtype in DATATYPES.items()}  # looked up once, and not for every tensor
_RIGHT = {name: _CELLS[dtype.kind] for name, dtype in DTYPES.items()}


@dataclass(slots=True)
class Tensor:
    """One tensor, its data in one flat list."""

    name: str
    datatype: str
    shape: list[int]
    data: list[Any]

    def nested(self) -> list[Any]:
        """Return the data folded into the shape."""
        data = self.data
        for size in reversed(self.shape[1:]):
            data = [data[start : start + size] for start in range(0, len(data), size)] if size else []
        return data

    def array(self) -> np.ndarray[Any, Any]:
        """Return the data as an array of the datatype.

        Raises RequestFault: null stands where the datatype has no word for it.
        """
        dtype = DATATYPES[self.datatype]
        try:
            found = _texts(self.data) if dtype == "str" else np.array(self.data, dtype=dtype)
        except (TypeError, ValueError, OverflowError) as error:
            raise RequestFault(f"inputs {self.name[:80]!r}: data: expected {self.datatype}, found null") from error
        shaped: np.ndarray[Any, Any] = found.reshape(self.shape)
        return shaped


def _texts(cells: list[Any]) -> np.ndarray[Any, Any]:
    """Return texts as an array: as objects where NumPy's own kind of text would lose the zeros at an end."""
    ends = any(cell is not None and cell.endswith("\0") for cell in cells)
    return np.array(cells, dtype=object) if ends else np.array(cells)


def read_tensor(tensor: Any, number: int, raw: memoryview | None = None) -> Tensor:
    """Return a tensor of the body; `raw` are its data where they are bytes behind the JSON.

    Raises RequestFault: it is none, or its data are not what it says.
    """
    if not isinstance(tensor, dict) or not isinstance(tensor.get("name"), str):
        raise RequestFault(f"inputs[{number}]: expected an object with name, shape, datatype and data")
    name, datatype, shape = tensor["name"], tensor.get("datatype"), tensor.get("shape")
    try:
        if raw is not None:
            return raw_tensor(name, datatype, shape, raw)
        return tensor_of(name, datatype, shape, tensor.get("data"))
    except RequestFault as fault:
        raise placed(fault, number, name) from fault


def placed(fault: RequestFault, number: int, name: str) -> RequestFault:
    """Return what is wrong with a tensor, with where it is."""
    return RequestFault(f"inputs[{number}] {name[:80]!r}: {fault.message}")


def tensor_of(name: str, datatype: Any, shape: Any, data: Any) -> Tensor:
    """Return a tensor of these data. Raises RequestFault: they are not what it says."""
    _check_kind(datatype, shape)
    flat = _flat(data)
    if math.prod(shape) != len(flat):
        raise RequestFault(f"the shape {shape} needs {math.prod(shape)} values, found {len(flat)}")
    return Tensor(name, datatype, shape, _held(datatype, flat))


def raw_tensor(name: str, datatype: Any, shape: Any, raw: memoryview) -> Tensor:
    """Return a tensor of raw data. Raises RequestFault: they are not what it says."""
    _check_kind(datatype, shape)
    return Tensor(name, datatype, shape, unfolded(raw, DTYPES[datatype], shape))


def _check_kind(datatype: Any, shape: Any) -> None:
    if not isinstance(datatype, str) or datatype not in DATATYPES:
        raise RequestFault(f"datatype: expected one of {', '.join(DATATYPES)}")
    if not isinstance(shape, list) or not shape:
        raise RequestFault("shape: expected a list of whole numbers")
    for size in shape:
        if type(size) is not int or size < 0:
            raise RequestFault("shape: expected a list of whole numbers")
    if len(shape) > _DIMENSIONS:
        raise RequestFault(f"shape: expected at most {_DIMENSIONS} dimensions, found {len(shape)}")
    if math.prod(filter(None, shape)) > _LARGEST:  # beside a size of 0, too: no array has such a size
        raise RequestFault(f"shape: expected at most {_LARGEST} values, found {shape}")


def _flat(data: Any) -> list[Any]:
    """Return data in one list: nested data is allowed, and says the same."""
    if not isinstance(data, list):
        raise RequestFault(f"data: expected a list, found {kind(data)}")
    while data and isinstance(data[0], list):
        if not all(isinstance(part, list) for part in data):
            raise RequestFault("data: nested to different depths")
        data = [cell for part in data for cell in part]
    flat: list[Any] = data
    return flat


def _held(datatype: str, data: list[Any]) -> list[Any]:
    """Return what the datatype holds of the data: FP32 has no 0.1 but what is next to it, and FP64 no whole numbers.

    Raises RequestFault: INT8 does not hold 300, nor INT64 1.5, nor FP64 a text.
    """
    right, found = _RIGHT[datatype], set(map(type, data))
    dtype = DTYPES[datatype]
    if not found <= right:
        wrong = next(cell for cell in data if type(cell) not in right)
        a_part = " with a fraction" if type(wrong) is float and dtype.kind in "iu" else ""
        raise RequestFault(f"data: expected {datatype}, found {kind(wrong)}{a_part}")
    if dtype.kind in "bU" or (datatype == "FP64" and int not in found):
        return data
    numbers = [cell for cell in data if cell is not None] if _NULL in found else data
    if dtype.kind == "f":
        held = iter(_rounded(numbers, datatype))
        return [None if cell is None else next(held) for cell in data]
    bounds = np.iinfo(dtype)
    if numbers and not (int(bounds.min) <= min(numbers) and max(numbers) <= int(bounds.max)):
        raise _beyond(datatype, bounds)
    return data


def _rounded(numbers: list[Any], datatype: str) -> list[float]:
    """Return numbers as a datatype of floats has them. Raises RequestFault: one is beyond it."""
    dtype = DTYPES[datatype]
    bounds = np.finfo(dtype)
    try:
        array = np.array(numbers, dtype=np.float64)
    except OverflowError as error:  # a whole number beyond every float
        raise _beyond(datatype, bounds) from error
    if (np.isfinite(array) & (np.abs(array) > float(bounds.max))).any():
        raise _beyond(datatype, bounds)
    rounded: list[float] = array.astype(dtype).tolist()
    return rounded


def _beyond(datatype: str, bounds: Any) -> RequestFault:
    low, high = float(bounds.min), float(bounds.max)
    return RequestFault(f"data: expected {datatype} ({low:g} to {high:g}), found a number beyond it")
