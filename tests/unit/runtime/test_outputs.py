"""Answers are held to the signature, and written as values that any JSON parser takes."""

from typing import Any

import numpy as np
import orjson
import pandas as pd
import pytest
from mlflow.types import ColSpec, Schema, TensorSpec

from podium.runtime.faults import ModelFault, NotANumber
from podium.runtime.prediction.outputs import OutputCheck, dumps, plain

VECTOR = Schema([TensorSpec(np.dtype("float64"), (-1,))])
NUMBER = Schema([ColSpec("double")])
NAN = float("nan")


@pytest.mark.parametrize("raw", [np.array([1.0, NAN]), np.array([np.inf]), [1.0, NAN], pd.Series([NAN])])
@pytest.mark.parametrize("outputs", [VECTOR, NUMBER])
def test_nan_where_the_signature_says_a_number_is_a_fault_of_its_own(raw: Any, outputs: Schema) -> None:
    with pytest.raises(NotANumber):
        OutputCheck(outputs)(raw)


@pytest.mark.parametrize(
    "outputs",
    [None, Schema([ColSpec("string")]), Schema([ColSpec("double", "p", required=False)])],
    ids=["no signature", "texts", "optional"],
)
def test_nan_is_no_fault_where_nobody_promised_a_number(outputs: Schema | None) -> None:
    OutputCheck(outputs)(np.array([NAN]))
    assert dumps(plain(np.array([1.5, NAN]))) == b"[1.5,null]"


def test_only_the_columns_that_are_numbers_must_be_numbers() -> None:
    check = OutputCheck(Schema([ColSpec("double", "score"), ColSpec("string", "why")]))
    check(pd.DataFrame({"score": [0.5], "why": [None]}))
    with pytest.raises(NotANumber):
        check(pd.DataFrame({"score": [NAN], "why": ["x"]}))


@pytest.mark.parametrize("raw", [np.zeros((2, 2)), np.zeros((1, 3, 1))])
def test_another_shape_than_the_signatures_is_the_models_fault(raw: Any) -> None:
    with pytest.raises(ModelFault, match="shape"):
        OutputCheck(Schema([TensorSpec(np.dtype("float64"), (-1, 3))]))(raw)


@pytest.mark.parametrize(
    "raw",
    [
        np.array([0.1, 0.2], dtype=np.float32),
        np.array([1, 2]),
        np.array(["a", "é"]),
        np.array([True]),
        pd.DataFrame({"a": [1], "t": [pd.Timestamp("2026-11-21")]}),
        [{"a": np.float64(1.5), 3: [np.int8(1)]}],
        [2**70],
        b"bytes",
    ],
    ids=str,
)
def test_values_are_those_that_mlflow_writes(raw: Any) -> None:
    from io import StringIO  # noqa: PLC0415

    from mlflow.pyfunc.scoring_server import predictions_to_json  # noqa: PLC0415

    theirs = StringIO()
    predictions_to_json(raw, theirs)
    assert orjson.loads(dumps({"predictions": plain(raw)})) == orjson.loads(theirs.getvalue())


def test_what_json_cannot_say_is_the_models_fault() -> None:
    with pytest.raises(ModelFault, match="cannot be written as JSON"):
        dumps(object())
