"""Joined requests are written one by one: what fails for one client is not told to another."""

from types import SimpleNamespace
from typing import Any

import numpy as np

from podium.runtime.faults import Unforeseen
from podium.runtime.prediction.scoring import Ask, Scorer

MODEL: Any = SimpleNamespace(row_wise=True, plan=object(), inputs=None, outputs=None, predict_rows=np.array)


def unwritable(raw: Any) -> bytes:
    raise KeyError(raw)


def test_an_answer_that_cannot_be_written_concerns_one_client() -> None:
    scorer = Scorer(MODEL)
    asks = [Ask(rows=[[1.0]], write=bytes), Ask(rows=[[2.0]], write=unwritable), Ask(rows=[[3.0]], write=bytes)]
    first, second, third = scorer.answer_shares(asks, scorer.predict_joined(asks))
    assert (first, third) == (np.array([[1.0]]).tobytes(), np.array([[3.0]]).tobytes())
    assert isinstance(second, Unforeseen)
