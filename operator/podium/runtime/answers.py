"""Raw predictions as JSON, equal in value to what MLflow's server writes, and checked against the signature."""

import json
import logging
from typing import Any

import numpy as np
import pandas as pd
from mlflow.types import DataType, Schema
from mlflow.utils.proto_json_utils import NumpyEncoder, _get_jsonable_obj

from podium.runtime.faults import ModelFault, NotANumber

log = logging.getLogger(__name__)

_NUMERIC = frozenset({DataType.double, DataType.float, DataType.integer, DataType.long})


def check_numbers(raw: Any, outputs: Schema | None) -> None:
    """Hold numbers to the signature.

    Raises NotANumber: NaN or infinity where the signature says a number that is always there.
    """
    if outputs is None:
        return
    if isinstance(raw, pd.DataFrame) and outputs.has_input_names():
        numeric = [spec.name for spec in outputs.inputs if _is_number(spec)]
        raw = raw[[name for name in numeric if name in raw.columns]]
    elif not all(_is_number(spec) for spec in outputs.inputs):
        return
    if not _finite(raw):
        raise NotANumber("the model answered NaN or infinity where its signature says a number")


def _is_number(spec: Any) -> bool:
    if hasattr(spec, "shape"):
        return np.dtype(spec.type).kind in "fiu"
    return spec.type in _NUMERIC and spec.required


def _finite(raw: Any) -> bool:
    if isinstance(raw, dict):
        return all(_finite(value) for value in raw.values())
    try:
        return bool(np.isfinite(np.asarray(raw, dtype=np.float64)).all())
    except (TypeError, ValueError):  # no numbers at all: another kind of fault, and not this function's
        return True


def jsonable(raw: Any) -> bytes:
    """Write a model's answer as JSON. NaN, which JSON cannot say, becomes null where no signature forbids it.

    Raises ModelFault: the answer holds something that JSON cannot say at all.
    """
    plain = _get_jsonable_obj(raw, pandas_orient="records")
    try:
        try:
            return json.dumps(plain, cls=NumpyEncoder, allow_nan=False, separators=(",", ":")).encode()
        except ValueError:
            with_nan = json.dumps(plain, cls=NumpyEncoder)
            return json.dumps(json.loads(with_nan, parse_constant=lambda _: None), separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError) as error:
        log.exception("the model's answer cannot be written")
        raise ModelFault(f"the model's answer cannot be written as JSON ({type(error).__name__})") from error
