"""What requests get that were predicted together: each the answer that it would have got alone."""

import math
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from mlflow.types import ColSpec, DataType, Schema

from podium.runtime.faults import NotANumber, RequestFault
from podium.runtime.prediction.model import Model
from podium.runtime.prediction.scoring import Ask, Scorer
from podium.runtime.protocols.invocations import write

NUMBERS = Schema([ColSpec(DataType.double)])


def scorer(outputs: Schema | None = NUMBERS) -> Scorer:
    inputs = Schema([ColSpec(DataType.double, "x")])
    return Scorer(cast("Model", SimpleNamespace(outputs=outputs, inputs=inputs, plan=None, row_wise=True)))


def asks(rows: int) -> list[Ask]:
    return [Ask(rows=[[float(number)]], write=write) for number in range(rows)]


def test_an_answer_that_the_signature_forbids_fails_its_own_request_alone() -> None:
    good, bad = scorer().answer_shares(asks(2), np.array([1.0, np.nan]))
    assert good == b'{"predictions":[1.0]}'
    assert isinstance(bad, NotANumber)


@pytest.mark.parametrize("neighbour", ["text", None])
def test_nan_is_found_beside_what_is_no_number(neighbour: Any) -> None:
    _, bad = scorer().answer_shares(asks(2), np.array([neighbour, float("nan")], dtype=object))
    assert isinstance(bad, NotANumber)


@pytest.mark.parametrize("raw", [np.array([1.0, np.nan]), np.array([1.0, None], dtype=object)])
def test_predictions_are_counted_where_they_are_answered_joined_or_alone(raw: Any) -> None:
    """Two versions are compared by these counts, and one of them may be joined more often than the other."""
    promised = scorer()
    list(promised.answer_shares(asks(2), raw))
    assert promised.predictions.scores()[0] == [(0.984375, 0), (1.0, 1), (math.inf, 1)]
    free = scorer(None)
    list(free.answer_shares(asks(2), raw))
    assert free.predictions.scores()[0] == [(0.984375, 0), (1.0, 1), (2.0**40, 1), (math.inf, 2)]


def test_a_request_that_wants_what_the_model_does_not_have_is_told_so_alone() -> None:
    def refuse(_: Any) -> bytes:
        raise RequestFault("this model has no output 'y'")

    first, second = asks(2)
    first.write = refuse
    refused, answered = scorer().answer_shares([first, second], np.array([1.0, 2.0]))
    assert isinstance(refused, RequestFault)
    assert answered == b'{"predictions":[2.0]}'
