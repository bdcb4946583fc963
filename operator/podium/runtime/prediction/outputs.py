"""Raw predictions as JSON, equal in value to what MLflow's server writes, and checked against the signature."""

import json
import logging
from enum import Enum
from typing import Any
from uuid import UUID

import numpy as np
import orjson
import pandas as pd
from mlflow.types import DataType, Schema
from mlflow.utils.proto_json_utils import NumpyEncoder, _get_jsonable_obj

from podium.runtime.faults import ModelFault, NotANumber, WrongShape

log = logging.getLogger(__name__)

_NUMERIC = frozenset({DataType.double, DataType.float, DataType.integer, DataType.long})
_OPTIONS = orjson.OPT_NON_STR_KEYS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS
_KEYS = frozenset({str, int, float, bool, type(None)})  # what JSON has for names, or its writer makes of them
_PANDAS_ARRAYS = (pd.api.extensions.ExtensionArray, pd.Index)  # a Categorical is one, too


class OutputCheck:
    """What a signature promises of the answers, read once."""

    def __init__(self, outputs: Schema | None) -> None:
        self._inner: tuple[int, ...] | None = None  # the dimensions after the first; -1 is any
        self._numeric_columns: list[str] = []
        self._all_numeric = False
        if outputs is None or not outputs.inputs:
            return
        specs = outputs.inputs
        self._all_numeric = all(_is_number(spec) for spec in specs)
        if outputs.has_input_names() and not outputs.is_tensor_spec():
            self._numeric_columns = [spec.name for spec in specs if _is_number(spec)]
        if len(specs) == 1 and outputs.is_tensor_spec():
            self._inner = tuple(specs[0].shape[1:])

    def __call__(self, raw: Any) -> None:
        """Hold an answer to the signature.

        Raises NotANumber: NaN or infinity where the signature says a number that is always there.
        Raises WrongShape: another shape than the signature's.
        """
        if isinstance(raw, np.ndarray):
            self._check_shape(raw)
            if not self._all_numeric or raw.dtype.kind in "iub":
                return
            finite = np.isfinite(raw).all() if raw.dtype.kind == "f" else _finite(raw)
        elif isinstance(raw, pd.DataFrame) and self._numeric_columns:
            finite = _finite(raw[[name for name in self._numeric_columns if name in raw.columns]])
        else:
            finite = not self._all_numeric or _finite(raw)
        if not finite:
            raise NotANumber("the model answered NaN or infinity where its signature says a number")

    def _check_shape(self, raw: np.ndarray[Any, Any]) -> None:
        expected = self._inner
        if expected is None:
            return
        found = raw.shape[1:]
        if len(found) != len(expected) or any(
            each not in {-1, there} for each, there in zip(expected, found, strict=True)
        ):
            raise WrongShape(f"the model's answer has the shape {raw.shape}; its signature says {(-1, *expected)}")


def _is_number(spec: Any) -> bool:
    if hasattr(spec, "shape"):
        return np.dtype(spec.type).kind in "fiu"
    return isinstance(spec.type, DataType) and spec.type in _NUMERIC and spec.required


def _finite(raw: Any) -> bool:
    if isinstance(raw, dict):
        return all(_finite(value) for value in raw.values())
    try:
        return bool(np.isfinite(np.asarray(raw, dtype=np.float64)).all())
    except (TypeError, ValueError):  # no numbers at all: another kind of fault, and not this function's
        return True


class _Encoder(NumpyEncoder):  # type: ignore[misc]  # MLflow is untyped here
    """MLflow's, and what its server answers with 500 although it is a list of plain values like any other."""

    def default(self, o: Any) -> Any:
        if is_missing(o):
            return None
        if isinstance(o, np.longdouble):  # its `tolist` and `item` are long doubles again
            return float(o)
        if isinstance(o, (Enum, UUID)):  # which orjson knows, beside what it does not
            return o.value if isinstance(o, Enum) else str(o)
        return o.tolist() if isinstance(o, _PANDAS_ARRAYS) else super().default(o)


_default = _Encoder().default


def plain(raw: Any) -> Any:
    """Return an answer as lists, dicts and scalars, as MLflow's server does."""
    if isinstance(raw, (np.ndarray, *_PANDAS_ARRAYS)):
        return raw.tolist()
    return _get_jsonable_obj(named_by_text(raw), "records")


def named_by_text(raw: Any) -> Any:
    """Return a table or a dict whose columns JSON can name; MLflow cannot write one of several levels, say."""
    if isinstance(raw, pd.DataFrame) and not _KEYS.issuperset(map(type, raw.columns)):
        return raw.set_axis([name_text(name) for name in raw.columns], axis="columns")
    if isinstance(raw, dict) and not _KEYS.issuperset(map(type, raw)):
        return {name_text(name): values for name, values in raw.items()}
    return raw


def name_text(name: Any) -> str:
    """Return the name of a column as JSON has it, and as text where JSON has none."""
    return dumps(name).decode() if name is None or isinstance(name, bool) else str(name)


def is_missing(cell: Any) -> bool:
    """Return whether a value is null, in any of the forms that Python and pandas have for it."""
    if isinstance(cell, (float, np.floating)):
        return bool(np.isnan(cell))
    return cell is None or cell is pd.NA or cell is pd.NaT or (isinstance(cell, np.datetime64) and np.isnat(cell))


def text(cell: Any) -> str:
    """Write one value that is no plain number as JSON does, and without the quotes where that is a text.

    Raises ModelFault: JSON cannot say it.
    """
    if isinstance(cell, str):
        return cell
    written = dumps(cell)
    return str(orjson.loads(written)) if written.startswith(b'"') else written.decode()


def dumps(value: Any) -> bytes:
    """Write plain values as JSON. NaN, which JSON cannot say, becomes null where no signature forbids it.

    Raises ModelFault: the answer holds something that JSON cannot say at all.
    """
    try:
        try:
            return orjson.dumps(value, default=_default, option=_OPTIONS)
        except TypeError:  # orjson knows no integers above 64 bits, and nests less deep
            with_nan = json.dumps(value, cls=_Encoder)
            return json.dumps(json.loads(with_nan, parse_constant=lambda _: None), separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError) as error:
        log.exception("the model's answer cannot be written")
        raise ModelFault(f"the model's answer cannot be written as JSON ({type(error).__name__})") from error
